"""Reconciles by itself: every connector and day, as soon as the day is collected, and again what was not settled."""

import logging
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cli.parts.common import sentence_of
from cli.parts.days import NotCollectedError, NotCoveredError, end_ms, last_whole
from cli.parts.reconciling import failures, lanes_of, reconcile_and_tell, tell
from consumers.reconciling.telling import Result, days_passed_over, due_days, told
from consumers.status import read_status

if TYPE_CHECKING:
    from cli.parts.config import Config

log = logging.getLogger(__name__)
LOOK_S = 300.0


class Daily:
    """Looks every few minutes whether a day has become whole. Open days are looked at again once a day."""

    def __init__(self, config: "Config", config_path: Path, stop: threading.Event, *, quick: bool) -> None:
        self._config, self._path, self._stop, self._quick = config, config_path, stop, quick
        self._done: dict[str, date] = {}

    def run(self) -> None:
        """Until stopped; what is down is waited for."""
        while True:
            for connector in self._config.connector:
                self._look(connector.uid)
            if self._stop.wait(LOOK_S):
                return

    def _look(self, uid: str) -> None:
        try:
            last = last_whole(lanes_of(self._config, uid))
            if self._done.get(uid) == last:
                return
            before = told(read_status(self._config.kafka), uid)
            self._pass_over(uid, days_passed_over(last, _day_before(before.up_to_ms)))
            for day in due_days(before, last, _day_before(before.up_to_ms)):
                if self._stop.is_set():
                    return
                self._one(uid, day)
            self._done[uid] = last
        except NotCollectedError:
            return  # not yet
        except failures() as error:
            log.warning("%s: %s; trying again in %.0f s", uid, sentence_of(error, self._path), LOOK_S)

    def _one(self, uid: str, day: date) -> None:
        """Reconcile a day. One that nobody collects, or not yet, is said, and holds up no other."""
        try:
            report = reconcile_and_tell(self._config, uid, day, self._stop, quick=self._quick)
        except NotCoveredError as error:
            self._tell(uid, Result(day, end_ms(day), kind="not_covered"))
            log.warning("%s: %s; going on with the next", uid, error)
        except (
            NotCollectedError
        ) as error:  # a back-fill is on its way there: looked at again with another day
            self._tell(uid, Result(day, end_ms(day), kind=None))
            log.info("%s: %s; going on with the next", uid, error)
        else:
            log.info("%s, %s: %s", uid, day, report.verdict)
            if not report.whole:  # a back-fill has come to its middle
                self._tell(uid, Result(day, end_ms(day), kind=None))

    def _tell(self, uid: str, result: Result) -> None:
        named = self._config.named(uid)
        tell(self._config, (uid, named.name, named.kind), result)

    def _pass_over(self, uid: str, days: list[date]) -> None:
        """Say which days are not looked at any more, so that what comes after them counts."""
        if not days:
            return
        last = days[-1]
        self._tell(uid, Result(last, end_ms(last), passed_over=len(days)))
        log.warning(
            "%s: nothing was reconciled since %s; %d days up to %s are passed over: `chatledger reconcile %s --day DAY` "
            "compares each of them", uid, days[0], len(days), last, uid,
        )  # fmt: skip


def _day_before(up_to_ms: int | None) -> date | None:
    """The last day that ends by then."""
    if up_to_ms is None:
        return None
    return (datetime.fromtimestamp(up_to_ms / 1000, UTC) - timedelta(days=1)).date()
