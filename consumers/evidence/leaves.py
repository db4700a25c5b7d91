"""From records of the log to leaves of a manifest, each a line of JSON. Pure; docs/evidence.md lists every field."""

import hashlib
from collections.abc import Iterator
from typing import Any, Protocol

from consumers.evidence.statement import to_line
from consumers.reading import Read
from schemas.codec import Codec, DecodeError
from schemas.ids import split
from schemas.records import Audit, Control, CopyResult, Delivery, RawEvents, Receipt
from schemas.topics import RAW_EVENTS, Topic

Leaf = dict[str, Any]


class Source(Protocol):
    """Where records come from (`consumers.evidence.ranges`)."""

    def read(self, topic: Topic, partition: int, begin: int, end: int) -> Iterator[Read]:
        """Every record of a range, in order."""


def leaves_of(source: Source, codec: Codec, ranges: list[tuple[Topic, list[list[int]]]]) -> Iterator[Leaf]:
    """The leaves of these ranges: topic by topic, partition by partition, in the order of the log."""
    for topic, parts in ranges:
        marks = Watermarks(len(parts))
        for partition, begin, end in parts:
            for record in source.read(topic, partition, begin, end):
                yield from _leaves(topic, record, codec, marks)
        if topic is RAW_EVENTS:
            yield from marks.leaves()


class Watermarks:
    """Up to where each lane is complete: a watermark of every partition vouches for what is before it (rule 9)."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._highest: dict[tuple[str, str], dict[int, int]] = {}

    def note(self, partition: int, control: Control) -> None:
        """One more."""
        at = self._highest.setdefault((control["connector_uid"], control["lane"]), {})
        at[partition] = max(at.get(partition, 0), control["watermark_ms"] or 0)

    def leaves(self) -> Iterator[Leaf]:
        """A leaf for each lane whose watermark stands in the range of every partition."""
        for (connector, lane), found in sorted(self._highest.items()):
            if len(found) == self._partitions:
                yield {
                    "kind": "complete", "connector": connector, "lane": lane, "until_ms": min(found.values())
                }  # fmt: skip


def _leaves(topic: Topic, record: Read, codec: Codec, marks: Watermarks) -> Iterator[Leaf]:
    value = record.value or b""
    origin: Leaf = {
        "at": [topic.name, record.partition, record.offset],
        "record": hashlib.sha256(value).hexdigest(),
    }
    try:
        name, found = codec.decode(value)
    except DecodeError:
        yield {"kind": "unreadable", **origin}
        return
    if name == "RawEvents":
        yield from _events(found, origin)
    elif name == "Delivery":
        yield from _delivery(found, origin)
    elif name == "Receipt":
        yield _receipt(found, origin)
    elif name == "Audit":
        yield _audit(found, origin)
    elif name == "Control" and found["kind"] == "watermark":
        marks.note(record.partition, found)
    elif name == "Control":
        yield _control(found, origin)
    else:
        yield {"kind": "unreadable", **origin}


def _events(record: RawEvents, origin: Leaf) -> Iterator[Leaf]:
    for event in record["events"]:
        yield {"kind": "event", "id": event["id"].hex(), "connector": record["connector_uid"], **origin}


def _delivery(one: Delivery, origin: Leaf) -> Iterator[Leaf]:
    mail, sha256 = one["mail_id"].hex(), one["sha256"].hex()
    yield {
        "kind": "mail", "id": mail, "connector": one["connector_uid"], "conversation": one["conversation"],
        "slice": one["slice"], "revision": one["revision"], "part": one["part"], "parts": one["parts"],
        "message_id": one["message_id"], "events": one["event_count"], "path": one["path"], "size": one["size"],
        "sha256": sha256, **origin,
    }  # fmt: skip
    for copy in one["copies"]:
        yield _copy(copy, mail, sha256, origin)


def _copy(copy: CopyResult, mail: str, sha256: str, origin: Leaf) -> Leaf:
    stands = copy["path"] is not None and copy["outcome"] in {"ok", "partial"}
    return {
        "kind": "copy" if stands else "uncopied", "mail": mail, "participant": copy["participant"]["id"],
        "mailbox": copy["mailbox"], "outcome": copy["outcome"], "reason": copy["reason"],
        "path": copy["path"] if stands else None, "sha256": sha256 if stands else None, **origin,
    }  # fmt: skip


def _receipt(one: Receipt, origin: Leaf) -> Leaf:
    imported = one["imported_sha256"]
    return {
        "kind": "import", "mail": one["mail_id"].hex(), "mailbox": one["mailbox"], "copy": one["path"],
        "outcome": one["outcome"], "reason": one["reason"], "target": one["target"], "place": one["place"],
        "item": one["item"], "sha256": imported.hex() if imported is not None else None, **origin,
    }  # fmt: skip


def _audit(one: Audit, origin: Leaf) -> Leaf:
    return {
        "kind": "audit", "what": one["kind"], "order": one["order"], "connector": one["connector_uid"],
        "conversation": one["conversation"], "slice": one["slice"], "from_ms": one["from_ms"],
        "before_ms": one["before_ms"], "excluded": one["excluded"], "by": one["by"], "reason": one["reason"],
        "at_ms": one["at_ms"], "details": one["details"],
        "mails": [mail.hex() for mail in split(one["mails"])], **origin,
    }  # fmt: skip


def _control(one: Control, origin: Leaf) -> Leaf:
    return {
        "kind": "audit", "what": one["kind"], "connector": one["connector_uid"], "lane": one["lane"],
        "from_ms": one["from_ms"], "to_ms": one["to_ms"], "settings": one["settings"], "at_ms": one["recorded_at_ms"],
        "details": one["details"], **origin,
    }  # fmt: skip


def encode(leaf: Leaf) -> bytes:
    """A leaf as its line, which is also what the Merkle tree hashes; without the line's end."""
    return to_line(leaf)
