"""User mappings by version, read from their topic when a mail first names one."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable

from schemas.codec import Codec
from streams.contents import Contents
from streams.refusals import RejectedError
from streams.route import router_of
from streams.routing import NO_MAPPING, Router

KEPT = 8  # mappings in memory at a time


class Routers:
    """The routers that a replay needs, the last few of them in memory."""

    def __init__(
        self, mappings: Callable[[], AsyncIterator[bytes]], codec: Codec, contents: Contents
    ) -> None:
        """`mappings` reads topic mappings from its beginning to its present end."""
        self._mappings, self._codec, self._contents = mappings, codec, contents
        self._reading = asyncio.Lock()  # mails are made side by side, and a new mapping is read once
        self._kept: OrderedDict[str, Router] = OrderedDict()

    async def of(self, version: str) -> Router:
        """The router of this version, that of an empty one knows nobody; RejectedError if its mapping is not in the topic."""
        async with self._reading:
            if version not in self._kept:
                self._kept[version] = await self._read(version) if version else Router(NO_MAPPING)
        self._kept.move_to_end(version)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[version]

    async def _read(self, version: str) -> Router:
        found = None
        async for data in self._mappings():
            name, value = self._codec.decode(data)
            if name == "Mapping" and value["version"] == version:
                found = value
        if found is None:
            msg = f"user mapping {version} is not in topic mappings"
            raise RejectedError(msg)
        return await router_of(found, self._contents)
