"""Collecting again what is missing in the log: a lane of its own for the time of one command (rule 10).

    lane opened ─▶ the missing events, and no others ─▶ confirmed ─▶ watermark ─▶ lane closed: live owns its slices again

The source is a fresh one without any memory, since the collector's own believes these events sent. Beside a collector that runs
it does no harm: an event that both send is a duplicate. A kill leaves a lane that is never closed, whose slices another watermark
closes later; the same command again sends what is still missing. No cursor is written: the lane is over when the command is.

Its watermark closes slices, and may close none of which a back-fill still has a part to bring: days of such slices are refused.
"""

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from producers.controls import lane_closed, lane_opened, to_settings, watermark
from producers.cursor import Saved
from producers.desk import Desk
from producers.lanes import LIVE, Lane, owner
from producers.opening import check_partitions
from producers.orders import Order, Orders, refusal
from producers.settings import ConnectorBase
from producers.sink import Sink
from producers.source import LONGEST_SLICE_MS, Captured, Contents, Source, Window
from producers.waiting import Waiting, now_ms
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.records import ContentRef, Event
from stores.interface import StoreConflictError

log = logging.getLogger(__name__)


class Sparing:
    """The content store for a collector that goes over a day again: a file that is damaged there is left as it is, and named.

    Give it to the source. An event of which a file is damaged is not sent: its content must be durable first (rule 7).
    """

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self.damaged: set[bytes] = set()
        """SHA-256 of files in whose place stand other bytes."""

    def put(self, chunks: Iterable[bytes], content_type: str) -> ContentRef:
        """As the content store does it; of a damaged file what it should be."""
        measured = _Measured(chunks)
        try:
            return self._contents.put(measured, content_type)
        except StoreConflictError:
            self.damaged.add(measured.digest.digest())
            return {"sha256": measured.digest.digest(), "size": measured.size}

    def has(self, content: ContentRef) -> bool:
        """As the content store says."""
        return self._contents.has(content)


class _Measured:
    """Hashes what passes through."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self.digest, self.size = hashlib.sha256(), 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.digest.update(chunk)
            self.size += len(chunk)
            yield chunk


class NothingCollectedError(Exception):
    """The connector has no live lane, so nothing can be missing yet."""


class BackFillRunningError(Exception):
    """A back-fill still owns slices of these times: it brings what is missing, or leaves it for later."""


def owning(lanes: Iterable[Lane], from_ms: int, to_ms: int) -> list[str]:
    """Names of the back-fills that still own slices in which events with from_ms <= own time < to_ms may stand."""
    known, earliest = list(lanes), from_ms - LONGEST_SLICE_MS
    begins = [lane.from_ms for lane in known if earliest < lane.from_ms < to_ms]
    return sorted({owner(known, at_ms) for at_ms in (earliest, *begins)} - {LIVE})


@dataclass(frozen=True)
class Recollection:
    """Sends again for one connector; `source` is fresh, and the caller's to close.

    Raises SourceError, PausedError, DeletedError, CursorError, SinkError, NothingCollectedError, BackFillRunningError, and
    StoppedError when `waiting` is stopped.
    """

    source: Source
    connector: ConnectorBase
    kafka: KafkaSettings
    codec: Codec
    contents: Sparing
    waiting: Waiting
    clock: Callable[[], int] = now_ms

    def send(self, from_ms: int, to_ms: int, wanted: frozenset[bytes]) -> int:
        """Send those of the wanted events (ids) with from_ms <= own time < to_ms that the source shows; how many."""
        with closing(Sink(self.kafka, self.waiting)) as sink:
            sink.open()
            lanes = self._lanes(sink)
            if names := owning(lanes.values(), from_ms, to_ms):
                raise BackFillRunningError(_refusal(self.connector.uid, names))
            desk = Desk(
                sink, self.codec, self.kafka, self.contents, self.connector.uid, self.source.name, self.clock
            )
            lane = self._open(desk, from_ms, to_ms)
            sent = self._send(desk, Window(lane.name, from_ms - 1, to_ms - 1), wanted)
            sink.confirm()
            # One that has begun since then: its own watermarks close what was sent, once it has all of it.
            if names := owning((each.lane for each in self._read()[0].values()), from_ms, to_ms):
                log.warning("%s; lane %s is left open", _refusal(self.connector.uid, names), lane.name)
            else:
                self._close(desk, lane, lanes[LIVE].reached_ms)
            return sent

    def _lanes(self, sink: Sink) -> dict[str, Lane]:
        """The lanes by name, among them live; refuses where the connector is not to collect."""
        saved, order = self._read()
        if order.what != "active":
            raise refusal(order, self.connector.uid)
        check_partitions(saved, sink.partitions)
        if LIVE not in saved:
            raise NothingCollectedError(f"{self.connector.uid} has not collected anything yet")
        return {name: each.lane for name, each in saved.items()}

    def _read(self) -> tuple[dict[str, Saved], Order]:
        with closing(Orders(self.kafka, self.codec, self.connector.uid)) as orders:
            return orders.read()

    def _open(self, desk: Desk, from_ms: int, to_ms: int) -> Lane:
        now = self.clock()
        stamp = datetime.fromtimestamp(now / 1000, UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3]
        # What happened on the day may stand in a slice that began the day before.
        lane = Lane(f"again-{stamp}Z", from_ms - LONGEST_SLICE_MS, to_ms)
        desk.controls(lane_opened(desk.uid, lane, to_settings(self.connector, self.source.name), now))
        return lane

    def _send(self, desk: Desk, window: Window, wanted: frozenset[bytes]) -> int:
        self.source.restore("{}")
        sent = set[bytes]()
        for item in self.source.poll(window):
            self.waiting.check()
            if not isinstance(item, Captured):
                continue  # its collector has refused it, or will
            events = [
                event for event in item.events if event["id"] in wanted - sent and self._is_whole(event)
            ]
            if events:
                desk.events(Captured(item.slice, events), window.lane)
                sent |= {event["id"] for event in events}
        return len(sent)

    def _is_whole(self, event: Event) -> bool:
        refs = (one["content"] for one in event["attachments"])
        return not any(ref is not None and ref["sha256"] in self.contents.damaged for ref in refs)

    def _close(self, desk: Desk, lane: Lane, reached_ms: int) -> None:
        """All that the source shows of these slices up to where live is collected is in the log now: that is a fact."""
        now = self.clock()
        desk.controls(
            watermark(desk.uid, lane.name, reached_ms, now),
            lane_closed(desk.uid, replace(lane, closed=True), now),
        )


def _refusal(uid: str, names: list[str]) -> str:
    return (
        f"nothing of these days is collected again now: {', '.join(names)} of {uid} still collects them, and their mails"
        " would be closed before it is done; try again once it has finished (`chatledger status` shows how far it is)"
    )
