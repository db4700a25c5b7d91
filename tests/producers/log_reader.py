"""Reads topics back and checks what producers promise about raw-events, without the producers' own code."""

from collections import defaultdict
from contextlib import closing, suppress
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaTimeoutError

from schemas.broker import KafkaSettings
from schemas.clients import opened
from schemas.codec import decode


class Entry(NamedTuple):
    """A record of raw-events: the name of its schema and its content."""

    name: str
    value: Any


def a_consumer(kafka: KafkaSettings) -> Any:
    """A consumer without a group; a broker that has much to do, or has just been started, is asked again."""
    for _ in range(3):
        with suppress(KafkaTimeoutError):
            return opened(KafkaConsumer, **kafka.client_kwargs(), group_id=None, enable_auto_commit=False)
    return opened(KafkaConsumer, **kafka.client_kwargs(), group_id=None, enable_auto_commit=False)


def read_raw(kafka: KafkaSettings, topic: str) -> dict[int, list[tuple[bytes | None, bytes]]]:
    """Key and value of every record, by partition, in order."""
    found: dict[int, list[tuple[bytes | None, bytes]]] = defaultdict(list)
    with closing(a_consumer(kafka)) as consumer:
        places = [
            TopicPartition(kafka.topic(topic), n) for n in consumer.partitions_for_topic(kafka.topic(topic))
        ]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends = consumer.end_offsets(places)
        while any(consumer.position(place) < ends[place] for place in places):
            for place, records in consumer.poll(timeout_ms=500).items():
                found[place.partition] += [(record.key, record.value) for record in records]
        return {place.partition: found[place.partition] for place in places}


def read_log(kafka: KafkaSettings, topic: str = "raw-events") -> dict[int, list[Entry]]:
    """Every record of an Avro topic, decoded, by partition, in order."""
    return {
        number: [Entry(*decode(value)) for _, value in log] for number, log in read_raw(kafka, topic).items()
    }


def event_ids(log: dict[int, list[Entry]]) -> list[bytes]:
    """Ids of all events, repeats included."""
    records = [entry.value for entries in log.values() for entry in entries if entry.name == "RawEvents"]
    return [event["id"] for record in records for event in record["events"]]


def controls(log: dict[int, list[Entry]], kind: str) -> dict[int, list[Any]]:
    """Control records of a kind by partition."""
    return {
        number: [entry.value for entry in entries if entry.name == "Control" and entry.value["kind"] == kind]
        for number, entries in log.items()
    }


def broken_promises(log: dict[int, list[Entry]]) -> list[str]:
    """Events that first appear after a watermark of their lane which covers them: must be none."""
    return [fault for number, entries in log.items() for fault in _late(number, entries)]


def _late(partition: int, entries: list[Entry]) -> list[str]:
    stated: dict[str, int] = {}
    seen: set[bytes] = set()
    faults = []
    for entry in entries:
        if entry.name == "Control":
            if entry.value["kind"] == "watermark":
                lane = entry.value["lane"]
                stated[lane] = max(stated.get(lane, -1), entry.value["watermark_ms"])
            continue
        for event in entry.value["events"]:
            if event["id"] not in seen and event["at_ms"] <= stated.get(entry.value["lane"], -1):
                faults.append(f"partition {partition}: event {event['source_key']} after its watermark")
            seen.add(event["id"])
    return faults
