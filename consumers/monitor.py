"""The monitor: folds deliveries as they come and publishes each connector's counters as component `delivery`."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from kafka import KafkaProducer
from kafka.errors import KafkaError

from consumers.reading import Read, Reader
from consumers.tally import Tally
from schemas.broker import KafkaSettings
from schemas.codec import Codec, DecodeError
from schemas.status import ConnectorStatus, encode_status, status_key
from schemas.topics import CONNECTOR_STATUS, DELIVERIES

log = logging.getLogger(__name__)
PUBLISH_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 30.0


class Monitor:
    """One for each installation; its file is a cache of what the ledger says, and can be thrown away."""

    def __init__(
        self, kafka: KafkaSettings, codec: Codec, names: Mapping[str, tuple[str, str]], path: Path | None = None
    ) -> None:
        """`names`: connector uid -> (name, source), for people; `path`: sqlite file of the counters."""
        self._kafka, self._codec, self._names = kafka, codec, names
        self._tally = Tally(path)
        self._published: dict[str, dict[str, int]] = {}

    def run(self, stopped: Callable[[], bool]) -> None:
        """Fold and publish until stopped; Kafka that is down is waited for."""
        pause = 1.0
        while not stopped():
            try:
                self._follow(stopped)
            except (KafkaError, OSError, LookupError) as error:
                log.warning("next try in %.0f s: %s", pause, error)
                time.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def fold(self, records: list[Read]) -> None:
        """Take these records into the counters."""
        decoded = []
        for record in records:
            try:
                name, value = self._codec.decode(record.value or b"")
            except DecodeError as error:
                log.error("%s/%d/%d skipped: %s", DELIVERIES.name, record.partition, record.offset, error)  # noqa: TRY400 - one line
                continue
            if name == "Delivery":
                decoded.append((record.partition, record.offset, record.at_ms, value))
        self._tally.add(decoded)

    def close(self) -> None:
        """Let go of the file."""
        self._tally.close()

    def _follow(self, stopped: Callable[[], bool]) -> None:
        with closing(Reader(self._kafka, DELIVERIES)) as reader, closing(_producer(self._kafka)) as producer:
            reader.start_at(self._tally.positions())
            due = 0.0
            while not stopped():
                self.fold(reader.poll(500))
                if time.monotonic() >= due:
                    self._publish(producer)
                    due = time.monotonic() + PUBLISH_SECONDS

    def _publish(self, producer: KafkaProducer) -> None:
        sent = []
        for uid in sorted({*self._names, *self._tally.connectors()}):
            counters = self._tally.counters(uid).as_dict()
            if self._published.get(uid) != counters:
                status = self._status(uid, counters)
                name = self._kafka.topic(CONNECTOR_STATUS.name)
                sent.append(producer.send(name, key=status_key(status), value=encode_status(status)))
                self._published[uid] = counters
        for future in sent:
            future.get(timeout=30)

    def _status(self, uid: str, counters: dict[str, int]) -> ConnectorStatus:
        name, source = self._names.get(uid, (uid, "unknown"))
        completed = counters["completed_at_ms"]
        return {
            "connector_uid": uid, "connector": name, "source": source, "component": "delivery", "partition": None,
            "lane": None, "reached": sum(self._tally.positions().values()), "state": "working",
            "captured_up_to_ms": None, "lag_ms": None, "progress": None,
            "last_success_ms": completed if completed >= 0 else None, "last_error": None, "counters": counters,
            "updated_at_ms": int(time.time() * 1000),
        }  # fmt: skip


def _producer(kafka: KafkaSettings) -> KafkaProducer:
    return KafkaProducer(
        **kafka.client_kwargs(), acks="all", enable_idempotence=True, allow_auto_create_topics=False
    )
