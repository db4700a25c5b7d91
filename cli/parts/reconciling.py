"""One day of one connector reconciled: the source is asked apart from its collector, then the topics, then the store."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from kafka.errors import KafkaError

from cli.parts.catching_up import caught_up
from cli.parts.common import new_codec
from cli.parts.config import ConfigError
from cli.parts.days import NotCollectedError, begin_ms, collected_until, covers, end_ms
from cli.parts.sources import roll_call
from consumers.orders import said
from consumers.reconciling.compare import archive_findings, gone_events, merged, missing_events
from consumers.reconciling.day import Day, Finding, faults
from consumers.reconciling.files import store_findings
from consumers.reconciling.reading import DayReader
from consumers.reconciling.telling import Result, to_status, told
from consumers.status import read_status
from consumers.writing import publish_status
from producers.cursor import CursorError
from producers.lanes import Lane
from producers.orders import OrderError, Orders
from producers.recollection import BackFillRunningError, NothingCollectedError
from producers.sink import SinkError
from producers.source import SourceError
from producers.waiting import StoppedError
from schemas.dispositions import mails_of
from stores.factory import open_store
from stores.interface import StoreError
from stores.paths import content_path

if TYPE_CHECKING:
    from cli.parts.config import Config
    from producers.rollcall import Shown

FETCHED = {("raw-events", "missing"), ("contents", "missing")}


@dataclass(frozen=True)
class Report:
    """What came of it.

    `asked`, `logged`: events of the day at the source and in the log; `gone`: in the log alone; `rosters`: what else the log has
    of the day, lists of participants that collectors have made, so that no source shows them. `not_verifiable`: the source
    does not show the day, or its beginning, any more; `until_ms`: the day's end, or how far it is collected, ms since 1970
    UTC. `pending`: slices that are still open, so that nothing is missing of them yet. `in_part`: lanes' ranges leave some of the
    day out, and nobody will collect it.
    """

    uid: str
    day: date
    until_ms: int
    asked: int
    logged: int
    gone: int
    mails: int
    files: int
    pending: int
    rosters: int
    not_verifiable: bool
    in_part: bool
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> list[Finding]:
        """Differences without a known reason."""
        return faults(self.findings)

    @property
    def missed(self) -> frozenset[bytes]:
        """Ids of events that the log does not have."""
        lost = (one for one in self.faults if (one.place, one.what) == ("raw-events", "missing"))
        return frozenset(bytes.fromhex(one.item) for one in lost)

    @property
    def can_be_fetched(self) -> bool:
        """Whether asking the source again may bring something: events, or files that come with them."""
        return any((one.place, one.what) in FETCHED for one in self.faults)

    @property
    def whole(self) -> bool:
        """Whether all of the day was collected."""
        return self.until_ms >= end_ms(self.day)

    @property
    def verdict(self) -> str:
        """In a word or two: different, not verifiable, or equal."""
        return "different" if self.faults else "not verifiable" if self.not_verifiable else "equal"


def lanes_of(config: "Config", uid: str) -> list[Lane]:
    """The lanes of a connector, as its cursors say; CursorError, KafkaError."""
    with contextlib.closing(Orders(config.kafka, new_codec(config.kafka), uid)) as orders:
        return [saved.lane for saved in orders.read()[0].values()]


def reconcile(
    config: "Config", uid: str, day: date, stop: threading.Event, *, quick: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Report:  # fmt: skip
    """Ask, read, compare. SourceError, KafkaError, StoreError, CursorError, NotCollectedError, LookupError. Blocks."""
    lanes = lanes_of(config, uid)
    until_ms = collected_until(lanes, day)
    say("asking the source")
    asked, shown_from = _asked(config, uid, day, until_ms, lanes, stop)
    found = empty_day(config, uid, day)
    say("reading the topics")
    findings = _compared(config, found, asked)
    if faults(findings) and caught_up(config):
        found = empty_day(config, uid, day)
        findings = _compared(config, found, asked)
    say("reading the store")
    stored = asyncio.run(_stored(config, found, quick=quick))
    if faults(stored) and _ordered_since(config, found):  # while we read, which may take long
        found = empty_day(config, uid, day)
        findings = _compared(config, found, asked)
        stored = asyncio.run(_stored(config, found, quick=quick))
    findings += stored
    return Report(
        uid, day, until_ms, len({one.ids[0] if one.ids else one.refused for one in asked}),
        sum(found.is_in(one.at_ms) for one in found.events.values() if not one.ours),
        0 if shown_from > begin_ms(day) else gone_events(asked, found), len(found.deliveries), len(found.contents),
        sum(not found.is_closed(one) for one in found.slices),
        sum(found.is_in(one.at_ms) for one in found.events.values() if one.ours), shown_from > begin_ms(day),
        not covers(lanes, day), tuple(findings),
    )  # fmt: skip


def _ordered_since(config: "Config", day: Day) -> bool:
    """Whether orders disposed of more since the topics were read. An order names its mails before it removes them."""
    codec = new_codec(config.kafka)
    named = (
        one
        for one in said(config.kafka, codec)
        if one["kind"] == "disposed" and one["connector_uid"] == day.uid
    )
    return any(not day.disposed.keys() >= set(mails_of(one)) for one in named)


def empty_day(config: "Config", uid: str, day: date) -> Day:
    """A day to be read. Where imports are configured, receipts are expected, though none was ever written."""
    return Day(uid, begin_ms(day), end_ms(day), imports=config.import_ is not None)


def reconcile_and_tell(
    config: "Config", uid: str, day: date, stop: threading.Event, *, quick: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Report:  # fmt: skip
    """As `reconcile`, and the result stands on the status topic, also that it could not be had."""
    named = config.named(uid)
    connector = (uid, named.name, named.kind)
    try:
        report = reconcile(config, uid, day, stop, quick=quick, say=say)
    except Exception as error:
        if not isinstance(error, KafkaError | NotCollectedError | StoppedError):
            tell(config, connector, Result(day, error=f"{day} could not be reconciled: {error}"))
        raise
    tell(config, connector, Result(
        day, report.until_ms, len(report.faults), report.pending, counters={
            "asked": report.asked, "logged": report.logged, "gone": report.gone, "mails": report.mails, "pending": report.pending,
        }, kind="not_verifiable" if report.not_verifiable else "in_part" if report.in_part else "compared",
    ))  # fmt: skip
    return report


def tell(config: "Config", connector: tuple[str, str, str], result: Result) -> None:
    """Add a result to what the status topic says. KafkaError, LookupError."""
    before = told(read_status(config.kafka), connector[0])
    publish_status(config.kafka, to_status(connector, before, result, time.time_ns() // 1_000_000))


def failures() -> tuple[type[Exception], ...]:
    """Everything that may keep a day from being reconciled, each with one sentence for people."""
    return (
        KafkaError, SourceError, SinkError, StoreError, CursorError, OrderError, NotCollectedError, ConfigError,
        NothingCollectedError, BackFillRunningError, LookupError, StoppedError, OSError,
    )  # fmt: skip


def _asked(
    config: "Config", uid: str, day: date, until_ms: int, lanes: Sequence[Lane], stop: threading.Event
) -> "tuple[list[Shown], int]":
    """What the source shows of the times that are collected, and from where on it shows anything of the day."""
    with contextlib.closing(roll_call(config.named(uid), stop)) as roll:
        first = max(begin_ms(day), roll.now_ms() - roll.look_back_ms)
        if first >= until_ms:
            return [], first
        return [one for one in roll.shown(first, until_ms) if _is_covered(one.at_ms, lanes)], first


def _is_covered(at_ms: int | None, lanes: Sequence[Lane]) -> bool:
    return at_ms is None or any(lane.from_ms <= at_ms <= lane.reached_ms for lane in lanes)


def _compared(config: "Config", day: Day, asked: "list[Shown]") -> list[Finding]:
    reader = DayReader(
        config.kafka, new_codec(config.kafka), lambda sha256: asyncio.run(_content(config, sha256))
    )
    reader.read(day, frozenset(ident for one in asked for ident in one.ids))
    return merged([*missing_events(asked, day), *archive_findings(day)])


async def _stored(config: "Config", day: Day, *, quick: bool) -> list[Finding]:
    store = open_store(config.store)
    try:
        return await store_findings(store, day, quick=quick)
    finally:
        await store.close()


async def _content(config: "Config", sha256: bytes) -> bytes:
    store = open_store(config.store)
    try:
        return await store.read(content_path(sha256.hex()))
    finally:
        await store.close()
