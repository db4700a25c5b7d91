"""Writes raw-events as a collector would, and says by the oracle which mails must come of them."""

from contextlib import closing
from typing import Any

from kafka import KafkaProducer

from schemas import codec, ids, records
from schemas.broker import KafkaSettings
from schemas.topics import RAW_EVENTS
from streams.defaults import default_settings
from tests.producers.log_reader import read_log
from tests.streams.oracle import oracle

UID = "wx"
DAY_MS = 86_400_000
BASE_MS = 20_514 * DAY_MS  # 2026-03-02
SETTINGS = default_settings(UID, "webex")
PEOPLE = [
    records.person("p0", "Ana", "ana@bank.example", "member"),
    records.person("p1", "Ben", "ben@elsewhere.example", "member"),
    records.person("p2", "Cy", None, "member"),
]
Named = tuple[str, int, int, bytes]


class Feeder:
    """One connector's writer; everything is confirmed when a method returns."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._topic = kafka.topic(RAW_EVENTS.name)
        self._control("settings", settings=SETTINGS)

    def say(self, conversation: int, day: int, *numbers: int) -> None:
        """One record with a message for each number, in the slice of that day."""
        self.say_all([(conversation, day, numbers)])

    def say_all(self, records_: list[tuple[int, int, tuple[int, ...]]]) -> None:
        """Many records of (conversation, day, numbers of messages)."""
        self._send([
            (conversation % self._kafka.partitions, _encoded(_raw(conversation, day, numbers)))
            for conversation, day, numbers in records_
        ])  # fmt: skip

    def watermark(self, days: int) -> None:
        """State that everything before this day's beginning is in the log."""
        self._control("watermark", watermark_ms=BASE_MS + days * DAY_MS)

    def say_bytes(self, partition: int, value: bytes) -> None:
        """Any bytes at all."""
        self._send([(partition, value)])

    def _control(self, kind: str, *, settings: Any = None, watermark_ms: int | None = None) -> None:
        control = {
            "connector_uid": UID, "kind": kind, "lane": "live", "from_ms": None, "to_ms": None,
            "watermark_ms": watermark_ms, "settings": settings, "recorded_at_ms": 0, "details": {},
        }  # fmt: skip
        value = codec.encode("Control", control)
        self._send([(number, value) for number in range(self._kafka.partitions)])

    def _send(self, values: list[tuple[int, bytes]]) -> None:
        with closing(
            KafkaProducer(**self._kafka.client_kwargs(), acks="all", enable_idempotence=True)
        ) as producer:
            for future in [
                producer.send(self._topic, partition=place, value=value) for place, value in values
            ]:
                future.get(timeout=60)


def _encoded(record: records.RawEvents) -> bytes:
    return codec.encode("RawEvents", record)


def bytes_of(conversation: int, day: int, *numbers: int) -> bytes:
    """The record that `Feeder.say` writes."""
    return _encoded(_raw(conversation, day, numbers))


def text(conversation: int, day: int, number: int) -> str:
    """What message `number` says."""
    return f"message {conversation}-{day}-{number} of many"


def _raw(conversation: int, day: int, numbers: tuple[int, ...]) -> records.RawEvents:
    start = BASE_MS + day * DAY_MS
    events = []
    for number in numbers:
        key = f"{conversation}-{day}-{number}"
        event = records.event(ids.event_id(UID, key), key, "message", start + number * 1000)
        event["text"], event["actor"] = text(conversation, day, number), PEOPLE[number % len(PEOPLE)]
        events.append(event)
    return {
        "connector_uid": UID, "source": "webex", "conversation": f"room{conversation}", "slice": f"day{day}",
        "slice_start_ms": start, "slice_end_ms": start + DAY_MS, "lane": "live", "captured_at_ms": start + DAY_MS // 2,
        "events": events,
    }  # fmt: skip


def expected_mails(kafka: KafkaSettings) -> set[Named]:
    """(slice, revision, events, mail id) of every mail that the oracle makes of the log as it stands."""
    found = set()
    for entries in read_log(kafka).values():
        log = [(entry.name, entry.value) for entry in entries]
        for name, revision, inside, _ in oracle(
            log, grace_ms=SETTINGS["grace_ms"], stall_ms=SETTINGS["stall_ms"]
        ):
            uid, conversation, label = name.split("|")
            key = ids.slice_key(uid, conversation, label)
            closing_id = ids.closing_id(key, inside, SETTINGS["format"], SETTINGS["version"])
            found.add((name, revision, len(inside), ids.mail_id(closing_id, 1)))
    return found
