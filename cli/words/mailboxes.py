"""What `chatledger replay --into mailbox` says at its end."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from cli.words.advice import counted

if TYPE_CHECKING:
    from consumers.importing.again import Looked

LISTED = 20
EVERY_SECONDS = 5.0


class Looking:
    """A line on standard error every few seconds."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def tell(self, done: int, whole: int) -> None:
        """So many copies of so many are looked for."""
        if time.monotonic() - self._said >= EVERY_SECONDS:
            self._said = time.monotonic()
            click.echo(f"looking in mailboxes: {done:,} of {whole:,} copies", err=True)


def imported_lines(outcomes: "Mapping[str, Mapping[str, int]]") -> list[str]:
    """For each connector what became of its copies in their mailboxes."""
    from consumers.importing.progress import in_words  # noqa: PLC0415 - see cli.main

    return [f"into mailboxes of {uid}: {in_words(counts)}" for uid, counts in outcomes.items()]


def not_imported(outcomes: "Mapping[str, Mapping[str, int]]") -> list[str]:
    """One sentence for each connector whose copies are not all in their mailboxes."""
    left = {uid: counts["failed"] + counts["waiting"] for uid, counts in outcomes.items()}
    return [
        f"{uid}: {counted(number, 'copy is', 'copies are')} not in their mailboxes; `chatledger log {uid}` lists them"
        for uid, number in left.items()
        if number
    ]


def looked_text(done: "Looked", selection: dict[str, Any], elapsed_s: float, *, as_json: bool) -> str:
    """For people, or one document for programs."""
    if not as_json:
        return "\n".join(_lines(done, elapsed_s))
    return json.dumps({
        "selection": selection, "into": "mailbox", "well": not done.refused, "selected": done.selected, "there": done.there,
        "appended": done.appended, "left_to_the_importer": done.left,
        "refused": [{"message_id": ident, "mailbox": box, "reason": why} for ident, box, why in done.refused],
        "elapsed_s": round(elapsed_s, 1),
    }, indent=2)  # fmt: skip


def _lines(done: "Looked", elapsed_s: float) -> Iterator[str]:
    yield (
        f"{counted(done.selected, 'copy', 'copies')} in {elapsed_s:.1f} s: {done.there:,} there already, "
        f"{done.appended:,} appended, {len(done.refused):,} refused"
    )
    if done.left:
        yield f"{counted(done.left, 'copy', 'copies')} not finished by the importer, which runs: left to it"
    for ident, mailbox, why in done.refused[:LISTED]:
        yield f"! {mailbox}: {why} ({ident})"
    if len(done.refused) > LISTED:
        yield f"! and {len(done.refused) - LISTED:,} more; --json lists all"
