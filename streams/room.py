"""How much of a worker's memory mails may hold while they are written: a few at a time, however many wait."""

import asyncio

UPLOAD_BYTES = 8_000_000
"""What a mail that is streamed into a store holds at most, whatever its size (`Store.create`)."""
ROOM_BYTES = 16_000_000
"""What all mails hold together: two large ones at a time."""


class Room:
    """So many bytes; who finds too little free waits."""

    def __init__(self, total: int = ROOM_BYTES) -> None:
        self._total = self._free = total
        self._waiting = list[asyncio.Future[None]]()

    def of(self, size: int) -> "_Held":
        """Hold what a mail of `size` bytes needs while the block runs."""
        return _Held(self, max(0, min(size, UPLOAD_BYTES, self._total)))

    async def hold(self, needed: int) -> None:
        """Wait until so much is free, and hold it."""
        while self._free < needed:
            told = asyncio.get_running_loop().create_future()
            self._waiting.append(told)
            await told
        self._free -= needed

    def give_back(self, needed: int) -> None:
        """Whoever waits looks again."""
        self._free += needed
        waiting, self._waiting = self._waiting, []
        for told in waiting:
            if not told.done():  # else who waited was cancelled
                told.set_result(None)


class _Held:
    """A block that holds room; no generator, since there are two for every mail."""

    __slots__ = ("_needed", "_room")

    def __init__(self, room: Room, needed: int) -> None:
        self._room, self._needed = room, needed

    async def __aenter__(self) -> None:
        await self._room.hold(self._needed)

    async def __aexit__(self, *_: object) -> None:
        self._room.give_back(self._needed)
