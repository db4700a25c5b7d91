"""Does what the schedule says: waits for the moment when there is work, kills, stops, breaks, and notes what it saw."""

import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from signal import SIGCONT, SIGSTOP
from typing import TypeVar

from tests.chaos.clock import SteadyClock
from tests.chaos.holding import hold_until_saved
from tests.chaos.processes import Part, Parts, resident_kb
from tests.chaos.pulse import Look, Pulse
from tests.chaos.recovery import Recoveries
from tests.chaos.schedule import STAGES, Step
from tests.chaos.site import ChaosSite
from tests.chaos.stages import Candidate, behind, with_work

T = TypeVar("T")
PATIENCE_S = 240.0  # longest wait for the right moment
REPORT_S = 15.0


class NoMomentError(Exception):
    """The moment for an act never came; the text says which."""


@dataclass
class Hands:
    """One pair for a run; everything happens in the caller's thread."""

    site: ChaosSite
    parts: Parts
    pulse: Pulse
    clock: SteadyClock
    tell: Callable[[str], None]
    push_s: float
    recoveries: Recoveries = field(default_factory=Recoveries)
    faults: Counter[str] = field(default_factory=Counter)
    memory_kb: dict[str, int] = field(default_factory=dict)
    _later: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    _busy: set[str] = field(default_factory=set)
    _next_report: float = 0.0

    def act(self, step: Step) -> None:
        """Do one step; NoMomentError when there was no moment for it."""
        self.rest(step.after_s)
        {
            "kill": self._kill, "stop": self._stop, "store": self._store,
            "disk": self._disk, "add": self._add, "remove": self._remove,
        }[step.kind](step)  # fmt: skip

    def tend(self) -> None:
        """Bring back whose time has come, note recoveries and memory."""
        now = time.monotonic()
        for due in [one for one in self._later if one[0] <= now]:
            self._later.remove(due)
            due[1]()
        self.parts.tend()
        self.recoveries.see(self.pulse.last)
        self._weigh()
        self._report()

    def rest(self, seconds: float) -> None:
        """Wait so long, and tend."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.tend()
            time.sleep(0.05)

    def finish(self) -> None:
        """Everything that is stopped or broken goes on."""
        while self._later:
            self.rest(0.2)
        self.site.proxy.well()

    def _kill(self, step: Step) -> None:
        if step.target in STAGES:
            self._kill_part(step, lambda look: with_work(look, self._owners(), step.target))
        elif step.target == "collector":
            self._kill_part(step, lambda look: behind(look, self.parts.collectors, self.clock.now_ms))
        elif step.target == "broker":
            self._kill_broker(step)
        else:
            self._kill_azurite(step)

    def _kill_part(self, step: Step, candidates: Callable[[Look], list[Candidate]]) -> None:
        found = self._moment(step, lambda: candidates(self._fresh()))
        victim = found[step.choice % len(found)]
        victim.part.kill(step.lasts_s)
        self.recoveries.killed(
            step.target, victim.part.name, victim.waiting, step.lasts_s, victim.uid, victim.places
        )
        self._told(
            step, f"{victim.part.name}, {victim.waiting} {'minutes' if victim.uid else 'records'} waiting"
        )

    def _kill_broker(self, step: Step) -> None:
        self._free(step, "broker")
        waiting = self._moment(step, lambda: sum(self._fresh().waiting_in_all(stage) for stage in STAGES))
        kafka = self.site.site.kafka
        kafka.kill()
        self.recoveries.killed(step.target, "broker", waiting, step.lasts_s)
        self._told(step, f"{waiting} records waiting")
        self.rest(step.lasts_s)
        kafka.start(timeout_s=180)

    def _kill_azurite(self, step: Step) -> None:
        self._free(step, "azurite")
        proxy, azurite = self.site.proxy, self.site.azurite
        waiting = 0
        while not waiting:  # the last of it may get done in the moment before answers are held back
            proxy.release(lost=False)
            self._moment(step, lambda: self._fresh().waiting_in_all("archive"))
            hold_until_saved(proxy, azurite, self.rest)
            waiting = max(self._fresh().waiting_in_all("archive"), proxy.held)
        azurite.kill()
        self.recoveries.killed(step.target, "azurite", waiting, step.lasts_s)
        self._told(step, f"{waiting} records waiting, {proxy.held} requests in flight")
        proxy.release(lost=True)
        self.rest(step.lasts_s)
        azurite.start(timeout_s=120)
        self.recoveries.back("azurite")

    def _stop(self, step: Step) -> None:
        self._free(step, step.target)
        if step.target in {"worker", "collector"}:
            many = self._moment(
                step, lambda: self.parts.workers if step.target == "worker" else self.parts.collectors
            )
            part = many[step.choice % len(many)]
            part.stop()
            self._back_after(step, part.go_on)
            name = part.name
        else:
            pid = self.site.site.kafka.pid if step.target == "broker" else self.site.azurite.pid
            os.kill(pid, SIGSTOP)
            self._back_after(step, lambda: os.kill(pid, SIGCONT))
            name = step.target
        self.faults[step.fault] += 1
        self._told(step, f"{name} for {step.lasts_s:.0f} s")

    def _store(self, step: Step) -> None:
        self._free(step, "azurite")
        proxy = self.site.proxy
        before, times = proxy.failed[step.target], (2 if step.target == "timeout" else 5) + step.choice % 12
        proxy.fail(step.target, times)
        self._moment(step, lambda: proxy.failed[step.target] > before)
        self.faults[step.fault] += 1
        self._told(step, f"{times} times")

    def _disk(self, step: Step) -> None:
        self._free(step, "azurite")
        disk, proxy = self.site.disk, self.site.proxy
        before = proxy.answered[500]
        disk.fill()
        self._busy.add("azurite")
        try:
            self._moment(step, lambda: proxy.answered[500] > before)
        except NoMomentError:
            disk.free()
            raise
        self.faults[step.fault] += 1
        self._told(step, f"for {step.lasts_s:.0f} s more")
        self._busy.discard("azurite")
        self._back_after(step, disk.free, "azurite")

    def _add(self, step: Step) -> None:
        part = self.parts.add_worker()
        self.faults[step.fault] += 1
        self._told(step, part.name)

    def _remove(self, step: Step) -> None:
        if len(self.parts.workers) < 2:
            self.parts.add_worker()
        many = self._moment(step, lambda: self.parts.workers)
        part = many[step.choice % len(many)]
        part.leave()
        self.faults[step.fault] += 1
        self._told(step, part.name)

    def _moment(self, step: Step, look: Callable[[], T]) -> T:
        """What `look` gives as soon as it gives something; now and then some chats come at once to help."""
        began = pushed = time.monotonic()
        while not (found := look()):
            now = time.monotonic()
            if now - began > PATIENCE_S:
                raise NoMomentError(f"no moment for step {step.number}: {step.kind} {step.target}")
            if now - pushed > self.push_s:
                self.clock.push()
                pushed = now
            self.rest(0.25)
        return found

    def _free(self, step: Step, what: str) -> None:
        """Wait until it is not stopped, and its disk not full."""
        self._moment(step, lambda: what not in self._busy)

    def _fresh(self) -> Look:
        """What is so now, not before Kafka went away; an empty look when Kafka does not say."""
        look = self.pulse.last
        return look if look is not None and time.monotonic() - look.at < 1.5 else Look(0)

    def _owners(self) -> dict[tuple[str, int], Part]:
        return self.parts.owners(self.pulse.stages)

    def _back_after(self, step: Step, call: Callable[[], None], what: str = "") -> None:
        what = what or step.target
        self._busy.add(what)

        def back() -> None:
            call()
            self._busy.discard(what)
            self.tell(f"      {step.fault} is over")

        self._later.append((time.monotonic() + step.lasts_s, back))

    def _told(self, step: Step, what: str) -> None:
        self.tell(f"{step.number:4} {step.fault}{f' {step.target}' if step.kind == 'kill' else ''}: {what}")

    def _weigh(self) -> None:
        servers = {"broker": self.site.site.kafka.pid, "azurite": self.site.azurite.pid}
        found = {name: resident_kb(pid) for name, pid in servers.items()}
        for part in self.parts.parts:
            kind = f"collector {part.name}" if part.arguments[0] == "collect" else "worker"
            found[kind] = max(found.get(kind, 0), part.memory_kb())
        for name, kilobytes in found.items():
            self.memory_kb[name] = max(self.memory_kb.get(name, 0), kilobytes)

    def _report(self) -> None:
        """Where everything stands, now and then."""
        if time.monotonic() < self._next_report:
            return
        self._next_report = time.monotonic() + REPORT_S
        look = self.pulse.last or Look(0)
        waiting = ", ".join(f"{stage} {look.waiting_in_all(stage)}" for stage in STAGES)
        now = datetime.fromtimestamp(self.clock.now_ms / 1000, UTC)
        self.tell(
            f"     {now:%a %H:%M}, {look.done} records done, waiting: {waiting}; {len(self.parts.workers)} workers"
        )
