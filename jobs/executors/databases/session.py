"""What the sessions of all engines have in common: their terms, their clock, their way to the server."""

import socket
import ssl
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from jobs import masking
from jobs.executors import guard
from jobs.executors.base import Context, ExecutionError
from jobs.executors.databases import own
from jobs.executors.databases.statements import Lexicon
from jobs.executors.databases.urls import Place

# What one row, or the rows that arrive together, may hold before the work is given up.
ROW_LIMIT_MB = 32
CONNECT_SECONDS = 30
# How long a work that waits does not look whether it should stop, and how long it waits for goodbyes.
STEP_SECONDS = 0.1
TRY_SECONDS = 3
FAREWELL_SECONDS = 2


@dataclass(frozen=True)
class Terms:
    """How a session is to behave.

    `timeout` is what a statement may take in seconds; where rows are streamed, until its first row.
    The address of a database that the administrator has named is `trusted`, and not checked.
    """

    read_only: bool = True
    timeout: float = 30
    connect_timeout: float = CONNECT_SECONDS
    isolation: str = ""
    streaming: bool = False
    trusted: bool = False


@dataclass
class Answer:
    """What a statement gave: rows under their columns, or the number of rows that it changed.

    `columns` is empty where there are no rows to come. `affected` is known once the rows are read.
    """

    columns: list[str]
    rows: Iterator[Sequence[Any]]
    affected: int | None = None


class Session(Protocol):
    """A connection with one transaction, to one engine."""

    lexicon: Lexicon

    def run(self, statement: str, values: list[Any]) -> Answer:
        """Run one statement with the driver's marks in it."""

    def commit(self) -> None:
        """Make what was changed stay."""

    def wake(self) -> None:
        """Interrupt what blocks, from another thread."""

    def close(self) -> None:
        """Take back what was not committed, stop what still runs on the server, and go."""

    def failure(self, error: BaseException) -> ExecutionError | None:
        """The driver's error as one of our own; None where it is none of the driver's."""


@dataclass
class Clock:
    """The time that one statement has, within the time that the run has."""

    context: Context
    terms: Terms
    _until: float | None = None

    def start(self) -> None:
        self._until = time.monotonic() + self.terms.timeout

    def first_row(self) -> None:
        """The answer has begun: rows that are streamed may take as long as the run."""
        if self.terms.streaming:
            self._until = None

    def stop(self) -> None:
        self._until = None

    @property
    def left(self) -> float:
        """Seconds until the statement or the run must end, never below zero."""
        if self._until is None:
            return self.context.remaining
        return max(0.0, min(self.context.remaining, self._until - time.monotonic()))

    @property
    def server_limit(self) -> float:
        """What the server itself is told: seconds, a bit more than we wait, in case that we are gone."""
        if self.terms.streaming:
            return max(1.0, self.context.remaining)
        return max(0.05, min(self.terms.timeout, self.context.remaining + FAREWELL_SECONDS))

    def check(self) -> None:
        """Raises Cancelled, DeadlineExceeded, or ExecutionError with TIMEOUT."""
        self.context.check()
        if self._until is not None and time.monotonic() > self._until:
            raise too_slow(self.terms)


def too_slow(terms: Terms) -> ExecutionError:
    return ExecutionError("TIMEOUT", f"The statement took longer than {terms.timeout:,.3g} s.")


def too_large() -> ExecutionError:
    return ExecutionError(
        "RESULT_TOO_LARGE", f"A row of the result holds more than {ROW_LIMIT_MB} MB: select less of it."
    )


def failure(error_class: str, error: object) -> ExecutionError:
    return ExecutionError(error_class, masking.text(beginning(error))[:2_000])


def beginning(error: object) -> str:
    """What servers say may be megabytes, made to keep busy whoever searches it."""
    return str(error)[:4_000].strip()


def reach(place: Place, terms: Terms, context: Context) -> socket.socket:
    """A connection to the server, its address checked unless it is trusted.

    Raises ExecutionError with FORBIDDEN_ADDRESS, DNS_ERROR or CONNECTION_ERROR.
    """
    sockets = guard.Sockets()
    timeout = max(0.01, min(terms.connect_timeout, context.remaining))
    try:
        with context.closing(sockets.shut_down):
            sock = guard.connect(
                place.host, place.port, timeout,
                sockets=sockets, own_database=True, trusted=terms.trusted,
            )  # fmt: skip
            _refuse_own(place, sock)
            return sock
    except (OSError, ValueError, OverflowError) as error:
        # A socket closed under our hands is the deadline or a cancellation, not the network.
        context.check()
        raise _unreached(place, error) from error
    finally:
        sockets.close()


def _refuse_own(place: Place, sock: socket.socket) -> None:
    # The name may have led elsewhere when it was looked up before.
    try:
        own.refuse(replace(place, host=sock.getpeername()[0]))
    except (ExecutionError, OSError):
        sock.close()
        raise


def _unreached(place: Place, error: Exception) -> ExecutionError:
    where = f"{place.host}:{place.port}"
    if isinstance(error, socket.gaierror | UnicodeError):
        return ExecutionError("DNS_ERROR", f"The host {place.host} is not known.")
    if isinstance(error, TimeoutError):
        return ExecutionError("CONNECTION_ERROR", f"{where} does not answer.")
    return ExecutionError("CONNECTION_ERROR", f"{where} cannot be reached: {error}.")


def counted(rows: Iterable[Sequence[Any]], answer: Answer, clock: Clock) -> Iterator[Sequence[Any]]:
    """The rows, with a look at the clock for each; at their end the answer knows how many there were."""
    count = 0
    for row in rows:
        clock.first_row()
        clock.check()
        yield row
        count += 1
    answer.affected = count


def watched(
    steps: Generator[Any, Any, Any], clock: Clock, look: Callable[[], None] | None = None
) -> Generator[Any, Any, Any]:
    """The steps of a driver, with a look at the clock before each time that it waits."""
    try:
        wanted = next(steps)
        while True:
            (look or clock.check)()
            ready = yield wanted
            wanted = steps.send(ready)
    except StopIteration as stop:
        return stop.value


def certificates() -> str:
    """The file with the authorities that this machine trusts."""
    return ssl.get_default_verify_paths().cafile or DEFAULT_CA_BUNDLE_PATH
