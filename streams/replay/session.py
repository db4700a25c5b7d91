"""A replay from its plan to its report. Its folder outlives a kill: the same command goes on where it was.

prepare (listing, ends, plan, a file for each partition: whole or not at all) ─▶ replay_all ─▶ finish (second look, report)
"""

import asyncio
import contextlib
import hashlib
import json
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from aiokafka.errors import KafkaError

from schemas.topics import RAW_EVENTS, Topic
from stores.interface import StoreError
from streams.positions import Stand
from streams.readback import Seen, read_back
from streams.replay.ending import Ending
from streams.replay.errors import ReplayError
from streams.replay.findings import BAD, Finding
from streams.replay.job import Job, opened, replay_all
from streams.replay.lock import only_one
from streams.replay.log import live_stands, open_log
from streams.replay.partition import Tell
from streams.replay.plan import Plan, make_plan
from streams.replay.state import PartitionState, blanks
from streams.replay.strangers import Listing

SHOWN = 20
LISTING = "listing.sqlite"
KINDS = ("different", "missing", "unexplained", "failed")
VERSION = 3  # of the folder; one of another version is not gone on with


@dataclass(frozen=True)
class Report:
    """What a replay found. `counts`: see `findings.COUNTERS`, and `unexplained` where it was asked for; `findings`: the first."""

    counts: dict[str, int]
    findings: list[Finding]
    earliest: str | None
    positions: dict[int, list[int]]

    @property
    def is_well(self) -> bool:
        """Nothing differs, nothing is missing, nothing failed, nothing is unexplained."""
        return not any(self.counts.get(name, 0) for name in BAD)


class Session:
    """One replay; its folder is named by what it does, so that the same arguments find it again."""

    def __init__(self, job: Job, *, whole_log: bool, fresh: bool) -> None:
        """`fresh`: begin anew even if there is something to go on with. AlreadyRunningError."""
        self.folder, self._job, self._whole_log = job.folder, job, whole_log
        self._lock = contextlib.ExitStack()
        otherwise = f"the same replay is running; its state is in {self.folder}"
        self._lock.enter_context(only_one(self.folder.parent / f"{self.folder.name}.lock", otherwise))
        if fresh:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.resumed = self._plan_file.exists()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.close()

    @property
    def _plan_file(self) -> Path:
        return self.folder / "plan.json"

    def prepare(self, group: str, known: frozenset[str]) -> None:
        """Plan, unless there is a plan. `group`: the live workers', only read; `known`: uids of all connectors. Blocks."""
        if not self.resumed:
            with _explained():
                asyncio.run(self._prepare(group, known))

    async def _prepare(self, group: str, known: frozenset[str]) -> None:
        growing = self.folder.with_name(f"{self.folder.name}.new")
        shutil.rmtree(growing, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)  # of a version before, or half made
        growing.mkdir(parents=True)
        await self._list(growing, known)
        plan = await self._plan(await live_stands(self._job.kafka, group), growing)
        (growing / "plan.json").write_text(json.dumps(_document(plan)), encoding="utf-8")
        growing.rename(self.folder)

    async def _list(self, growing: Path, known: frozenset[str]) -> None:
        """Before the ends of the log are taken, so that a live worker's new mails are no strangers."""
        if self._looks_for_strangers:
            with contextlib.closing(Listing(growing / LISTING)) as listing:
                async with opened(self._job.store) as store:
                    await listing.fill(store, self._job.selection.connectors, known)

    async def _plan(self, live: Mapping[int, Stand], growing: Path) -> Plan:
        with blanks(growing) as state:
            async with open_log(self._job.kafka) as log:
                plan = await make_plan(
                    log, self._read, self._job.selection, live=live, codec=self._job.codec(),
                    raw_events=self._job.kafka.topic(RAW_EVENTS.name), whole_log=self._whole_log,
                    days=lambda number: state(number).days(),
                )  # fmt: skip
            for number, one in plan.partitions.items():
                state(number).begin(one.start, one.until, facts=one.facts, refused=one.refused)
        return plan

    def _read(self, topic: Topic, number: int, seen: Seen = lambda _: None) -> AsyncIterator[bytes]:
        return read_back(self._job.kafka, topic, number, seen)

    @property
    def _looks_for_strangers(self) -> bool:
        return self._job.where.kind == "compare" and self._job.selection.is_whole

    def total(self) -> tuple[int, int]:
        """Half steps: done before this start, and in all (a record counts when it is read and when it is settled)."""
        with self._states() as states:
            left = sum(one.until - one.stand.needed for one in states.values())
            whole = sum(one.until - one.first for one in states.values())
        return 2 * (whole - left), 2 * whole

    def run(self, processes: int, tell: Tell) -> None:
        """Replay what is left; ReplayFailedError. Blocks."""
        with self._states() as states:
            left = {
                number: one.until - one.stand.reached for number, one in states.items() if not one.finished
            }
        replay_all(self._job, sorted(left, key=lambda number: -left[number]), processes, tell)

    def missing(self) -> int:
        """Mails and copies that were not there when they were looked for."""
        with self._states() as states:
            return sum(one.counts["missing"] + one.counts["copies_missing"] for one in states.values())

    def finish(self) -> Report:
        """Look once more for what was missing, and for what nobody explains; the same again if it is asked again. Blocks."""
        with _explained():
            return asyncio.run(self._finish())

    async def _finish(self) -> Report:
        counts = Counter[str]()
        with self._states() as states:
            begun_ms = int(self._plan_file.stat().st_mtime * 1000)
            listing = self.folder / LISTING if self._looks_for_strangers else None
            found = await Ending(self._job, states, begun_ms, listing, SHOWN).look(counts)
            for state in states.values():
                counts.update(state.counts)
                found += [one for kind in KINDS for one in state.findings(kind, limit=SHOWN)]
            found.sort(key=lambda one: (KINDS.index(one.kind), one.path))
            positions = {number: [state.first, state.until] for number, state in states.items()}
        return Report(dict(counts), found[:SHOWN], self._document()["earliest"], positions)

    def forget(self) -> None:
        """The report was given: nothing is gone on with any more."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _document(self) -> Any:
        return json.loads(self._plan_file.read_text(encoding="utf-8"))

    @contextlib.contextmanager
    def _states(self) -> Iterator[dict[int, PartitionState]]:
        with contextlib.ExitStack() as stack:
            yield {
                number: stack.enter_context(contextlib.closing(self._job.state(number)))
                for number in self._document()["partitions"]
            }


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (StoreError, KafkaError) as error:
        raise ReplayError(f"{type(error).__name__}: {error}") from error


def _document(plan: Plan) -> dict[str, Any]:
    return {
        "version": VERSION, "earliest": plan.earliest.isoformat() if plan.earliest else None,
        "partitions": sorted(plan.partitions),
    }  # fmt: skip


def name_of(job: Job, *, whole_log: bool) -> str:
    """The name of the folder of a replay that does this: the same arguments have the same."""
    told = [
        VERSION, job.kafka.bootstrap, job.kafka.topic_prefix, job.store.model_dump_json(), job.selection.as_dict(),
        job.where.kind, job.where.place,
    ]  # fmt: skip
    told += ["whole log"] if whole_log else []  # it has a plan of its own
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
