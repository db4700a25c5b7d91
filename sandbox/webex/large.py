"""Files of any size, served in constant memory: each MiB is made when it is sent."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache

from sandbox.webex.script import File, Say, Space

BLOCK = 1 << 20
KIND = "bin"
DAY = "2026-03-10"


def spaces(megabytes: Sequence[int]) -> tuple[Space, ...]:
    """A space for each size (10^6 bytes), on the day after the base week: the same file in two of its messages."""
    return tuple(
        Space(
            key=f"large-{size}",
            title=f"Recordings of {size} MB",
            members=("katrin", "tom"),
            steps=(
                Say(f"{DAY} 09:00", "tom", f"Here are {size} MB", files=(_file(size),)),
                Say(f"{DAY} 09:05", "katrin", "The same once more", files=(_file(size),)),
            ),
        )
        for size in megabytes
    )


def _file(megabytes: int) -> File:
    return File(f"recording-{megabytes}.bin", KIND, megabytes * 1_000_000)


def blocks(file: File, start: int, end: int) -> Iterator[bytes]:
    """The bytes [start, end) of a file, which depend on its name alone; at most 1 MiB at a time."""
    while start < end:
        number, skip = divmod(start, BLOCK)
        piece = _block(file.name, number)[skip : skip + end - start]
        yield piece
        start += len(piece)


@lru_cache(maxsize=4)
def digest(file: File) -> str:
    """The SHA-256 of a file in hexadecimal."""
    whole = hashlib.sha256()
    for piece in blocks(file, 0, file.size):
        whole.update(piece)
    return whole.hexdigest()


def _block(name: str, number: int) -> bytes:
    return number.to_bytes(8, "big") + _noise(name)


@lru_cache(maxsize=4)
def _noise(name: str) -> bytes:
    return hashlib.shake_128(name.encode()).digest(BLOCK - 8)
