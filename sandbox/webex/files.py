"""The bytes of the files: made from their name alone, each opens in the program that its kind belongs to."""

import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from urllib.parse import quote
from xml.sax.saxutils import escape

from sandbox.webex.ids import draw
from sandbox.webex.script import File

MEDIA_TYPES = {
    "png": "image/png",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "bin": "application/octet-stream",
}


def content(file: File, owner: str) -> bytes:
    """Return the bytes of a file; `owner` keeps two files of one name apart."""
    return _MAKERS[file.kind](f"{owner}/{file.name}", file.size)


def disposition(file: File) -> str:
    """Return the Content-Disposition header, with the name written the way that the file asks for."""
    encoded = quote(file.name, safe="")
    return {
        "plain": f'attachment; filename="{file.name}"',
        "empty": 'attachment; filename=""',
        "encoded": f"attachment; filename*=UTF-8''{encoded}",
        "percent": f'attachment; filename="{encoded}"',
    }[file.header]


def _noise(name: str, size: int) -> bytes:
    return hashlib.shake_128(name.encode()).digest(size)


def _png(name: str, size: int) -> bytes:
    width = 32
    height = max(1, size // (width * 3))
    pixels = _noise(name, width * height * 3)
    rows = b"".join(b"\0" + pixels[row * width * 3 : (row + 1) * width * 3] for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _txt(name: str, size: int) -> bytes:
    count = max(1, size // 32)
    lines = (f"{number:06d} {draw(10**12, name, number):012d} booked" for number in range(count))
    return ("\r\n".join([name, *lines]) + "\r\n").encode()


def _pdf(name: str, size: int) -> bytes:
    padding = "\n".join(f"% {draw(10**15, name, number)}" for number in range(max(1, size // 18)))
    title = name.encode("ascii", "replace").decode().translate({40: 91, 41: 93, 92: 47})
    drawing = f"BT /F1 14 Tf 72 720 Td ({title}) Tj ET\n{padding}"
    objects = (
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        f"<</Length {len(drawing)}>>stream\n{drawing}\nendstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    return _pdf_of(objects)


def _pdf_of(objects: tuple[str, ...]) -> bytes:
    out, offsets = "%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj{body}endobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    end = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer<</Size {size}/Root 1 0 R>>\n"
    return f"{out}{end}startxref\n{len(out)}\n%%EOF\n".encode("ascii")


_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def _xlsx(name: str, size: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, text in _workbook(name, max(1, size // 120)).items():
            archive.writestr(zipfile.ZipInfo(path), text)  # ZipInfo's date is fixed: 1980
    return out.getvalue()


def _workbook(name: str, rows: int) -> dict[str, str]:
    cells = "".join(_row(name, row) for row in range(1, rows + 1))
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    relation = f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" Type="{_OFFICE}'
    return {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'{relation}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_SHEET}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{relation}/worksheet" Target="sheet1.xml"/></Relationships>',
        "xl/sheet1.xml": f'<worksheet xmlns="{_SHEET}"><sheetData>{cells}</sheetData></worksheet>',
    }


def _row(name: str, row: int) -> str:
    label = f'<c r="A{row}" t="inlineStr"><is><t>{escape(name)} {row}</t></is></c>'
    return f'<row r="{row}">{label}<c r="B{row}"><v>{draw(10**6, name, row) / 100}</v></c></row>'


_MAKERS: dict[str, Callable[[str, int], bytes]] = {"png": _png, "xlsx": _xlsx, "pdf": _pdf, "txt": _txt}
