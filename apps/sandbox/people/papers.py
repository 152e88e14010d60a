"""Files that people attach: small papers that any reader opens, padded to the size they are to have."""

import zipfile
import zlib
from io import BytesIO
from random import Random
from typing import Final
from xml.sax.saxutils import escape

_LONG_AGO: Final = (2025, 1, 1, 0, 0, 0)  # the same bytes on every day
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_TIES: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_KINDS: Final = "application/vnd.openxmlformats-officedocument"
_TEXT: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_SHEET: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def pdf(lines: list[str], size: int, random: Random) -> bytes:
    """One page of A4 in Helvetica; a stream that no page shows makes it about `size` bytes."""
    shown = " ".join(f"({_quoted(line)}) Tj 0 -18 Td" for line in lines)
    page = f"BT /F1 12 Tf 72 760 Td {shown} ET".encode("latin-1", "replace")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 5 0 R/Resources<</Font<</F1 4 0 R>>>>>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        _stream(page),
        _stream(random.randbytes(max(0, size - len(page) - 800))),
    ]
    found, places = bytearray(b"%PDF-1.4\n"), []
    for number, each in enumerate(objects, 1):
        places.append(len(found))
        found += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    trailer = b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(found))
    return bytes(found) + end + trailer


def docx(lines: list[str], size: int, random: Random) -> bytes:
    """A Word document of these paragraphs; a picture that it does not show makes it about `size` bytes."""
    paragraphs = "".join(f"<w:p><w:r><w:t>{escape(line)}</w:t></w:r></w:p>" for line in lines)
    document = f'<w:document xmlns:w="{_TEXT}"><w:body>{paragraphs}</w:body></w:document>'
    kinds = {"word/document.xml": f"{_KINDS}.wordprocessingml.document.main+xml"}
    ties = {"_rels/.rels": ("officeDocument", "word/document.xml")}
    return _office(kinds, ties, {"word/document.xml": document}, random.randbytes(max(0, size - 1_400)))


def xlsx(lines: list[str], size: int, random: Random) -> bytes:
    """A sheet with one line a row; a picture that it does not show makes it about `size` bytes."""
    rows = "".join(f'<row><c t="inlineStr"><is><t>{escape(line)}</t></is></c></row>' for line in lines)
    parts = {
        "xl/workbook.xml": f'<workbook xmlns="{_SHEET}" xmlns:r="{_TIES}"><sheets>'
        '<sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_SHEET}"><sheetData>{rows}</sheetData></worksheet>',
    }
    kinds = {
        "xl/workbook.xml": f"{_KINDS}.spreadsheetml.sheet.main+xml",
        "xl/worksheets/sheet1.xml": f"{_KINDS}.spreadsheetml.worksheet+xml",
    }
    ties = {
        "_rels/.rels": ("officeDocument", "xl/workbook.xml"),
        "xl/_rels/workbook.xml.rels": ("worksheet", "worksheets/sheet1.xml"),
    }
    return _office(kinds, ties, parts, random.randbytes(max(0, size - 1_900)))


def _office(
    kinds: dict[str, str], ties: dict[str, tuple[str, str]], parts: dict[str, str], padding: bytes
) -> bytes:
    types = "".join(f'<Override PartName="/{part}" ContentType="{kind}"/>' for part, kind in kinds.items())
    whole: dict[str, str | bytes] = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="jpg" ContentType="image/jpeg"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f"{types}</Types>",
    }
    for part, (kind, target) in ties.items():
        tie = f'<Relationship Id="rId1" Type="{_TIES}/{kind}" Target="{target}"/>'
        whole[part] = f'<Relationships xmlns="{_PACKAGE}/relationships">{tie}</Relationships>'
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in (whole | parts | {"media/image1.jpg": padding}).items():
            archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), data, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def png_dot() -> bytes:
    """A PNG of one red pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = (1).to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00"
    pixel = zlib.compress(b"\x00\xc8\x32\x28")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")


def _stream(data: bytes) -> bytes:
    return b"<</Length %d>>\nstream\n%s\nendstream" % (len(data), data)


def _quoted(line: str) -> str:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
