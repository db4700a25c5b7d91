"""The bytes of the simulated files: small valid PNG, GIF, PDF and TXT that depend on the title alone."""

from __future__ import annotations

import base64
import hashlib
import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.liveperson.model import File

ERASED = "** LP deleted data **"
MEDIA = {"PNG": "image/png", "GIF": "image/gif", "PDF": "application/pdf", "TXT": "text/plain"}


def file_bytes(file: File, *, erased: bool = False) -> bytes:
    """Give the file's bytes; after a Personal Data Deletion other ones of the same kind."""
    title = ERASED if erased else file.title
    made = {"PNG": _png, "GIF": _gif, "PDF": _pdf, "TXT": _txt}[file.kind](title)
    return made if erased or len(made) >= file.size else made + _filling(title, file.size - len(made))


def preview(file: File, *, erased: bool = False) -> str:
    """Give the thumbnail as a data URL, as the history API shows it (by id only)."""
    picture = _png(ERASED if erased else file.title, side=4)
    return "data:image/png;base64," + base64.b64encode(picture).decode()


def _filling(title: str, size: int) -> bytes:
    # Comments after the end of a PDF and bytes after the end of a picture are passed over by readers.
    line = b"%% " + hashlib.sha256(title.encode()).hexdigest().encode() + b"\n"
    return (line * (size // len(line) + 1))[:size]


def _colours(title: str, count: int) -> bytes:
    return hashlib.shake_256(title.encode()).digest(count)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(title: str, side: int = 32) -> bytes:
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = _colours(title, side * side * 3)
    lines = b"".join(b"\0" + pixels[row * side * 3 : (row + 1) * side * 3] for row in range(side))
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines, 9)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _gif(title: str) -> bytes:
    palette = _colours(title, 6)
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + palette
    return head + b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00;"


def _pdf(title: str) -> bytes:
    shown = title.encode("ascii", "replace").decode().replace("\\", "").replace("(", "").replace(")", "")
    text = f"BT /F1 18 Tf 40 100 Td ({shown}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 420 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(text), text),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    body, places = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(body)
    return body + b"xref\n0 6\n0000000000 65535 f \n" + table + trailer


def _txt(title: str) -> bytes:
    return f"{title}\n\nLine two: naïve café, Straße, ¥ and 你好.\n".encode()
