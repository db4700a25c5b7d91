"""From segments to the bytes of a mail, in bounded memory."""

import hashlib
from collections.abc import AsyncIterator, Callable, Iterable

from schemas.records import ContentRef, Segment
from streams.mail.encode import base64_lines, base64_size

OpenContent = Callable[[ContentRef], AsyncIterator[bytes]]
_LINE_BYTES = 57  # bytes in a base64 line of 76 characters


class ContentError(Exception):
    """The content store gave other bytes than the reference names."""


def mail_size(segments: Iterable[Segment]) -> int:
    """Bytes of the whole mail, without opening anything."""
    return sum(map(_segment_size, segments))


def _segment_size(segment: Segment) -> int:
    content = segment["content"]
    if content is None:
        return len(segment["data"])
    return base64_size(content["size"]) if segment["encoding"] == "base64" else content["size"]


async def mail_chunks(segments: Iterable[Segment], open_content: OpenContent) -> AsyncIterator[bytes]:
    """The mail's bytes; holds one chunk of `open_content` at a time.

    Raises ContentError after the last chunk of a content that isn't what its reference names: who stores the mail shows it
    only when all chunks have come, so a damaged file is in no mail.
    """
    for segment in segments:
        content = segment["content"]
        if content is None:
            yield segment["data"]
            continue
        chunks = _whole(content, open_content(content))
        if segment["encoding"] == "base64":
            chunks = _base64(chunks)
        async for chunk in chunks:
            yield chunk


async def _whole(content: ContentRef, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    size, digest = 0, hashlib.sha256()
    async for chunk in chunks:
        size += len(chunk)
        digest.update(chunk)
        yield chunk
    if size != content["size"]:
        problem = f"{content['sha256'].hex()}: {size} bytes instead of {content['size']}"
        raise ContentError(problem)
    if digest.digest() != content["sha256"]:
        problem = f"{content['sha256'].hex()}: the bytes that stand there have another SHA-256"
        raise ContentError(problem)


async def _base64(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks as lines of base64; what doesn't fill a line waits for the next chunk."""
    rest, between = b"", b""
    async for chunk in chunks:
        data = rest + chunk
        full = len(data) - len(data) % _LINE_BYTES
        rest = data[full:]
        if full:
            yield between + base64_lines(data[:full])
            between = b"\r\n"
    if rest:
        yield between + base64_lines(rest)
