"""A file of the index, sealed: AES-256-GCM in frames of 1 MiB, so that neither side holds more than one.

    magic 8 | salt 16 | check of the key 16 | CRC-32 of those 4 | frames

Every file has a key of its own, derived from the account's, the salt and the file's name. A frame's nonce is
its number and whether it is the last: frames that are missing, swapped, of another file or cut off do not open.
"""

import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import IndexDamaged, IndexKeyWrong

_MAGIC: Final = b"EKINDEX1"
_SALT, _CHECK, _CRC, _TAG = 16, 16, 4, 16
_HEAD: Final = len(_MAGIC) + _SALT + _CHECK + _CRC
_FRAME: Final = 1 << 20


def seal_file(path: Path, key: bytes, name: str) -> Iterator[bytes]:
    """Give the sealed bytes of a file, frame by frame. `name` must be given again to open it."""
    salt = os.urandom(_SALT)
    cipher, check = _keys(key, salt, name)
    head = _MAGIC + salt + check
    yield head + zlib.crc32(head).to_bytes(_CRC, "big")
    with path.open("rb") as file:
        number, plain = 0, file.read(_FRAME)
        while True:
            following = file.read(_FRAME)
            yield cipher.encrypt(_nonce(number, last=not following), plain, None)
            if not following:
                return
            number, plain = number + 1, following


def unseal_file(sealed: Iterable[bytes], key: bytes, name: str, path: Path) -> None:
    """Write what `seal_file` read, from pieces of any length. Raises IndexDamaged or IndexKeyWrong.

    The file gets its name when all of it was opened: nobody reads half of one.
    """
    frames = _frames(sealed, name)
    cipher = _cipher(next(frames), key, name)
    half = path.with_name(path.name + ".part")
    try:
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            number, frame = 0, next(frames)
            while frame:
                following = next(frames, b"")
                file.write(cipher.decrypt(_nonce(number, last=not following), frame, None))
                number, frame = number + 1, following
        half.replace(path)
    except InvalidTag as error:
        raise _damaged(name, "was altered or cut off") from error
    finally:
        half.unlink(missing_ok=True)


def _frames(sealed: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Give the head, then whole frames; at least one of each."""
    waiting, wanted, given = bytearray(), _HEAD, 0
    for piece in sealed:
        waiting += piece
        while len(waiting) >= wanted:
            yield bytes(waiting[:wanted])
            del waiting[:wanted]
            wanted, given = _FRAME + _TAG, given + 1
    if not given or (given == 1 and len(waiting) < _TAG):
        raise _damaged(name, "was cut off")
    if waiting:
        yield bytes(waiting)


def _cipher(head: bytes, key: bytes, name: str) -> AESGCM:
    if not head.startswith(_MAGIC) or zlib.crc32(head[:-_CRC]) != int.from_bytes(head[-_CRC:], "big"):
        raise _damaged(name, "does not begin as a sealed file does")
    salt = head[len(_MAGIC) : len(_MAGIC) + _SALT]
    cipher, check = _keys(key, salt, name)
    if check != head[len(_MAGIC) + _SALT : -_CRC]:
        raise IndexKeyWrong(
            "This file of the search index was sealed under another key, or is another file.",
            item=name,
            do="Rebuild the index.",
        )
    return cipher


def _keys(key: bytes, salt: bytes, name: str) -> tuple[AESGCM, bytes]:
    info = b"everkeep search index\0" + name.encode()
    derived = HKDF(SHA256(), 32 + _CHECK, salt, info).derive(key)
    return AESGCM(derived[:32]), derived[32:]


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _damaged(name: str, what: str) -> IndexDamaged:
    return IndexDamaged(f"This file of the search index {what}.", item=name, do="Rebuild the index.")
