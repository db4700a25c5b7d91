"""What a collector asks before its first round: is it to collect at all, how far was it, does the source answer."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn

from kafka.errors import KafkaError

from producers.closing import is_ended
from producers.cursor import Saved
from producers.lanes import LIVE, Lane
from producers.orders import Order, Orders, refusal
from producers.source import Source, SourceRefusedError, SourceUnavailableError
from producers.stated import Ledger, remembered
from producers.status import LaneStatus
from producers.waiting import Waiting
from schemas.topics import DAY_MS

log = logging.getLogger(__name__)

REFUSED_PAUSE_S = 300.0
"""How long to leave a source alone that says no."""


@dataclass
class Beginning:
    """Asks and waits on behalf of connector `uid`; `look_s`: seconds between looks for an order; `obey` ends lanes for good."""

    source: Source
    uid: str
    orders: Orders
    waiting: Waiting
    status_of: Callable[[str], LaneStatus]
    look_s: float
    ledger: Ledger
    obey: Callable[[Order, list[Saved]], list[Saved]]
    said: str | None = None
    """What is to be known of a start without cursors."""

    def lanes(self, *, patient: bool) -> tuple[dict[str, Saved], Order]:
        """Lanes as remembered and the order in force, once the connector may collect. CursorError, DeletedError, PausedError.

        A pause is waited out if `patient`.
        """
        while True:
            saved, order = self._read()
            if order.what == "active":
                return saved, order
            if order.what == "deleted" or not patient:
                self._refuse(list(saved.values()), order)
            self._wait_out(saved, order)

    def first_answer(self, *, patient: bool) -> int:
        """Ask the source's clock; wait for a source that is down and, if patient, for one that says no.

        PausedError, DeletedError if that is ordered in the meantime.
        """
        status = self.status_of(LIVE)
        attempt = 0
        while True:
            try:
                return self.source.now_ms()
            except SourceUnavailableError as error:
                status.trouble("waiting", str(error))
                self.waiting.trouble(str(error), attempt)
            except SourceRefusedError as error:
                status.trouble("refused", str(error))
                if not patient:
                    raise
                self._leave_alone(str(error))
            attempt += 1
            self._heed()

    def check_shown(self, fresh: Iterable[Lane], now_ms: int) -> None:
        """Refuse a back-fill whose beginning the source does not show any more: it would look complete."""
        earliest = now_ms - self.source.look_back_ms
        if any(lane.from_ms < earliest - DAY_MS for lane in fresh):
            msg = f"collect.since: {self.source.name} shows nothing before {_day(earliest)}; choose that day or a later one"
            self.status_of(LIVE).trouble("refused", msg)
            raise SourceRefusedError(msg)

    def show_start(self, status: LaneStatus, lane: Lane, now_ms: int) -> None:
        """Say that a lane starts; and if it was away for longer than the source shows, what is lost to it."""
        gap = self._gap(lane, now_ms)
        if gap is not None:
            log.warning("%s: %s", self.uid, gap)
        said = "; ".join(each for each in (gap, self.said) if each is not None)
        if said:
            status.trouble("starting", said)
        else:
            status.show("starting")

    def _gap(self, lane: Lane, now_ms: int) -> str | None:
        earliest = now_ms - self.source.look_back_ms
        if lane.closed or lane.watermark_ms < 0 or lane.reached_ms >= earliest:
            return None
        return (
            f"{lane.name} was collected up to {_day(lane.reached_ms)}, and {self.source.name} shows nothing before"
            f" {_day(earliest)}: what happened in between can't be collected any more"
        )

    def _leave_alone(self, sentence: str) -> None:
        self.waiting.say(sentence)
        until = time.monotonic() + REFUSED_PAUSE_S
        while time.monotonic() < until:
            self.waiting.pause(min(self.look_s, REFUSED_PAUSE_S))
            self._heed()

    def _heed(self) -> None:
        order = self.orders.look()
        if order.what != "active":
            raise refusal(order, self.uid)

    def _refuse(self, saved: list[Saved], order: Order) -> NoReturn:
        # What a former life sent after the administrator's last watermark would be in no mail.
        if order.what == "deleted" and not is_ended(saved):
            saved = self.obey(order, saved)
        show_order(self.status_of, saved, order)
        raise refusal(order, self.uid)

    def _read(self) -> tuple[dict[str, Saved], Order]:
        attempt = 0
        while True:
            try:
                found = remembered(self.orders, self.ledger, self._reading)
            except KafkaError as error:
                self.waiting.trouble(f"cursors can't be read: {error}", attempt)
                attempt += 1
            else:
                self._told(found.sentence)
                return found.lanes, found.order

    def _reading(self, part: float) -> None:
        """Show how much of the log is read."""
        status = self.status_of(LIVE)
        status.progress = part
        status.show("reading back")

    def _told(self, sentence: str | None) -> None:
        if sentence is not None and sentence != self.said:
            log.warning("%s: %s", self.uid, sentence)
        self.said = sentence

    def _wait_out(self, saved: dict[str, Saved], order: Order) -> None:
        log.warning("%s", order.sentence(self.uid))
        while order.what == "paused":
            show_order(self.status_of, saved.values(), order)
            self.waiting.pause(self.look_s)
            order = self.orders.look()


def show_order(status_of: Callable[[str], LaneStatus], saved: Iterable[Saved], order: Order) -> None:
    """Write the status of every lane that is not finished: paused, deleted, or stopped until its collector speaks."""
    lanes = {each.lane.name: each for each in saved if not each.lane.closed}
    for name in {LIVE, *lanes}:
        status = status_of(name)
        if name in lanes:
            status.place(lanes[name].lane, lanes[name].counters)
        status.show("stopped" if order.what == "active" else order.what)


def _day(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d}"
