"""What a program writes, as it comes, for the log: line by line, bounded and harmless."""

import re
import selectors
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

from jobs import masking
from jobs.executors.base import Context

KEPT_BYTES = 1_000_000
KEPT_LINES = 20_000
LINE_CHARACTERS = 4_000
TAIL_BYTES, TAIL_LINES = 4_000, 100
CHUNK = 64 * 1024
# How long we look for what a program that has ended has left in its pipes.
DRAIN_SECONDS = 0.5
_LOOK_SECONDS = 0.5
# As terminals read them: colours and movements, titles and links, single commands.
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def readable(line: bytes) -> str:
    """One line as text: what a terminal would show, without what would command it."""
    text = _ANSI.sub("", line.decode("utf-8", "replace"))
    # A progress bar writes over its own line: its last state counts.
    shown = text.rstrip("\r").rpartition("\r")[2]
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", shown)


@dataclass
class Output:
    """Both streams of one program: the log keeps KEPT_BYTES and KEPT_LINES of them, and their ends."""

    context: Context
    kept_bytes: int = 0
    kept_lines: int = 0
    cut: bool = False

    def __post_init__(self) -> None:
        self.stdout = Stream("INFO", self._say)
        self.stderr = Stream("WARN", self._say)

    @property
    def last_line(self) -> str:
        """The last line that says something, of the standard output where that has one."""
        return self.stdout.last_line or self.stderr.last_line

    def follow(self, stdout: IO[bytes], stderr: IO[bytes], ended: IO[bytes]) -> bytes:
        """Take what comes until `ended` does, and give what came by that.

        What still holds the streams open after that is not waited for. Raises Cancelled or
        DeadlineExceeded, with all logged that had come.
        """
        report = bytearray()
        try:
            self._follow(stdout, stderr, ended, report)
        finally:
            self._finish()
        return bytes(report)

    def _follow(self, stdout: IO[bytes], stderr: IO[bytes], ended: IO[bytes], report: bytearray) -> None:
        with selectors.DefaultSelector() as waiting:
            streams = ((stdout, self.stdout.take), (stderr, self.stderr.take), (ended, report.extend))
            for pipe, take in streams:
                waiting.register(pipe, selectors.EVENT_READ, take)
            while ended in _pipes(waiting):
                self.context.check()
                _take_ready(waiting, min(_LOOK_SECONDS, self.context.remaining))
            until = time.monotonic() + DRAIN_SECONDS
            while waiting.get_map() and time.monotonic() < until:
                _take_ready(waiting, DRAIN_SECONDS / 10)

    def _say(self, level: str, text: str, size: int) -> bool:
        """Log a line, unless there is no room for it any more."""
        self.kept_bytes += size
        self.kept_lines += 1
        if self.cut:
            return False
        if self.kept_bytes > KEPT_BYTES or self.kept_lines > KEPT_LINES:
            self.cut = True
            most = f"{KEPT_BYTES:,} bytes and {KEPT_LINES:,} lines"
            self.context.log("WARN", f"Output cut here: a run keeps {most} of it, and its end.")
            return False
        self.context.log(level, masking.text(text))
        return True

    def _finish(self) -> None:
        for name, stream in (("output", self.stdout), ("error output", self.stderr)):
            stream.finish()
            if stream.left_out:
                self.context.log("WARN", f"{stream.left_out:,} bytes of {name} left out; they end like this:")
                for line in stream.tail.splitlines()[-TAIL_LINES:]:
                    self.context.log(stream.level, masking.text(line))


@dataclass
class Stream:
    """One stream, taken in pieces of any size."""

    level: str
    say: Callable[[str, str, int], bool]
    lines: int = 0
    left_out: int = 0
    _line: bytearray = field(default_factory=bytearray)
    _dropped: int = 0
    _end: bytes = b""

    def take(self, piece: bytes) -> None:
        self.lines += piece.count(b"\n")
        self._end = (self._end + piece)[-TAIL_BYTES:]
        if self.left_out:
            self.left_out += len(piece)
            return
        *whole, rest = piece.split(b"\n")
        for line in whole:
            self._add(line)
            self._end_line()
        if self.left_out:
            self.left_out += len(rest)
        else:
            self._add(rest)

    def finish(self) -> None:
        """A line without an end is one too."""
        if self._line and not self.left_out:
            self._end_line()
            self.lines += 1

    @property
    def tail(self) -> str:
        """The end of the stream, with whole lines unless one line is all there is."""
        cut = len(self._end) == TAIL_BYTES and b"\n" in self._end.rstrip(b"\n")
        lines = self._end.splitlines()[int(cut) :]
        return "\n".join(readable(line) for line in lines)

    @property
    def last_line(self) -> str:
        return next((line.strip() for line in reversed(self.tail.splitlines()) if line.strip()), "")

    def _add(self, part: bytes) -> None:
        # A character takes up to four bytes.
        room = max(0, LINE_CHARACTERS * 4 - len(self._line))
        self._line += part[:room]
        self._dropped += len(part[room:])

    def _end_line(self) -> None:
        size = len(self._line) + self._dropped + 1
        if self.left_out:
            self.left_out += size
        else:
            text = readable(bytes(self._line))
            cut = len(text) > LINE_CHARACTERS or self._dropped
            shown = f"{text[:LINE_CHARACTERS]} … (a line of {size:,} bytes)" if cut else text
            if not self.say(self.level, shown, len(self._line) + 1):
                self.left_out += size
        self._line.clear()
        self._dropped = 0


def _pipes(waiting: selectors.BaseSelector) -> list[object]:
    return [key.fileobj for key in waiting.get_map().values()]


def _take_ready(waiting: selectors.BaseSelector, seconds: float) -> None:
    for key, _ in waiting.select(seconds):
        piece = key.fileobj.read(CHUNK)  # type: ignore[union-attr]
        if piece:
            key.data(piece)
        else:
            waiting.unregister(key.fileobj)
