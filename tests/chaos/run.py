"""A whole run: start, disturb, let it settle, compare, judge."""

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from consumers.drain import NotDrainedError, wait_until_drained
from consumers.status import read_status, views
from sandbox.checker import check
from schemas.topics import DEAD_LETTERS
from tests.chaos.archive import again, count, fetch, mails_of, replayed
from tests.chaos.clock import SteadyClock
from tests.chaos.hands import Hands, NoMomentError
from tests.chaos.processes import Parts
from tests.chaos.pulse import Pulse
from tests.chaos.schedule import Pace, plan, planned, shortest_s
from tests.chaos.site import BEGIN, END, LAST, ChaosSite, chaos_site
from tests.chaos.verdict import Found, differing, document

SLACK_MS = 15 * 60_000  # what a source may hide at the end
STEP_S = 3.0  # what an act takes beside its pause, roughly
RESERVE = 0.1  # share of the chats that is left for the last steps, should they have to wait for work
PUSHES = 4  # how often a step may let time pass to find work, on the average, before all chats are over
SETTLE_S = 300.0
COMMIT_S = 1.0


class UnsettledError(Exception):
    """Something was not captured or not archived in time; the text says what."""


@dataclass(frozen=True)
class Wish:
    """What somebody asked for."""

    kills: int
    seed: int
    events: int
    pace: Pace


def chaos(wish: Wish, folder: Path, tell: Callable[[str], None]) -> dict[str, Any]:
    """Run it below `folder`, which must be empty; the content of chaos.json."""
    began = time.monotonic()
    steps = plan(wish.kills, wish.seed, wish.pace)
    found = Found(wish.seed, planned(steps), wish.events)
    with ExitStack() as up:
        tell(
            f"{wish.kills} kills and {len(steps) - wish.kills} other faults, seed {wish.seed}, logs in {folder}/logs"
        )
        site = up.enter_context(
            chaos_site(folder, events=wish.events, commit_s=COMMIT_S, hang_s=wish.pace.hang)
        )
        parts = Parts(site.config_path, folder / "logs", tell=tell)
        up.callback(parts.close)
        pulse = up.enter_context(Pulse(site.config.kafka, site.config.worker.group))
        lasts = shortest_s(steps) + STEP_S * len(steps)
        push = (_ms(LAST) - _ms(BEGIN)) // (PUSHES * len(steps))
        clock = SteadyClock(site.site.sources, _ms(BEGIN), _ms(LAST), lasts, push)
        hands = Hands(site, parts, pulse, clock, tell, wish.pace.push)
        _start(site, parts, hands, wish.pace.workers)
        with clock:
            _disturb(hands, steps, clock, found, tell)
        tell("the schedule is over; the rest of the chats, and everything to its end")
        try:
            _settle(site, hands)
        except (UnsettledError, NotDrainedError) as error:  # what is there is compared all the same
            found.stuck.append(str(error))
            tell(f"! {error}")
        found.kills, found.faults = hands.recoveries.kills, hands.faults
        found.extra["ended_by_themselves"] = parts.ended
        found.extra["memory_mb"] = {name: round(kb / 1024) for name, kb in sorted(hands.memory_kb.items())}
        parts.close()
        _compare(site, found, folder, tell)
        found.extra["dead_letters"] = count(site.config, DEAD_LETTERS)
    found.extra["seconds"] = round(time.monotonic() - began)
    return document(found)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _start(site: ChaosSite, parts: Parts, hands: Hands, workers: int) -> None:
    for source in site.site.sources:
        parts.add_collector(source.uid)
    for _ in range(workers):
        parts.add_worker()
    hands.rest(1)


def _disturb(
    hands: Hands, steps: list[Any], clock: SteadyClock, found: Found, tell: Callable[[str], None]
) -> None:
    for done, step in enumerate(steps):
        clock.allow((done + 1) / (len(steps) * (1 + RESERVE)))
        try:
            hands.act(step)
        except NoMomentError as error:
            tell(f"     {error}")
    hands.finish()


def _settle(site: ChaosSite, hands: Hands) -> None:
    """Let all chats happen, be captured, and be archived; UnsettledError when that takes too long."""
    for source in site.site.sources:
        source.move(_ms(END))
    until = time.monotonic() + SETTLE_S
    while waiting := _uncaptured(site):
        if time.monotonic() > until:
            raise UnsettledError(f"not captured after {SETTLE_S:.0f} s: {waiting}")
        hands.rest(0.5)
    for _ in range(2):  # what came while we looked
        wait_until_drained(
            site.config.kafka, site.config.worker.group, patience_s=SETTLE_S, tell=lambda _: hands.tend()
        )
        hands.rest(3)


def _uncaptured(site: ChaosSite) -> list[str]:
    seen = {view.uid: view for view in views(read_status(site.config.kafka))}
    return [
        source.uid
        for source in site.site.sources
        if source.uid not in seen
        or (seen[source.uid].captured_up_to_ms or 0) < _ms(END) - SLACK_MS
        or seen[source.uid].progress not in {None, 1}
    ]


def _compare(site: ChaosSite, found: Found, folder: Path, tell: Callable[[str], None]) -> None:
    archive = folder / "archive"
    tell(f"{fetch(site.azurite, archive):,} blobs in the store; looking for what the sources served")
    ledgers = [source.ledger for source in site.site.sources]
    found.events = sum(
        1 for ledger in ledgers for line in ledger.open() if json.loads(line)["kind"] != "closed"
    )
    report = check(ledgers, archive)
    found.mails, found.copies = report.mails, report.copies
    found.lost, found.doubled = report.missing, report.doubled
    tell(
        f"{found.events:,} events in {found.mails:,} mails, lost {len(found.lost)}, doubled {len(found.doubled)}"
    )
    tell("chatledger replay --into compare")
    found.different, found.extra["replay"] = replayed(site.config_path)
    tell(f"replay finds {len(found.different)} differences; now the same raw-events again, undisturbed")
    second = again(site.config, site.config_path, archive, tell)
    found.different += differing(mails_of(archive), mails_of(second))
    tell(f"different {len(found.different)}")
