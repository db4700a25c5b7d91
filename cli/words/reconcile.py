"""The words of `chatledger reconcile`."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cli.words.advice import counted

if TYPE_CHECKING:
    from cli.parts.reconciling import Report
    from consumers.reconciling.day import Finding

LISTED = 100  # of each kind; --json has all
MEANS = {
    ("raw-events", "missing"): "missing in the log (raw-events)",
    ("mails", "missing"): "missing in the mails",
    ("mails", "unexplained"): "mails that no closed slice explains",
    ("copies", "missing"): "missing copies",
    ("store", "missing"): "missing in the store",
    ("store", "different"): "with other bytes in the store",
    ("contents", "missing"): "files missing in the content store",
    ("contents", "different"): "files with other bytes in the content store",
    ("mailboxes", "missing"): "not in a mailbox",
}


def as_text(report: "Report") -> str:
    """The verdict, the numbers, what differs, and what to do about it."""
    return "\n".join(_lines(report))


def _lines(report: "Report") -> Iterator[str]:
    yield f"{report.uid}, {report.day}: {report.verdict}"
    yield (
        f"the source shows {counted(report.asked, 'event')}, the log has {report.logged:,}; "
        f"{counted(report.mails, 'mail')}, {counted(report.files, 'file')}"
    )
    if report.rosters:
        lists = counted(report.rosters, "list of participants", "lists of participants")
        yield f"besides, the log has {lists}, which the collector made and no source shows"
    if report.gone:
        yield f"archived and gone at the source, which is no fault: {counted(report.gone, 'event')}"
    if report.pending:
        yield f"not in mails yet, because they are still open: {counted(report.pending, 'slice')}"
    if not report.whole:
        until = datetime.fromtimestamp(report.until_ms / 1000, UTC)
        yield f"the day is collected up to {until:%H:%M:%S} UTC, so no more of it was compared"
    if report.in_part:
        yield "no lane collects all of this day, so only what is in a lane's range was compared"
    if report.not_verifiable:
        yield "not verifiable at the source: it does not show (all of) this day any more; the archive was compared with itself"
    yield from _findings(report)


def _findings(report: "Report") -> Iterator[str]:
    kinds = Counter((one.place, one.what, bool(one.why)) for one in report.findings)
    for (place, what, known), number in sorted(kinds.items()):
        yield f"\n{MEANS[place, what]}{', the reason is known' if known else ''}: {number:,}"
        some = [
            one for one in report.findings if (one.place, one.what, bool(one.why)) == (place, what, known)
        ]
        yield from (f"  {_sentence(one)}" for one in some[:LISTED])
        if number > LISTED:
            yield "  and more: --json has all"
    yield from _advice(report)


def _sentence(one: "Finding") -> str:
    where = f" of conversation {one.conversation}" if one.conversation else ""
    return f"{one.item or 'a file'}{where}: {one.detail}" + (f" ({one.why})" if one.why else "")


def _advice(report: "Report") -> Iterator[str]:
    places = {one.place for one in report.faults}
    if report.can_be_fetched:
        yield f"\n`chatledger reconcile {report.uid} --day {report.day} --fetch` collects again what the log does not have"
    if places & {"mails", "copies", "store"}:
        # A slice of the day may be filed under the day before: periods of 24 hours begin when a conversation does.
        yield "\n`chatledger replay --into store` makes what is missing from the log; what has other bytes is never "
        yield "overwritten: see *Other bytes in the archive* in docs/trouble.md"


def as_json(report: "Report") -> str:
    """Everything, as one document."""
    document = {
        "connector": report.uid, "day": report.day.isoformat(), "verdict": report.verdict, "whole": report.whole,
        "asked": report.asked, "logged": report.logged, "gone": report.gone, "mails": report.mails, "files": report.files,
        "pending": report.pending, "rosters": report.rosters,
        "not_verifiable": report.not_verifiable, "in_part": report.in_part, "differences": len(report.faults),
        "findings": [asdict(one) for one in report.findings],
    }  # fmt: skip
    return json.dumps(document, indent=2)
