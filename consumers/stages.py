"""How the workers do: what waits before each stage, who is there to do it, and what they say of themselves."""

from dataclasses import dataclass

from consumers.drain import Backlog, backlogs, group_members
from consumers.letters.reading import count_open
from consumers.status import BAD_STATES
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.status import ALL_CONNECTORS, ConnectorStatus

NO_WORKER = "no worker"


@dataclass
class StageView:
    """One stage: records waiting, records in all, the worst state that its partitions report, the newest error.

    State `no worker`: none is there, whatever the last one said.
    """

    stage: str
    waiting: int
    total: int
    state: str = "never reported"
    last_error: str | None = None
    updated_at_ms: int = 0


@dataclass(frozen=True)
class WorkersView:
    """All stages in flow order, the number of workers in the group, and of dead letters that nobody has dealt with."""

    stages: list[StageView]
    workers: int
    dead_letters: int


def read_workers(
    kafka: KafkaSettings, codec: Codec, group: str, records: list[ConnectorStatus]
) -> WorkersView:
    """Ask Kafka; `records` are those of the status topic. KafkaError, LookupError. Blocks."""
    letters = count_open(kafka, codec)
    workers = len(group_members(kafka, group))
    return WorkersView(stage_views(backlogs(kafka, group), records, workers=workers), workers, letters)


def stage_views(waiting: list[Backlog], records: list[ConnectorStatus], *, workers: int) -> list[StageView]:
    """Join what Kafka knows with what workers reported; what they said is left over when none is there any more."""
    found = {one.stage: StageView(one.stage, one.waiting, one.total) for one in waiting}
    for record in records:
        view = found.get(record["component"])
        if record["connector_uid"] != ALL_CONNECTORS or view is None:
            continue
        view.state = max(view.state, record["state"], key=_badness)
        if record["last_error"] is not None and record["updated_at_ms"] >= view.updated_at_ms:
            view.last_error = record["last_error"]["message"]
        view.updated_at_ms = max(view.updated_at_ms, record["updated_at_ms"])
    if not workers:
        for view in found.values():
            view.state = NO_WORKER
    return list(found.values())


def stages_unwell(found: WorkersView) -> list[str]:
    """One sentence for each reason why a health check must fail. A stage without work is well, whatever it said last."""
    reasons = []
    for stage in found.stages:
        if not stage.waiting:
            continue
        if not found.workers:
            waiting = "1 record waits" if stage.waiting == 1 else f"{stage.waiting} records wait"
            reasons.append(f"{stage.stage}: {waiting} and no worker is there; start `chatledger work`")
        elif stage.state in BAD_STATES:
            reasons.append(
                f"{stage.stage}: {stage.state}: {stage.last_error or 'see the log of the workers'}"
            )
    return reasons


def _badness(state: str) -> int:
    order = ("never reported", "stopped", "idle", "starting", "working", "waiting", "refused", "failed")
    return order.index(state) if state in order else 0
