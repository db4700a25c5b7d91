"""Stage 3, mails ─▶ copies: a shell around `Router`, with the user mapping that each mail names."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable

from schemas.codec import expect
from schemas.ids import conversation_key
from schemas.mappings import rows_from_csv
from schemas.records import Copies, Mail, Mapping, Target
from schemas.topics import COPIES, MAILS, MAX_RECORD_BYTES
from streams.contents import CLAIM_BYTES, Contents
from streams.fitting import fitting, has_path
from streams.outbox import Outbox
from streams.refusals import RejectedError, dependency
from streams.routing import NO_MAPPING, Router
from streams.stage import Record, Stateless, Tools, each

ReadMappings = Callable[[], AsyncIterator[bytes]]
KEPT = 4
"""Mappings in memory at a time: one is in force, and a change is on its way through the partitions for a while."""


class RouteStage(Stateless):
    """Decides who gets a copy."""

    name = "route"
    source = MAILS
    batch = 100

    def __init__(self, tools: Tools, mappings: ReadMappings) -> None:
        """`mappings` reads topic mappings from its beginning to its present end."""
        self._tools, self._mappings = tools, mappings
        self._routers: OrderedDict[str, Router] = OrderedDict()

    async def handle(self, records: list[Record]) -> None:
        """One mail becomes one record of copies, or several."""
        await each(self.name, self._tools, records, self._one)

    async def _one(self, record: Record, outbox: Outbox) -> None:
        mail: Mail = self._tools.decoded(record, "Mail").value
        if mail["overflow"] is not None:
            mail = expect("Mail", await self._tools.contents.get(mail["overflow"]))
        router = await self._router(mail["mapping_version"])
        await self._send(router.copies(mail), record, outbox)

    async def _send(self, copies: Copies, record: Record, outbox: Outbox) -> None:
        """More participants than one record takes become several, each complete for the participants that it has."""
        light = await self._light(copies, outbox)
        key = conversation_key(copies["connector_uid"], copies["conversation"])

        def encoded(some: list[Target]) -> bytes:
            return outbox.encode(COPIES, "Copies", {**light, "targets": some})

        for value in list(fitting(light["targets"], encoded, first=has_path)):
            await outbox.send(COPIES, value, key=key, partition=record.partition)

    async def _light(self, copies: Copies, outbox: Outbox) -> Copies:
        """The same; what is too large for a record has its text by claim check, so that there is room for participants."""
        if len(outbox.encode(COPIES, "Copies", copies)) <= MAX_RECORD_BYTES:
            return copies
        for longest in CLAIM_BYTES:
            if len(outbox.encode(COPIES, "Copies", {**copies, "targets": []})) > MAX_RECORD_BYTES // 2:
                segments = await self._tools.contents.lighter(copies["segments"], longest)
                copies = {**copies, "segments": segments}
        return copies

    async def _router(self, version: str) -> Router:
        """Of the version that the mail names; a mapping is in its topic before any control record names it."""
        if version not in self._routers:
            self._routers[version] = await self._read(version) if version else Router(NO_MAPPING)
        self._routers.move_to_end(version)
        while len(self._routers) > KEPT:
            self._routers.popitem(last=False)
        return self._routers[version]

    async def _read(self, version: str) -> Router:
        found = None
        with dependency("mappings"):
            async for data in self._mappings():
                name, value = self._tools.codec.decode(data)
                if name == "Mapping" and value["version"] == version:
                    found = value
        if found is None:
            msg = f"the mail names user mapping {version}, which is not in topic mappings"
            raise RejectedError(msg)
        return await router_of(found, self._tools.contents)


async def router_of(mapping: Mapping, contents: Contents) -> Router:
    """The router of a mapping as its topic holds it; the rows from the content store if they were too many."""
    ref = mapping.get("rows_ref")
    if ref is None:
        return Router(mapping)
    data = await contents.get(ref)
    with dependency("the rows of a user mapping"):
        return Router(mapping, rows_from_csv(data))
