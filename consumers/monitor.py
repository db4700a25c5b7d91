"""The monitor: folds deliveries as they come and publishes each connector's counters as component `delivery`."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path

from kafka import KafkaProducer
from kafka.errors import KafkaError

from consumers.reading import Read, Reader
from consumers.tally import Counters, Tally
from consumers.writing import new_producer
from schemas.broker import KafkaSettings
from schemas.codec import Codec, DecodeError
from schemas.status import ConnectorStatus, State, encode_status, status_key
from schemas.topics import CONNECTOR_STATUS, DELIVERIES

log = logging.getLogger(__name__)
PUBLISH_SECONDS = 2.0
WORTH_BYTES = 65_536
"""Some 100 deliveries. A look at fewer costs more than they do, and nobody sees them before they are published."""
LAST_RECORDS = 10_000  # at a stop: what is left beyond them waits for the next start
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0


def uncounted(kafka: KafkaSettings, records: Iterable[ConnectorStatus]) -> int:
    """How many records of the ledger the counters in these records of the status topic lack. KafkaError, LookupError. Blocks."""
    with closing(Reader(kafka, DELIVERIES)) as reader:
        end = sum(reader.ends().values())
    counted = max((one["reached"] or 0 for one in records if one["component"] == "delivery"), default=0)
    return max(0, end - counted)


class Monitor:
    """One for each installation; its file is a cache of what the ledger says, and can be thrown away."""

    def __init__(
        self,
        kafka: KafkaSettings,
        codec: Codec,
        names: Mapping[str, tuple[str, str]],
        path: Path | None = None,
        explain: Callable[[Exception], str] = repr,
    ) -> None:
        """`names`: connector uid -> (name, source), for people; `path`: sqlite file of the counters.

        `explain`: why Kafka can't be used, in one sentence.
        """
        self._kafka, self._codec, self._names, self._explain = kafka, codec, names, explain
        self._tally = Tally(path)
        self._published: dict[str, tuple[State, Counters, int]] = {}
        self._failures = 0

    def run(self, stop: threading.Event) -> None:
        """Fold and publish until stopped; Kafka that is down is waited for, and said once."""
        while not stop.is_set():
            try:
                self._follow(stop)
            except (KafkaError, OSError, LookupError) as error:
                self._trouble(error)
                stop.wait(
                    min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures - 1, 10))
                )

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
        if decoded:
            self._tally.add(decoded)

    def close(self) -> None:
        """Let go of the file."""
        self._tally.close()

    def _follow(self, stop: threading.Event) -> None:
        with (
            closing(Reader(self._kafka, DELIVERIES, at_least_bytes=WORTH_BYTES)) as reader,
            new_producer(self._kafka) as producer,
        ):
            self._begin(reader)
            due = 0.0
            while not stop.is_set():
                self.fold(reader.poll(500))
                if time.monotonic() >= due:
                    # A consumer says nothing of a broker that is gone; asking for the ends does.
                    self._publish(producer, reader.ends())
                    self._fine()
                    due = time.monotonic() + PUBLISH_SECONDS
            self._catch_up(reader, producer)

    def _catch_up(self, reader: Reader, producer: KafkaProducer) -> None:
        """At a stop, count what was stored a moment ago: after `run --once`, status shows what its summary shows."""
        ends = reader.ends()
        if sum(ends.values()) - sum(self._tally.positions().values()) <= LAST_RECORDS:
            self.fold(list(reader.to_end()))
            self._publish(producer, ends)

    def _begin(self, reader: Reader) -> None:
        """Read on where the counters end; begin anew where the ledger is not the one that was counted."""
        if self._tally.logs.are_others(reader, self._tally.positions()):
            log.warning("%s is not the one that was counted; counting anew", DELIVERIES.name)
            self._tally.clear()
        self._tally.logs.reads(reader)
        reader.start_at(self._tally.positions())
        self._published.clear()

    def _publish(self, producer: KafkaProducer, ends: dict[int, int]) -> None:
        reached, sent = self._tally.positions(), []
        state: State = (
            "working" if any(reached.get(number, 0) < end for number, end in ends.items()) else "idle"
        )
        for uid in sorted({*self._names, *self._tally.connectors()}):
            news = (state, self._tally.counters(uid), sum(reached.values()))
            if self._published.get(uid) != news:
                status = self._status(uid, *news)
                name = self._kafka.topic(CONNECTOR_STATUS.name)
                sent.append(producer.send(name, key=status_key(status), value=encode_status(status)))
                self._published[uid] = news
        for future in sent:
            future.get(timeout=30)

    def _status(self, uid: str, state: State, counters: Counters, reached: int) -> ConnectorStatus:
        name, source = self._names.get(uid, (uid, "unknown"))
        numbers = counters.as_dict()
        completed = numbers.pop("completed_at_ms")  # a time, and no counter
        return {
            "connector_uid": uid, "connector": name, "source": source, "component": "delivery", "partition": None,
            "lane": None, "reached": reached,
            "state": state,
            "captured_up_to_ms": None, "lag_ms": None, "progress": None,
            "last_success_ms": completed if completed >= 0 else None, "last_error": None, "counters": numbers,
            "updated_at_ms": int(time.time() * 1000),
        }  # fmt: skip

    def _trouble(self, error: Exception) -> None:
        self._failures += 1
        if self._failures == 1:
            log.warning("%s; waiting for it", self._explain(error))

    def _fine(self) -> None:
        if self._failures:
            log.info("Kafka answers again")
        self._failures = 0
