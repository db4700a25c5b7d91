"""How much of a worker's memory mails may hold while they are written: a few at a time, however many wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

UPLOAD_BYTES = 8_000_000
"""What a mail that is streamed into a store holds at most, whatever its size (`Store.create`)."""
ROOM_BYTES = 16_000_000
"""What all mails hold together: two large ones at a time."""


class Room:
    """So many bytes; who finds too little free waits."""

    def __init__(self, total: int = ROOM_BYTES) -> None:
        self._total = self._free = total
        self._waiting = list[asyncio.Future[None]]()

    @asynccontextmanager
    async def of(self, size: int) -> AsyncIterator[None]:
        """Hold what a mail of `size` bytes needs while the block runs."""
        needed = max(0, min(size, UPLOAD_BYTES, self._total))
        while self._free < needed:
            told = asyncio.get_running_loop().create_future()
            self._waiting.append(told)
            await told
        self._free -= needed
        try:
            yield
        finally:
            self._free += needed
            waiting, self._waiting = self._waiting, []
            for told in waiting:
                if not told.done():  # else who waited was cancelled
                    told.set_result(None)
