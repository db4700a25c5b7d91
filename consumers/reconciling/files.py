"""Whether mails, copies and files stand in the store with the bytes that the topics say."""

import asyncio
import hashlib
from collections.abc import Mapping

from consumers.reconciling.compare import expected_files
from consumers.reconciling.day import Day, Finding, by_order
from stores.interface import BlobMissingError, LinkFoundError, Store
from stores.paths import content_path

AT_A_TIME = 8


async def store_findings(store: Store, day: Day, *, quick: bool = False) -> list[Finding]:
    """Every file of the day that is missing or has other bytes; StoreError when the store can't be asked.

    `quick`: only whether they are there, and how long they are. Memory: 8 MB.
    """
    limit = asyncio.Semaphore(AT_A_TIME)
    erased = {content_path(sha256.hex()): order for sha256, order in day.erased().items()}

    async def checked(place: str, path: str, size: int, sha256: str, mail: bytes) -> Finding | None:
        async with limit:
            what = await _looked(store, path, size, sha256, quick=quick)
        order = day.disposed.get(mail, erased.get(path) if what == "missing" else None)
        why = by_order(order) if order is not None else ""
        return Finding(place, what, mail.hex(), "", path, why) if what else None

    mails = [checked("store", path, *rest) for path, rest in expected_files(day).items()]
    files = [checked("contents", *one) for one in _contents(day.contents)]
    found = await asyncio.gather(*mails, *files)
    return sorted(one for one in found if one is not None)


def _contents(contents: Mapping[bytes, int]) -> list[tuple[str, int, str, bytes]]:
    return [(content_path(digest.hex()), size, digest.hex(), b"") for digest, size in contents.items()]


async def _looked(store: Store, path: str, size: int, sha256: str, *, quick: bool) -> str:
    """`missing`, `different`, or nothing. A symbolic link is no file of a store, whatever it leads to: `different`."""
    try:
        if quick:
            info = await store.stat(path)
            return "missing" if info is None else "different" if info.size != size else ""
        digest, length = hashlib.sha256(), 0
        async for chunk in store.stream(path):
            digest.update(chunk)
            length += len(chunk)
    except BlobMissingError:
        return "missing"
    except LinkFoundError:
        return "different"
    return "" if (digest.hexdigest(), length) == (sha256, size) else "different"
