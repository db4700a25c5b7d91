"""What is appended: the copy as it stands in the store, with a header before it or reduced where that is asked for. Pure.

The copy itself is never changed: its hash stays what the ledger says. What is put before it are whole header lines, and the
last of them names the copy's hash, so that cutting them off gives the hashed original again:

    Content-Class: urn:content-class:custom.webex
    X-Chatledger-Original-SHA256: (64 hexadecimal digits)

A mail that a mailbox would refuse for its size is *reduced*: its largest parts give way to a sentence each until it fits. The
result is a function of the copy, its path and the limit alone.
"""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from itertools import pairwise
from typing import BinaryIO

CHUNK = 1 << 20
LINE = 1 << 16
SHOWN = 200  # characters of a file's name that are repeated


class TooSmallError(ValueError):
    """The limit has no room even for the header and a sentence for each part."""


@dataclass(frozen=True)
class Span:
    """Bytes from `start` up to `end` of the copy."""

    start: int
    end: int


@dataclass(frozen=True)
class Part:
    """One part of the copy, from its boundary line on; `name` says what it is."""

    span: Span
    name: str

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self.span.end - self.span.start


@dataclass(frozen=True)
class Shaped:
    """The bytes to append: pieces of the copy, which lies in `file`, and what is put between them."""

    file: BinaryIO
    pieces: tuple[bytes | Span, ...]
    left_out: tuple[str, ...] = ()

    def __len__(self) -> int:
        return sum(len(one) if isinstance(one, bytes) else one.end - one.start for one in self.pieces)

    def chunks(self) -> Iterator[bytes]:
        """All of it, a megabyte at a time at most."""
        for piece in self.pieces:
            if isinstance(piece, bytes):
                yield piece
            else:
                yield from _read(self.file, piece)

    def sha256(self) -> bytes:
        """Hash of all of it; reads it once."""
        state = hashlib.sha256()
        for chunk in self.chunks():
            state.update(chunk)
        return state.digest()


def _read(file: BinaryIO, span: Span) -> Iterator[bytes]:
    file.seek(span.start)
    left = span.end - span.start
    while left:
        chunk = file.read(min(CHUNK, left))
        if not chunk:
            raise EOFError("the copy is shorter than the ledger says")
        left -= len(chunk)
        yield chunk


@dataclass(frozen=True)
class Original:
    """The copy: where its bytes lie, and what is said of it."""

    file: BinaryIO
    size: int
    sha256: bytes
    path: str


def shaped(copy: Original, content_class: str | None, limit: int | None) -> Shaped:
    """What to append into a mailbox that takes `limit` bytes a mail (None: any); TooSmallError."""
    before = _header({"Content-Class": content_class} if content_class else {}, copy)
    if limit is None or len(before) + copy.size <= limit:
        return Shaped(copy.file, tuple(piece for piece in (before, Span(0, copy.size)) if piece != b""))
    return _reduced(copy, content_class, limit)


def _header(lines: dict[str, str], copy: Original) -> bytes:
    if not lines:
        return b""
    named = {**lines, "X-Chatledger-Original-SHA256": copy.sha256.hex()}
    return "".join(f"{name}: {value}\r\n" for name, value in named.items()).encode("ascii")


def _reduced(copy: Original, content_class: str | None, limit: int) -> Shaped:
    head, parts, end = anatomy(copy.file, copy.size)
    kind = {"Content-Class": content_class} if content_class else {}
    before = _header({**kind, "X-Chatledger-Reduced": f"limit={limit}; original-size={copy.size}"}, copy)
    boundary = head[1]
    notes = [_note(part, boundary, copy, limit) for part in parts]
    gone = _gives_way(parts, notes, limit - len(before) - (copy.size - sum(part.size for part in parts)))
    kept = (notes[at] if at in gone else part.span for at, part in enumerate(parts))
    names = tuple(parts[at].name for at in sorted(gone))
    return Shaped(copy.file, (before, head[0], *kept, end), names)


def _gives_way(parts: list[Part], notes: list[bytes], room: int) -> set[int]:
    """Which parts are left out: the largest first, what the first part says (the text) last of all."""
    sizes = [part.size for part in parts]
    gone: set[int] = set()
    for at in sorted(range(len(parts)), key=lambda one: (one == 0, -sizes[one], -one)):
        if sum(sizes) <= room:
            break
        if sizes[at] > len(notes[at]):
            sizes[at] = len(notes[at])
            gone.add(at)
    if sum(sizes) > room or not parts:
        raise TooSmallError("not even the header and a sentence for each part fit")
    return gone


def _note(part: Part, boundary: bytes, copy: Original, limit: int) -> bytes:
    text = (
        f"Left out of this copy: {part.name}, {part.size} bytes of the mail. This mailbox takes mails of {limit} bytes at most.\n"
        f"The whole mail has {copy.size} bytes and SHA-256 {copy.sha256.hex()};\nit stands in the archive at {copy.path}\n"
    )
    encoded = base64.encodebytes(text.encode("utf-8", "replace")).replace(b"\n", b"\r\n")
    header = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return b"--" + boundary + b"\r\n" + header + encoded


def anatomy(file: BinaryIO, size: int) -> tuple[tuple[Span, bytes], list[Part], Span]:
    """(head with preamble, boundary), the parts of a multipart mail, and its end; without parts for any other mail."""
    file.seek(0)
    header = b"".join(_header_lines(file))
    boundary = (BytesHeaderParser().parsebytes(header).get_boundary() or "").encode("ascii", "replace")
    marks = list(_marks(file, boundary)) if boundary else []
    if len(marks) < 2:
        return (Span(0, size), boundary), [], Span(size, size)
    spans = [Span(one, two) for one, two in pairwise(marks)]
    return (
        (Span(0, marks[0]), boundary),
        [Part(one, _name(file, one)) for one in spans],
        Span(marks[-1], size),
    )


def _header_lines(file: BinaryIO) -> Iterator[bytes]:
    while (line := file.readline(LINE)) not in {b"", b"\r\n", b"\n"}:
        yield line


def _marks(file: BinaryIO, boundary: bytes) -> Iterator[int]:
    """Where each boundary line begins, the closing one last."""
    open_, close = b"--" + boundary, b"--" + boundary + b"--"
    at = file.tell()
    while line := file.readline(LINE):
        if line.startswith(open_) and line.rstrip() in {open_, close}:
            yield at
            if line.rstrip() == close:
                return
        at += len(line)


def _name(file: BinaryIO, span: Span) -> str:
    """What people call the part: its file's name, else its type."""
    file.seek(span.start)
    file.readline(LINE)
    header = BytesHeaderParser().parsebytes(b"".join(_header_lines(file)))
    name = " ".join((header.get_filename() or "").split())[:SHOWN]
    if name:
        return name
    return (
        "the transcript"
        if header.get_content_maintype() in {"multipart", "text"}
        else header.get_content_type()
    )
