import os
import signal
import socket
import threading

import pytest

from jobs.executors.files import roots


@pytest.fixture
def root(tmp_path, settings):
    inside = tmp_path / "files"
    settings.FILE_ROOTS = [inside]
    inside.mkdir()
    return inside


def content(path):
    with roots.open_file(str(path)) as file:
        return file.read()


def leftovers(folder):
    return sorted(each.name for each in folder.rglob("*"))


def test_a_root_is_made_when_it_is_needed(tmp_path, settings):
    settings.FILE_ROOTS = [tmp_path / "new" / "files"]
    roots.write(f"{tmp_path}/new/files/a", b"1", overwrite=False)
    assert content(tmp_path / "new" / "files" / "a") == b"1"


@pytest.mark.parametrize(
    "path",
    [
        "/etc/shadow",
        "/",
        "{root}-beside/a",
        "{root}/../a",
        "{root}/a/../../../etc/passwd",
        "{root}/a\0b",
        "../../etc/passwd",
        "..%2fetc",
        "C:\\x",
        "~root",
        "$(id)",
        "",
    ],
)
def test_what_lies_outside_is_refused(root, path):
    with pytest.raises(roots.Outside), roots.folder(path.format(root=root)):
        pass
    with pytest.raises(roots.Outside):
        content(path.format(root=root))


def test_the_refusal_names_the_folders_that_are_open(root):
    with pytest.raises(roots.Outside, match=f"outside the folders that jobs may use: {root}"):
        content("/etc/passwd")


def test_a_root_itself_is_no_file(root):
    with pytest.raises(roots.Outside):
        roots.write(str(root), b"", overwrite=True)
    assert roots.is_folder(str(root))


def test_the_administrators_may_make_a_root_of_a_link(root, tmp_path, settings):
    (tmp_path / "link").symlink_to(root)
    settings.FILE_ROOTS = [tmp_path / "link"]
    roots.write(f"{tmp_path}/link/a", b"1", overwrite=False)
    assert (root / "a").read_bytes() == b"1"


@pytest.mark.parametrize("make", [os.symlink, lambda to, at: os.symlink(os.path.relpath(to, at.parent), at)])
def test_no_link_is_followed(root, tmp_path, make):
    (tmp_path / "secret").write_text("secret")
    make(tmp_path / "secret", root / "file")
    make(tmp_path, root / "folder")
    for path in (root / "file", root / "folder" / "secret"):
        for use in (
            content,
            lambda path: roots.look(str(path)),
            lambda path: roots.write(str(path), b"", overwrite=True),
        ):
            with pytest.raises(roots.Outside, match="leads through a link"):
                use(path)
    assert (tmp_path / "secret").read_text() == "secret"


def test_a_link_to_nowhere_is_refused_too(root):
    (root / "a").symlink_to(root / "missing")
    with pytest.raises(roots.Outside):
        roots.write(str(root / "a"), b"1", overwrite=True)
    assert leftovers(root) == ["a"]


def test_a_link_that_is_put_in_a_folders_place_again_and_again_is_never_followed(root, tmp_path):
    away = tmp_path / "away"
    for each in (away, root / "folder"):
        each.mkdir()
        (each / "file").write_text(each.name)
    (tmp_path / "link").symlink_to(away)
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            os.rename(root / "folder", root / "kept")
            os.rename(tmp_path / "link", root / "folder")
            os.rename(root / "folder", tmp_path / "link")
            os.rename(root / "kept", root / "folder")

    swapping = threading.Thread(target=swap)
    swapping.start()
    seen = []
    while len(seen) < 3000:
        try:
            seen.append(content(root / "folder" / "file"))
        except (roots.Outside, OSError):
            seen.append(b"")
    stop.set()
    swapping.join()
    assert {*seen} <= {b"", b"folder"}


def test_a_pipe_is_refused_and_not_waited_for(root):
    os.mkfifo(root / "pipe")
    with pytest.raises(roots.Outside, match="no regular file"):
        content(root / "pipe")


def test_a_socket_and_a_device_are_refused(root, settings):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(root / "socket"))
        with pytest.raises(roots.Outside, match="no regular file"):
            content(root / "socket")
    settings.FILE_ROOTS = [*settings.FILE_ROOTS, type(root)("/dev")]
    with pytest.raises(roots.Outside, match="no regular file"):
        content("/dev/zero")


def test_what_is_missing_is_missing(root):
    assert roots.look(str(root / "a" / "b")) is None
    with pytest.raises(FileNotFoundError):
        content(root / "a" / "b")
    with pytest.raises(FileNotFoundError):
        roots.write(str(root / "a" / "b"), b"", overwrite=True)


def test_missing_folders_are_made_when_asked(root):
    roots.write(str(root / "a" / "b" / "c"), b"1", overwrite=False, create_folders=True)
    assert content(root / "a" / "b" / "c") == b"1"


def test_nothing_is_overwritten_unasked(root):
    (root / "a").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        roots.write(str(root / "a"), b"new", overwrite=False)
    assert content(root / "a") == b"old"
    roots.write(str(root / "a"), b"new", overwrite=True)
    assert content(root / "a") == b"new"
    assert leftovers(root) == ["a"]


def test_a_file_that_appears_meanwhile_is_not_lost(root):
    def written_while_somebody_else_writes():
        with roots.replacing(str(root / "a"), overwrite=False) as file:
            file.write(b"new")
            (root / "a").write_bytes(b"somebody's")

    with pytest.raises(FileExistsError):
        written_while_somebody_else_writes()
    assert content(root / "a") == b"somebody's"
    assert leftovers(root) == ["a"]


def test_nothing_of_a_failed_write_is_left_behind(root):
    def half_written():
        with roots.replacing(str(root / "a"), overwrite=True) as file:
            file.write(b"half")
            file.flush()
            assert content(root / "a") == b"old"
            raise TimeoutError

    (root / "a").write_bytes(b"old")
    with pytest.raises(TimeoutError):
        half_written()
    assert content(root / "a") == b"old"
    assert leftovers(root) == ["a"]


def test_a_folder_is_never_replaced_by_a_file(root):
    (root / "a").mkdir()
    with pytest.raises(IsADirectoryError):
        roots.write(str(root / "a"), b"", overwrite=True)


def test_no_bit_that_lends_rights_is_given_to_a_new_file(root):
    with roots.replacing(str(root / "a"), overwrite=False, mode=0o6750):
        pass
    assert (root / "a").stat().st_mode & 0o7000 == 0


def test_a_name_of_any_bytes_can_be_shown(root):
    assert roots.shown("/srv/\udcff\n\u202e") == "/srv/" + "\N{REPLACEMENT CHARACTER}" * 3


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="only Linux has files without a name")
def test_a_writer_that_is_killed_leaves_nothing_behind(root):
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        with roots.replacing(f"{root}/a", overwrite=False) as file:
            file.write(b"half")
            file.flush()
            os.write(writer, b"!")
            signal.pause()
    os.read(reader, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reader)
    os.close(writer)
    assert leftovers(root) == []


def test_a_filesystem_that_knows_no_nameless_files_is_written_to_all_the_same(root, monkeypatch):
    monkeypatch.setattr(roots, "_NAMELESS", 0)
    roots.write(f"{root}/a", b"1", overwrite=False)
    roots.write(f"{root}/a", b"2", overwrite=True)
    assert (content(root / "a"), leftovers(root)) == (b"2", ["a"])
