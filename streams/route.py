"""Stage 3, mails ─▶ copies: a shell around `Router`, with the mapping that was in force at each mail's position."""

from bisect import bisect_left
from collections.abc import AsyncIterator, Callable

from schemas.ids import conversation_key
from schemas.records import Mail, Mapping, MappingActivated, MappingInForce
from schemas.topics import COPIES, MAILS, MAPPINGS, MAX_RECORD_BYTES
from streams.outbox import Outbox
from streams.positions import TopicPartition
from streams.refusals import RejectedError
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
        self._routers: dict[str, Router] = {"": Router(NO_MAPPING)}
        self._in_force: dict[int, dict[int, str]] = {}

    async def handle(self, records: list[Record]) -> None:
        """One mail becomes one record of copies; an activation changes the mapping for what follows."""
        await each(self.name, self._desk, records, self._one)

    async def take_over(self, tp: TopicPartition) -> None:
        """Learn every mapping and where each came in force."""
        self._in_force.pop(tp[1], None)
        await self._learn()

    async def let_go(self, tp: TopicPartition) -> None:
        """Forget what was in force there."""
        self._in_force.pop(tp[1], None)

    async def _one(self, record: Record, outbox: Outbox) -> None:
        name, value = self._desk.codec.decode(record.value)
        if name == "MappingActivated":
            await self._activate(record, value, outbox)
        elif name == "Mail":
            await self._mail(record, value, outbox)
        else:
            msg = f"a {name} has no place in {record.topic}"
            raise TypeError(msg)

    async def _mail(self, record: Record, mail: Mail, outbox: Outbox) -> None:
        copies = self._router(record).copies(mail)
        key = conversation_key(mail["connector_uid"], mail["conversation"])
        value = outbox.encode(COPIES, "Copies", copies)
        if len(value) > MAX_RECORD_BYTES:
            msg = f"{len(copies['targets'])} participants: too many copies for one record"
            raise RejectedError(msg)
        await outbox.send(COPIES, value, key=key, partition=record.partition)

    async def _activate(self, record: Record, activated: MappingActivated, outbox: Outbox) -> None:
        if activated["version"] not in self._routers:
            await self._learn()
        if activated["version"] not in self._routers:
            msg = f"mapping {activated['version']} was activated, but never written"
            raise RejectedError(msg)
        known: MappingInForce = {
            "partition": record.partition, "position": record.offset, "version": activated["version"]
        }  # fmt: skip
        key = f"in-force|{record.partition}|{record.offset:020d}".encode()
        await outbox.send(MAPPINGS, outbox.encode(MAPPINGS, "MappingInForce", known), key=key, partition=0)
        self._note(known)

    def _router(self, record: Record) -> Router:
        history = self._in_force.get(record.partition, {})
        positions = sorted(history)
        at = bisect_left(positions, record.offset)
        return self._routers[history[positions[at - 1]] if at else ""]

    def _note(self, known: MappingInForce) -> None:
        self._in_force.setdefault(known["partition"], {})[known["position"]] = known["version"]

    async def _learn(self) -> None:
        async for data in self._mappings():
            name, value = self._desk.codec.decode(data)
            if name == "Mapping":
                mapping: Mapping = value
                self._routers.setdefault(mapping["version"], Router(mapping))
            elif name == "MappingInForce":
                self._note(value)
