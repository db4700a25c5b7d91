"""Topic audit: orders of administrators, in one order for all of them, since the topic has one partition."""

from collections.abc import Iterable, Iterator

from consumers.reading import read_all
from consumers.writing import new_producer
from schemas.broker import KafkaSettings
from schemas.codec import Codec, DecodeError
from schemas.records import Audit
from schemas.topics import AUDIT


class AuditError(LookupError):
    """What stands in topic audit can't be read, so nobody knows what is ordered or on hold; the message says where.

    A LookupError, as a missing topic is: whoever gives up without the topic gives up without its words.
    """


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
    """Everything that was written so far, in its order. Blocks; KafkaError; AuditError over anything that is no such record."""
    for record in read_all(kafka, AUDIT):
        try:
            one = _expected(codec, record.value or b"")
        except DecodeError as error:
            raise AuditError(
                f"{kafka.topic(AUDIT.name)}, partition {record.partition}, position {record.offset} can't be read ({error}): "
                "orders and holds are not known, so nothing is done. Find out who wrote it; a newer chatledger may read it"
            ) from error
        yield one


def _expected(codec: Codec, value: bytes) -> Audit:
    found = codec.decode(value)
    if found.name != "Audit":
        raise DecodeError(f"a {found.name} has no place there")
    one: Audit = found.value
    return one
