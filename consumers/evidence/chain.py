"""The chain as it stands in a store: which manifests there are, and their leaves as a stream."""

import re
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from consumers.evidence.errors import EvidenceError
from consumers.evidence.statement import (
    LEAVES,
    MANIFEST,
    MOST_PLANS,
    ROOT,
    Manifest,
    Plan,
    decode_manifest,
    decode_plan,
    path_of,
    plan_name,
)
from stores.interface import BlobMissingError, LinkFoundError, Store

PLACE = re.compile(
    rf"{ROOT}/(?!0{{8}})([0-9]{{8}})/(plan(?:-[2-9]|-[1-9][0-9])?\.json|{re.escape(LEAVES)}|{re.escape(MANIFEST)})"
)
PIECE = 1 << 20  # bytes
LONGEST_LINE = 32 << 20  # bytes; a record of 4 MiB, all of it escaped, has less


@dataclass
class Shelf:
    """What lies below `_evidence/`: names by number of the manifest, and what does not belong there."""

    names: dict[int, set[str]] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)

    def manifests(self) -> list[int]:
        """Numbers of the manifests that are whole, ascending."""
        return sorted(number for number, names in self.names.items() if MANIFEST in names)

    def demand(self, number: int, name: str) -> None:
        """EvidenceError unless a file of this name is listed: what is none, such as a pipe, may never end."""
        if name not in self.names.get(number, ()):
            raise EvidenceError(f"{path_of(number, name)} is missing")


async def look(store: Store) -> Shelf:
    """List what is there."""
    shelf = Shelf()
    async for found in store.list(f"{ROOT}/"):
        place = PLACE.fullmatch(found.path)
        if place is None:
            shelf.strange.append(found.path)
        else:
            shelf.names.setdefault(int(place[1]), set()).add(place[2])
    return shelf


async def manifest(store: Store, number: int) -> Manifest:
    """One manifest, its signature not yet checked; EvidenceError if it is missing or none."""
    path = path_of(number, MANIFEST)
    try:
        found = decode_manifest(await store.read(path))
    except BlobMissingError as error:
        raise EvidenceError(f"{path} is missing") from error
    except EvidenceError as error:
        raise EvidenceError(f"{path}: {error}") from error
    if found.statement.number != number:
        raise EvidenceError(f"{path} says that it is manifest {found.statement.number}")
    return found


async def last(store: Store) -> Manifest | None:
    """The newest manifest; None where there is no chain yet."""
    numbers = (await look(store)).manifests()
    return await manifest(store, numbers[-1]) if numbers else None


async def planned(store: Store, number: int) -> list[Plan | str]:
    """The plans of a manifest that somebody has begun, in the order of their names; a sentence where what lies there is none.

    The place after the last is free for a fresh one.
    """
    found = list[Plan | str]()
    for attempt in range(1, MOST_PLANS + 1):
        try:
            found.append(decode_plan(await store.read(path_of(number, plan_name(attempt)))))
        except BlobMissingError:
            break
        except EvidenceError as error:
            found.append(f"is no plan: {error}")
        except LinkFoundError:
            found.append("is a symbolic link, and no file")
    return found


async def lines(store: Store, number: int) -> AsyncIterator[bytes]:
    """The leaves of a manifest, line by line, in memory of one piece; EvidenceError where they can't be read."""
    path, rest = path_of(number, LEAVES), b""
    try:
        async for piece in _unpacked(store, path):
            *whole, rest = (rest + piece).split(b"\n")
            if max(map(len, (*whole, rest))) > LONGEST_LINE:
                raise EvidenceError(f"{path}: a line of more than {LONGEST_LINE >> 20} MiB is none of ours")
            for line in whole:
                yield line
    except BlobMissingError as error:
        raise EvidenceError(f"{path} is missing") from error
    except zlib.error as error:
        raise EvidenceError(f"{path} is not gzip, or was altered") from error
    if rest:
        raise EvidenceError(f"{path}: the last line has no end")


async def _unpacked(store: Store, path: str) -> AsyncIterator[bytes]:
    unpack = zlib.decompressobj(31)  # gzip
    async for chunk in store.stream(path):
        yield unpack.decompress(chunk, PIECE)
        if unpack.unused_data:  # whatever follows is not read
            break
        while unpack.unconsumed_tail:  # a small file may unpack to a very large one
            yield unpack.decompress(unpack.unconsumed_tail, PIECE)
    while piece := unpack.decompress(b"", PIECE):
        yield piece
    if not unpack.eof or unpack.unused_data:
        raise EvidenceError(f"{path} is cut short, or something follows its end")
