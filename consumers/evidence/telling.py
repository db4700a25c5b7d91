"""What those who close manifests say of themselves on the status topic, component `evidence`, and how that is read."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from consumers.evidence.statement import Manifest
from consumers.status import BAD_STATES, read_status
from consumers.writing import publish_status
from schemas.broker import KafkaSettings
from schemas.status import ALL_CONNECTORS, ConnectorStatus, LastError, State

COMPONENT = "evidence"
LONGEST_PAUSE_MS = 900_000
"""Between two looks of who follows and fails; that is no silence."""
FOLLOWED_MS = 150_000
"""Who follows and is well looks, and says so, every minute."""
NEVER = "evidence: nobody has reported; is `chatledger evidence follow` running?"


@dataclass(frozen=True)
class EvidenceView:
    """What was said last. Times in milliseconds since 1970 UTC; `closed_at_ms`, `manifest`: of the last one, None without.

    `lag_ms`: for how long nothing was closed: up to a day where all is well. `last_error` stays when it is over.
    """

    state: str
    manifest: int | None
    closed_at_ms: int | None
    lag_ms: int | None
    last_error: str | None
    last_error_ms: int | None
    updated_at_ms: int

    @property
    def healthy(self) -> bool:
        """Nothing is waited for or was refused."""
        return self.state not in BAD_STATES


class Teller:
    """Says on the status topic how closing goes; what was true of the last manifest stays until more is known."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._place: tuple[int | None, int | None] | None = None
        self._success_ms: int | None = None
        self._error: LastError | None = None

    def fine(self, last: Manifest | None, state: State = "idle", note: str | None = None) -> None:
        """A look ended well and the chain ends with this manifest. `note`: what somebody should see all the same. KafkaError."""
        now_ms = _now_ms()
        self._place, self._success_ms = place_of(last), now_ms
        if note is not None:
            self._error = {"at_ms": now_ms, "message": note}
        self._publish(state, now_ms)

    def by_hand(self, last: Manifest | None, note: str | None = None) -> None:
        """As `fine`, of a single closing: whoever follows goes on, so nothing is said to be stopped. KafkaError, LookupError."""
        now_ms = _now_ms()
        followed = is_followed(evidence_view(read_status(self._kafka), now_ms), now_ms)
        self.fine(last, "idle" if followed else "stopped", note)

    def trouble(self, message: str, state: State) -> None:
        """Nothing was closed, and why. KafkaError, LookupError."""
        now_ms = _now_ms()
        self._error = {"at_ms": now_ms, "message": message}
        self._publish(state, now_ms)

    def stopped(self) -> None:
        """Whoever followed ends in order. KafkaError, LookupError."""
        self._publish("stopped", _now_ms())

    def _publish(self, state: State, now_ms: int) -> None:
        if self._place is None:
            former = evidence_view(read_status(self._kafka), now_ms)
            self._place = (former.manifest, former.closed_at_ms) if former else (None, None)
        status = to_status(state, self._place, now_ms, self._success_ms, self._error)
        publish_status(self._kafka, status)


def to_status(
    state: State, place: tuple[int | None, int | None], now_ms: int, success_ms: int | None, error: LastError | None
) -> ConnectorStatus:  # fmt: skip
    """The record; `place`: number of the last manifest, and when its range was fixed."""
    number, closed_at_ms = place
    return {
        "connector_uid": ALL_CONNECTORS, "connector": "", "source": "", "component": "evidence", "partition": None, "lane": None,
        "reached": None, "state": state, "captured_up_to_ms": closed_at_ms,
        "lag_ms": None if closed_at_ms is None else max(0, now_ms - closed_at_ms), "progress": None,
        "last_success_ms": success_ms, "last_error": error, "counters": {} if number is None else {"manifests": number},
        "updated_at_ms": now_ms,
    }  # fmt: skip


def place_of(last: Manifest | None) -> tuple[int | None, int | None]:
    """Number of a manifest, and when its range was fixed."""
    if last is None:
        return None, None
    return last.statement.number, round(datetime.fromisoformat(last.statement.closed_at).timestamp() * 1000)


def evidence_view(records: Iterable[ConnectorStatus], now_ms: int) -> EvidenceView | None:
    """From the records of the status topic; None where nobody has ever said anything."""
    for one in records:
        if one["component"] == COMPONENT:
            error, closed_at_ms = one["last_error"], one["captured_up_to_ms"]
            return EvidenceView(
                one["state"], one["counters"].get("manifests"), closed_at_ms,
                None if closed_at_ms is None else max(0, now_ms - closed_at_ms),
                error["message"] if error else None, error["at_ms"] if error else None, one["updated_at_ms"],
            )  # fmt: skip
    return None


def is_followed(view: EvidenceView | None, now_ms: int) -> bool:
    """Whether somebody closes by himself, and is well. Pure."""
    return view is not None and view.state == "idle" and now_ms - view.updated_at_ms <= FOLLOWED_MS


def evidence_unwell(view: EvidenceView | None, now_ms: int, *, silent_ms: int, stopped_ms: int) -> list[str]:
    """One sentence for each reason why a health check must fail, where evidence is configured."""
    if view is None:
        return [NEVER]
    if not view.healthy:
        return [f"evidence: {view.state}: {view.last_error or 'see its log'}"]
    silence_ms = now_ms - view.updated_at_ms
    if view.state == "stopped" and silence_ms > stopped_ms:
        return [
            f"evidence: stopped {silence_ms // 1000} s ago, and no manifest is closed since; start `chatledger evidence follow`"
        ]
    if view.state != "stopped" and silence_ms > silent_ms + LONGEST_PAUSE_MS:
        return [f"evidence: silent for {silence_ms // 1000} s; is `chatledger evidence follow` running?"]
    return []


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
