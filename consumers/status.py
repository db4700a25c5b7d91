"""The state of every connector, from the compacted status topic alone: what `chatledger status` and health checks see."""

import json
from dataclasses import dataclass, field

from consumers.reading import latest
from schemas.broker import KafkaSettings
from schemas.status import ConnectorStatus
from schemas.topics import CONNECTOR_STATUS

BAD_STATES = frozenset({"waiting", "refused"})


@dataclass
class ConnectorView:
    """Everything known of one connector; times in milliseconds since 1970 UTC."""

    uid: str
    name: str = ""
    source: str = ""
    states: dict[str, str] = field(default_factory=dict)
    captured_up_to_ms: int | None = None
    lag_ms: int | None = None
    progress: float | None = None
    last_success_ms: int | None = None
    last_error: str | None = None
    counters: dict[str, int] = field(default_factory=dict)
    updated_at_ms: int = 0

    @property
    def healthy(self) -> bool:
        """Nothing waits for a dependency or was refused."""
        return not BAD_STATES & set(self.states.values())


def read_status(kafka: KafkaSettings) -> list[ConnectorStatus]:
    """The latest record of every key. KafkaError when Kafka cannot be reached."""
    return [json.loads(value) for _, value in sorted(latest(kafka, CONNECTOR_STATUS).items())]


def views(records: list[ConnectorStatus]) -> list[ConnectorView]:
    """One view for each connector, by uid. Components of workers (connector `*`) are left out."""
    found: dict[str, ConnectorView] = {}
    for record in records:
        if record["connector_uid"] == "*":
            continue
        view = found.setdefault(record["connector_uid"], ConnectorView(record["connector_uid"]))
        view.updated_at_ms = max(view.updated_at_ms, record["updated_at_ms"])
        if record["component"] == "collector":
            _collector(view, record)
        elif record["component"] == "delivery":
            view.counters |= record["counters"]
            view.last_success_ms = record["last_success_ms"] or view.last_success_ms
    return [found[uid] for uid in sorted(found)]


def _collector(view: ConnectorView, record: ConnectorStatus) -> None:
    lane = record["lane"] or "live"
    view.name, view.source = record["connector"], record["source"]
    view.states[lane] = record["state"]
    error = record["last_error"]
    if error is not None and record["state"] in BAD_STATES:
        view.last_error = error["message"]
    if lane == "live":
        view.captured_up_to_ms, view.lag_ms = record["captured_up_to_ms"], record["lag_ms"]
    else:
        view.progress = record["progress"]


def unwell(found: list[ConnectorView], *, now_ms: int, silent_ms: int) -> list[str]:
    """One sentence for each reason why a health check must fail."""
    reasons = [] if found else ["no connector has ever reported"]
    for view in found:
        if not view.healthy:
            reasons.append(
                f"{view.uid}: {', '.join(sorted(set(view.states.values())))}: {view.last_error or 'see its log'}"
            )
        if now_ms - view.updated_at_ms > silent_ms:
            reasons.append(f"{view.uid}: silent for {(now_ms - view.updated_at_ms) // 1000} s")
    return reasons
