"""Putting the records of letters in again, and settling letters: on record in topic audit, who, when and why.

A redrive is announced, done and then said to be done. After a kill in between the letter is still open, and the same command does
it once more, which changes nothing: a repeat vanishes by its ids.
"""

import time
from collections.abc import Iterator, Sequence

from kafka import KafkaProducer

from consumers.letters.book import ORDERED, REDRIVEN, SETTLED, Letter, LetterError
from consumers.letters.reading import Bytes
from consumers.orders import audit, say
from consumers.writing import new_producer
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.records import Audit

CHUNK = 100
"""Letters whose bytes are in memory at a time: 100 MB at the most."""


def redrive(
    kafka: KafkaSettings, codec: Codec, letters: Sequence[Letter], bytes_: Bytes, *, by: str, reason: str
) -> Iterator[tuple[Letter, str]]:
    """Put the records of these letters, which were checked, where they stood: topic, partition, key and bytes are the same.

    Yields each letter with its record's new place (topic/partition/offset), once all of it is confirmed. Blocks; KafkaError,
    LetterError.
    """
    in_order = sorted(letters, key=lambda one: one.at)
    for at in range(0, len(in_order), CHUNK):
        chunk = in_order[at : at + CHUNK]
        say(kafka, codec, [_step(letter, ORDERED, by, reason) for letter in chunk])
        places = _put(kafka, chunk, bytes_)
        done = [
            _step(letter, REDRIVEN, by, reason, into=place)
            for letter, place in zip(chunk, places, strict=True)
        ]
        say(kafka, codec, done)
        yield from zip(chunk, places, strict=True)


def settle(kafka: KafkaSettings, codec: Codec, letters: Sequence[Letter], *, by: str, reason: str) -> None:
    """Say that these letters are dealt with; they are open no more. Blocks; KafkaError."""
    say(kafka, codec, [_step(letter, SETTLED, by, reason) for letter in letters])


def _put(kafka: KafkaSettings, letters: Sequence[Letter], bytes_: Bytes) -> list[str]:
    """One after the other, so that the records of a conversation keep their order."""
    with new_producer(kafka) as producer:
        for letter in letters:
            _demand_place(producer, letter)
        sent = [
            producer.send(
                letter.said["topic"], key=letter.said["key"], value=bytes_.of(letter), partition=letter.said["partition"]
            )
            for letter in letters
        ]  # fmt: skip
        found = [future.get(timeout=60) for future in sent]
    return [f"{place.topic}/{place.partition}/{place.offset}" for place in found]


def _demand_place(producer: KafkaProducer, letter: Letter) -> None:
    topic, partition = letter.said["topic"], letter.said["partition"]
    if partition not in producer.partitions_for(topic):
        raise LetterError(f"{letter.said['origin']}: topic {topic} has no partition {partition} any more")


def _step(letter: Letter, kind: str, by: str, reason: str, **more: str) -> Audit:
    details = {
        "origin": letter.said["origin"], "stage": letter.said["stage"], "sha256": letter.sha256, **more
    }  # fmt: skip
    return audit(
        letter.name, kind, at_ms=int(time.time() * 1000), connector_uid=letter.connector, by=by, reason=reason, details=details
    )  # fmt: skip
