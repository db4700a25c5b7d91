"""The life of a collector: open the lanes, give each its rounds, wait for whatever is down, stop cleanly.

What a watermark states comes from the poll at hand alone, so it is a fact, whoever states it (rule 9):
a second collector, or one that slept for a week, repeats or lags behind, and does no harm.

Memory: `collect.memory_mb` for records that wait for Kafka, some 25 MB for ids of the overlap, 1 MB for an
attachment, and whatever the source itself holds for one page.
"""

import contextlib
import logging
import time
from collections.abc import Callable
from functools import partial

from producers.beginning import REFUSED_PAUSE_S, Beginning, show_order
from producers.closing import obey
from producers.controls import to_settings
from producers.cursor import Saved
from producers.desk import Desk
from producers.lanes import LIVE, Lane, is_done, planned
from producers.lastword import last_word
from producers.opening import announce, check_partitions, opened
from producers.orders import Order, OrderError, Orders, PausedError, refusal
from producers.recall import Recall
from producers.rounds import LaneRun, Rounds
from producers.settings import ConnectorBase
from producers.sink import Sink
from producers.source import Contents, Source, SourceRefusedError, SourceUnavailableError
from producers.stated import Ledger
from producers.status import LaneStatus, Write
from producers.waiting import StoppedError, Waiting, backoff_s, now_ms
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.status import State
from stores.interface import StoreError

log = logging.getLogger(__name__)

ONCE_PAUSE_S = 1.0
"""How long `once` waits for a source's clock or another lane."""
LOOK_S = 10.0
"""How often to look for an administrator's order."""


class Runner:
    """Runs one connector. A source, Kafka or store that is down is waited for, in `run` and in `once`.

    Raised to the caller, because somebody must look: PartitionCountError, CursorError, DeletedError, and by
    `once` SourceRefusedError and PausedError too. `contents` shares this `waiting`, whose `stop` ends both. The
    source is the caller's to close. `clock` gives ms since 1970 UTC.
    """

    def __init__(
        self,
        source: Source,
        connector: ConnectorBase,
        kafka: KafkaSettings,
        contents: Contents,
        waiting: Waiting,
        *,
        codec: Codec | None = None,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._source = source
        self._connector = connector
        self._kafka = kafka
        self._waiting = waiting
        self._clock = clock
        self._codec = codec or Codec()
        self._settings = to_settings(connector, source.name)
        collect, settle = connector.collect, connector.collect.settle_seconds
        self._settle_ms = source.settle_ms if settle is None else round(settle * 1000)
        self._sink = Sink(kafka, waiting, memory_bytes=collect.memory_mb * 1_000_000)
        self._desk = Desk(self._sink, self._codec, kafka, contents, connector.uid, source.name, clock)
        self._recall = Recall(kafka, self._codec, connector.uid, source, waiting)
        self._rounds = Rounds(source, self._desk, collect, waiting, self._recall, self._lanes)
        uid, orders = connector.uid, Orders(kafka, self._codec, connector.uid)
        ledger = Ledger(kafka, self._codec, uid, waiting)
        self._beginning = Beginning(source, uid, orders, waiting, self._status, LOOK_S, ledger, self._obey)
        self._look_due = 0.0
        self._runs: list[LaneRun] = []
        self._closed: list[Lane] = []
        self._current: LaneRun | None = None
        waiting.tell = self._tell

    def run(self) -> None:
        """Collect until asked to stop; then return within 10 s, if the source yields or returns by then."""
        try:
            while True:
                with contextlib.suppress(PausedError):
                    self._begin(patient=True)
                    while True:
                        self._turn(None)
                        self._pause(self._connector.collect.poll_seconds)
        except StoppedError:
            log.info("%s: stopped", self._connector.uid)
        finally:
            self._end()

    def once(self, until_ms: int | None = None) -> bool:
        """Collect up to `until_ms` of the source's clock, back-fills included; False if stopped before that.

        By default up to the source's clock at the call, less its settle delay. A later moment is waited for.
        """
        try:
            source_ms = self._begin(patient=False)
            target = source_ms - self._settle_ms if until_ms is None else until_ms
            while not self._finished(target):
                self._turn(target)
                self._pause(ONCE_PAUSE_S)
        except StoppedError:
            return False
        else:
            return True
        finally:
            self._end()

    def _begin(self, *, patient: bool) -> int:
        """Begin, or say in the status why that can't be; the source's clock."""
        try:
            return self._open_lanes(patient=patient)
        except Exception as error:
            if not isinstance(error, StoppedError | OrderError | SourceRefusedError):  # said already
                self._status(LIVE, partial(last_word, self._kafka)).trouble("failed", _named(error))
            raise

    def _open_lanes(self, *, patient: bool) -> int:
        """Open Kafka, read cursors and orders, plan and announce the lanes."""
        self._sink.open()
        saved, order = self._beginning.lanes(patient=patient)
        check_partitions(saved, self._sink.partitions)
        self._recall.begin(saved, self._status(LIVE))
        source_ms = self._beginning.first_answer(patient=patient)
        since, zone = self._connector.collect.since, self._connector.zone
        lanes = planned([each.lane for each in saved.values()], source_ms, since, zone)
        self._beginning.check_shown([lane for lane in lanes if lane.name not in saved], source_ms)
        known = announce(self._desk, saved, lanes, self._settings, self._sink.partitions, order)
        self._closed = [each.lane for each in known if each.lane.closed]
        self._runs = [self._to_run(each, source_ms) for each in known if not each.lane.closed]
        return source_ms

    def _heed(self) -> None:
        """Look for an administrator's order now and then; PausedError or DeletedError once it is done."""
        if time.monotonic() < self._look_due:
            return
        self._look_due = time.monotonic() + LOOK_S
        order = self._beginning.orders.look()
        if order.what != "active":
            saved = self._obey(order, [run.saved for run in self._runs])
            self._runs = []  # their last word is not "stopped"
            show_order(self._status, saved, order)
            raise refusal(order, self._connector.uid)
        for run in self._runs:  # paused and resumed while a round went on
            run.saved = opened(self._desk, run.saved, self._settings, order)

    def _obey(self, order: Order, saved: list[Saved]) -> list[Saved]:
        check_partitions({each.lane.name: each for each in saved}, self._sink.partitions)
        return obey(order, self._desk, saved, self._settings, collector=True)

    def _end(self) -> None:
        for run in self._runs:
            run.status.show("stopped")
        self._sink.close()
        self._recall.close()
        self._beginning.orders.close()

    def _lanes(self) -> list[Lane]:
        return [*self._closed, *(run.lane for run in self._runs)]

    def _to_run(self, saved: Saved, now_ms: int) -> LaneRun:
        run = LaneRun(self._recall.vouched(self._desk, saved), self._status(saved.lane.name))
        run.status.place(saved.lane, saved.counters)
        self._beginning.show_start(run.status, saved.lane, now_ms)
        return run

    def _status(self, lane: str, write: Write | None = None) -> LaneStatus:
        return LaneStatus(self._connector, self._source.name, lane, write or self._desk.status, self._clock)

    def _finished(self, target_ms: int) -> bool:
        return all(is_done(run.lane, target_ms) for run in self._runs)

    def _turn(self, target_ms: int | None) -> None:
        """Give each lane that is due a round: live first, so that no back-fill keeps it waiting."""
        self._heed()
        for run in sorted(self._runs, key=lambda each: each.lane.name != LIVE):
            if run.due <= time.monotonic():
                self._attempt(run, target_ms)
        self._closed += [run.lane for run in self._runs if run.lane.closed]
        self._runs = [run for run in self._runs if not run.lane.closed]

    def _attempt(self, run: LaneRun, target_ms: int | None) -> None:
        """Do one round; what fails is tried again later, the same window, while other lanes go on."""
        self._current, self._waiting.alive = run, run.alive
        try:
            self._round(run, target_ms)
        except (SourceUnavailableError, StoreError) as error:
            self._failed(run, "waiting", error, backoff_s(run.attempt))
        except SourceRefusedError as error:
            self._failed(run, "refused", error, REFUSED_PAUSE_S)
            if target_ms is not None:
                raise
        except StoppedError:
            raise
        except Exception as error:  # ours or the source's mistake: said once more where people look
            run.status.trouble("failed", _named(error))
            self._runs.remove(run)  # its last word is not "stopped"
            raise
        finally:
            self._current = None

    def _round(self, run: LaneRun, target_ms: int | None) -> None:
        trusted = self._source.now_ms() - self._settle_ms  # later events it may still hide
        until = trusted if target_ms is None else min(trusted, target_ms)
        run.status.source_now_ms = self._source.now_ms()
        more = self._rounds.poll(run, until) and not run.lane.polled and run.lane.reached_ms < until
        run.fine()
        self._waiting.fine()
        if not self._rounds.close_if_done(run) and not more:
            run.due = time.monotonic() + self._rest_s(run, target_ms)
            run.status.show("idle")

    def _rest_s(self, run: LaneRun, target_ms: int | None) -> float:
        """Seconds until the next round of a lane that has caught up, or of a back-fill that waits for live."""
        quick = target_ms is not None or run.lane.polled
        pause_s = self._connector.collect.poll_seconds
        return min(ONCE_PAUSE_S, pause_s) if quick else pause_s

    def _failed(self, run: LaneRun, state: State, error: Exception, pause_s: float) -> None:
        run.due = time.monotonic() + pause_s
        if run.failed(str(error)):
            log.warning("%s/%s: %s", self._connector.uid, run.lane.name, error)
        run.status.trouble(state, str(error))

    def _pause(self, longest_s: float) -> None:
        """Sleep until a lane is due or it is time to look for an order, at most this long."""
        due = min((run.due for run in self._runs), default=0.0)
        self._waiting.pause(min(longest_s, LOOK_S, max(0.0, due - time.monotonic())))

    def _tell(self, sentence: str) -> None:
        """Kafka or the store is down: say so in the status of the lane that is at work."""
        for run in [self._current] if self._current else self._runs:
            run.status.trouble("waiting", sentence)


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
