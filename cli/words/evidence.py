"""What evidence says to people."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cli.words.advice import counted

if TYPE_CHECKING:
    from consumers.evidence.prove import Proven
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


def on_one_line(text: str) -> str:
    """The same, with what does not print written out: names and reasons are anybody's, lines are ours."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def of_proof(proven: "Proven", *, known: bool) -> Iterator[str]:
    """What a proof proves, and by whose key; `known`: it was compared with one that the caller gave."""
    yield on_one_line(f"proven: {proven.leaf['path']}, SHA-256 {proven.leaf['sha256']}")
    if known:
        yield f"signed with the key that was given, {proven.key}"
    else:
        yield f"signed with key {proven.key}, which was not compared with a known one: anybody can sign with a key of his own"
        yield "give the key that you noted with --key"


def of_report(report: "Report") -> Iterator[str]:
    """What a check found, each on one line: faults first, then what was looked at, then dispositions."""
    return map(on_one_line, _of_report(report))


def _of_report(report: "Report") -> Iterator[str]:
    yield from _some(f"! {fault}" for fault in report.faults)
    yield from (f"note: {note}" for note in report.notes)
    if report.newer:
        yield f"note: {counted(len(report.newer), 'file')} of mails and copies, newer than the last manifest"
    for order, count in report.pending:
        files = counted(count, "file")
        yield f"note: {files} of mails and copies disposed of by order {order[:8]}, not in a manifest yet"
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
