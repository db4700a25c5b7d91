"""Holds an archive against what the simulated sources served, and says what is missing or there twice.

It shares nothing with the archive's makers: it reads the ledgers (sandbox.simulation), the `.eml` files with a
public parser, and nothing else::

    python -m sandbox.checker --ledger LIVEPERSON --ledger WEBEX ARCHIVE [--parser mailparser] [--json]

Of each entry of a ledger, the mails of its conversation must show: a message's text, time, sender's name, cards,
the name of its file, and that it was hidden; an edit with the new and the former text; a deletion with the former
text (which may be called not known if the source told of it only after the change); who joined and left; every
name of somebody who took part; every file, with the same SHA-256 (or said to be too large for its mail, and kept
under its hash). A file that the source refused must be named. Who was `renamed` may be called by any of their
names. Nothing may be there twice: no event id, no message and no line of a transcript; each copy in a mailbox is
byte for byte one of the mails.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sandbox.checked_ledger import CheckerError, Item, Served, read_ledgers
from sandbox.checked_mail import Mail, Parser, read_mail
from sandbox.checked_rules import problem_of, refused_files
from sandbox.checked_shelf import Shelf, doubled_events
from sandbox.checked_text import excerpt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["CheckerError", "Report", "check", "main"]

_COUNTED: Final = {
    "message": "messages", "edit": "edits", "deletion": "deletions", "join": "joins", "leave": "leaves",
    "file": "files", "name": "names",
}  # fmt: skip
_COPY: Final = re.compile(r"[^/_][^/]*/[^/]+/[0-9]{4}/[0-9]{2}/[0-9]{2}/[^/]+\.eml")
_SHOWN: Final = 40  # sentences that the short summary prints of each list


@dataclasses.dataclass(frozen=True)
class Report:
    """How many entries of each kind were looked for, what was in the archive, and what is wrong, in sentences."""

    messages: int
    edits: int
    deletions: int
    joins: int
    leaves: int
    files: int
    names: int
    mails: int
    copies: int
    missing: list[str]
    doubled: list[str]

    @property
    def ok(self) -> bool:
        """Whether everything was found, once."""
        return not self.missing and not self.doubled

    def as_json(self) -> str:
        """The report as a JSON object, one line."""
        return json.dumps({"ok": self.ok, **dataclasses.asdict(self)})


def check(
    ledgers: Sequence[Path], archive: Path, *, parser: Parser = "email", before_ms: int | None = None
) -> Report:
    """Compare the ledgers with an archive folder; entries at or after `before_ms` (ms since 1970) are not asked for.

    Raises CheckerError for a ledger or an archive that can't be read.
    """
    known = read_ledgers(ledgers, composed=parser == "mailparser")
    everything = [item for item in known.items if _is_wanted(item, known)]
    wanted = [item for item in everything if before_ms is None or item.at_ms < before_ms]
    mails = list(_mails(archive, parser))
    shelves = _shelves(mails, archive)
    # of everything, since this tells the shelves which lines of their transcripts the ledgers account for
    problems = {item: _missing(item, known, shelves) for item in everything}
    missing = [problems[item] for item in wanted if problems[item]]
    missing += [problem for mail in mails for problem in mail.problems]
    missing += [problem for both in shelves.values() for shelf in both for problem in refused_files(shelf)]
    if not wanted:
        missing.append("the ledgers have nothing to look for")
    doubled = [*doubled_events(mails), *_overfull(mails), *_miscounted(shelves), *_same_bytes(mails)]
    copies, wrong, repeated = _copies(archive, mails)
    counts = Counter(_COUNTED[item.kind] for item in wanted)
    return Report(
        **{name: counts[name] for name in _COUNTED.values()},
        mails=len(mails),
        copies=copies,
        missing=missing + wrong,
        doubled=doubled + repeated,
    )


_Shelves = dict[tuple[str, str], list[Shelf]]


def _is_wanted(item: Item, known: Served) -> bool:
    if item.kind != "name":
        return item.kind in _COUNTED
    # a space in which nothing happened makes no mail, and somebody looked up need not have taken part
    return bool(item.sender_name) and (
        known.happened_in(item) if item.conversation else bool(known.conversations_of(item))
    )


def _mails(archive: Path, parser: Parser) -> Iterator[Mail]:
    if not archive.is_dir():
        raise CheckerError(f"{archive} is not a folder")
    for path in sorted((archive / "_mails").rglob("*.eml")):
        yield read_mail(path.relative_to(archive).as_posix(), path.read_bytes(), parser)


def _shelves(mails: list[Mail], archive: Path) -> _Shelves:
    """By source and conversation, a shelf for each connector that has it."""
    found = defaultdict[tuple[str, str], dict[str, Shelf]](dict)
    for mail in mails:
        by_connector = found[mail.source, mail.conversation]
        by_connector.setdefault(mail.connector, Shelf(archive)).add(mail)
    return {key: list(each.values()) for key, each in found.items()}


def _missing(item: Item, known: Served, shelves: _Shelves) -> str:
    """What is wrong with an entry on every shelf that could have it."""
    conversations = {item.conversation} if item.conversation else known.conversations_of(item)
    candidates = [shelf for one in sorted(conversations) for shelf in shelves.get((item.source, one), ())]
    if not candidates:
        return f"{item}: there is no mail of its conversation"
    problems = [problem_of(item, known, shelf) for shelf in candidates]
    return "" if "" in problems else f"{item}: {problems[0]}"


def _miscounted(shelves: _Shelves) -> Iterator[str]:
    for (source, conversation), both in shelves.items():
        for shelf in both:
            for text, shown, served in shelf.miscounted():
                yield f"{source} conversation {conversation}: {excerpt(text)} is shown {shown} times, served {served} times"


def _overfull(mails: list[Mail]) -> Iterator[str]:
    for mail in mails:
        if len(mail.entries) > len(mail.events):
            yield f"{mail.path}: its transcript has {len(mail.entries)} entries for {len(mail.events)} events"


def _same_bytes(mails: list[Mail]) -> Iterator[str]:
    seen = dict[str, str]()
    for mail in mails:
        if seen.setdefault(mail.sha256, mail.path) != mail.path:
            yield f"{mail.path} is byte for byte {seen[mail.sha256]}"


def _copies(archive: Path, mails: list[Mail]) -> tuple[int, list[str], list[str]]:
    """How many copies there are, and sentences on those that are wrong, and those that are there twice."""
    known = {mail.sha256: mail.path for mail in mails}
    wrong, repeated, count = list[str](), list[str](), 0
    first = dict[tuple[str, str], str]()
    for path, digest in _copied(archive):
        count += 1
        if not _COPY.fullmatch(path):
            wrong.append(f"{path} lies in no mailbox's folder by day")
        if digest not in known:
            wrong.append(f"{path} is none of the mails, byte for byte")
        elif first.setdefault((path.partition("/")[0], digest), path) != path:
            repeated.append(
                f"{path} is {known[digest]}, which the mailbox has at {first[path.partition('/')[0], digest]}"
            )
    return count, wrong, repeated


def _copied(archive: Path) -> Iterator[tuple[str, str]]:
    """Path and SHA-256 of every mail in a mailbox; hard links of one file are read once."""
    digests = dict[tuple[int, int], str]()
    for top in sorted(archive.iterdir()):
        if top.name.startswith((".", "_")) or not top.is_dir():
            continue
        for path in sorted(top.rglob("*.eml")):
            status = path.stat()
            node = status.st_dev, status.st_ino
            if node not in digests:
                digests[node] = hashlib.sha256(path.read_bytes()).hexdigest()
            yield path.relative_to(archive).as_posix(), digests[node]


def _summary(report: Report) -> str:
    """The report for a terminal."""
    counts = dataclasses.asdict(report)
    lines = [f"{counts[name]:>8,} {name}" for name in (*_COUNTED.values(), "mails", "copies")]
    for name, sentences in (("missing", report.missing), ("doubled", report.doubled)):
        lines.append(f"{len(sentences):>8,} {name}")
        lines += [f"         - {sentence}" for sentence in sentences[:_SHOWN]]
        if len(sentences) > _SHOWN:
            lines.append(f"         and {len(sentences) - _SHOWN:,} more; --json has all of them")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, print, and return the exit code: 0 all is there once, 1 something is wrong, 2 can't be checked."""
    parser = argparse.ArgumentParser(prog="sandbox.checker", description="Hold an archive against ledgers.")
    parser.add_argument("archive", type=Path, help="folder with _mails and the mailboxes' copies")
    parser.add_argument("--ledger", type=Path, action="append", required=True, help="JSON lines of a source")
    parser.add_argument("--parser", choices=("email", "mailparser"), default="email")
    parser.add_argument("--before-ms", type=int, help="leave out what happened at or after it, ms since 1970")
    parser.add_argument("--json", action="store_true", help="print the whole report as JSON")
    options = parser.parse_args(arguments)
    try:
        report = check(options.ledger, options.archive, parser=options.parser, before_ms=options.before_ms)
    except CheckerError as error:
        print(error, file=sys.stderr)
        return 2
    print(report.as_json() if options.json else _summary(report))
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
