"""User mappings by version, read from their topic when a mail first names one."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable

from schemas.codec import Codec, DecodeError
from schemas.mappings import rows_from_csv
from schemas.records import Mapping
from streams.contents import Contents
from streams.readback import Kept
from streams.refusals import RejectedError, dependency
from streams.routing import NO_MAPPING, Router
from streams.unreadable import lost_mapping

ReadMappings = Callable[[], AsyncIterator[Kept]]
Refuse = Callable[[Kept, Exception], Awaitable[None]]
KEPT = 4
"""Mappings in memory at a time: one is in force, and a change is on its way through the partitions for a while."""


class Routers:
    """The routers that mails name, the last few of them in memory."""

    def __init__(
        self,
        mappings: ReadMappings,
        codec: Codec,
        contents: Contents,
        *,
        kept: int = KEPT,
        refuse: Refuse | None = None,
    ) -> None:
        """`mappings` reads topic mappings from its beginning to its present end. `refuse` is told what can't be read there."""
        self._mappings, self._codec, self._contents, self._most = mappings, codec, contents, kept
        self._refuse = refuse
        self._reading = asyncio.Lock()  # mails may be made side by side, and a new mapping is read once
        self._kept: OrderedDict[str, Router] = OrderedDict()

    def __len__(self) -> int:
        """How many are in memory."""
        return len(self._kept)

    async def of(self, version: str) -> Router:
        """The router of this version, that of an empty one knows nobody.

        RejectedError if its mapping is not in the topic, where it is before any control record names it;
        DependencyError if topic or rows can't be read.
        """
        async with self._reading:
            if version not in self._kept:
                self._kept[version] = await self._read(version) if version else Router(NO_MAPPING)
            found = self._kept[version]
            self._kept.move_to_end(version)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return found

    async def _read(self, version: str) -> Router:
        found, unreadable = None, list[tuple[Kept, DecodeError]]()
        with dependency("mappings"):
            async for kept in self._mappings():
                try:
                    name, value = self._codec.decode(kept.value)
                except DecodeError as error:
                    unreadable.append((kept, error))
                    continue
                if name == "Mapping" and value["version"] == version:
                    found = value
        if found is None and unreadable:
            raise lost_mapping(version, [kept for kept, _ in unreadable])
        if found is None:
            msg = f"user mapping {version} is not in topic mappings"
            raise RejectedError(msg)
        if self._refuse is not None:
            for kept, why in unreadable:
                await self._refuse(kept, why)
        return await _router_of(found, self._contents)


async def _router_of(mapping: Mapping, contents: Contents) -> Router:
    """The router of a mapping as its topic holds it; the rows from the content store if they were too many."""
    ref = mapping.get("rows_ref")
    if ref is None:
        return Router(mapping)
    data = await contents.get(ref)
    with dependency("the rows of a user mapping"):
        return Router(mapping, rows_from_csv(data))
