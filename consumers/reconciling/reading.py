"""Reads what the topics have of a day. Records older than the day are passed over by Kafka's time stamps."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any

from consumers.letters.book import REDRIVEN, SETTLED, letter_name
from consumers.reading import Read, Reader
from consumers.reconciling.day import Day, Letter, Logged, SliceKey, Taken
from schemas.broker import KafkaSettings
from schemas.codec import Codec, DecodeError, expect
from schemas.deliveries import participant_key
from schemas.ids import conversation_key, split
from schemas.live import LIVE_GROUP, LIVE_LANE
from schemas.records import Closing, Control, DeadLetter, Delivery, RawEvents, Receipt
from schemas.topics import (
    AUDIT,
    CLOSINGS,
    DAY_MS,
    DEAD_LETTERS,
    DELIVERIES,
    IMPORTS,
    RAW_EVENTS,
    Topic,
)  # fmt: skip
from stores.interface import BlobMissingError, LinkFoundError

MARGIN_MS = DAY_MS
"""Nothing is written before it happens, but for clocks that are wrong."""


class DayReader:
    """Fills a Day from the topics; `fetch` gives the bytes of a claim check by their SHA-256. Blocks; KafkaError."""

    def __init__(self, kafka: KafkaSettings, codec: Codec, fetch: Callable[[bytes], bytes]) -> None:
        self._kafka, self._codec, self._fetch = kafka, codec, fetch

    def read(self, day: Day, asked: frozenset[bytes]) -> None:
        """All of it; events that are missed are looked for in the whole log before they count as missing."""
        self._events(day, asked)
        self._closings(day, asked - day.events.keys())
        slices = day.slices | day.closings.keys()
        self._events(
            day, frozenset(ident for some in day.closings.values() for one in some for ident in one.ids)
        )
        self._letters(day)
        for delivery in self._records(DELIVERIES, "Delivery", day):
            _delivery(day, slices, delivery)
        for receipt in self._records(IMPORTS, "Receipt", day):
            _receipt(day, receipt)

    def _events(self, day: Day, asked: frozenset[bytes]) -> None:
        for since_ms in (day.since_ms - MARGIN_MS, 0):
            for read in self._from(RAW_EVENTS, since_ms):
                self._event(day, asked, read)
            if day.events.keys() >= asked:
                return

    def _event(self, day: Day, asked: frozenset[bytes], read: Read) -> None:
        if read.key is not None and not read.key.startswith(conversation_key(day.uid, "")):
            return
        name, value = self._decoded(read)
        if name == "RawEvents" and value["connector_uid"] == day.uid:
            _events(day, asked, read, value)
        elif name == "Control" and value["connector_uid"] == day.uid and read.partition == 0:
            _control(day, value)

    def _closings(self, day: Day, missed: frozenset[bytes]) -> None:
        """Those of the day's slices, also of one that the log has no event of any more."""
        slices = day.slices
        found: dict[tuple[SliceKey, int, int], Taken] = {}
        for name, value in self._all(CLOSINGS, day.since_ms - MARGIN_MS):
            if name != "Closing" or value["group"] != LIVE_GROUP or value["connector_uid"] != day.uid:
                continue
            key, taken = (value["conversation"], value["slice"]), None
            if key in slices or (missed and not missed.isdisjoint((taken := self._taken(value)).ids)):
                found[key, value["partition"], value["position"]] = taken or self._taken(value)
        day.closings.clear()
        for (key, _, _), taken in sorted(found.items(), key=lambda one: one[0]):
            day.closings.setdefault(key, []).append(taken)

    def _taken(self, record: Closing) -> Taken:
        whole = record
        if record["overflow"] is not None:
            whole = expect("Closing", self._fetch(record["overflow"]["sha256"]))
        people = tuple(map(participant_key, whole["people"]))
        return Taken(record["closing_id"], frozenset(split(whole["ids"])), people)

    def _letters(self, day: Day) -> None:
        day.letters.clear()
        dealt = self._audited(day)
        prefix = conversation_key(day.uid, "")
        for name, value in self._all(DEAD_LETTERS, 0):
            if name == "DeadLetter" and (
                value["connector_uid"] == day.uid or (value["key"] or b"").startswith(prefix)
            ):
                day.letters.append(self._letter(value, prefix, dealt))

    def _audited(self, day: Day) -> dict[str, str]:
        """What was done about letters, by their names; notes which mails were disposed of."""
        dealt: dict[str, str] = {}
        for name, value in self._all(AUDIT, 0):
            if name == "Audit" and value["kind"] in {REDRIVEN, SETTLED}:
                dealt[value["order"]] = value["kind"]
            elif name == "Audit" and value["kind"] == "disposed" and value["connector_uid"] == day.uid:
                day.disposed |= dict.fromkeys(split(value["mails"]), value["order"])
        return dealt

    def _letter(self, value: DeadLetter, prefix: bytes, dealt: Mapping[str, str]) -> Letter:
        key, ref = value["key"] or b"", value["value_ref"]
        conversation = key[len(prefix) :].decode("utf-8", "replace") if key.startswith(prefix) else ""
        sha256 = ref["sha256"] if ref is not None else hashlib.sha256(value["value"]).digest()
        kind = dealt.get(letter_name(value["origin"], sha256))
        return Letter(
            value["reason"], value["stage"], value["topic"], value["partition"], value["position"], conversation, sha256,
            self._about(value), "redriven" if kind == REDRIVEN else "settled" if kind else "open",
        )  # fmt: skip

    def _about(self, letter: DeadLetter) -> bytes:
        """The closing or mail that a record behind raw-events names; empty where its bytes don't say, or are gone."""
        if letter["stage"] in {"collect", "assemble"}:
            return b""
        ref = letter["value_ref"]
        try:
            _, one = self._codec.decode(letter["value"] if ref is None else self._fetch(ref["sha256"]))
        except (DecodeError, BlobMissingError, LinkFoundError):
            return b""
        return one.get("mail_id") or one.get("closing_id") or b""

    def _records(self, topic: Topic, name: str, day: Day) -> Iterator[Any]:
        """Records of this connector since the day began."""
        prefix = conversation_key(day.uid, "")
        for read in self._from(topic, day.since_ms - MARGIN_MS):
            if (read.key or b"").startswith(prefix):
                found, value = self._decoded(read)
                if found == name:
                    yield value

    def _all(self, topic: Topic, since_ms: int) -> Iterator[tuple[str, Any]]:
        return (self._decoded(read) for read in self._from(topic, since_ms))

    def _from(self, topic: Topic, since_ms: int) -> Iterator[Read]:
        with closing(Reader(self._kafka, topic)) as reader:
            if since_ms > 0:
                reader.start_at_time(since_ms)
            else:
                reader.start_at({})
            yield from reader.to_end()

    def _decoded(self, read: Read) -> tuple[str, Any]:
        try:
            return self._codec.decode(read.value or b"")
        except DecodeError:  # whoever had to do with it has refused it
            return "", None


def _events(day: Day, asked: frozenset[bytes], read: Read, record: RawEvents) -> None:
    key = (record["conversation"], record["slice"])
    for event in record["events"]:
        if event["id"] in day.events or not (event["id"] in asked or day.is_in(event["at_ms"])):
            continue
        day.events[event["id"]] = Logged(
            key, read.partition, read.offset, event["at_ms"], ours=event["kind"] == "roster"
        )
        day.ends[key] = (record["slice_end_ms"], record["lane"])
        day.since_ms = min(day.since_ms, read.at_ms)
        for ref in (*(one["content"] for one in event["attachments"]), event["overflow"]):
            if ref is not None:
                day.contents[ref["sha256"]] = ref["size"]
                day.naming.setdefault(ref["sha256"], set()).add(event["id"])


def _control(day: Day, control: Control) -> None:
    """In the order of one partition, which has them all."""
    lane, at_ms = control["lane"], control["watermark_ms"]
    if control["kind"] == "lane_closed" and lane != LIVE_LANE:
        day.watermarks.pop(lane, None)
    elif control["kind"] == "lane_opened":
        day.watermarks.setdefault(lane, -1)
    elif control["kind"] == "watermark" and at_ms is not None:
        day.watermarks[lane] = max(at_ms, day.watermarks.get(lane, -1))


def _delivery(day: Day, slices: Iterable[SliceKey], delivery: Delivery) -> None:
    if (delivery["conversation"], delivery["slice"]) in slices:
        day.deliveries.setdefault(delivery["mail_id"], []).append(delivery)


def _receipt(day: Day, receipt: Receipt) -> None:
    day.imports = True
    key = (receipt["mail_id"], participant_key(receipt["participant"]))
    if receipt["routing"] >= day.receipts.get(key, (0, "", ""))[0]:
        day.receipts[key] = (receipt["routing"], receipt["outcome"], receipt["reason"] or "")
