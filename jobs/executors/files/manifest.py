"""Manifests of checksums, as `sha256sum` writes and reads them."""

import os
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from jobs.executors.base import ExecutionError
from jobs.executors.files import roots
from jobs.executors.files.choosing import MOST, choose
from jobs.executors.files.tables import LONGEST, Wrong, naming
from jobs.executors.files.transfer import GONE, back_up, digest, make_room
from jobs.executors.files.work import Plan, Step, Work
from jobs.executors.wording import counted

ALGORITHMS = ("sha256", "sha512", "sha1", "md5")
_DIFFERS = "not as the manifest says"


def plan(work: Work) -> Plan:
    """Every file that the manifest is to name, or that the one that is there names."""
    return _plan_check(work) if work.options["manifest"] else _plan_writing(work)


def perform(work: Work, steps: Sequence[Step]) -> Iterator[tuple[Step, str]]:
    return _check(work, steps) if work.options["manifest"] else _write(work, steps)


def _plan_writing(work: Work) -> Plan:
    if not work.target or work.target.endswith("/"):
        raise ExecutionError(
            "VALIDATION_ERROR", "Say as target where the checksums go, or as manifest what to check against."
        )
    chosen = choose(work)
    room = make_room(work, work.target)
    files = [each for each in chosen.files if each.path != work.target]
    return Plan(
        [
            Step("sum", each.path, each.size, work.target, each.stamp, room.backup, replaces=room.replaces)
            for each in files
        ]
    )


def _write(work: Work, steps: Sequence[Step]) -> Iterator[tuple[Step, str]]:
    if not steps:
        return
    back_up(work, steps[0])
    folder = _folder(work)
    with roots.replacing(
        work.target, overwrite=steps[0].replaces, create_folders=work.create_folders
    ) as manifest:
        for step in steps:
            if roots.look(step.path) is None:
                yield step, GONE
                continue
            with roots.open_file(step.path) as file:
                found = digest(file, work.context, work.options["checksumAlgorithm"] or "sha256")
            manifest.write(_line(found, os.fsencode(os.path.relpath(step.path, folder))))
            yield step, ""


def _folder(work: Work) -> str:
    """What the names in the manifest are relative to."""
    return work.path if roots.is_folder(work.path) else os.path.dirname(work.path)


def _line(found: str, name: bytes) -> bytes:
    # A name with a line end is written as sha256sum does: escaped, with a backslash before the line.
    escaped = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    return (b"\\" if escaped != name else b"") + found.encode() + b"  " + escaped + b"\n"


def _plan_check(work: Work) -> Plan:
    listed = _listed(work)
    unlisted = [
        each.path for each in choose(work).files if each.path not in listed and each.path != _manifest(work)
    ]
    if unlisted:
        what = f"{counted(len(unlisted), 'file')} not in the manifest, such as {roots.shown(unlisted[0])}"
        work.context.log("WARN", what)
    return Plan([_verification(work, path) for path in listed], {"not in the manifest": len(unlisted)})


def _manifest(work: Work) -> str:
    path: str = work.options["manifest"]
    return path


def _verification(work: Work, path: str) -> Step:
    found = roots.look(path)
    return Step("verify", path, found.st_size if found else 0, _manifest(work))


def _check(work: Work, steps: Sequence[Step]) -> Iterator[tuple[Step, str]]:
    listed = _listed(work)
    wrong: list[str] = []
    for step in steps:
        reason = _reason(step, listed[step.path], work)
        if reason:
            wrong.append(roots.shown(step.path))
        yield step, reason
    if wrong:
        what = f"{counted(len(wrong), 'file')} of {len(steps):,} not as the manifest says"
        raise ExecutionError("CHECKSUM_ERROR", f"{what}: {', '.join(wrong[:10])}")


def _reason(step: Step, expected: str, work: Work) -> str:
    if roots.look(step.path) is None:
        return "missing"
    algorithm = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}[len(expected)]
    with roots.open_file(step.path) as file:
        return "" if digest(file, work.context, algorithm) == expected else _DIFFERS


def _listed(work: Work) -> dict[str, str]:
    """The checksum of each path that the manifest names."""
    listed: dict[str, str] = {}
    folder = _folder(work)
    with naming(_manifest(work)), roots.open_file(_manifest(work)) as manifest:
        for number, line in enumerate(_lines(manifest), 1):
            found, name = _read(line, number)
            listed[os.path.join(folder, name)] = found
            if len(listed) > MOST:
                raise Wrong(f"names more than {MOST:,} files")
    return listed


def _lines(manifest: BinaryIO) -> Iterator[bytes]:
    while line := manifest.readline(LONGEST):
        if line.strip():
            yield line.rstrip(b"\r\n")


def _read(line: bytes, number: int) -> tuple[str, str]:
    escaped = line.startswith(b"\\")
    found, _, name = line.removeprefix(b"\\").partition(b" ")
    name = name.removeprefix(b" ").removeprefix(b"*")
    if len(found) not in (32, 40, 64, 128) or found.strip(b"0123456789abcdefABCDEF") or not name:
        raise Wrong(f"is no list of checksums in line {number}")
    if escaped:
        name = (
            name.replace(b"\\\\", b"\0").replace(b"\\n", b"\n").replace(b"\\r", b"\r").replace(b"\0", b"\\")
        )
    return found.decode().lower(), os.fsdecode(name.removeprefix(b"./"))
