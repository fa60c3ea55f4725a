"""FILE_SYSTEM jobs on real files."""

import contextlib
import json
import os
import stat
import threading
import time

import pytest

from jobs.executors.base import Cancelled, DeadlineExceeded, ExecutionError, Payload
from jobs.executors.file_system import execute
from tests.jobs.executors.files.places import DAY, HOUR, names
from tests.jobs.executors.payloads import errors, form

# Copy


def test_a_file_is_copied_to_the_path_that_is_said(place):
    place.put("a.txt", "one")
    result = place.run("COPY", "a.txt", "new/b.txt")
    assert place.tree() == {"a.txt": b"one", "new/b.txt": b"one"}
    assert result.summary == "1 file copied, 3 bytes"


@pytest.mark.parametrize("target", ["there", "there/", "new/"])
def test_a_file_is_copied_into_a_folder(place, target):
    place.put("there/other")
    place.put("a.txt", "one")
    place.run("COPY", "a.txt", target)
    assert place.tree(target) | {"other": b""} == {"a.txt": b"one", "other": b""}


def test_a_folder_is_copied_with_the_paths_of_its_files(place):
    place.put("from/a", "1")
    place.put("from/in/b", "2")
    place.put("from/in/deep/c", "3")
    place.run("COPY", "from", "to", recursive=True)
    assert place.tree("to") == place.tree("from") == {"a": b"1", "in/b": b"2", "in/deep/c": b"3"}


def test_the_folders_inside_are_left_out_unless_asked_for_and_that_is_said(place):
    place.put("from/a")
    place.put("from/in/b")
    place.run("COPY", "from", "to")
    assert [*place.tree("to")] == ["a"]
    assert "The folders inside are left out" in place.told("WARN")


def test_files_go_to_one_folder_where_the_job_keeps_no_folders(place):
    place.put("from/in/b", "2")
    place.run("COPY", "from", "to", recursive=True, preservePath=False)
    assert place.tree("to") == {"b": b"2"}


def test_two_files_never_become_one(place):
    place.put("from/a", "1")
    place.put("from/in/a", "2")
    failure = place.refusal("COPY", "from", "to", recursive=True, preservePath=False)
    assert failure.error_class == "VALIDATION_ERROR"
    assert place.tree("to") == {}


def test_nothing_is_overwritten_unless_the_job_says_so(place):
    place.put("from/a", "new")
    place.put("from/b", "new")
    place.put("to/b", "old")
    failure = place.refusal("COPY", "from", "to")
    assert (failure.error_class, place.tree("to")) == ("FILE_EXISTS", {"b": b"old"})
    place.run("COPY", "from", "to", overwrite=True)
    assert place.tree("to") == {"a": b"new", "b": b"new"}


def test_what_is_there_already_with_the_same_content_is_no_conflict(place):
    place.put("from/a", "one")
    place.run("COPY", "from", "to")
    place.put("from/b", "two")
    result = place.run("COPY", "from", "to")
    assert result.summary == "1 file copied, 3 bytes; 1 unchanged"


def test_what_is_overwritten_can_be_kept(place):
    place.put("a", "new")
    place.put("b", "old")
    place.run("COPY", "a", "b", overwrite=True, backupExisting=True)
    (kept,) = [content for name, content in place.tree().items() if name.endswith("Z.bak")]
    assert (kept, place.tree()["b"]) == (b"old", b"new")


def test_a_missing_folder_is_made_only_when_asked(place):
    place.put("a")
    failure = place.refusal("COPY", "a", "new/b", create=False)
    assert failure.error_class == "FILE_NOT_FOUND"
    assert "does not say to make missing folders" in failure.message


def test_times_and_permissions_are_kept_when_asked(place):
    source = place.put("a", "one", age=3 * DAY, mode=0o604)
    place.run("COPY", "a", "b", preserveAttributes=True)
    place.run("COPY", "a", "c", preserveTimestamps=True)
    copy, timed = (place.root / name for name in "bc")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o604
    assert copy.stat().st_mtime_ns == timed.stat().st_mtime_ns == source.stat().st_mtime_ns


def test_a_copy_is_no_more_open_than_its_source(place):
    place.put("a", "secret", mode=0o600)
    place.run("COPY", "a", "b")
    assert stat.S_IMODE((place.root / "b").stat().st_mode) == 0o600


def test_bits_that_lend_rights_are_not_copied(place):
    place.put("a", mode=0o4755)
    place.run("COPY", "a", "b", preserveAttributes=True)
    assert stat.S_IMODE((place.root / "b").stat().st_mode) == 0o755


def test_a_folder_copied_into_itself_ends(place):
    place.put("a", "1")
    place.run("COPY", "", "copies", recursive=True)
    place.run("COPY", "", "copies", recursive=True)
    assert place.tree() == {"a": b"1", "copies/a": b"1"}


# Sync


def test_syncing_copies_only_what_has_changed(place):
    for name in ("same", "changed", "new"):
        place.put(f"from/in/{name}", name, age=HOUR)
    place.run("COPY", "from", "to", overwrite=True, syncMode=True, preserveTimestamps=True)
    place.put("from/in/changed", "chaNged")
    result = place.run("COPY", "from", "to", overwrite=True, syncMode=True, preserveTimestamps=True)
    assert names(result) == ["changed"]
    assert result.data["left"] == {"unchanged": 2}


def test_syncing_by_content_sees_what_size_and_time_do_not(place):
    place.put("from/a", "one", age=HOUR)
    place.put("to/a", "two")
    assert names(place.run("COPY", "from", "to", overwrite=True, syncMode=True)) == []
    assert names(place.run("COPY", "from", "to", overwrite=True, syncMode=True, compareChecksum=True)) == [
        "a"
    ]
    assert place.tree("to") == {"a": b"one"}


def test_syncing_deletes_what_the_source_lacks_only_when_asked(place):
    place.put("from/a", "1")
    place.put("to/gone")
    place.put("to/gone.lock")
    place.put("to/.hidden")
    sync = {"overwrite": True, "syncMode": True, "excludePatterns": ["*.lock"]}
    place.run("COPY", "from", "to", **sync)
    assert [*place.tree("to")] == [".hidden", "a", "gone", "gone.lock"]
    place.run("COPY", "from", "to", deleteExtra=True, **sync)
    assert [*place.tree("to")] == [".hidden", "a", "gone.lock"]


def test_an_empty_source_does_not_empty_the_target(place):
    (place.root / "from").mkdir()
    place.put("to/last")
    failure = place.refusal("COPY", "from", "to", syncMode=True, deleteExtra=True, overwrite=True)
    assert (failure.error_class, place.tree("to")) == ("SYNC_ERROR", {"last": b""})


def test_what_the_source_has_behind_a_link_is_no_extra(place, tmp_path):
    elsewhere = tmp_path / "larger-disk"
    elsewhere.mkdir()
    place.put("from/a", "1")
    place.put("to/2024/photo", "2")
    place.put("to/gone", "3")
    os.symlink(elsewhere, place.root / "from/2024")
    place.run("COPY", "from", "to", overwrite=True, syncMode=True, deleteExtra=True)
    assert place.tree("to") == {"a": b"1", "2024/photo": b"2"}


def test_a_file_that_is_too_old_to_be_chosen_is_no_extra(place):
    place.put("from/a", age=HOUR)
    place.put("from/young")
    place.put("to/young")
    place.run("COPY", "from", "to", overwrite=True, syncMode=True, deleteExtra=True, minFileAge=60)
    assert [*place.tree("to")] == ["a", "young"]


# Move


def test_a_move_leaves_nothing_behind(place):
    place.put("from/in/a", "1", age=HOUR)
    before = (place.root / "from/in/a").stat()
    place.run("MOVE", "from", "to", recursive=True)
    assert place.tree() == {"to/in/a": b"1"}
    assert (place.root / "to/in/a").stat().st_mtime_ns == before.st_mtime_ns


def test_a_move_overwrites_only_when_asked(place):
    place.put("a", "new")
    place.put("b", "old")
    assert place.refusal("MOVE", "a", "b").error_class == "FILE_EXISTS"
    place.run("MOVE", "a", "b", overwrite=True)
    assert place.tree() == {"b": b"new"}


def test_a_move_onto_another_name_of_the_same_file_leaves_one(place):
    os.link(place.put("a", "1"), place.root / "b")
    place.run("MOVE", "a", "b", overwrite=True)
    assert place.tree() == {"b": b"1"}


@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("linked", [True, False])
def test_a_move_to_where_it_is_already_loses_nothing(place, tmp_path, settings, overwrite, linked):
    (tmp_path / "again").symlink_to(place.root)
    settings.FILE_ROOTS = [place.root, tmp_path / "again"]
    place.put("a", "1")
    if linked:
        os.link(place.root / "a", place.root / "other")
    with contextlib.suppress(ExecutionError):
        place.run("MOVE", "a", f"{tmp_path}/again//a", overwrite=overwrite)
    assert place.tree()["a"] == b"1"


def test_syncing_never_deletes_the_source_by_another_path(place, tmp_path, settings):
    (tmp_path / "again").symlink_to(place.root)
    settings.FILE_ROOTS = [place.root, tmp_path / "again"]
    place.put("in/a", "1")
    place.run("COPY", "in", f"{tmp_path}/again", overwrite=True, syncMode=True, deleteExtra=True)
    assert place.tree()["in/a"] == b"1"


@pytest.mark.parametrize("operation", ["COPY", "MOVE", "PROCESS"])
def test_no_file_takes_the_place_of_one_that_is_to_go_elsewhere_itself(place, operation):
    before = {"f": b"old", "in/f": b"must stay", "in/in/f": b"deep"}
    for name, content in before.items():
        place.put(name, content)
    failure = place.refusal(operation, "in", str(place.root), overwrite=True, recursive=True)
    assert "which is to go elsewhere itself" in failure.message
    assert place.tree() == before


def test_a_move_to_another_filesystem_is_a_copy_and_a_deletion(place, settings, other_filesystem):
    settings.FILE_ROOTS = [place.root, other_filesystem]
    source = place.put("a", b"x" * 3_000_000, age=HOUR, mode=0o640)
    before = source.stat()
    place.run("MOVE", "a", f"{other_filesystem}/in/a")
    moved = (other_filesystem / "in/a").stat()
    assert (moved.st_size, moved.st_mtime_ns, stat.S_IMODE(moved.st_mode)) == (
        3_000_000,
        before.st_mtime_ns,
        0o640,
    )
    assert place.tree() == {}


@pytest.fixture
def other_filesystem(tmp_path):
    """A folder on another filesystem than the temporary one."""
    import tempfile
    from pathlib import Path

    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second filesystem")
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        yield Path(folder)


# Delete


def test_only_files_that_match_and_are_old_are_deleted(place):
    place.put("old.tmp", age=8 * DAY)
    place.put("young.tmp", age=6 * DAY)
    place.put("old.txt", age=8 * DAY)
    place.put("in/old.tmp", age=8 * DAY)
    result = place.run("DELETE", "", recursive=True, pattern="*.tmp", olderThanDays=7)
    assert [*place.tree()] == ["old.txt", "young.tmp"]
    assert result.summary == "2 files deleted, 0 bytes"


def test_the_latest_are_kept_whatever_their_age(place):
    for age in range(1, 6):
        place.put(f"{age}.log", age=age * DAY)
    place.run("DELETE", "", keepLatest=2, olderThanDays=1)
    assert [*place.tree()] == ["1.log", "2.log"]


def test_a_file_that_took_the_place_of_the_one_that_was_looked_at_stays(place):
    place.put("a", "old", age=8 * DAY)
    within = place.meanwhile("1 file of", lambda: place.put("a", "new"))
    result = place.run("DELETE", "a", olderThanDays=7, within=within)
    assert place.tree() == {"a": b"new"}
    assert result.data["passed_over"] == {"changed since it was looked at": 1}


def test_nothing_to_do_is_a_success_that_says_so(place):
    result = place.run("DELETE", "", pattern="*.tmp")
    assert result.summary == "No file to work on"
    assert "No file matches" in place.told("WARN")


def test_hidden_files_are_left_alone_unless_asked_for(place):
    place.put(".hidden")
    place.put(".folder/a")
    place.put("b")
    place.run("DELETE", "", recursive=True)
    assert [*place.tree()] == [".folder/a", ".hidden"]
    place.run("DELETE", "", recursive=True, includeHidden=True)
    assert place.tree() == {}


# Choosing


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        ({"pattern": "*.csv"}, ["a.csv", "c.csv"]),
        ({"pattern": "*.csv, *.TXT"}, ["a.csv", "b.TXT", "c.csv"]),
        ({"pattern": "*.*"}, ["a.csv", "b.TXT", "c.csv"]),
        ({"filePatterns": ["?.csv", "plain"]}, ["a.csv", "plain", "c.csv"]),
        ({"pattern": "in/*"}, ["c.csv"]),
        ({"excludePatterns": ["*.csv"]}, ["b.TXT", "plain"]),
        ({"excludePatterns": ["in"]}, ["a.csv", "b.TXT", "plain"]),
        ({"excludePatterns": ["in/*"]}, ["a.csv", "b.TXT", "plain"]),
        ({"maxFileSize": "1KB"}, ["a.csv", "b.TXT", "c.csv"]),
        ({"maxFileSize": 1025}, ["a.csv", "b.TXT", "plain", "c.csv"]),
        ({"minFileAge": 60}, ["a.csv"]),
        ({"olderThanDays": 0}, ["a.csv", "b.TXT", "plain", "c.csv"]),
    ],
)
def test_files_are_chosen_by_name_size_and_age(place, options, chosen):
    place.put("a.csv", age=HOUR)
    place.put("b.TXT")
    place.put("plain", "x" * 1025)
    place.put("in/c.csv")
    assert sorted(names(place.run("LIST", "", recursive=True, **options))) == sorted(chosen)


def test_links_pipes_and_half_written_files_are_left_out(place, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (place.root / "link").symlink_to(tmp_path / "secret")
    (place.root / "folder").symlink_to(tmp_path)
    os.mkfifo(place.root / "pipe")
    place.put(".chronos-0123.part")
    result = place.run("LIST", "", recursive=True, includeHidden=True)
    assert result.data["count"] == 0
    assert "1 half-written by a run, 2 links, 1 pipes, sockets and devices" in place.told("INFO")


def test_a_folder_that_is_a_link_is_never_emptied(place, tmp_path):
    (tmp_path / "precious").write_text("x")
    (place.root / "folder").symlink_to(tmp_path)
    failure = place.refusal("DELETE", "folder", recursive=True)
    assert failure.error_class == "FORBIDDEN_PATH"
    assert (tmp_path / "precious").exists()


# Read, write, list


def test_a_file_is_read_into_the_result_and_kept_whole(place):
    place.put("a.csv", "id\nü\n")
    result = place.run("READ", "a.csv")
    assert result.data["content"] == "id\nü\n"
    (kept,) = result.artefacts
    assert (kept.name, kept.media_type, kept.content) == ("a.csv", "text/csv", "id\nü\n".encode())


def test_a_slash_too_many_does_no_harm(place):
    place.put("a.csv", "1")
    assert place.run("READ", place.path("/a.csv/")).artefacts[0].name == "a.csv"
    assert place.refusal("WRITE", "b/", content="1").error_class == "VALIDATION_ERROR"


def test_of_a_long_file_the_result_holds_the_beginning(place):
    place.put("a.txt", "ü" * 70_000)
    result = place.run("READ", "a.txt")
    assert result.data["content"] == "ü" * 32_768
    assert (result.data["cut"], len(result.artefacts[0].content)) == (True, 140_000)


def test_a_file_that_is_larger_than_a_run_keeps_is_read_in_part(place, settings):
    settings.ARTEFACT_LIMIT_MB = 1
    place.put("a.txt", "x" * 2_000_000)
    result = place.run("READ", "a.txt")
    assert (len(result.data["content"]), result.artefacts) == (65_536, ())
    assert "larger than what a run keeps" in place.told("WARN")


def test_what_is_no_text_is_not_shown_as_such(place):
    place.put("a.txt", "ü".encode("utf-16"))
    assert place.run("READ", "a.txt").data["binary"] is True
    assert place.run("READ", "a.txt", encoding="utf-16").data["content"] == "ü"


def test_a_folder_cannot_be_read(place):
    assert place.refusal("READ", "").error_class in ("FILE_ERROR", "FORBIDDEN_PATH")


def test_content_is_written_whole_and_overwrites_only_when_asked(place):
    place.run("WRITE", "in/a.txt", content="ü\n")
    assert place.tree() == {"in/a.txt": "ü\n".encode()}
    assert place.refusal("WRITE", "in/a.txt", content="new").error_class == "FILE_EXISTS"
    place.run("WRITE", "in/a.txt", content="new", overwrite=True)
    assert place.tree() == {"in/a.txt": b"new"}


def test_a_list_tells_sizes_and_times_and_its_counts_are_whole(place):
    for number in range(900):
        place.put(f"{'long' * 20}-{number}", "xx")
    result = place.run("LIST", "")
    assert (result.data["count"], result.data["bytes"]) == (900, 1800)
    assert result.data["not_listed"] + len(result.data["files"]) == 900
    assert len(str(result.data)) < 100_000


# Failures


@pytest.mark.parametrize("operation", ["COPY", "DELETE", "COMPRESS", "READ", "LIST", "MOVE"])
def test_what_is_missing_is_a_failure(place, operation):
    target = "to" if operation in ("COPY", "MOVE", "COMPRESS") else ""
    assert place.refusal(operation, "missing", target).error_class == "FILE_NOT_FOUND"


@pytest.mark.parametrize("operation", ["COPY", "DELETE", "COMPRESS", "READ", "LIST", "MOVE", "WRITE"])
def test_no_operation_leaves_the_folders_that_are_open(place, operation):
    target = "to" if operation in ("COPY", "MOVE", "COMPRESS") else ""
    assert place.refusal(operation, "/etc/passwd", target, content="x").error_class == "FORBIDDEN_PATH"


@pytest.mark.parametrize("operation", ["COPY", "MOVE", "COMPRESS"])
def test_no_operation_writes_outside(place, tmp_path, operation):
    place.put("a")
    assert place.refusal(operation, "a", f"{tmp_path}/b").error_class == "FORBIDDEN_PATH"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["files"]


def test_a_pipe_is_refused_and_not_waited_for(place):
    os.mkfifo(place.root / "pipe")
    for operation in ("READ", "DELETE"):
        assert place.refusal(operation, "pipe").error_class == "FORBIDDEN_PATH"
    assert place.refusal("COPY", "pipe", "b").error_class == "FORBIDDEN_PATH"


def test_a_target_for_shells_is_refused(place):
    place.put("a")
    failure = place.refusal("COPY", "a", "b-$(date +%Y%m%d)")
    assert failure.error_class == "VALIDATION_ERROR"
    assert "{{ fire.date }}" in failure.message


def test_a_full_disk_says_so_and_nothing_half_is_left(place, settings, small_filesystem):
    settings.FILE_ROOTS = [place.root, small_filesystem]
    place.put("a", b"x" * 5_000_000)
    failure = place.refusal("COPY", "a", f"{small_filesystem}/a")
    assert failure.error_class == "DISK_SPACE_ERROR"
    assert [*small_filesystem.iterdir()] == []


@pytest.fixture
def small_filesystem(tmp_path):
    import subprocess

    folder = tmp_path / "small"
    folder.mkdir()
    mounting = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False, capture_output=True
    )
    if mounting.returncode:
        pytest.skip("mounting needs rights")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_failure_tells_what_was_done_before_it(place):
    place.put("from/a", "1")
    place.put("from/b", "2")
    within = place.meanwhile(f"Copy {place.path('from/a')}", lambda: place.put("to/b", "somebody's"))
    failure = place.refusal("COPY", "from", "to", within=within)
    assert failure.error_class == "FILE_EXISTS"
    assert failure.result["counts"] == {"copy": 1}
    assert place.tree("to") == {"a": b"1", "b": b"somebody's"}


# Time


def test_a_run_whose_time_is_up_stops_and_leaves_nothing_half(place):
    place.put("from/a", b"x" * 50_000_000)
    with pytest.raises(DeadlineExceeded):
        place.run("COPY", "from", "to", within=place.context(seconds=0.01))
    assert place.tree("to") == {}


def test_a_cancelled_run_stops_within_one_file(place):
    with (place.root / "large").open("wb") as file:
        file.truncate(20_000_000_000)
    within = place.context()
    threading.Timer(0.2, within.cancel).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        place.run("COMPRESS", "large", "large.gz", within=within)
    assert time.monotonic() - started < 2
    assert os.listdir(place.root) == ["large"]


def test_a_list_can_be_downloaded_whole(place):
    for number in range(2000):
        place.put(f"{number}")
    (report,) = place.run("LIST", "", generateReport=True).artefacts
    assert report.content.count(b"\n") == 2001


def test_a_report_lists_every_step_and_no_formula(place):
    place.put("from/=1+1")
    result = place.run("DELETE", "from/=1+1", generateReport=True)
    (report,) = result.artefacts
    assert report.content.decode().splitlines() == [
        "action,path,target,bytes",
        f"delete,{place.path('from/=1+1')},,0",
    ]


# The requests that people wrote for another system

OUTCOMES = {
    "Copy Configuration File": "1 file copied, 3 bytes",
    "Delete Temporary Files": "1 file deleted, 3 bytes",
    "Compress Log Directory": "1 file put into the archive, 3 bytes",
    "Sync Configuration Directory": "2 files copied, 6 bytes",
    "Monitor Upload Directory": "1 file taken to the target, 3 bytes",
    "Encrypt Sensitive Files": "KEY_ERROR",
    "Backup Configuration Files": "VALIDATION_ERROR",
}


def test_what_the_requests_of_the_corpus_ask_for_is_done_or_refused_with_a_sentence(place, corpus):
    for name in ("source-config.properties", "temp-files/a.tmp", "logs/a.log", "uploads/a.csv"):
        place.put(f"tmp/{name}", "one", age=9 * DAY)
    for name in (
        "tmp/config/a.yml",
        "tmp/config/in/b.yml",
        "tmp/config/.git/c",
        "app/config/application.yml",
    ):
        place.put(name, "one", age=9 * DAY)
    place.put("tmp/sensitive-data/a.pdf", "one")
    jobs = [entry["job"] for entry in json.loads(corpus.read_text()) if entry["job"]["type"] == "FILE_SYSTEM"]
    found = {}
    for job in jobs:
        said = {
            key: f"{place.root}{text}" if key.lower().endswith("path") else text
            for key, text in job["payload"].items()
        }
        checked = form("FILE_SYSTEM", said)
        assert errors(checked) == {}
        try:
            summary = execute(Payload(checked.columns()), place.context()).summary
        except ExecutionError as error:
            summary = error.error_class
        found[job["name"]] = summary.partition("; ")[0]
    assert found == OUTCOMES
    assert [*place.tree("tmp/config-backup")] == ["a.yml", "in/b.yml"]


def test_the_log_names_the_file_that_is_written_once(place):
    place.run("WRITE", "a", content="new")
    assert f"Write {place.path('a')}" in [message for _, message in place.logged]
