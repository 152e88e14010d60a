"""Unsigned LEB128 numbers in their shortest form, and reading forward without running over the end."""

from typing import Final

from .errors import ContentCorrupt

_MAX_NUMBER_BYTES: Final = 9  # 63 bits


def put_number(out: bytearray, number: int) -> None:
    """Append `number`. Raises ContentCorrupt when it has more than 63 bits."""
    if 0 <= number < 0x80:  # nearly all are, and every item of a backup has a handful
        out.append(number)
        return
    if not 0 <= number < 1 << 63:
        raise ContentCorrupt(f"The number {number} does not fit a content list.")
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


class Cursor:
    """Reads forward and raises ContentCorrupt where the bytes end too early."""

    def __init__(self, data: bytes) -> None:
        self.data, self.position = data, 0

    def take(self, length: int) -> bytes:
        end = self.position + length
        if end > len(self.data):
            raise ContentCorrupt("A content list is cut short.")
        taken, self.position = self.data[self.position : end], end
        return taken

    def byte(self) -> int:
        if self.position >= len(self.data):
            raise ContentCorrupt("A content list is cut short.")
        byte = self.data[self.position]
        self.position += 1
        return byte

    def number(self) -> int:
        value = self.byte()
        if value < 0x80:
            return value
        value &= 0x7F
        for index in range(1, _MAX_NUMBER_BYTES):
            byte = self.byte()
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                if byte == 0:
                    break
                return value
        raise ContentCorrupt("A content list holds a number that is not in its shortest form.")

    def count(self, least: int) -> int:
        """Read how many things follow, each of at least `least` bytes: never more than can be there."""
        count = self.number()
        if count * least > len(self.data) - self.position:
            raise ContentCorrupt("A content list is cut short.")
        return count
