"""Stage 3, mails ─▶ copies: a shell around `Router`, with the mapping that was in force at each mail's position."""

from bisect import bisect_left
from collections.abc import AsyncIterator, Callable

from schemas.codec import expect
from schemas.ids import conversation_key
from schemas.records import Copies, Mail, MappingActivated, MappingInForce, Target
from schemas.topics import COPIES, MAILS, MAPPINGS, MAX_RECORD_BYTES
from streams.contents import CLAIM_BYTES
from streams.fitting import fitting, has_path
from streams.outbox import Outbox
from streams.positions import Stand, TopicPartition
from streams.refusals import RejectedError, dependency
from streams.routing import NO_MAPPING, Router
from streams.stage import Desk, Record, each

ReadMappings = Callable[[], AsyncIterator[bytes]]


class RouteStage:
    """Decides who gets a copy."""

    name = "route"
    source = MAILS
    batch = 100

    def __init__(self, desk: Desk, mappings: ReadMappings) -> None:
        """`mappings` reads topic mappings from its beginning to its present end."""
        self._desk, self._mappings = desk, mappings
        self._topic = desk.kafka.topic(MAILS.name)
        self._routers: dict[str, Router] = {"": Router(NO_MAPPING)}
        self._in_force: dict[int, dict[int, str]] = {}  # partition -> position -> version
        self._bare: set[int] = set()  # partitions that we own and know nothing of

    async def handle(self, records: list[Record]) -> None:
        """One mail becomes one record of copies; an activation changes the mapping for what follows."""
        while self._bare.intersection(record.partition for record in records):
            await self._learn()
        await each(self.name, self._desk, records, self._one)

    def take_over(self, tp: TopicPartition, stand: Stand) -> None:  # noqa: ARG002 - as the other stages have it
        """What was in force there is read before the first mail."""
        self.let_go(tp)
        self._in_force[tp[1]] = {}
        self._bare.add(tp[1])

    def let_go(self, tp: TopicPartition) -> None:
        """Forget what was in force there."""
        self._in_force.pop(tp[1], None)
        self._bare.discard(tp[1])

    async def _one(self, record: Record, outbox: Outbox) -> None:
        name, value = self._desk.codec.decode(record.value)
        if name == "MappingActivated":
            await self._activate(record, value, outbox)
        elif name == "Mail":
            if value["overflow"] is not None:
                value = expect("Mail", await self._desk.contents.get(value["overflow"]))
            await self._mail(record, value, outbox)
        else:
            msg = f"a {name} has no place in {record.topic}"
            raise TypeError(msg)

    async def _mail(self, record: Record, mail: Mail, outbox: Outbox) -> None:
        """More participants than one record takes become several, each complete for the participants that it has."""
        copies = await self._light(self._router(record).copies(mail), outbox)
        key = conversation_key(mail["connector_uid"], mail["conversation"])

        def encoded(some: list[Target]) -> bytes:
            return outbox.encode(COPIES, "Copies", {**copies, "targets": some})

        for value in list(fitting(copies["targets"], encoded, first=has_path)):
            await outbox.send(COPIES, value, key=key, partition=record.partition)

    async def _light(self, copies: Copies, outbox: Outbox) -> Copies:
        """The same; what is too large for a record has its text by claim check, so that there is room for participants."""
        if len(outbox.encode(COPIES, "Copies", copies)) <= MAX_RECORD_BYTES:
            return copies
        for longest in CLAIM_BYTES:
            if len(outbox.encode(COPIES, "Copies", {**copies, "targets": []})) > MAX_RECORD_BYTES // 2:
                segments = await self._desk.contents.lighter(copies["segments"], longest)
                copies = {**copies, "segments": segments}
        return copies

    async def _activate(self, record: Record, activated: MappingActivated, outbox: Outbox) -> None:
        version = activated["version"]
        if version not in self._routers:
            await self._learn(version)
        if version not in self._routers:
            msg = f"mapping {version} was activated, but never written"
            raise RejectedError(msg)
        known: MappingInForce = {"partition": record.partition, "position": record.offset, "version": version}
        key = f"in-force|{record.partition}|{record.offset:020d}".encode()
        await outbox.send(MAPPINGS, outbox.encode(MAPPINGS, "MappingInForce", known), key=key, partition=0)
        self._note(known)

    def _router(self, record: Record) -> Router:
        return self._routers[_as_of(self._in_force.get(record.partition, {}), record.offset)]

    def _note(self, known: MappingInForce) -> None:
        """Remember where a mapping came in force; other partitions' owners have memories of their own."""
        if known["partition"] in self._in_force:
            self._in_force[known["partition"]][known["position"]] = known["version"]

    async def _learn(self, wanted: str = "") -> None:
        """Read all of the topic; keep the mappings that are in force somewhere from here on, and the wanted one."""
        written: dict[str, bytes] = {}
        asked = {number: self._in_force[number] for number in self._bare}
        with dependency("mappings"):
            async for data in self._mappings():
                name, value = self._desk.codec.decode(data)
                if name == "Mapping":
                    written[value["version"]] = data
                elif name == "MappingInForce":
                    self._note(value)
            # A partition that came while we were reading has a new history, and is read for again.
            self._bare -= {number for number, known in asked.items() if self._in_force.get(number) is known}
            needed = {"", wanted, *self._needed()}
            self._routers = {version: one for version, one in self._routers.items() if version in needed}
            for version in needed & (written.keys() - self._routers.keys()):
                self._routers[version] = Router(self._desk.codec.decode(written[version]).value)

    def _needed(self) -> set[str]:
        """Versions that a mail may still ask for; what was in force before them is forgotten."""
        for partition, history in self._in_force.items():
            reached = self._desk.positions.reached.get((self._topic, partition), 0)
            now = _as_of(history, reached)
            last = max((at for at, version in history.items() if at < reached and version == now), default=0)
            self._in_force[partition] = {at: version for at, version in history.items() if at >= last}
        return {version for history in self._in_force.values() for version in history.values()}


def _as_of(history: dict[int, str], position: int) -> str:
    """The version that came in force last below a position; empty if none did."""
    positions = sorted(history)
    at = bisect_left(positions, position)
    return history[positions[at - 1]] if at else ""
