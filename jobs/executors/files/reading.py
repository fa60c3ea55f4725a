"""READ, WRITE and LIST: what a file says, what it is to say, and which files there are."""

import csv
import io
import mimetypes
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from jobs.executors.base import Artefact, ExecutionError, Result, artefact_limit
from jobs.executors.documents.tables import harmless
from jobs.executors.files import roots
from jobs.executors.files.choosing import Found, choose
from jobs.executors.files.transfer import back_up, make_room
from jobs.executors.files.work import Plan, Step, Work, fitting, pump
from jobs.executors.wording import counted

# Of a file's content, what stands in the run's result; the whole file is there to be downloaded.
SHOWN = 64 * 1024


def read(work: Work) -> Result:
    """The file's text, and the file itself where it is not too large to keep."""
    content = bytearray()
    with roots.open_file(work.path) as file:
        size = os.fstat(file.fileno()).st_size
        if not work.options["dryRun"]:
            pump(file, content.extend, work.context, SHOWN if size > artefact_limit() else max(SHOWN, size))
    name, summary = roots.shown(os.path.basename(work.path)), f"{size:,} bytes"
    data: dict[str, Any] = {"path": roots.shown(work.path), "bytes": size}
    if work.options["dryRun"]:
        return Result(f"Dry run: would read {summary}", {**data, "dry_run": True})
    if size > artefact_limit():
        work.context.log(
            "WARN", f"The file is larger than what a run keeps: only its first {SHOWN:,} bytes are kept."
        )
        return Result(f"Read {SHOWN:,} of {summary}", {**data, **_text(bytes(content[:SHOWN]), True, work)})
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    shown = _text(bytes(content[:SHOWN]), len(content) > SHOWN, work)
    return Result(f"Read {summary}", {**data, **shown}, artefacts=[Artefact(name, bytes(content), kind)])


def _text(content: bytes, cut: bool, work: Work) -> dict[str, Any]:
    """The content where it is text; the last character may be cut in two."""
    encoding = work.options["encoding"] or "utf-8"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if not cut or error.start < len(content) - 4:
            return {"binary": True}
        text = content[: error.start].decode(encoding, "replace")
    return {"content": text, **({"cut": True} if cut else {})}


def listed(work: Work) -> Result:
    """The files that match, as many of them as a result may name."""
    chosen = choose(work)
    told = list(fitting(_told(each) for each in chosen.files))
    more = {"not_listed": len(chosen.files) - len(told)} if len(told) < len(chosen.files) else {}
    data = {"count": len(chosen.files), "bytes": chosen.bytes, "files": told, **more}
    rows = [("list", each.path, "", each.size) for each in chosen.files]
    artefacts = [report(rows)] if work.options["generateReport"] else []
    return Result(f"{counted(len(chosen.files), 'file')}, {chosen.bytes:,} bytes", data, artefacts=artefacts)


def _told(each: Found) -> dict[str, Any]:
    changed_at = datetime.fromtimestamp(each.changed_at, UTC).isoformat(timespec="seconds")
    return {"path": roots.shown(each.path), "bytes": each.size, "changed": changed_at}


def report(rows: Iterable[tuple[str, str, str, int]]) -> Artefact:
    """What was done to which file, as a CSV; cut where it grows larger than what a run keeps."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["action", "path", "target", "bytes"])
    for action, path, target, size in rows:
        if text.tell() > artefact_limit() // 4:
            writer.writerow(["and more", "", "", ""])
            break
        writer.writerow([action, *(harmless(roots.shown(each)) for each in (path, target)), size])
    return Artefact("files.csv", text.getvalue().encode(), "text/csv")


def plan_writing(work: Work) -> Plan:
    """The one file that the content goes to."""
    if work.path.endswith("/"):
        raise ExecutionError("VALIDATION_ERROR", "Say which file to write: this is a folder's path.")
    room = make_room(work, work.path)
    size = len(_encoded(work))
    return Plan([Step("write", work.path, size, work.path, backup=room.backup, replaces=room.replaces)])


def perform_writing(work: Work, steps: Sequence[Step]) -> Iterator[tuple[Step, str]]:
    for step in steps:
        back_up(work, step)
        roots.write(step.path, _encoded(work), overwrite=step.replaces, create_folders=work.create_folders)
        yield step, ""


def _encoded(work: Work) -> bytes:
    try:
        return work.content.encode(work.options["encoding"] or "utf-8")
    except UnicodeEncodeError as error:
        raise ExecutionError(
            "VALIDATION_ERROR", f"The content holds characters that {error.encoding} has none for."
        ) from error
