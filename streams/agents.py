"""The two agents, in flow order. Each is a shell: take a batch, hand it to its stage, acknowledge in order.

    raw-events ─▶ assemble ─▶ conversations ─▶ archive ─▶ deliveries

`consume` is the only place where the project reads a stream: manual acknowledgement, after all effects are durable;
an exception ends the worker (CrashingSupervisor) with nothing of the batch committed. A test over the source forbids
every other way.
"""

from typing import Any

from mode import CrashingSupervisor

from streams.archive import ArchiveStage
from streams.assemble import AssembleStage
from streams.holdback import HoldbackApp
from streams.stage import Record, Stage, fresh


def declare_agents(app: HoldbackApp, assemble: AssembleStage, archive: ArchiveStage) -> None:
    """Attach one agent for each stage."""

    @_agent(app, assemble)
    async def assemble_conversations(stream: Any) -> None:
        """Fold raw events into slices; emit those that a control record closes."""
        await consume(app, assemble, stream)

    @_agent(app, archive)
    async def archive_conversations(stream: Any) -> None:
        """Turn closed slices into mails, make mails and copies durable, write the ledger."""
        await consume(app, archive, stream)


def _agent(app: HoldbackApp, stage: Stage) -> Any:
    # Bytes stay bytes: Faust acknowledges a record that it cannot decode, so decoding is ours.
    topic = app.topic(
        app.kafka.topic(stage.source.name),
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
    )
    return app.agent(topic, name=stage.name, concurrency=1, supervisor_strategy=CrashingSupervisor)


async def consume(app: HoldbackApp, stage: Stage, stream: Any) -> None:
    """Batches of a stage's topic, until the worker stops."""
    unacknowledged = stream.noack()
    async for batch in unacknowledged.noack_take(stage.batch, within=app.batch_seconds):
        records = [_record(event.message) for event in batch]
        await stage.handle(list(fresh(records, app.positions)))
        for event in batch:
            await unacknowledged.ack(event)


def _record(message: Any) -> Record:
    # A record without a value (a tombstone that has no place here) is refused like any other that can't be decoded.
    return Record(message.topic, message.partition, message.offset, message.key, message.value or b"")
