"""The state of every connector, from the compacted status topic alone: what `chatledger status` and health checks see."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from consumers.reading import latest
from consumers.reconciling.spans import days_of, open_days, told_spans
from schemas.broker import KafkaSettings
from schemas.status import ALL_CONNECTORS, ConnectorStatus
from schemas.topics import CONNECTOR_STATUS

BAD_STATES = frozenset({"waiting", "refused", "failed"})
RESTING = frozenset({"paused", "deleted"})
"""By order of an administrator: neither silence nor old trouble is a fault."""


@dataclass
class ConnectorView:
    """Everything known of one connector; times in milliseconds since 1970 UTC.

    `last_error` stays when it is over, `states` (by lane) say whether it is. `updated_at_ms` is when a collector last
    spoke, 0 if none ever did; `last_success_ms` when a delivery was last recorded; `resting_since_ms` when it was paused
    or deleted, which is not in the status topic: whoever has read the orders says it. `reconciled_up_to_ms`: the daily
    reconciliation is done with days before that, `reconciled` says what became of them: days that were `compared`, also
    `in_part`, that were `not_verifiable`, `not_covered` or `passed_over`, `differing` and `open`; `unreconciled`: what
    somebody has to look at there.
    """

    uid: str
    name: str = ""
    source: str = ""
    states: dict[str, str] = field(default_factory=dict)
    captured_up_to_ms: int | None = None
    lag_ms: int | None = None
    progress: float | None = None
    last_collected_ms: int | None = None
    last_success_ms: int | None = None
    last_error: str | None = None
    last_error_ms: int | None = None
    counters: dict[str, int] = field(default_factory=dict)
    updated_at_ms: int = 0
    resting_since_ms: int | None = None
    reconciled_up_to_ms: int | None = None
    reconciled: dict[str, list[str]] = field(default_factory=dict)
    unreconciled: str | None = None

    @property
    def healthy(self) -> bool:
        """Nothing waits for a dependency or was refused."""
        return not BAD_STATES & set(self.states.values())


def read_status(kafka: KafkaSettings) -> list[ConnectorStatus]:
    """The latest record of every key. KafkaError when Kafka cannot be reached, LookupError without the topic."""
    return [json.loads(value) for _, value in sorted(latest(kafka, CONNECTOR_STATUS).items())]


def views(records: list[ConnectorStatus]) -> list[ConnectorView]:
    """One view for each connector, by uid. Components of workers (connector `*`) are left out."""
    found: dict[str, ConnectorView] = {}
    for record in records:
        if record["connector_uid"] == ALL_CONNECTORS:
            continue
        view = found.setdefault(record["connector_uid"], ConnectorView(record["connector_uid"]))
        view.name, view.source = view.name or record["connector"], view.source or record["source"]
        if record["component"] == "collector":
            _collector(view, record)
        elif record["component"] == "reconcile":
            _reconciled(view, record)
        elif record["component"] == "delivery":
            view.counters |= record["counters"]
            view.last_success_ms = record["last_success_ms"] or view.last_success_ms
    return [found[uid] for uid in sorted(found)]


def _collector(view: ConnectorView, record: ConnectorStatus) -> None:
    lane, error, success = record["lane"] or "live", record["last_error"], record["last_success_ms"]
    view.name, view.source = record["connector"], record["source"]
    view.states[lane] = record["state"]
    view.updated_at_ms = max(view.updated_at_ms, record["updated_at_ms"])
    if success is not None:
        view.last_collected_ms = max(success, view.last_collected_ms or 0)
    if error is not None and error["at_ms"] >= (view.last_error_ms or 0):
        view.last_error, view.last_error_ms = error["message"], error["at_ms"]
    if lane == "live":
        view.captured_up_to_ms, view.lag_ms = record["captured_up_to_ms"], record["lag_ms"]
    else:
        view.progress = record["progress"]


def _reconciled(view: ConnectorView, record: ConnectorStatus) -> None:
    view.reconciled_up_to_ms = record["captured_up_to_ms"]
    left = open_days(record["counters"])
    found: dict[str, list[str]] = {
        kind: told_spans(days) for kind, days in days_of(record["counters"]).items()
    }
    view.reconciled = {
        **found,
        "differing": [f"{day} ({number})" for day, number in left.items() if number],
        "open": [day for day, number in left.items() if not number],
    }
    if record["state"] in BAD_STATES and record["last_error"] is not None:
        view.unreconciled = record["last_error"]["message"]


def unwell(
    found: list[ConnectorView], *, now_ms: int, silent_ms: Mapping[str, int], stopped_ms: int
) -> list[str]:
    """One sentence for each reason why a health check must fail.

    `silent_ms`: every connector that should run, and its longest silence; of others nothing is asked. `stopped_ms`: how
    long ago a collector may have stopped, for installations that collect now and then.
    """
    by_uid = {view.uid: view for view in found}
    reasons = []
    for uid, longest in silent_ms.items():
        view = by_uid.get(uid, ConnectorView(uid))
        if view.unreconciled is not None:
            reasons.append(f"{uid}: {view.unreconciled}")
        if view.states.get("live") in RESTING:
            continue
        if not view.healthy:
            states = ", ".join(sorted(BAD_STATES & set(view.states.values())))
            reasons.append(f"{uid}: {states}: {view.last_error or 'see its log'}")
        stopped = view.states.get("live") == "stopped"
        if not view.updated_at_ms:
            reasons.append(f"{uid}: has never reported; is `chatledger collect {uid}` running?")
        elif now_ms - view.updated_at_ms > (stopped_ms if stopped else longest):
            silence = (now_ms - view.updated_at_ms) // 1000
            reasons.append(_silent(uid, silence, stopped=stopped))
    return reasons


def _silent(uid: str, seconds: int, *, stopped: bool) -> str:
    if stopped:
        return f"{uid}: stopped {seconds} s ago, and nothing collects since; start `chatledger collect {uid}`"
    return f"{uid}: silent for {seconds} s; is `chatledger collect {uid}` running?"
