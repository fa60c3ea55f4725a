"""Where a report's file goes: a copy on disk, mail to people."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

from jobs.executors.base import Artefact, Context, ExecutionError, Payload, Result
from jobs.executors.documents.tables import Document
from jobs.executors.files import roots
from jobs.executors.mailing import deliveries, mail


def deliver(made: Result, document: Document, payload: Payload, context: Context) -> Result:
    """Keep a copy and mail the file where the job says so; gives the result with what was done.

    Raises ExecutionError with FILE_ERROR or what mail fails with, the file with it.
    """
    (file,) = made.artefacts
    options = payload.options
    done: list[str] = []
    try:
        if place := options.get("output_path"):
            done.append(f"kept at {_keep(file, place, context)}")
        if recipients := options.get("recipients"):
            done.append(f"mailed to {_send(file, recipients, document, context)}")
    except ExecutionError as error:
        _with_file(error, made)
    return replace(made, summary="; ".join([made.summary, *done]))


def _with_file(error: ExecutionError, made: Result) -> NoReturn:
    raise ExecutionError(
        error.error_class,
        error.message,
        result={**made.data, **error.result},
        artefacts=made.artefacts,
        retry_after=error.retry_after,
    ) from error


def _keep(file: Artefact, place: str, context: Context) -> str:
    """Write a copy, all of it or nothing, inside the folders that jobs may use; gives its path."""
    try:
        is_folder = place.endswith("/") or roots.is_folder(place)
        path = f"{place.rstrip('/')}/{file.name}" if is_folder else _as_archive(place, file)
        roots.write(path, file.content, overwrite=True, create_folders=True)
    except roots.Outside as error:
        raise ExecutionError("FILE_ERROR", str(error)) from error
    except OSError as error:
        raise ExecutionError(
            "FILE_ERROR", f"No copy was kept at {place}: {error.strerror or error}"
        ) from error
    context.log("INFO", f"Kept a copy at {path}")
    return path


def _as_archive(path: str, file: Artefact) -> str:
    """The path, which says that it is an archive where it is one."""
    packed = file.name.endswith(".zip") and not path.lower().endswith(".zip")
    return f"{path}.zip" if packed else path


def _send(file: Artefact, recipients: Sequence[str], document: Document, context: Context) -> str:
    sent = deliveries.send(
        mail.Message(
            to=recipients,
            subject=" ".join(document.title.split()),
            text="\n".join(_letter(file, document)),
            attachments=[file],
        ),
        context,
    )
    if sent is None:
        return "nobody, since all have got it"
    count = len(sent.recipients)
    context.log("INFO", f"Mailed to {', '.join(sent.recipients)[:500]}")
    return "1 person" if count == 1 else f"{count:,} people"


def _letter(file: Artefact, document: Document) -> list[str]:
    """The text of the mail: the report's own words, and what is in the file."""
    totals = [f"{word}: {number}" for word, number in document.totals]
    parts = [document.title, *document.facts, document.intro, *totals, *document.notes]
    return [*filter(None, parts), "", f"The report is attached: {file.name}", document.footer]
