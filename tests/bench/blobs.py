"""What Azure Blob Storage costs, on Azurite: `python -m tests.bench.blobs [--mails 400] [--at-once 1 4 16 64]`.

Each mail is stored with the copies of two mailboxes, as the archive stage does it, so many mails at a time: as the product
does it with small mails (their bytes are sent again), and by copies within the service, as it does with large ones. Beside it
the same PUTs by the bare HTTP client under the SDK, with a shared access signature: the limit of any client on this machine.
Azurite itself takes most of a core: what carries over to Azure is the CPU a blob of our side. A table for docs/capacity.md.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import aiohttp
from azure.storage.blob import ContainerSasPermissions, generate_container_sas

from sandbox.azurite import ACCOUNT, ACCOUNT_KEY, Azurite
from stores.azure import AzureStore
from stores.azure_access import by_connection_string
from stores.azure_recent import Recent
from tests.bench import command

API = "2026-06-06"  # the newest that Azurite 3.37.0 knows
MAIL = "message/rfc822"
MAIL_BYTES = 12_000  # as those of real dialogs have
COPIES = 2
FACTS = {"connector": "bench", "mailid": "0" * 32, "slice": "2026-03-02", "revision": "0", "status": "ok"}

Work = Callable[[int], Awaitable[object]]


async def side_by_side(work: Work, mails: int, at_once: int) -> tuple[float, float]:
    """Seconds of the wall clock and of this process's CPU for so many mails, so many at a time."""
    waiting = iter(range(mails))

    async def some() -> None:
        for number in waiting:
            await work(number)

    began, before = time.monotonic(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(some())
    return time.monotonic() - began, time.process_time() - before


def mail_of(number: int) -> bytes:
    """Bytes that no other mail has."""
    return number.to_bytes(8, "big") + os.urandom(MAIL_BYTES - 8)


async def stored(azurite: Azurite, mails: int, at_once: int, *, within: bool) -> tuple[float, float]:
    """By the product's store; `within`: what was just sent is not kept, so the service has to copy it."""
    access = by_connection_string(azurite.connection_string, f"c{uuid4().hex}", api_version=API)
    store = AzureStore(access, recent=Recent(largest=-1) if within else None)

    async def work(number: int) -> None:
        name = f"_mails/bench/{number}.eml"
        original = await store.create(name, mail_of(number), content_type=MAIL, metadata=FACTS)
        for copy in range(COPIES):
            path = f"box{copy}@bank.example/{number}.eml"
            await store.copy(name, path, content_type=MAIL, metadata=FACTS, sha256=original.sha256)

    try:
        await store.create("warm", b"up", content_type=MAIL)
        return await side_by_side(work, mails, at_once)
    finally:
        await store.close()


async def bare(azurite: Azurite, mails: int, at_once: int) -> tuple[float, float]:
    """The same bytes and headers, without SDK, checks or hashes."""
    container = f"c{uuid4().hex}"
    access = by_connection_string(azurite.connection_string, container, api_version=API)
    async with access.container:
        await access.container.create_container()
    signature = generate_container_sas(
        ACCOUNT, container, account_key=ACCOUNT_KEY, permission=ContainerSasPermissions(read=True, create=True, write=True),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )  # fmt: skip
    headers = {"x-ms-blob-type": "BlockBlob", "If-None-Match": "*", "Content-Type": MAIL, "x-ms-version": API}
    headers |= {f"x-ms-meta-{name}": value for name, value in FACTS.items()}
    limits = aiohttp.TCPConnector(limit=at_once)
    async with aiohttp.ClientSession(connector=limits, headers=headers) as session:

        async def work(number: int) -> None:
            data = mail_of(number)
            for copy in range(1 + COPIES):
                url = f"{azurite.url}/{container}/{number}-{copy}.eml?{signature}"
                async with session.put(url, data=data) as answer:
                    answer.raise_for_status()

        return await side_by_side(work, mails, at_once)


def rows(mails: int, at_once: list[int]) -> Iterator[str]:
    """The table, a row as soon as it is known."""
    yield "| mails at a time | way | copies/s | blobs/s | CPU a blob, µs |\n|---|---|---|---|---|"
    with command.ram_folder() as place, Azurite(place) as azurite:
        for number in at_once:
            ways = {
                "chatledger": stored(azurite, mails, number, within=False),
                "copied within the service": stored(azurite, mails, number, within=True),
                "bare HTTP": bare(azurite, mails, number),
            }
            for way, measured in ways.items():
                wall, cpu = asyncio.run(measured)
                blobs = mails * (1 + COPIES)
                yield (
                    f"| {number} | {way} | {mails * COPIES / wall:,.0f} | {blobs / wall:,.0f} "
                    f"| {cpu / blobs * 1e6:,.0f} |"
                )


def main() -> None:
    """Print the table."""
    parser = command.parser(__doc__)
    parser.add_argument("--mails", type=int, default=400)
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 4, 16, 64])
    wanted = parser.parse_args()
    command.tell(rows(wanted.mails, wanted.at_once))


if __name__ == "__main__":
    main()
