"""The assembler: from one partition's log to closed slices. Pure but for `Scratch` and `Memory`; no clock, no Kafka.

Slices open with their first event and close by control records alone (rules 8-19). Where we are is said by `needed`
(the oldest position that an open slice holds), `reached` (all effects below it are durable, in whatever life) and `next_at` (the
next record that this life folds). After a crash the log is read again from `needed`, so `next_at` goes back to it; until it is at
`reached` again, closings are read from memory, not computed.

    record ─▶ add()                  remember where its bytes are
    control ─▶ due() ─▶ close(s) …  ─▶ (the shell makes them durable) ─▶ done(): slices leave, `next_at` moves
"""

import heapq
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas import dispositions
from schemas.codec import decode
from schemas.ids import closing_id, slice_key
from schemas.live import LIVE_GROUP, LIVE_LANE
from schemas.records import ClosedSlice, Closing, Control, Person, RawEvents, Settings
from streams.closing_times import due_of, is_disposed, pop_until
from streams.defaults import default_settings
from streams.events import Fold, Folded, from_records
from streams.memory import Memory, PastClosing
from streams.scratch import Ref, Scratch


@dataclass(slots=True)
class OpenSlice:
    """A slice that holds events and waits for a control record."""

    key: str
    head: RawEvents  # of the first record, without its events
    first: int  # position of the first record
    due_ms: int  # the natural end, or the close event's time plus grace
    stall_ms: int  # a watermark of any lane from here on closes it too
    lanes: set[str]
    earlier: list[PastClosing]  # closings below `first`
    last: int = -1  # position of the last record
    disposed: bool = False  # by an order: its ids are remembered, and nothing is emitted
    records: list[Ref] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Closed:
    """What a closing makes durable: its memory and, if anything was new, the slice itself."""

    closing: Closing
    slice: ClosedSlice | None
    blocks: bytes | None = None
    """The events of the slice as Avro blocks, where `slice` has none."""


class Assembly:
    """The open slices of one partition."""

    def __init__(
        self,
        partition: int,
        *,
        needed: int,
        reached: int,
        memory: Memory,
        scratch: Scratch,
        group: str = LIVE_GROUP,
        fold: Fold | None = None,
    ) -> None:
        """Begin at `needed`; closings below `reached` are read, not computed. `fold` takes what `add` was given: records."""
        self.partition = partition
        self.next_at = needed
        self.open: OrderedDict[int, OpenSlice] = OrderedDict()
        self._durable = reached  # closings below were emitted by an earlier life
        self._by_key: dict[str, OpenSlice] = {}
        self._by_lane: dict[tuple[str, str], list[tuple[int, int]]] = {}
        self._by_stall: list[tuple[int, int]] = []
        self._told: dict[int, list[int]] = {}  # position of a past closing -> first positions of its slices
        self._memory, self._scratch, self._group = memory, scratch, group
        self._fold = fold or from_records(decode)

    def position(self) -> tuple[int, int]:
        """(needed, reached) as one snapshot, for the commit."""
        needed = min(next(iter(self.open), self.next_at), self.next_at)
        return needed, max(self.next_at, self._durable)

    def is_replaying(self, position: int) -> bool:
        """Whether effects of this position are known to be durable."""
        return position < self._durable

    def add(self, position: int, record: RawEvents, data: bytes, *, closed_ms: int | None) -> None:
        """Fold a record of events: O(1), whatever the length of the conversation.

        The events in `record` are not looked at, and may be left out: `data` is what `fold` takes them from when the slice
        closes, and `closed_ms` says all that matters before (see `events.closed_at`).
        """
        key = slice_key(record["connector_uid"], record["conversation"], record["slice"])
        current = self._by_key.get(key) or self._open(key, position, record)
        current.records.append(self._scratch.append(data))
        current.last = position
        if record["lane"] not in current.lanes:
            current.lanes.add(record["lane"])
            self._watch(current, record["lane"])
        if closed_ms is not None:
            self._see_close_event(current, position, closed_ms)

    def due(self, position: int, control: Control) -> list[OpenSlice]:
        """Slices that this control record closes, by key."""
        if control["kind"] == "lane_closed":
            self._hand_to_live(control["connector_uid"], control["lane"])
        if self.is_replaying(position):
            found = [self.open[first] for first in self._told.pop(position, ())]
        elif control["kind"] == "watermark" and control["watermark_ms"] is not None:
            found = self._due_at(control["connector_uid"], control["lane"], control["watermark_ms"])
        elif control["kind"] == dispositions.KIND:
            found = self._disposed_by(dispositions.of_control(control))
        else:
            found = []
        return sorted(found, key=lambda one: one.key)

    def close(self, one: OpenSlice, position: int) -> Closed:
        """Order, fold and subtract what earlier closings took (rule 12)."""
        settings = self._settings(one.head["connector_uid"], one.head["source"], position)
        taken = self._memory.taken(self.partition, one.key, one.first) if one.earlier else set()
        known = self._memory.people(self.partition, one.key, one.first) if one.earlier else []
        folded = self._fold(map(self._scratch.read, one.records), taken, known)
        ids = sorted(folded.ids)
        emits = bool(ids) and not one.disposed
        name = closing_id(one.key, ids, settings["format"], settings["version"]) if emits else None
        closing = self._closing(one, position, name, ids)
        closing["people"] = folded.people  # of what was disposed of too: the rest of its day goes to them
        emitted = self._slice(one, position, name, folded, known, settings) if name else None
        return Closed(closing, emitted, folded.blocks)

    def done(self, position: int, closed: Iterable[OpenSlice] = ()) -> None:
        """Everything up to and with this position is durable; `closed` leave in the same breath (needed, reached)."""
        for one in closed:
            del self.open[one.first]
            del self._by_key[one.key]
            for ref in one.records:
                self._scratch.free(ref)
        self.next_at = position + 1

    def abandon(self) -> None:
        """Another worker owns the partition: give the scratch space back."""
        for one in self.open.values():
            for ref in one.records:
                self._scratch.free(ref)
        self.open.clear()

    def _open(self, key: str, position: int, record: RawEvents) -> OpenSlice:
        known = self._memory.closings(self.partition, key)
        settings = self._settings(record["connector_uid"], record["source"], position)
        # Counted from capture where that is later, or every live watermark would cut a back-filled day (decision 2).
        stall = max(record["slice_end_ms"], record["captured_at_ms"]) + settings["stall_ms"]
        current = OpenSlice(
            key=key, head={**record, "events": []}, first=position, due_ms=record["slice_end_ms"], stall_ms=stall,
            lanes=set(), earlier=[past for past in known if past.position < position],
        )  # fmt: skip
        self.open[position] = self._by_key[key] = current
        heapq.heappush(self._by_stall, (stall, position))
        if self.is_replaying(position):
            told = [past.position for past in known if position < past.position < self._durable]
            if told:
                self._told.setdefault(min(told), []).append(position)
        return current

    def _see_close_event(self, current: OpenSlice, position: int, closed_ms: int) -> None:
        settings = self._settings(current.head["connector_uid"], current.head["source"], position)
        current.due_ms = closed_ms + settings["grace_ms"]
        for lane in current.lanes:
            self._watch(current, lane)

    def _watch(self, current: OpenSlice, lane: str) -> None:
        # Heaps are lazy: a slice may stand in several places, and `_pop_due` asks the slice itself.
        heap = self._by_lane.setdefault((current.head["connector_uid"], lane), [])
        heapq.heappush(heap, (due_of(current), current.first))

    def _hand_to_live(self, connector_uid: str, lane: str) -> None:
        for _, first in self._by_lane.get((connector_uid, lane), []):
            current = self.open.get(first)
            if current is not None and lane in current.lanes and LIVE_LANE not in current.lanes:
                current.lanes.add(LIVE_LANE)
                self._watch(current, LIVE_LANE)

    def _due_at(self, connector_uid: str, lane: str, watermark_ms: int) -> list[OpenSlice]:
        by_lane = pop_until(self._by_lane.get((connector_uid, lane), []), watermark_ms)
        found = {}
        for first in by_lane:
            current = self.open.get(first)
            if current is None or current.head["connector_uid"] != connector_uid or lane not in current.lanes:
                continue
            if due_of(current) <= watermark_ms:
                found[first] = current
            else:
                self._watch(current, lane)
        for first in pop_until(self._by_stall, watermark_ms):
            if first in self.open:
                found[first] = self.open[first]
        return list(found.values())

    def _disposed_by(self, scope: dispositions.Scope) -> list[OpenSlice]:
        found = [one for one in self.open.values() if is_disposed(scope, one)]
        for one in found:
            one.disposed = True
        return found

    def _settings(self, connector_uid: str, source: str, position: int) -> Settings:
        known = self._memory.settings(self.partition, connector_uid, position)
        return known if known is not None else default_settings(connector_uid, source)

    def _closing(self, one: OpenSlice, position: int, name: bytes | None, ids: list[bytes]) -> Closing:
        return {
            "group": self._group, "connector_uid": one.head["connector_uid"],
            "conversation": one.head["conversation"], "slice": one.head["slice"], "partition": self.partition,
            "first_position": one.first, "position": position, "revision": len(_mails(one)), "closing_id": name,
            "count": len(ids), "ids": b"".join(ids), "people": [], "overflow": None,
            "slice_start_ms": one.head["slice_start_ms"],
        }  # fmt: skip

    def _slice(
        self,
        one: OpenSlice,
        position: int,
        name: bytes,
        folded: Folded,
        known: list[Person],
        settings: Settings,
    ) -> ClosedSlice:
        head, earlier = one.head, _mails(one)
        return {
            "connector_uid": head["connector_uid"], "source": head["source"], "conversation": head["conversation"],
            "slice": head["slice"], "slice_start_ms": head["slice_start_ms"], "slice_end_ms": head["slice_end_ms"],
            "closing_id": name, "revision": len(earlier), "earlier": earlier, "people": known, "partition": self.partition,
            "position": position, "settings": settings,
            "mapping_version": self._memory.mapping(self.partition, position),
            "count": len(folded.ids), "events": folded.events, "events_ref": None,
        }  # fmt: skip


def _mails(one: OpenSlice) -> list[bytes]:
    return [past.closing_id for past in one.earlier if past.closing_id is not None]
