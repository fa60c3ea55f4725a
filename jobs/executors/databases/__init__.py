"""Sessions with other people's databases: connected, bound, limited and, where asked, read only."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from jobs.executors.base import Context, ExecutionError
from jobs.executors.databases import own, statements, urls
from jobs.executors.databases.session import Answer, Session, Terms

__all__ = ["Answer", "Database", "Terms", "open_database"]

# Engines whose drivers are not among the product's packages, and the package that brings each.
_MODULES = {
    "postgresql": ("postgresql", ""),
    "mysql": ("mysql", ""),
    "sqlite": ("sqlite", ""),
    "mssql": ("sqlserver", "python-tds"),
    "oracle": ("oracle", "oracledb"),
}


class Database:
    """An open session: statements go in with `?`, `:name` or placeholders, rows come out."""

    def __init__(self, session: Session, context: Context) -> None:
        self._session = session
        self._context = context
        self._placed: dict[str, str] = {}

    def run(self, query: str, parameters: Mapping[str, Any] | None = None) -> Answer:
        """What one statement gives; its rows are to be read before the next one is run."""
        lexicon = self._session.lexicon
        with _refused():
            text = statements.without_end(self._marked(query), lexicon)
            named = statements.names(text, lexicon)
            placed = {name: value for name, value in self._placed.items() if name in named}
            text, values = statements.translate(text, lexicon, {**(parameters or {}), **placed})
        with self._told():
            answer = self._session.run(text, values)
        answer.rows = self._watched(answer.rows)
        return answer

    def _marked(self, query: str) -> str:
        """The query with names for its placeholders, whose values are kept."""
        text, values = statements.bind_placeholders(query, self._session.lexicon, self._context.value)
        self._placed |= values
        return text

    def rows(
        self, query: str, parameters: Mapping[str, Any] | None = None
    ) -> tuple[list[str], Iterator[Sequence[Any]]]:
        """The columns and the rows of a query.

        Raises ExecutionError where it has none.
        """
        answer = self.run(query, parameters)
        if not answer.columns:
            raise ExecutionError("DATABASE_ERROR", "The statement gives no rows.")
        return answer.columns, answer.rows

    def several(self, query: str, parameters: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
        """The statements between a query's semicolons, each with its own parameters."""
        lexicon = self._session.lexicon
        with _refused():
            texts = statements.split(self._marked(query), lexicon)
            shared = statements.share(texts, lexicon, {**parameters, **self._placed})
        ours = self._placed.keys()
        return [
            (text, {name: value for name, value in given.items() if name not in ours})
            for text, given in zip(texts, shared, strict=True)
        ]

    def commit(self) -> None:
        """Make what was changed stay; without it everything is taken back."""
        with self._told():
            self._session.commit()

    def _watched(self, rows: Iterator[Sequence[Any]]) -> Iterator[Sequence[Any]]:
        with self._told():
            yield from rows

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell the driver's errors in our own words; one after the run was to stop is none of its own."""
        try:
            yield
        except Exception as error:
            failure = self._session.failure(error)
            if failure is None:
                raise
            self._context.check()
            raise failure from error


@contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except statements.Mismatch as error:
        raise ExecutionError("PARAMETER_ERROR", str(error)) from error


@contextmanager
def open_database(url: str | urls.Place, context: Context, terms: Terms | None = None) -> Iterator[Database]:
    """A session with the database at a URL, for the time of the block.

    Nothing stays of what it changes unless `commit()` is called. Rows come as the server makes them:
    whoever stops reading costs nobody the rest. Raises ExecutionError: INVALID_URL, FORBIDDEN_ADDRESS,
    DNS_ERROR, CONNECTION_ERROR, TLS_ERROR, AUTHENTICATION_ERROR, DRIVER_MISSING, or what statements fail
    with.
    """
    try:
        place = urls.read(url) if isinstance(url, str) else url
    except urls.Unreadable as error:
        raise ExecutionError("INVALID_URL", str(error)) from error
    own.refuse(place)
    session = _session(place, terms or Terms(), context)
    try:
        with context.closing(session.wake):
            yield Database(session, context)
    finally:
        session.close()


def _session(place: urls.Place, terms: Terms, context: Context) -> Session:
    name, package = _MODULES[place.engine]
    try:
        made: type[Session] = import_module(f"jobs.executors.databases.{name}").Session
    except ModuleNotFoundError as error:
        raise ExecutionError(
            "DRIVER_MISSING", f"This needs the package {package}: ask the administrator to install it."
        ) from error
    return made(place, terms, context)  # type: ignore[call-arg]
