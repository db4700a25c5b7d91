"""Topic audit: orders of administrators, in one order for all of them, since the topic has one partition."""

from collections.abc import Iterable, Iterator

from consumers.reading import read_all
from consumers.writing import new_producer
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.records import Audit
from schemas.topics import AUDIT


def audit(
    order: str, kind: str, *, at_ms: int, connector_uid: str = "", conversation: str | None = None,
    slice: str | None = None,  # noqa: A002 - the word of the trade, and only ever given by keyword
    from_ms: int | None = None, before_ms: int | None = None, excluded: Iterable[str] = (), by: str = "", reason: str = "",
    mails: bytes = b"", details: dict[str, str] | None = None,
) -> Audit:  # fmt: skip
    """A record with every field."""
    return {
        "order": order, "kind": kind, "connector_uid": connector_uid, "conversation": conversation, "slice": slice,
        "from_ms": from_ms, "before_ms": before_ms, "excluded": list(excluded), "by": by, "reason": reason, "at_ms": at_ms,
        "mails": mails, "details": details or {},
    }  # fmt: skip


def say(kafka: KafkaSettings, codec: Codec, records: Iterable[Audit]) -> None:
    """Write records, in their order; all are confirmed on return. Blocks; KafkaError."""
    topic = kafka.topic(AUDIT.name)
    with new_producer(kafka) as producer:
        for one in records:
            value = codec.encode(topic, "Audit", one)
            producer.send(topic, key=one["order"].encode(), value=value).get(timeout=60)


def said(kafka: KafkaSettings, codec: Codec) -> Iterator[Audit]:
    """Everything that was written so far, in its order. Blocks; KafkaError."""
    for record in read_all(kafka, AUDIT):
        found = codec.decode(record.value or b"")
        if found.name == "Audit":
            yield found.value
