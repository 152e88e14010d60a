"""Public ids: UUIDs that sort by time, so that new rows land at the end of an index."""

import os
import time
import uuid


def new_public_id() -> uuid.UUID:
    """Return a UUID version 7 (RFC 9562 section 5.7)."""
    millis = time.time_ns() // 1_000_000
    value = (millis << 80) | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return uuid.UUID(int=value)
