"""What the log has beyond the last manifest: mails and copies that are in no manifest yet, and orders that removed some."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from consumers.evidence.expected import Beyond
from consumers.evidence.ranges import RangeReader
from consumers.evidence.statement import Manifest
from consumers.reading import Read
from schemas.broker import KafkaSettings
from schemas.codec import Codec, DecodeError
from schemas.topics import AUDIT, DELIVERIES, Topic

if TYPE_CHECKING:
    from schemas.records import Audit, Delivery


def beyond(kafka: KafkaSettings, codec: Codec, last: Manifest | None) -> Beyond:
    """All of it. Blocks; KafkaError, LookupError, EvidenceError."""
    paths = paths_beyond(kafka, codec, last)
    disposed, finished = disposed_beyond(kafka, codec, last)
    return Beyond(paths, disposed, finished)


def paths_beyond(kafka: KafkaSettings, codec: Codec, last: Manifest | None) -> dict[str, str]:
    """Paths of mails and copies that the ledger names above the manifest's range. Blocks; KafkaError, LookupError."""
    found: dict[str, str] = {}
    for record in _above(kafka, DELIVERIES, last):
        found.update(_paths(codec, record.value or b""))
    return found


def disposed_beyond(
    kafka: KafkaSettings, codec: Codec, last: Manifest | None
) -> tuple[list[tuple[str, bytes]], frozenset[str]]:
    """What orders named above the manifest's range, by order, and which orders were finished there. Blocks; as above."""
    named, finished = list[tuple[str, bytes]](), set[str]()
    for record in _above(kafka, AUDIT, last):
        one = _audit(codec, record.value or b"")
        if one is not None and one["kind"] == "disposed":
            named.append((one["order"], one["mails"]))
        elif one is not None and one["kind"] == "finished":
            finished.add(one["order"])
    return named, frozenset(finished)


def _above(kafka: KafkaSettings, topic: Topic, last: Manifest | None) -> Iterator[Read]:
    parts = last.statement.ranges.get(topic.name, []) if last else []
    covered = {partition: end for partition, _, end in parts}
    with RangeReader(kafka) as reader:
        for number, (begin, end) in reader.bounds(topic).items():
            yield from reader.read(topic, number, covered.get(number, begin), end)


def _paths(codec: Codec, value: bytes) -> Iterator[tuple[str, str]]:
    try:
        name, found = codec.decode(value)
    except DecodeError:
        return
    if name == "Delivery":
        one: Delivery = found
        mail = one["mail_id"].hex()
        yield one["path"], mail
        yield from ((copy["path"], mail) for copy in one["copies"] if copy["path"] is not None)


def _audit(codec: Codec, value: bytes) -> "Audit | None":
    try:
        name, found = codec.decode(value)
    except DecodeError:
        return None
    one: Audit | None = found if name == "Audit" else None
    return one
