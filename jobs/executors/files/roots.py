"""Files inside the folders that jobs may use, reached without following any link.

Every path is walked component by component from its root (`FILE_ROOTS`), each opened relative to the one
before and never through a link. So a link is refused however it came there, also one that is put in a
folder's place while a run works. Only regular files are opened: a pipe would be waited for without end.

Beside `Outside`, everything here raises OSError as the operating system says it.
"""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

# Half-written files carry it until they take their place; no selection ever shows them.
PART_PREFIX, PART_SUFFIX = ".chronos-", ".part"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# Linux alone has files without a name, which get one by this folder.
_NAMELESS = os.O_RDWR | os.O_CLOEXEC | os.O_TMPFILE if hasattr(os, "O_TMPFILE") else 0
_OPEN_FILES = "/proc/self/fd"
# What filesystems without hard links answer.
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


class Outside(Exception):
    """The path is none that jobs may use; `str()` is the sentence for the person."""


def components(path: str) -> tuple[Path, list[str]]:
    """The root that holds the path, and the names that lead from there to it.

    Raises Outside where no root holds it, or where it is not written out whole.
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not path.startswith("/") or ".." in parts or "\0" in path:
        raise Outside(f"{shown(path)} is no whole path: start it with / and leave out every .. in it.")
    for root in sorted(settings.FILE_ROOTS, key=lambda each: -len(each.parts)):
        names = [part for part in str(root).split("/") if part]
        if parts[: len(names)] == names:
            return root, parts[len(names) :]
    allowed = ", ".join(map(str, settings.FILE_ROOTS))
    raise Outside(f"{shown(path)} lies outside the folders that jobs may use: {allowed}.")


def plain(path: str) -> str:
    """The path without doubled slashes and dots that say nothing; a slash at its end stays."""
    names = "/".join(part for part in path.split("/") if part not in ("", "."))
    return f"/{names}/" if names and path.endswith("/") else f"/{names}"


def shown(path: str) -> str:
    """The path as text that every page and database takes, whatever bytes its name is made of."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in path)


@contextmanager
def folder(path: str, *, create: bool = False) -> Iterator[int]:
    """A descriptor of the folder, for the `dir_fd` of what is done in it; missing ones are made if asked."""
    root, names = components(path)
    if not root.exists():
        root.mkdir(parents=True, exist_ok=True)
    # The root is the administrators': they may have put a link in its place.
    opened = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in names:
            inner = _enter(opened, name, path, create)
            os.close(opened)
            opened = inner
        yield opened
    finally:
        os.close(opened)


def _enter(outer: int, name: str, path: str, create: bool) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=outer)
    except FileNotFoundError:
        if not create:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from None
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            _refuse_link(os.lstat(name, dir_fd=outer), path)
        raise
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=outer)
    return _enter(outer, name, path, create=False)


@contextmanager
def parent(path: str, *, create: bool = False) -> Iterator[tuple[int, str]]:
    """A descriptor of the folder that the path lies in, and its name there."""
    root, names = components(path)
    if not names:
        raise Outside(f"{shown(path)} is a folder that jobs may use, not a file in it.")
    with folder(os.path.join(root, *names[:-1]), create=create) as opened:
        yield opened, names[-1]


def look(path: str) -> os.stat_result | None:
    """What stands at the path, or None for nothing; a link is refused."""
    try:
        if not components(path)[1]:
            with folder(path) as opened:
                return os.fstat(opened)
        with parent(path) as (opened, name):
            found = os.lstat(name, dir_fd=opened)
    except FileNotFoundError:
        return None
    _refuse_link(found, path)
    return found


def is_folder(path: str) -> bool:
    found = look(path)
    return found is not None and stat.S_ISDIR(found.st_mode)


def open_file(path: str) -> BinaryIO:
    """The regular file at the path, to be read. Close it."""
    with parent(path) as (opened, name):
        # Looked at before it is opened, since opening alone makes some devices act.
        _refuse_special(os.lstat(name, dir_fd=opened), path)
        try:
            file = os.fdopen(os.open(name, _READ, dir_fd=opened), "rb")
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise Outside(_link(path)) from error
            raise
    try:
        _refuse_special(os.fstat(file.fileno()), path)
    except BaseException:
        file.close()
        raise
    return file


@contextmanager
def replacing(
    path: str, *, overwrite: bool, create_folders: bool = False, mode: int = 0o666
) -> Iterator[BinaryIO]:
    """A new file to write and read, which takes the path's place when the block ends well.

    Until then nothing is to be seen at the path, and nothing stays of it when the block fails.
    Raises FileExistsError where something stands there that may not be overwritten.
    """
    with parent(path, create=create_folders) as (opened, name):
        _check_replaceable(opened, name, path, overwrite)
        part = f"{PART_PREFIX}{secrets.token_hex(8)}{PART_SUFFIX}"
        try:
            with os.fdopen(_begin(opened, part, mode & 0o777), "w+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
                _name(file, opened, part)
            settle(opened, part, opened, name, overwrite=overwrite)
            os.fsync(opened)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(part, dir_fd=opened)


def _begin(folder: int, part: str, mode: int) -> int:
    """A new file, without a name where that can be: then nothing stays of it when its writer is killed."""
    if _NAMELESS and os.path.exists(_OPEN_FILES):
        with suppress(OSError):
            return os.open(".", _NAMELESS, mode, dir_fd=folder)
    return os.open(part, _NEW, mode, dir_fd=folder)


def _name(file: BinaryIO, folder: int, part: str) -> None:
    if not os.fstat(file.fileno()).st_nlink:
        os.link(f"{_OPEN_FILES}/{file.fileno()}", part, dst_dir_fd=folder)


def write(path: str, content: bytes, *, overwrite: bool, create_folders: bool = False) -> None:
    """Put the content at the path, all of it or nothing."""
    with replacing(path, overwrite=overwrite, create_folders=create_folders) as file:
        file.write(content)


def move(path: str, target: str, *, overwrite: bool, create_folders: bool = False) -> None:
    """Give the regular file a new path in one step.

    Raises FileExistsError, and OSError with EXDEV where the target is on another filesystem.
    """
    with parent(path) as (source, name), parent(target, create=create_folders) as (opened, new_name):
        found = os.lstat(name, dir_fd=source)
        _refuse_special(found, path)
        one_folder = os.path.samestat(os.fstat(source), os.fstat(opened))
        # Some filesystems take names that differ in case alone for one.
        one_name = one_folder and name.casefold() == new_name.casefold()
        _check_replaceable(opened, new_name, target, overwrite)
        settle(source, name, opened, new_name, overwrite=overwrite)
        if found.st_nlink > 1 and not one_name:
            _drop_other_name(source, name, found)
        os.fsync(opened)


def _drop_other_name(folder: int, name: str, found: os.stat_result) -> None:
    # A rename of one name of a file to another of its names leaves both.
    with suppress(FileNotFoundError):
        if os.path.samestat(os.lstat(name, dir_fd=folder), found):
            os.unlink(name, dir_fd=folder)


def remove(path: str) -> None:
    """Delete the regular file."""
    with parent(path) as (opened, name):
        _refuse_special(os.lstat(name, dir_fd=opened), path)
        os.unlink(name, dir_fd=opened)


def settle(source: int, name: str, target: int, new_name: str, *, overwrite: bool) -> None:
    """Give a file its place, in one step: nobody's file is lost there unless it may be overwritten.

    The folders are descriptors. Raises FileExistsError, and OSError with EXDEV between filesystems.
    """
    if overwrite:
        os.rename(name, new_name, src_dir_fd=source, dst_dir_fd=target)
        return
    try:
        os.link(name, new_name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _settle_on_reserved(source, name, target, new_name)
    else:
        os.unlink(name, dir_fd=source)


def _settle_on_reserved(source: int, name: str, target: int, new_name: str) -> None:
    os.close(os.open(new_name, _NEW, 0o600, dir_fd=target))
    try:
        os.rename(name, new_name, src_dir_fd=source, dst_dir_fd=target)
    except OSError:
        os.unlink(new_name, dir_fd=target)
        raise


def _check_replaceable(folder: int, name: str, path: str, overwrite: bool) -> None:
    try:
        found = os.lstat(name, dir_fd=folder)
    except FileNotFoundError:
        return
    _refuse_special(found, path)
    if not overwrite:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)


def _refuse_special(found: os.stat_result, path: str) -> None:
    _refuse_link(found, path)
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(found.st_mode):
        raise Outside(f"{shown(path)} is no regular file but a pipe, a socket or a device.")


def _refuse_link(found: os.stat_result, path: str) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise Outside(_link(path))


def _link(path: str) -> str:
    return f"{shown(path)} leads through a link, and jobs follow none."
