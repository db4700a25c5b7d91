"""A process that writes and may be killed: `python -m tests.stores.writer SETTINGS PATH BLOCKS`.

It streams BLOCKS chunks of 1 MiB, says so on standard output, and then waits for ever in the middle of the
body; with `whole` as a fourth argument it ends the body instead, with `bytes` it writes the same in one piece, and
with `linking` so too, but waits where the file would get its name. Errors are printed by class and text.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from stores.factory import open_store
from stores.interface import StoreError
from stores.settings import StoreSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def body(blocks: int, *, whole: bool) -> AsyncIterator[bytes]:
    """Yield the chunks, then end or wait to be killed."""
    for _ in range(blocks):
        yield bytes(1 << 20)
    if not whole:
        print("half", flush=True)
        await asyncio.sleep(600)


def stay(*_: object, **__: object) -> None:
    """Wait to be killed, instead of what was to be done."""
    print("half", flush=True)
    time.sleep(600)


async def main() -> None:
    """Write as the arguments say."""
    settings, path, blocks, *rest = sys.argv[1:]
    store = open_store(TypeAdapter(StoreSettings).validate_json(settings))
    if rest == ["linking"]:
        os.link = stay
    try:
        data = bytes(int(blocks) << 20) if rest and rest != ["whole"] else body(int(blocks), whole=bool(rest))
        stored = await store.create(path, data, content_type="text/plain")
        print("stored", stored.created, stored.size)
    except StoreError as error:
        print(type(error).__name__, error)
    finally:
        await store.close()


if __name__ == "__main__":
    asyncio.run(main())
