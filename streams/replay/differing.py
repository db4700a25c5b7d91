"""Where two versions of a mail begin to differ, in words, without holding either of them."""

from collections.abc import AsyncIterator

LONGEST = 160  # characters of a line that are shown
LINE_BYTES = 65_536  # a longer line counts as several


async def first_difference(ours: AsyncIterator[bytes], theirs: AsyncIterator[bytes]) -> str:
    """The first header or line that differs: `header 3: the log says '…', the archive has '…'`; empty if none does."""
    left, right, in_head, number = _lines(ours), _lines(theirs), True, 0
    while True:
        one, other = await anext(left, None), await anext(right, None)
        number += 1
        if one != other:
            where = f"{'header' if in_head else 'line'} {number}"
            return f"{where}: the log says {_shown(one)}, the archive has {_shown(other)}"
        if one is None:
            return ""
        in_head = in_head and one not in (b"\n", b"\r\n")


def _shown(line: bytes | None) -> str:
    if line is None:
        return "nothing more"
    text = line.decode("utf-8", "replace")
    return repr(text if len(text) <= LONGEST else text[:LONGEST] + "…")


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Lines with their line feeds, cut after LINE_BYTES; however the chunks were cut."""
    rest = b""
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            for piece in _cut(line + b"\n"):
                yield piece
        *full, rest = _cut(rest)
        for piece in full:
            yield piece
    if rest:
        yield rest


def _cut(line: bytes) -> list[bytes]:
    return [line[at : at + LINE_BYTES] for at in range(0, len(line), LINE_BYTES)] or [b""]
