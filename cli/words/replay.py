"""What a replay shows: progress while it runs, and its report."""

import json
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streams.replay.findings import Finding
    from streams.replay.reroute import Rerouted
    from streams.replay.session import Report

EVERY_SECONDS = 5.0
LISTED = 20


@dataclass(frozen=True)
class Shown:
    """A report with what only the command knows."""

    selection: dict[str, Any]
    into: str
    report: "Report"
    elapsed_s: float
    resumed: bool

    def as_json(self) -> str:
        """One document for programs."""
        report = self.report
        return json.dumps({
            "selection": self.selection, "into": self.into, "well": report.is_well,
            "earliest_replayable": report.earliest, "log_is_whole": report.earliest is None,
            "positions": report.positions, "counts": report.counts,
            "findings": [asdict(one) for one in report.findings],
            "elapsed_s": round(self.elapsed_s, 1), "resumed": self.resumed,
        }, indent=2)  # fmt: skip


class Progress:
    """A bar with rate and time left on a terminal, a line every few seconds elsewhere; on standard error."""

    def __init__(self, title: str, done: int, whole: int) -> None:
        self._title, self._done, self._whole = title, done, whole
        self._began, self._start, self._said = time.monotonic(), done, time.monotonic()
        self._events = self._mails = 0
        self._stack = ExitStack()
        self._show: Callable[[], None] = self._line

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._show = self._bar()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def tell(self, steps: int, events: int, mails: int) -> None:
        """More was done."""
        self._done, self._events, self._mails = self._done + steps, self._events + events, self._mails + mails
        self._show()

    def text(self) -> str:
        """How far it is, how fast, and how long it will take."""
        took = max(time.monotonic() - self._began, 0.001)
        share = self._done / self._whole if self._whole else 1.0
        speed = (self._done - self._start) / took
        left = f", {(self._whole - self._done) / speed:.0f} s left" if speed else ""
        rate = f"{self._events / took:,.0f} events/s"
        return f"{self._title} {share:.0%}: {self._mails:,} mails, {rate}{left}"

    def _line(self) -> None:
        if time.monotonic() - self._said >= EVERY_SECONDS:
            self._said = time.monotonic()
            click.echo(self.text(), err=True)

    def _bar(self) -> "Callable[[], None]":
        from rich.console import Console  # noqa: PLC0415 - only where there is a terminal
        from rich.progress import Progress as Bar  # noqa: PLC0415

        bar = self._stack.enter_context(Bar(console=Console(stderr=True), transient=True))
        task = bar.add_task(self._title, total=self._whole, completed=self._done)

        def show() -> None:
            bar.update(task, completed=self._done, description=self.text())

        return show


_COMPARED = ("equal", "new", "different", "missing")
_ASKED = {"dry-run": (), "compare": ("equal", "different", "missing")}
"""What is looked for, by where mails go; anywhere else they are made, so none is missing. What is not asked is a dash."""


def write_text(shown: Shown) -> str:
    """A table, what somebody has to look at, and what can be replayed at all."""
    return "\n".join(_lines(shown))


def _lines(shown: Shown) -> "Iterator[str]":
    from cli.words.tables import Grid, rendered  # noqa: PLC0415 - see cli.main

    counts = shown.report.counts
    asked = _ASKED.get(shown.into, ("equal", "new", "different"))
    table = Grid(("", "all", *_COMPARED, "unexplained"))
    for name, prefix in (("mails", ""), ("copies", "copies_")):
        columns = [f"{counts.get(prefix + kind, 0):,}" if kind in asked else "-" for kind in _COMPARED]
        table.add(name, f"{counts.get(name, 0):,}", *columns, "" if prefix else _unexplained(counts))
    yield rendered(table)
    yield f"selected: {_selected(shown.selection)}; into: {shown.into}"
    rest = ["records", "slices", "open", "refused", "unrouted", "failed"]
    rest += ["disposed"] if counts.get("disposed") else []
    yield ", ".join(f"{name} {counts.get(name, 0):,}" for name in rest) + f", {shown.elapsed_s:.1f} s"
    earliest = shown.report.earliest
    yield f"earliest day that can be replayed: {earliest or 'all, the log was never cut'}"
    yield from (_finding(one) for one in shown.report.findings)
    more = sum(counts.get(name, 0) for name in _COUNTED) - len(shown.report.findings)
    if more > 0:
        yield f"  and {more:,} more"


def _unexplained(counts: dict[str, int]) -> str:
    """A dash where nobody asked: only a comparison of whole connectors does."""
    return f"{counts['unexplained']:,}" if "unexplained" in counts else "-"


_COUNTED = (
    "different", "missing", "copies_different", "copies_missing", "unexplained", "failed"
)  # fmt: skip


def _finding(one: "Finding") -> str:
    return f"! {one.kind}: {one.path}" + (f"\n      {one.detail}" if one.detail else "")


def _selected(selection: dict[str, Any]) -> str:
    words = {"connectors": "connector", "conversations": "conversation", "mailboxes": "mailbox"}
    told = [f"{word} {', '.join(selection[name])}" for name, word in words.items() if selection[name]]
    told += [f"{name} {selection[name]}" for name in ("from", "to") if selection[name]]
    return "; ".join(told) or "everything"


def _why_nothing(done: "Rerouted", version: str) -> "Iterator[str]":
    if not done.counts["mails"]:
        yield "nothing in the ledger fits the selection"
    elif not done.counts["rerouted"] and not done.counts["failed"]:
        yield f"nothing differs under mapping {version[:12]}: every copy that is selected is where it leads"


def rerouted_text(done: "Rerouted", version: str, elapsed_s: float, *, as_json: bool) -> str:
    """What a rerouting did, with the copies that it left at former mailboxes."""
    if as_json:
        return json.dumps({
            "mapping_version": version, "counts": done.counts, "findings": [asdict(one) for one in done.findings],
            "superseded": [{**left, "now": now or None} for left, now in done.superseded],
            "elapsed_s": round(elapsed_s, 1),
        }, indent=2)  # fmt: skip
    names = ("mails", "rerouted", "copies_new", "superseded", "failed")
    told = ", ".join(f"{name.replace('_', ' ')} {done.counts[name]:,}" for name in names)
    lines = [f"mapping {version[:12]}: {told}, {elapsed_s:.1f} s", *_why_nothing(done, version)]
    lines += [
        f"kept at {left['mailbox']}: {left['path']}\n      now {now or 'nowhere'}"
        for left, now in done.superseded[:LISTED]
    ]
    lines += (
        [f"  and {len(done.superseded) - LISTED:,} more; --json has all"]
        if len(done.superseded) > LISTED
        else []
    )
    return "\n".join([*lines, *(_finding(one) for one in done.findings[:LISTED])])
