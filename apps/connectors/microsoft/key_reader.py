"""Opens a private key that a stranger handed in, in a process that can be ended.

How long that takes is up to who made the file: it names the rounds of its passphrase and the length of its
numbers, and nothing in the library asks whether anybody would wait. Run by its path, so it imports nothing of
ours. Input: a line with the passphrase in hexadecimal, then the PEM file. Output: the key as PKCS #8 without
a passphrase.
"""

import resource
import sys

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

MEMORY = 1 << 30
UNREADABLE = 3


def main(seconds: int) -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    line, _, pem = sys.stdin.buffer.read().partition(b"\n")
    passphrase = bytes.fromhex(line.decode())
    try:
        key = load_pem_private_key(pem, passphrase or None)
    except (ValueError, TypeError, UnsupportedAlgorithm, MemoryError):
        return UNREADABLE
    sys.stdout.buffer.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
