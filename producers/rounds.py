"""One round of a lane: poll a window, get it confirmed, state the watermark, move the cursor. In this order.

read back ─▶ poll (reached - overlap, until] ─▶ send ─▶ all confirmed ─▶ source.confirmed() ─▶ watermark into every
partition ─▶ confirmed ─▶ cursor ─▶ confirmed
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from producers.controls import lane_closed, watermark
from producers.cursor import Saved
from producers.desk import Desk
from producers.lanes import LIVE, Lane, final_watermark, next_window, owner
from producers.recall import Recall
from producers.settings import CollectSettings
from producers.source import Captured, Source, Window
from producers.status import LaneStatus
from producers.waiting import Waiting

HOUR_MS = 3_600_000


@dataclass
class LaneRun:
    """A lane while it runs: what its cursor says, when it is its turn, how often it failed in a row."""

    saved: Saved
    status: LaneStatus
    due: float = 0.0
    attempt: int = 0
    said: str = ""

    def failed(self, sentence: str) -> bool:
        """Count one more failure; False if the same was said of the one before."""
        self.attempt += 1
        before, self.said = self.said, sentence
        return sentence != before

    def alive(self) -> None:
        """A large file moves: the status says so, though no event was captured for long."""
        self.status.show("collecting")

    def fine(self) -> None:
        """Forget failures: the next one is news."""
        self.attempt, self.said = 0, ""

    @property
    def lane(self) -> Lane:
        """The lane as it stands."""
        return self.saved.lane


@dataclass
class Rounds:
    """Does rounds for the lanes of one connector; `lanes` are all that were ever opened, closed ones too."""

    source: Source
    desk: Desk
    collect: CollectSettings
    waiting: Waiting
    recall: Recall
    lanes: Callable[[], list[Lane]]

    def poll(self, run: LaneRun, until_ms: int) -> bool:
        """Collect the lane's next window up to `until_ms`; False if there is none.

        `until_ms` is how far the source can be trusted now: its clock less the settle delay, asked before.
        """
        window = self._window(run.lane, until_ms)
        if window is None:
            return False
        run.status.show("collecting")
        self.desk.sink.confirm()  # also what a poll that failed has sent: the source is to know of it
        self.recall.catch_up(run.status)
        refused = self._send(window, run)
        self.desk.sink.confirm()
        self.source.confirmed()
        self.recall.catch_up(run.status)
        counted = {"events": self.recall.seen.confirm(), "polls": 1, "refused": refused}
        self._confirm(run, window.to_ms, counted)
        self.recall.seen.forget_before(self._oldest_ms())
        return True

    def close_if_done(self, run: LaneRun) -> bool:
        """Close a back-fill that came to its end, with the furthest watermark that is a fact."""
        final_ms = final_watermark(run.lane, self.lanes())
        if final_ms is None:
            return False
        lane = replace(run.lane.moved(final_ms), closed=True)
        now_ms = self.desk.clock()
        uid = self.desk.uid
        self.desk.controls(watermark(uid, lane.name, final_ms, now_ms), lane_closed(uid, lane, now_ms))
        self._save(run, replace(run.saved, lane=lane))
        run.status.show("idle")
        return True

    def _window(self, lane: Lane, until_ms: int) -> Window | None:
        overlap = round(self.collect.overlap_seconds * 1000)
        length = round(self.collect.window_hours * HOUR_MS)
        begin = min(each.from_ms for each in self.lanes())
        return next_window(lane, until_ms, overlap_ms=overlap, length_ms=length, floor_ms=begin)

    def _send(self, window: Window, run: LaneRun) -> int:
        """Put everything of a window on its way; return how many were refused. A stop ends it between items."""
        refused = 0
        for item in self.source.poll(window):
            self.waiting.check()
            if isinstance(item, Captured):
                self._send_events(item, run)
            else:
                self.desk.refuse(item)
                refused += 1
        return refused

    def _send_events(self, captured: Captured, run: LaneRun) -> None:
        fresh = self.recall.seen.fresh(captured.events)
        if fresh:
            lane = owner(self.lanes(), captured.slice.start_ms)
            self.desk.events(Captured(captured.slice, fresh), lane)
            self.recall.seen.note(fresh)
            run.status.show("collecting")

    def _confirm(self, run: LaneRun, reached_ms: int, counted: dict[str, int]) -> None:
        lane = run.lane.moved(reached_ms)
        self.desk.controls(watermark(self.desk.uid, lane.name, lane.watermark_ms, self.desk.clock()))
        before = run.saved.counters
        counters = {name: before.get(name, 0) + count for name, count in counted.items()}
        state = self.source.state() if lane.name == LIVE else run.saved.source
        self._save(run, replace(run.saved, lane=lane, counters=counters, source=state))
        run.status.success()

    def _save(self, run: LaneRun, saved: Saved) -> None:
        saved = replace(saved, log=self.recall.positions)
        self.desk.cursor(saved)
        run.saved = saved
        run.status.place(saved.lane, saved.counters)

    def _oldest_ms(self) -> int:
        """Own time before which no open lane asks any more; an hour is added for sources that round."""
        reached = min((lane.reached_ms for lane in self.lanes() if not lane.closed), default=0)
        return reached - round(self.collect.overlap_seconds * 1000) - HOUR_MS
