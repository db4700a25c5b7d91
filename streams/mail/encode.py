"""Content transfer encodings (RFC 2045, 6.7 and 6.8): lines of at most 76 characters, ended by CR LF."""

import binascii
import re
from struct import unpack_from
from typing import Final

LINE: Final = 76
_RAW_LINE: Final = 57  # bytes that make one base64 line
_AT_ONCE: Final = 64  # lines cut in one call, a third of the time; `struct` keeps up to 100 formats

_PLAIN: Final = bytes(c for c in range(32, 127) if c != ord("=")) + b"\t\r\n"
_OTHER: Final = re.compile(rb"[^\t\r\n -~]+")
_LONG: Final = re.compile(rb"^[^\r\n]{77,}", re.MULTILINE)
_PIECE: Final = re.compile(rb".{1,75}(?<!=)(?<!=.)")  # an escape =XX stays whole


def base64_lines(data: bytes) -> bytes:
    """Base64 in lines of 76 characters; no line end after the last."""
    text = binascii.b2a_base64(data, newline=False)
    if len(text) <= LINE:
        return text
    full = len(text) // LINE
    blocks = [  # joined at once: of a large part all lines as objects are more than its mail
        b"\r\n".join(unpack_from(f"{LINE}s" * min(_AT_ONCE, full - at), text, at * LINE))
        for at in range(0, full, _AT_ONCE)
    ]
    if len(text) > full * LINE:
        blocks.append(text[full * LINE :])
    return b"\r\n".join(blocks)


def base64_size(size: int) -> int:
    """Bytes that `base64_lines` makes of `size` bytes."""
    text = (size + 2) // 3 * 4
    return text + max(0, (text - 1) // LINE) * 2


def quoted_printable(data: bytes) -> bytes:
    """Quoted-printable; line ends in the data must be CR LF already."""
    coded = data.replace(b"=", b"=3D")
    if not coded.isascii() or len(data.translate(None, _PLAIN)) != data.count(b"="):
        coded = _OTHER.sub(_hexed, coded)
    coded = coded.replace(b" \r\n", b"=20\r\n").replace(b"\t\r\n", b"=09\r\n")
    if coded[-1:] in (b" ", b"\t"):
        coded = coded[:-1] + (b"=20" if coded[-1:] == b" " else b"=09")
    return _LONG.sub(_softened, coded)


def _hexed(match: re.Match[bytes]) -> bytes:
    return b"=" + match[0].hex("=").upper().encode()


def _softened(match: re.Match[bytes]) -> bytes:
    line = match[0]
    if b"=" in line:
        return b"=\r\n".join(_PIECE.findall(line))
    return b"=\r\n".join([line[at : at + LINE - 1] for at in range(0, len(line), LINE - 1)])


def text_body(text: str) -> tuple[str, bytes]:
    """Name of the encoding and the encoded bytes of a text with CR LF lines: whichever of the two is shorter."""
    data = text.encode("utf-8")
    if len(data.translate(None, _PLAIN)) * 6 <= len(data):
        return "quoted-printable", quoted_printable(data)
    return "base64", base64_lines(data)
