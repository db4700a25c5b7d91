"""Pausing, resuming and deleting a connector from outside of its collector (rule 10, decision 12).

An administrator writes an order and control records, and no cursor: those are the collector's, which may write one at any
moment. That a lane was closed under an order is told by the order itself: it is later than what the lane was opened under.
"""

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from producers.beginning import show_order
from producers.closing import obey
from producers.controls import to_settings
from producers.cursor import Saved
from producers.desk import Desk
from producers.lanes import LIVE
from producers.opening import check_partitions
from producers.orders import Order, Ordered, Orders, refusal, to_record
from producers.settings import ConnectorBase
from producers.sink import Sink
from producers.stated import Ledger, remembered
from producers.status import LaneStatus
from producers.waiting import Waiting, now_ms
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.records import ContentRef


@dataclass(frozen=True)
class Outcome:
    """What was ordered before, and up to where live is collected (milliseconds since 1970 UTC, None if nothing is)."""

    before: Ordered
    captured_up_to_ms: int | None


class _NoContents:
    """Control records and cursors need no content store."""

    def put(self, chunks: Iterable[bytes], content_type: str) -> ContentRef:
        raise NotImplementedError(content_type)

    def has(self, content: ContentRef) -> bool:
        raise NotImplementedError(content)


@dataclass
class Administrator:
    """Gives orders for one connector; `source` is liveperson or webex. A collector that runs heeds them within seconds.

    Raises DeletedError, CursorError, SinkError, and StoppedError when `waiting` is stopped while Kafka is away.
    """

    connector: ConnectorBase
    source: str
    kafka: KafkaSettings
    codec: Codec
    waiting: Waiting
    clock: Callable[[], int] = now_ms

    def order(self, what: Ordered) -> Outcome:
        """Write the order, then do it in the log: a collector that is stopped or gone can't."""
        with closing(Sink(self.kafka, self.waiting)) as sink:
            sink.open()
            saved, before = self._read()
            check_partitions(saved, sink.partitions)
            if before.what == "deleted" and what != "deleted":
                raise refusal(before, self.connector.uid)
            self._carry_out(sink, saved, before, what)
        live = saved.get(LIVE)
        reached = None if live is None or live.lane.watermark_ms < 0 else live.lane.watermark_ms
        return Outcome(before.what, reached)

    def _read(self) -> tuple[dict[str, Saved], Order]:
        ledger = Ledger(self.kafka, self.codec, self.connector.uid, self.waiting)
        with closing(Orders(self.kafka, self.codec, self.connector.uid)) as orders:
            found = remembered(orders, ledger, lambda _: None)
        return found.lanes, found.order

    def _carry_out(self, sink: Sink, saved: dict[str, Saved], before: Order, what: Ordered) -> None:
        uid = self.connector.uid
        desk = Desk(sink, self.codec, self.kafka, _NoContents(), uid, self.source, self.clock)
        order = before if before.what == what else Order(what, self.clock())
        status_of = partial(self._status, desk)
        if what == "active":
            self._resume(desk, saved, before, order, status_of)
            return
        desk.remember(
            to_record(uid, order)
        )  # first: whatever a collector writes from here on, it will see this
        settings = to_settings(self.connector, self.source)
        show_order(status_of, obey(order, desk, saved.values(), settings), order)

    def _resume(
        self,
        desk: Desk,
        saved: dict[str, Saved],
        before: Order,
        order: Order,
        status_of: Callable[[str], LaneStatus],
    ) -> None:
        if before.what == "active":
            return
        desk.remember(to_record(self.connector.uid, order))
        show_order(status_of, saved.values(), order)

    def _status(self, desk: Desk, lane: str) -> LaneStatus:
        return LaneStatus(self.connector, self.source, lane, desk.status, self.clock)
