"""COMPRESS, read back by the programs that people use."""

import gzip
import os
import subprocess
import tarfile
import zipfile

import pytest

from tests.jobs.executors.files.places import HOUR, names


def unpacked(path, folder):
    """What tar or unzip make of an archive: content by name."""
    folder.mkdir()
    if path.suffix == ".zip":
        zipfile.ZipFile(path).extractall(folder)
    else:
        subprocess.run(["tar", "-xf", path, "-C", folder], check=True)
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tar.gz", "x.tgz"])
def test_an_archive_holds_every_file_under_its_relative_path(place, tmp_path, name):
    place.put("from/ü.txt", "one")
    place.put("from/in/b", b"\0" * 3_000_000)
    place.put("from/in/empty")
    place.run("COMPRESS", "from", f"to/{name}", recursive=True)
    assert unpacked(place.root / "to" / name, tmp_path / "out") == place.tree("from")


@pytest.mark.parametrize(
    ("said", "path", "target", "made"),
    [
        ("gzip", "from", "x.tar.gz", "tar.gz"),
        ("gzip", "from", "x.archive", "tar.gz"),
        ("", "from", "x", "tar.gz"),
        ("zip", "from", "x.dat", "zip"),
        ("", "from/a", "x", "gz"),
        ("gz", "from/a", "x.dat", "gz"),
        ("", "from/a", "x.gz", "gz"),
        ("gzip", "from/a", "x.tgz", "tar.gz"),
    ],
)
def test_the_kind_follows_from_what_is_said_and_packed(place, said, path, target, made):
    place.put("from/a", "one")
    place.run("COMPRESS", path, target, compressionType=said)
    archive = place.root / target
    found = "zip" if zipfile.is_zipfile(archive) else "tar.gz" if tarfile.is_tarfile(archive) else "gz"
    assert found == made
    if made == "gz":
        assert gzip.decompress(archive.read_bytes()) == b"one"


@pytest.mark.parametrize(("path", "name"), [("from", "from.zip"), ("from/a.txt", "a.txt.zip")])
def test_an_archive_in_a_folder_is_named_after_the_path(place, path, name):
    place.put("from/a.txt")
    place.run("COMPRESS", path, "to/", compressionType="zip")
    assert [*place.tree("to")] == [name]


def test_an_archive_is_never_part_of_itself(place, tmp_path):
    place.put("a", "1")
    place.run("COMPRESS", "", "x.tar")
    place.run("COMPRESS", "", "x.tar", overwrite=True)
    assert unpacked(place.root / "x.tar", tmp_path / "out") == {"a": b"1"}


def test_names_are_flat_where_the_job_keeps_no_folders(place):
    place.put("from/in/b", "2")
    place.run("COMPRESS", "from", "x.zip", recursive=True, preservePath=False)
    assert zipfile.ZipFile(place.root / "x.zip").namelist() == ["b"]


def test_the_same_files_give_the_same_archive(place):
    place.put("from/a", "1", age=HOUR)
    for name in ("x.zip", "x.tar.gz"):
        place.run("COMPRESS", "from", name)
        place.run("COMPRESS", "from", f"again-{name}")
        assert (place.root / name).read_bytes() == (place.root / f"again-{name}").read_bytes()


def test_the_level_counts(place):
    place.put("a", os.urandom(2000).hex() * 50)
    for kind in ("zip", "gz"):
        for level in (0, 9):
            place.run("COMPRESS", "a", f"{level}.{kind}", compressionLevel=level)
        assert (place.root / f"0.{kind}").stat().st_size > 2 * (place.root / f"9.{kind}").stat().st_size


def test_an_archive_is_overwritten_only_when_asked(place):
    place.put("a", "1")
    place.put("x.zip", "precious")
    assert place.refusal("COMPRESS", "a", "x.zip").error_class == "FILE_EXISTS"
    place.run("COMPRESS", "a", "x.zip", overwrite=True, backupExisting=True)
    (kept,) = [content for name, content in place.tree().items() if name.endswith(".bak")]
    assert kept == b"precious"
    assert zipfile.is_zipfile(place.root / "x.zip")


def test_originals_are_deleted_only_when_asked_and_only_those_inside(place):
    place.put("from/a", "1")
    place.put("from/b.lock", "2")
    place.run("COMPRESS", "from", "x.zip", deleteOriginal=True, excludePatterns=["*.lock"])
    assert [*place.tree("from")] == ["b.lock"]


def test_a_file_that_has_gone_meanwhile_is_passed_over_once(place, tmp_path):
    place.put("from/a", "1")
    gone = place.put("from/b", "2")
    within = place.meanwhile("2 files of", gone.unlink)
    result = place.run("COMPRESS", "from", "x.tar", deleteOriginal=True, within=within)
    assert result.data["passed_over"] == {"gone since it was looked at": 1}
    assert unpacked(place.root / "x.tar", tmp_path / "out") == {"a": b"1"}


def test_a_file_that_has_changed_meanwhile_is_packed_and_not_deleted(place):
    place.put("from/a", "1")
    within = place.meanwhile("Add ", lambda: place.put("from/a", "longer"))
    place.run("COMPRESS", "from", "x.tar", deleteOriginal=True, within=within)
    assert place.tree("from") == {"a": b"longer"}


def test_without_files_there_is_no_archive(place):
    place.put("from/a")
    place.run("COMPRESS", "from", "x.zip", pattern="*.csv")
    assert not (place.root / "x.zip").exists()


def test_the_steps_are_those_into_the_archive(place):
    place.put("from/a", "1")
    result = place.run("COMPRESS", "from", "x.zip", dryRun=True)
    assert (result.summary, names(result)) == (
        "Dry run: 1 file would be put into the archive, 1 bytes",
        ["a"],
    )
    assert not (place.root / "x.zip").exists()


def test_a_name_of_any_bytes_is_packed(place):
    with open(os.fsencode(place.root) + b"/\xff", "wb") as file:
        file.write(b"1")
    for kind in ("zip", "tar"):
        place.run("COMPRESS", "", f"in/x.{kind}")
    with tarfile.open(place.root / "in/x.tar") as archive:
        assert archive.getnames() == ["\udcff"]
    assert zipfile.ZipFile(place.root / "in/x.zip").namelist() == ["\N{REPLACEMENT CHARACTER}"]
