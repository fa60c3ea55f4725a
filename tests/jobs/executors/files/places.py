"""Runs of file jobs on real files below a root of their own."""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from jobs.executors.base import Context, ExecutionError, Payload
from jobs.executors.file_system import FileSystemForm, execute
from tests.factories import NOON

HOUR, DAY = 3600, 86_400


@dataclass
class Place:
    """A root for file jobs, and what their runs said."""

    root: Path
    logged: list = field(default_factory=list)
    remembered: dict = field(default_factory=dict)

    def path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def put(self, name: str, content: str | bytes = "", *, age: float = 0, mode: int | None = None) -> Path:
        """A file with the content, last changed `age` seconds ago."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        if age:
            os.utime(path, (time.time() - age,) * 2)
        if mode is not None:
            path.chmod(mode)
        return path

    def context(self, seconds: float = 30, state: dict | None = None) -> Context:
        def log(level, message, **fields):
            self.logged.append((level, message))

        return Context(
            "r", "j", "job", NOON, 1, time.monotonic() + seconds, log=log, state=state or self.remembered
        )

    def meanwhile(self, beginning: str, act) -> Context:
        """A context that does something when a line is logged that begins so."""

        def log(level, message, **fields):
            if message.startswith(beginning):
                act()

        within = self.context()
        object.__setattr__(within, "log", log)
        return within

    def run(
        self, operation, path, target="", *, within=None, content="", overwrite=False, create=True, **options
    ):
        """What a run gives; the job is one that the form takes."""
        said = {
            "file_operation": operation,
            "file_path": self.path(path) if not path.startswith("/") else path,
            "target_path": self.path(target) if target and not target.startswith("/") else target,
            "file_content": content,
            "create_directories": create,
            "overwrite": overwrite,
            "parameters": options,
        }
        checked = FileSystemForm(said)
        assert checked.is_valid(), checked.errors
        context = within or self.context()
        try:
            return execute(Payload(checked.columns()), context)
        finally:
            self.remembered = {**self.remembered, **context.remembered}

    def refusal(self, *args, **kwargs) -> ExecutionError:
        with pytest.raises(ExecutionError) as caught:
            self.run(*args, **kwargs)
        return caught.value

    def tree(self, name: str = "") -> dict[str, bytes]:
        """The content of every file below, by its path."""
        top = self.root / name
        return {
            str(each.relative_to(top)): each.read_bytes()
            for each in sorted(top.rglob("*"))
            if each.is_file() and not each.is_symlink()
        }

    def told(self, level: str) -> str:
        return "\n".join(message for each, message in self.logged if each == level)


@pytest.fixture
def place(tmp_path, settings):
    root = tmp_path / "files"
    root.mkdir()
    settings.FILE_ROOTS = [root]
    return Place(root)


def names(result) -> list[str]:
    """The last names of the files that a result lists."""
    return [os.path.basename(each["path"]) for each in result.data["files"]]
