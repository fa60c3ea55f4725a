"""An empty SQLite database with all tables, made once and copied for whoever needs one.

It takes ten seconds to make: it is kept in pytest's cache for as long as no line of the product changes.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from django.conf import settings

ROOT = settings.BASE_DIR
KEPT = 2


@pytest.fixture(scope="session")
def migrated(pytestconfig):
    """The file with the migrated database. Processes that start at once wait for the one that makes it."""
    folder = Path(pytestconfig.cache.mkdir("migrated"))
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = folder / f"{fingerprint()}.sqlite3"
        if not path.exists():
            _make(path)
        os.utime(path)
        for old in sorted(folder.glob("*.sqlite3"), key=os.path.getmtime)[:-KEPT]:
            old.unlink()
    return path


def copy(migrated, to):
    """A database of one's own, that nobody else reads."""
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    to.touch(0o600)
    shutil.copyfile(migrated, to)


def fingerprint():
    """It changes with everything that migrations can depend on."""
    seen = hashlib.sha256(sys.version.encode())
    for path in sorted([*ROOT.glob("*/**/*.py"), *ROOT.glob("*.txt")]):
        first = path.relative_to(ROOT).parts[0]
        if first not in {"tests", "bench", "docs"} and not first.startswith("."):
            seen.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return seen.hexdigest()[:24]


def _make(path):
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        made = Path(folder) / "made.sqlite3"
        environment = os.environ | {"DATABASE_URL": f"sqlite:///{made}", "CHRONOS_DATA_DIR": folder}
        words = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
        subprocess.run(words, cwd=ROOT, env=environment, check=True)
        # What the last connection has not moved into the file itself is beside it.
        assert not made.with_name("made.sqlite3-wal").exists()
        made.rename(path)
