"""The end of lanes before their time: a connector is paused, or deleted for good (rule 10).

Both may be done by whoever comes first, the command or the collector, and by both: the records say the same. The
collector alone writes cursors, so that nobody takes one back to what was read a moment ago.
"""

from collections.abc import Iterable
from dataclasses import replace

from producers.controls import lane_closed, watermark
from producers.cursor import Saved
from producers.desk import Desk
from producers.lanes import LIVE
from producers.orders import Order
from producers.source import LONGEST_SLICE_MS
from schemas.records import Settings

AHEAD_MS = LONGEST_SLICE_MS + 3_600_000
"""The longest slice, and an hour for a source whose clock is ahead."""


def obey(
    order: Order, desk: Desk, lanes: Iterable[Saved], settings: Settings, *, collector: bool = False
) -> list[Saved]:
    """Do in the log what is ordered; returns the lanes as they are then.

    `collector`: asked by the connector's own collector, which sends nothing any more and remembers what was done.
    """
    if order.what == "deleted":
        return end_for_good(desk, lanes, settings, collector=collector)
    return close_live(desk, lanes, collector=collector)


def close_live(desk: Desk, lanes: Iterable[Saved], *, collector: bool) -> list[Saved]:
    """Close live in every partition, if it is open; the cursor keeps how far it is, and that it is not open.

    So a start opens it again and goes on from there. A back-fill on its way stays open: its range would go to live,
    whose next watermark would archive half-collected slices (decision 12). Returns the lanes as they are now.
    """
    return [
        _closed(desk, each, collector=collector) if each.opened and each.lane.name == LIVE else each
        for each in lanes
    ]


def end_for_good(
    desk: Desk, lanes: Iterable[Saved], settings: Settings, *, collector: bool = False
) -> list[Saved]:
    """Close all lanes, and with a last watermark every slice that is still open.

    Nothing of this connector will come any more, so the slices are as whole as they will ever be; without this the
    last ones would wait for another connector's watermark, and for ever where there is none (decision 12). Lanes that
    are closed in the log are closed again: a collector in mid-round may have sent events of theirs since.
    """
    saved = _live_last(lanes)
    if not any(each.settings for each in saved):  # nothing was ever announced
        return saved
    ended = [_ended(desk, each, collector=collector) for each in saved if each.lane.name != LIVE]
    now_ms = desk.clock()
    last_ms = now_ms + AHEAD_MS + settings["grace_ms"]
    desk.controls(watermark(desk.uid, LIVE, last_ms, now_ms))
    return ended + [_ended(desk, each, collector=collector) for each in saved if each.lane.name == LIVE]


def is_ended(lanes: Iterable[Saved]) -> bool:
    """Whether a collector has ended all of these for good: then it need not be said at every start."""
    return all(each.ended or each.lane.closed for each in lanes)


def _live_last(lanes: Iterable[Saved]) -> list[Saved]:
    return sorted(lanes, key=lambda each: each.lane.name == LIVE)


def _ended(desk: Desk, saved: Saved, *, collector: bool) -> Saved:
    # An administrator's word is not the last: a collector may be in the middle of a round.
    return _closed(desk, replace(saved, ended=collector), collector=collector)


def _closed(desk: Desk, saved: Saved, *, collector: bool) -> Saved:
    if saved.lane.closed:
        return saved
    desk.controls(lane_closed(desk.uid, saved.lane, desk.clock()))
    now = replace(saved, opened=False)
    if collector:
        desk.cursor(now)
    return now
