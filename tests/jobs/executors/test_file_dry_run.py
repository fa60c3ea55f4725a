"""A dry run lists exactly what the real run then does, whatever is there."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.executors.base import ExecutionError
from jobs.executors.file_system import FileSystemForm
from tests.jobs.executors.files.places import DAY, Place

NAMES = st.sampled_from(["a.csv", "b.tmp", ".c", "in/a.csv", "in/d.tmp", "in/deep/e", ".f/g", "h.enc"])
FILES = st.dictionaries(
    NAMES, st.tuples(st.sampled_from(["", "x", "y", "id\n1\n"]), st.integers(0, 3)), max_size=6
)
FLAG = st.booleans()
CHOICE = {
    "recursive": FLAG,
    "includeHidden": FLAG,
    "pattern": st.sampled_from(["", "*.csv", "*.*", "in/*"]),
    "excludePatterns": st.sampled_from([[], ["*.tmp"], ["deep"]]),
    "olderThanDays": st.sampled_from([None, 0, 2]),
    "keepLatest": st.sampled_from([None, 1]),
}
KINDS = {
    "COPY": {
        "syncMode": FLAG,
        "deleteExtra": FLAG,
        "preservePath": FLAG,
        "backupExisting": FLAG,
        "compareChecksum": FLAG,
    },
    "MOVE": {"preservePath": FLAG, "backupExisting": FLAG},
    "DELETE": {},
    "COMPRESS": {"deleteOriginal": FLAG, "compressionType": st.sampled_from(["zip", "tar.gz"])},
    "PROCESS": {
        "deleteOriginal": FLAG,
        "processNewFiles": FLAG,
        "processingType": st.sampled_from(["", "data_cleanup", "encryption"]),
    },
}


@st.composite
def jobs(draw):
    operation = draw(st.sampled_from([*KINDS]))
    options = {name: draw(each) for name, each in {**CHOICE, **KINDS[operation]}.items()}
    if options.get("processingType") == "encryption":
        options["key"] = "correct horse"
    return operation, options, draw(FLAG)


def laid_out(folder, files, others):
    place = Place(folder / "files")
    for top, each in (("from", files), ("to", others)):
        (place.root / top).mkdir(parents=True)
        for name, (content, age) in each.items():
            place.put(f"{top}/{name}", content, age=age * DAY + 1)
    return place


def told(place, operation, options, overwrite):
    """What a run lists, or how it fails; the time in the names of backups is left out."""
    target = {"DELETE": "", "COMPRESS": "to/x"}.get(operation, "to")
    try:
        result = place.run(operation, "from", target, overwrite=overwrite, **options)
    except ExecutionError as error:
        return error.error_class
    listed = [
        {name: text for name, text in each.items() if name != "backup"} for each in result.data["files"]
    ]
    return listed, result.data["bytes"], result.data.get("left")


def changed(before, after):
    gone = {("gone", name) for name in before.keys() - after.keys()}
    return gone | {("there", name) for name in after if before.get(name) != after[name]}


@given(files=FILES, others=FILES, job=jobs())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_dry_run_tells_what_the_real_run_does(settings, files, others, job):
    operation, options, overwrite = job
    folder = Path(tempfile.mkdtemp())
    settings.FILE_ROOTS = [folder / "files"]
    try:
        place = laid_out(folder, files, others)
        if not FileSystemForm(
            {"file_operation": operation, "file_path": "/a", "target_path": "/b", "parameters": options}
        ).is_valid():
            return
        before = place.tree()
        dry = told(place, operation, {**options, "dryRun": True}, overwrite)
        assert place.tree() == before
        assert told(place, operation, options, overwrite) == dry
        check_changes(place, operation, dry, changed(before, place.tree()))
    finally:
        shutil.rmtree(folder)


def check_changes(place, operation, dry, changes):
    """Nothing was changed that was not listed, and what was to go has gone."""
    if isinstance(dry, str):
        assert changes == set()
        return
    root = f"{place.root}/"
    going = {
        each["path"].removeprefix(root)
        for each in dry[0]
        if each["action"] in ("move", "delete", "delete extra")
    }
    assert {name for what, name in changes if what == "gone"} == going - {*place.tree()}
    made = {each.get("target", "").removeprefix(root) for each in dry[0]}
    there = {name for what, name in changes if what == "there" and not name.endswith(".bak")}
    assert there <= (made if operation != "COMPRESS" else {"to/x"})
