"""The words of `chatledger log`: a table for people, CSV and JSON for programs, all written as they are read."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import UTC, date, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from cli.words.advice import counted
from cli.words.tables import Grid, rendered

if TYPE_CHECKING:
    from consumers.logbook.items import Ledger
    from consumers.logbook.runs import Kind, Line, Run, Runs

LISTED = 100  # lines of each kind and ledger that people get to see; CSV and JSON have all
COUNTED = (
    "available_from_source", "available_for_import", "ok", "partial", "skipped", "failed",
    "external", "unrouted", "routed_again",
)  # fmt: skip
KINDS: "tuple[Kind, ...]" = ("failed", "partial", "skipped", "waiting", "external", "unrouted")
SAID = ("item", "user", "name", "mailbox", "reason", "path", "count")
HEADINGS = ("line", "ledger", "connector", "day", "import_completion_time", *COUNTED, *SAID)
TITLES = {
    "failed": "Failed items (of users without a mailbox one line a day):",
    "partial": "Partial: stored or imported, with a sentence where something is missing:",
    "skipped": "Skipped (of each user and reason one line a day):",
    "waiting": "Not imported yet, tried again by itself:",
    "external": "People outside of the firm, who get no copy:",
    "unrouted": "Unrouted: archived without a copy, because nobody with a mailbox of the firm's took part:",
}
MEANS = {"stored": "stored in the archive", "imported": "imported into mailboxes"}


def as_text(runs: "Runs", ledgers: "Sequence[Ledger]", connector: str, days: Sequence[date]) -> Iterator[str]:
    """A table for each ledger, a sentence for each day with nothing, and what somebody has to look at."""
    for ledger in ledgers:
        found = [runs.run(ledger, connector, day) for day in days]
        yield f"{connector}, {MEANS[ledger]}:\n"
        if any(run.completed_at_ms is not None for run in found):
            yield f"{rendered(_table(found))}\n"
        yield from (nothing(run.day) for run in found if run.completed_at_ms is None)
        yield from (_wrong(run) for run in found if not run.adds_up)
        for kind in KINDS:
            yield from _listed(runs, ledger, connector, days, kind)
        if all(run.completed_at_ms is None for run in found) and (latest := runs.latest(ledger, connector)):
            yield f"a run is the day on which it was archived, not that of the chats; the latest was on {latest}\n"


def as_csv(runs: "Runs", ledgers: "Sequence[Ledger]", connector: str, days: Sequence[date]) -> Iterator[str]:
    """One table with a column `line` that says what a line is: run, failed, partial, skipped, waiting, external or unrouted."""
    yield _csv_line(HEADINGS)
    for ledger in ledgers:
        for day in days:
            run = runs.run(ledger, connector, day)
            head = (ledger, connector, day.isoformat())
            counts = [str(getattr(run, name)) for name in COUNTED]
            yield _csv_line(("run", *head, _iso(run.completed_at_ms) or "", *counts, *("" for _ in SAID)))
            for kind in KINDS:
                for line in runs.lines(ledger, connector, day, kind):
                    said = [str(getattr(line, name)) for name in SAID]
                    yield _csv_line((kind, *head, *("" for _ in range(1 + len(COUNTED))), *said))


def as_json(runs: "Runs", ledgers: "Sequence[Ledger]", connector: str, days: Sequence[date]) -> Iterator[str]:
    """One document: for each ledger its runs, each with all of its lines."""
    yield f'{{"connector": {json.dumps(connector)}'
    for ledger in ledgers:
        yield f', "{ledger}": ['
        for number, day in enumerate(days):
            run = _document(runs.run(ledger, connector, day))
            yield (",\n " if number else "\n ") + json.dumps(run)[:-1]
            for kind in KINDS:
                yield from _json_lines(runs.lines(ledger, connector, day, kind), f"{kind}_items")
            yield "}"
        yield "]"
    yield "}\n"


def nothing(day: date) -> str:
    """What stands for a day without any item: silence is told too."""
    return f"no items ingested on {day}\n"


def _table(found: "list[Run]") -> Grid:
    table = Grid(("day (UTC)", "import completion", *(name.replace("_", " ") for name in COUNTED)))
    for run in found:
        if run.completed_at_ms is not None:
            time = f"{datetime.fromtimestamp(run.completed_at_ms / 1000, UTC):%H:%M:%S}"
            table.add(str(run.day), time, *(f"{getattr(run, name):,}" for name in COUNTED))
    return table


def _wrong(run: "Run") -> str:
    return f"! {run.day}: ok + partial + skipped + failed is not what was available for import\n"


def _listed(
    runs: "Runs", ledger: "Ledger", connector: str, days: Sequence[date], kind: "Kind"
) -> Iterator[str]:
    lines = ((day, line) for day in days for line in runs.lines(ledger, connector, day, kind))
    shown = list(islice(lines, LISTED))
    if shown:
        yield f"\n{TITLES[kind]}\n"
    yield from (f"  {day}  {_sentence(line)}\n" for day, line in shown)
    if next(lines, None) is not None:
        yield "  and more: --csv or --json has all\n"


def _sentence(line: "Line") -> str:
    if line.kind == "unrouted":
        return f"{line.item}  {line.path}"
    who = f"{line.name or 'without a name'}, user id {line.user}"
    mailbox = f", mailbox {line.mailbox}" if line.mailbox else ""
    many = f"; {counted(line.count, 'item')}, the first {line.item}" if line.count > 1 else f"; {line.item}"
    return f"{who}{mailbox}: {line.reason}{many}"


def _document(run: "Run") -> dict[str, Any]:
    numbers = {one.name: getattr(run, one.name) for one in fields(run) if one.name in COUNTED}
    document = {"day": run.day.isoformat(), "import_completion_time": _iso(run.completed_at_ms), **numbers}
    return document if run.completed_at_ms is not None else document | {"note": nothing(run.day).strip()}


def _json_lines(lines: "Iterator[Line]", name: str) -> Iterator[str]:
    yield f', "{name}": ['
    for number, line in enumerate(lines):
        yield (", " if number else "") + json.dumps({key: getattr(line, key) for key in SAID})
    yield "]"


def _csv_line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([_harmless(cell) for cell in cells])
    return out.getvalue()


def _harmless(cell: str) -> str:
    """A spreadsheet takes what begins like this for a formula, and names are chosen by strangers."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell


def _iso(ms: int | None) -> str | None:
    return None if ms is None else f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
