"""What evidence says to people."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cli.words.advice import counted

if TYPE_CHECKING:
    from consumers.evidence.statement import Statement
    from consumers.evidence.verify import Report

LISTED = 100  # of each kind


def of_manifest(one: "Statement") -> str:
    """A manifest in one line."""
    parts = ", ".join(counted(one.counts.get(kind, 0), *words) for kind, *words in _KINDS)
    return f"manifest {one.number} of {one.closed_at[:16].replace('T', ' ')} UTC: {parts}; root {one.root}"


def in_short(one: "Statement") -> str:
    """A manifest in a few words."""
    events, mails = counted(one.counts.get("event", 0), "event"), counted(one.counts.get("mail", 0), "mail")
    copies = counted(one.counts.get("copy", 0), "copy", "copies")
    return f"manifest {one.number} is signed, over {events}, {mails} and {copies}"


_KINDS = (("event", "event"), ("mail", "mail"), ("copy", "copy", "copies"), ("audit", "change"))


def of_report(report: "Report") -> Iterator[str]:
    """What a check found: faults first, then what was looked at, then dispositions."""
    yield from _some(f"! {fault}" for fault in report.faults)
    yield from (f"note: {note}" for note in report.notes)
    if report.newer:
        yield f"note: {counted(len(report.newer), 'file')} of mails and copies are newer than the last manifest"
    for one in report.disposals.all():
        yield f"disposed of: {one.sentence()}"
    if report.last is not None:
        yield of_manifest(report.last.statement)
    mails, copies = counted(report.mails, "mail"), counted(report.copies, "copy", "copies")
    events = counted(report.counts.get("event", 0), "event")
    found = counted(len(report.faults), "fault") if report.faults else "nothing is wrong"
    yield f"{counted(report.manifests, 'manifest')}, {events}, {mails} and {copies} checked: {found}"


def _some(lines: Iterator[str]) -> Iterator[str]:
    more = 0
    for number, line in enumerate(lines):
        if number < LISTED:
            yield line
        else:
            more += 1
    if more:
        yield f"! and {more:,} more"
