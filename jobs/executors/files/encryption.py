"""PROCESS with encryption and decryption: the job's key, and files made with it."""

import hashlib
from collections.abc import Iterator
from typing import BinaryIO

from jobs.executors.base import ExecutionError
from jobs.executors.files import roots
from jobs.executors.files.sealing import Damaged, Key, WrongKey
from jobs.executors.files.work import Make, Work


def _key(work: Work) -> Key:
    """The job's key.

    Raises ExecutionError with KEY_ERROR where there is none.
    """
    options = work.options
    if not options["key"]:
        name = options["keyVariable"] or "name"
        raise ExecutionError(
            "KEY_ERROR",
            "There is no key. Jobs read no variables of the worker's environment: keep the key as a secret"
            f" and write {{{{ secret:{name} }}}} as the key.",
        )
    try:
        return Key(options["key"])
    except ValueError as error:
        raise ExecutionError("KEY_ERROR", str(error)) from error


def sealing(work: Work) -> Make:
    key = _key(work)

    def seal(source: BinaryIO, sink: BinaryIO, work: Work, name: str) -> None:
        read = _Summed(source)
        for piece in key.seal(read):  # type: ignore[arg-type]
            work.context.check()
            sink.write(piece)
        if work.options["verifyEncryption"]:
            sink.seek(0)
            again = hashlib.sha256()
            for piece in _opened(key, sink, work, name):
                again.update(piece)
            if again.digest() != read.sum.digest():
                raise ExecutionError("ENCRYPTION_ERROR", f"{roots.shown(name)} cannot be read back.")

    return seal


class _Summed:
    """A file of which a checksum is kept as it is read."""

    def __init__(self, source: BinaryIO) -> None:
        self._source, self.sum = source, hashlib.sha256()

    def read(self, size: int) -> bytes:
        chunk = self._source.read(size)
        self.sum.update(chunk)
        return chunk


def opening(work: Work) -> Make:
    key = _key(work)

    def unseal(source: BinaryIO, sink: BinaryIO, work: Work, name: str) -> None:
        for piece in _opened(key, source, work, name):
            sink.write(piece)

    return unseal


def _opened(key: Key, source: BinaryIO, work: Work, name: str) -> Iterator[bytes]:
    try:
        for piece in key.open(source):
            work.context.check()
            yield piece
    except WrongKey as error:
        raise ExecutionError("KEY_ERROR", f"{roots.shown(name)} was encrypted with another key.") from error
    except Damaged as error:
        raise ExecutionError("ENCRYPTION_ERROR", f"{roots.shown(name)} {error}.") from error
