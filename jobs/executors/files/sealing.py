"""Files encrypted so that nobody changes or cuts them unnoticed: AES-256-GCM, chunk by chunk.

A sealed file is a header and chunks. The header is `CHRONOS1`, one byte for how the key came about (0: it
was given, 1: from a passphrase by scrypt with N=2^15, r=8, p=1), 16 bytes of salt for that, 16 bytes of
salt of the file, and 16 bytes by which the right key is known. HKDF-SHA256 of the key, with the file's
salt and the info `chronos file`, gives the file's own key; with the info `chronos check`, those 16 bytes.
Each chunk holds up to 256 KiB and a tag of 16 bytes. Its nonce is the chunk's number in 11 bytes, big-endian
from 0, and a byte that is 1 for the last chunk alone; the header is its additional data. A file without
content has one empty chunk.
"""

import base64
import binascii
import os
import struct
from collections.abc import Iterator
from hmac import compare_digest
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

_MAGIC = b"CHRONOS1"
_HEADER = struct.Struct(">8sB16s16s16s")
_GIVEN, _DERIVED = 0, 1
_CHUNK, _TAG = 256 * 1024, 16
LEAST_PASSPHRASE = 8


class WrongKey(Exception):
    """The key is not the one that the file was sealed with."""


class Damaged(Exception):
    """The file is none that was sealed, or it was changed or cut."""


class Key:
    """A key of 32 bytes in Base64, or a passphrase that one is made from.

    Raises ValueError for a passphrase that is too short.
    """

    def __init__(self, text: str) -> None:
        self._given = _decoded(text)
        self._text = text
        # One for all files of a run: making a key from a passphrase is slow on purpose.
        self._salt = os.urandom(16)
        self._derived: dict[bytes, bytes] = {}
        if self._given is None and len(text) < LEAST_PASSPHRASE:
            raise ValueError(f"A passphrase has at least {LEAST_PASSPHRASE} characters.")

    def seal(self, source: BinaryIO) -> Iterator[bytes]:
        """The sealed file, piece by piece."""
        kind = _DERIVED if self._given is None else _GIVEN
        file_salt = os.urandom(16)
        key = self._of(kind, self._salt)
        header = _HEADER.pack(_MAGIC, kind, self._salt, file_salt, _expand(key, file_salt, b"check", 16))
        yield header
        cipher = AESGCM(_expand(key, file_salt, b"file", 32))
        for nonce, chunk in _chunks(source, _CHUNK):
            yield cipher.encrypt(nonce, chunk, header)

    def open(self, source: BinaryIO) -> Iterator[bytes]:
        """What was sealed, piece by piece; none of it counts before the last piece has come.

        Raises WrongKey and Damaged.
        """
        header = source.read(_HEADER.size)
        if len(header) < _HEADER.size or not header.startswith(_MAGIC):
            raise Damaged("is no file that Chronos has encrypted")
        _, kind, salt, file_salt, check = _HEADER.unpack(header)
        key = self._of(kind, salt)
        if not compare_digest(check, _expand(key, file_salt, b"check", 16)):
            raise WrongKey
        cipher = AESGCM(_expand(key, file_salt, b"file", 32))
        try:
            for nonce, chunk in _chunks(source, _CHUNK + _TAG):
                yield cipher.decrypt(nonce, chunk, header)
        except InvalidTag as error:
            raise Damaged("was changed or cut after it was encrypted") from error

    def _of(self, kind: int, salt: bytes) -> bytes:
        if kind == _DERIVED:
            if salt not in self._derived:
                self._derived[salt] = _derive(self._text, salt)
            return self._derived[salt]
        if kind == _GIVEN and self._given is not None:
            return self._given
        raise WrongKey


def _decoded(text: str) -> bytes | None:
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if len(found) == 32 else None


def _derive(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(passphrase.encode())


def _expand(key: bytes, salt: bytes, what: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=b"chronos " + what).derive(key)


def _chunks(source: BinaryIO, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Each chunk with its nonce; which is the last is known only when nothing comes after it."""
    number, chunk = 0, source.read(size)
    while True:
        following = source.read(size)
        yield number.to_bytes(11, "big") + bytes([not following]), chunk
        if not following:
            return
        number, chunk = number + 1, following
