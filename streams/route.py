"""Stage 3, mails ─▶ copies: a shell around `Router`, with the user mapping that each mail names."""

from schemas.codec import expect
from schemas.ids import conversation_key
from schemas.records import Copies, Mail, Target
from schemas.topics import COPIES, MAILS, MAPPINGS, MAX_RECORD_BYTES
from streams.contents import CLAIM_BYTES
from streams.fitting import fitting, has_path
from streams.outbox import Outbox
from streams.readback import Kept
from streams.routers import ReadMappings, Routers
from streams.stage import Record, Stateless, Tools, each


class RouteStage(Stateless):
    """Decides who gets a copy."""

    name = "route"
    source = MAILS
    batch = 100

    def __init__(self, tools: Tools, mappings: ReadMappings) -> None:
        """`mappings` reads topic mappings from its beginning to its present end."""
        self._tools = tools
        self._routers = Routers(mappings, tools.codec, tools.contents, refuse=self._refuse)
        self._refused = set[int]()  # positions of topic mappings

    async def handle(self, records: list[Record]) -> None:
        """One mail becomes one record of copies, or several."""
        await each(self.name, self._tools, records, self._one)

    async def _one(self, record: Record, outbox: Outbox) -> None:
        mail: Mail = self._tools.decoded(record, "Mail").value
        if mail["overflow"] is not None:
            mail = expect("Mail", await self._tools.contents.get(mail["overflow"]))
        router = await self._routers.of(mail["mapping_version"])
        await self._send(router.copies(mail), record, outbox)

    async def _refuse(self, kept: Kept, error: Exception) -> None:
        """What nobody can read in topic mappings becomes a dead letter, one in each life of a worker that meets it."""
        if kept.position in self._refused:
            return
        self._refused.add(kept.position)
        topic, outbox = self._tools.kafka.topic(MAPPINGS.name), self._tools.new_outbox()
        record = Record(topic, 0, kept.position, kept.key, kept.value)
        await self._tools.send_letter(self.name, record, error, outbox)
        await outbox.confirm()

    async def _send(self, copies: Copies, record: Record, outbox: Outbox) -> None:
        """More participants than one record takes become several, each complete for the participants that it has."""
        key = conversation_key(copies["connector_uid"], copies["conversation"])
        whole = outbox.encode(COPIES, "Copies", copies)
        for value in [whole] if len(whole) <= MAX_RECORD_BYTES else await self._several(copies, outbox):
            await outbox.send(COPIES, value, key=key, partition=record.partition)

    async def _several(self, copies: Copies, outbox: Outbox) -> list[bytes]:
        light = await self._light(copies, outbox)

        def encoded(some: list[Target]) -> bytes:
            return outbox.encode(COPIES, "Copies", {**light, "targets": some})

        return list(fitting(light["targets"], encoded, first=has_path))

    async def _light(self, copies: Copies, outbox: Outbox) -> Copies:
        """The same with its text by claim check, so that there is room for participants."""
        for longest in CLAIM_BYTES:
            if len(outbox.encode(COPIES, "Copies", {**copies, "targets": []})) > MAX_RECORD_BYTES // 2:
                segments = await self._tools.contents.lighter(copies["segments"], longest)
                copies = {**copies, "segments": segments}
        return copies
