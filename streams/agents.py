"""The two agents, in flow order. Each is a shell: take a pack, hand it to its stage, acknowledge it.

    raw-events ─▶ assemble ─▶ conversations ─▶ archive ─▶ deliveries

`consume` is the only place where the project reads a stream: manual acknowledgement, after all effects are durable;
an exception ends the worker (CrashingSupervisor) with nothing of its batch committed. A test over the source forbids
every other way.
"""

from typing import Any

from mode import CrashingSupervisor

from streams.archive import ArchiveStage
from streams.assemble import AssembleStage
from streams.holdback import HoldbackApp
from streams.packs import batches
from streams.stage import Stage, fresh


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
    # Raw: Faust acknowledges a record that it cannot decode, so decoding is ours; and it leaves a pack as it is.
    topic = app.topic(
        app.kafka.topic(stage.source.name),
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
    )
    return app.agent(topic, name=stage.name, concurrency=1, supervisor_strategy=CrashingSupervisor)


async def consume(app: HoldbackApp, stage: Stage, stream: Any) -> None:
    """Packs of a stage's topic, until the worker stops."""
    unacknowledged = stream.noack()
    async for pack in unacknowledged:
        event = unacknowledged.current_event
        for batch in batches(pack.unpack(), stage.batch):
            if not app.goes_on(pack.generation):
                break  # a rebalance waits for us; what is left is read again by whoever comes after it
            await stage.handle(list(fresh(batch, app.positions)))
        await unacknowledged.ack(event)
