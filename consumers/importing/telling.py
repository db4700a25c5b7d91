"""What an importer says of itself on the status topic: one record for each connector and partition (rule 26)."""

import time
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kafka import KafkaProducer

from consumers.importing.copies import ALTERED, MISSING
from consumers.importing.desk import Desk
from consumers.importing.progress import Progress
from schemas.broker import KafkaSettings
from schemas.status import ConnectorStatus, LastError, State, encode_status, status_key
from schemas.topics import CONNECTOR_STATUS

if TYPE_CHECKING:
    from consumers.importing.partition import Partition

EVERY_S = 2.0
NAMED = 10  # mailboxes in one sentence
FAULTS = frozenset({MISSING, ALTERED})
"""Reasons that are no matter of a mailbox: somebody has to look at the archive."""


class Teller:
    """Writes what has changed, now and then."""

    def __init__(self, kafka: KafkaSettings, names: Mapping[str, tuple[str, str]]) -> None:
        """`names`: connector uid -> (name, source), for people."""
        self._topic, self._names = kafka.topic(CONNECTOR_STATUS.name), names
        self._told: dict[bytes, ConnectorStatus] = {}
        self._due = 0.0
        self.progress = Progress(names)

    def tell(
        self,
        producer: KafkaProducer,
        partitions: "Mapping[int, Partition]",
        desk: Desk,
        *,
        at_end: bool = False,
    ) -> None:
        """Send what changed since the last time, not more often than every two seconds; nobody waits for it."""
        if time.monotonic() < self._due and not at_end:
            return
        self._due = time.monotonic() + EVERY_S
        waiting = Counter[str]()
        for one in partitions.values():
            waiting.update({uid: counts["waiting"] for uid, counts in one.receipts.counts().items()})
        self.progress.waits(waiting)
        self.progress.tell()
        for one in partitions.values():
            for status in self._statuses(one, desk, at_end=at_end):
                key = status_key(status)
                if _content(self._told.get(key)) != _content(status):
                    producer.send(self._topic, key=key, value=encode_status(status))
                    self._told[key] = status

    def opened(self, number: int) -> None:
        """This partition was another importer's, who said something else of it: what we told before counts no more."""
        self._told = {key: one for key, one in self._told.items() if one["partition"] != number}

    def _statuses(self, partition: "Partition", desk: Desk, *, at_end: bool) -> list[ConnectorStatus]:
        counts, now_ms = partition.receipts.counts(), int(time.time() * 1000)
        host, reasons = desk.host_trouble, partition.receipts.reasons()
        busy: State = "working" if partition.window.reached < partition.window.begun else "idle"
        state: State = "stopped" if at_end else "waiting" if host is not None else busy
        found = []
        for uid in sorted({*self._names, *counts}):
            name, source = self._names.get(uid, (uid, "unknown"))
            waits = waiting_sentence(uid, reasons)
            message = str(host) if host is not None else waits
            error: LastError | None = {"at_ms": now_ms, "message": message} if message else None
            found.append(_status(uid, name, source, partition, state, error, counts.get(uid, {}), now_ms))
        return found


def waiting_sentence(uid: str, reasons: list[tuple[str, str, str, int]]) -> str:
    """Which mailboxes of this connector wait, and why; a fault of the archive is a sentence apart. Empty if all is well."""
    ours = sorted(
        (mailbox, reason, number) for connector, mailbox, reason, number in reasons if connector == uid
    )
    refused = [row for row in ours if row[1] not in FAULTS]
    faulty = [row for row in ours if row[1] in FAULTS]
    found = []
    if refused:
        copies = sum(number for _, _, number in refused)
        found.append(f"{copies} {'copy waits' if copies == 1 else 'copies wait'} for {_named(refused)}")
    if faulty:
        copies = sum(number for _, _, number in faulty)
        found.append(
            f"the archive lacks {copies} {'copy' if copies == 1 else 'copies'} that no order disposed of, or has other bytes: "
            f"{_named(faulty)}; `chatledger replay --into compare` names each, `--into store` makes again what is missing"
        )
    return "; ".join(found)


def _named(rows: list[tuple[str, str, int]]) -> str:
    told = ", ".join(f"{mailbox} ({reason})" for mailbox, reason, _ in rows[:NAMED])
    return told + (f" and {len(rows) - NAMED} more" if len(rows) > NAMED else "")


def _status(
    uid: str, name: str, source: str, partition: "Partition", state: State, error: LastError | None, counts: dict[str, int],
    now_ms: int,
) -> ConnectorStatus:  # fmt: skip
    return {
        "connector_uid": uid, "connector": name, "source": source, "component": "import",
        "partition": partition.number, "lane": None, "reached": partition.window.reached, "state": state,
        "captured_up_to_ms": None, "lag_ms": None, "progress": None, "last_success_ms": None, "last_error": error,
        "counters": counts, "updated_at_ms": now_ms,
    }  # fmt: skip


def _content(status: ConnectorStatus | None) -> object:
    """What makes a status worth telling: all but the times at which it was told."""
    if status is None:
        return None
    error = status["last_error"]
    return {**status, "updated_at_ms": 0, "last_error": error and error["message"]}
