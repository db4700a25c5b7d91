"""The summary of what was archived, from the topics alone: as a table for people, as JSON for programs."""

import contextlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cli.words.advice import counted
from consumers.gaps import Departed, FailedPerson, Gaps, Unrouted
from consumers.letters.reading import count_open
from consumers.orders import AuditError, said
from consumers.reading import read_all
from consumers.tally import Counters, Tally
from schemas.codec import Codec
from schemas.topics import DELIVERIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.parts.config import Config
    from schemas.records import Delivery

Row = TypeVar("Row")
LISTED = 100  # of each kind; the ledger has all
COLUMNS = (
    "conversations", "events", "available_from_source", "available_for_import", "ok", "partial", "skipped", "failed", "external",
    "unrouted",
)  # fmt: skip


@dataclass(frozen=True)
class Summary:
    """What all connectors have in the archive; `dead_letters` that nobody has dealt with; `elapsed_s`: the caller's own time."""

    connectors: dict[str, Counters]
    dead_letters: int
    elapsed_s: float
    unrouted: tuple[Unrouted, ...] = ()
    failed: tuple[FailedPerson, ...] = ()
    paused_ms: tuple[tuple[str, int], ...] = ()
    """(connector, since when) of those that collected nothing, by order; milliseconds since 1970 UTC."""
    departed: tuple[int, int] | None = (0, 0)
    """Mails and copies among all these that stand no more, because an order disposed of them; None: nobody can read which."""

    @property
    def mails(self) -> int:
        """Mails of all connectors."""
        return sum(one.mails for one in self.connectors.values())

    @property
    def copies(self) -> int:
        """Copies that stand in mailboxes' folders."""
        return sum(one.ok + one.partial for one in self.connectors.values())

    @property
    def complete(self) -> bool:
        """Nothing refused is left open, nobody of the firm without a copy."""
        return self.dead_letters == 0 and all(one.failed == 0 for one in self.connectors.values())

    def as_dict(self) -> dict[str, Any]:
        """The document that summary.json holds."""
        rows = {
            uid: {name: getattr(one, name) for name in COLUMNS} | {"completed_at": _iso(one.completed_at_ms)}
            for uid, one in self.connectors.items()
        }
        return {
            "connectors": rows, "mails": self.mails, "copies": self.copies, "dead_letters": self.dead_letters,
            "elapsed_s": round(self.elapsed_s, 1),
            **({"disposed": {"mails": self.departed[0], "copies": self.departed[1]}}
               if self.departed and any(self.departed) else {}),
            **({"paused": {uid: _iso(ms) for uid, ms in self.paused_ms}} if self.paused_ms else {}),
        }  # fmt: skip

    def as_json(self) -> str:
        """The same as text."""
        return json.dumps(self.as_dict(), indent=2)


def summarise(
    config: "Config", codec: Codec, elapsed_s: float, paused_ms: tuple[tuple[str, int], ...] = ()
) -> Summary:
    """Read the ledger, the dead letters and the orders whole; `paused_ms` as in Summary."""
    tally, gaps = Tally(), Gaps()
    with contextlib.closing(tally), contextlib.closing(Departed()) as departed:
        known = _order(departed, config, codec)
        for some in batched(_deliveries(config, codec)):
            tally.add(some)
            for *_, delivery in some:
                gaps.add(delivery)
            departed.add(some)
        letters = count_open(config.kafka, codec)
        uids = sorted({*(connector.uid for connector in config.connector), *tally.connectors()})
        counters, unrouted = {uid: tally.counters(uid) for uid in uids}, tuple(gaps.unrouted(tally))
        left = departed.counts() if known else None
    return Summary(counters, letters, elapsed_s, unrouted, tuple(gaps.failed()), paused_ms, left)


def _order(departed: Departed, config: "Config", codec: Codec) -> bool:
    try:
        departed.order(said(config.kafka, codec))
    except AuditError:  # whoever gives orders is stopped by it; counting goes on, and says what it lacks
        return False
    return True


def _deliveries(config: "Config", codec: Codec) -> "Iterator[tuple[int, int, int, Delivery]]":
    for record in read_all(config.kafka, DELIVERIES):
        if record.value is not None:
            yield record.partition, record.offset, record.at_ms, codec.decode(record.value).value


def batched(rows: "Iterator[Row]", size: int = 1000) -> "Iterator[list[Row]]":
    """The same in lists of at most `size`, so that a long ledger needs no memory."""
    while some := list(islice(rows, size)):
        yield some


def write_text(summary: Summary, root: Path | None = None) -> str:
    """A table, a line of totals, and what somebody has to look at; paths count from the store's root, or begin with `root`."""
    from cli.words.tables import Grid, rendered  # noqa: PLC0415 - see cli.main

    table = Grid(("connector", *(name.replace("_", " ") for name in COLUMNS)))
    for uid, one in summary.connectors.items():
        table.add(uid, *(f"{getattr(one, name):,}" for name in COLUMNS))
    mails, copies = counted(summary.mails, "mail"), counted(summary.copies, "copy", "copies")
    totals = f"{mails}, {copies}, {counted(summary.dead_letters, 'dead letter')}"
    lines = [
        rendered(table),
        f"{totals}, {summary.elapsed_s:.1f} s",
        *_departed(summary),
        *_paused(summary),
        *_unrouted(summary, root),
        *_failed(summary, root),
    ]
    if summary.dead_letters:
        lines.append(
            "\nWhat could not be processed: `chatledger letters list --open` shows it with its reasons."
        )
    return "\n".join(lines)


def _departed(summary: Summary) -> "Iterator[str]":
    if summary.departed is None:
        yield "what of these was disposed of is not known: topic audit has a record that nobody can read"
        return
    mails, copies = summary.departed
    if mails or copies:
        verb = "was" if mails + copies == 1 else "were"
        told = f"{counted(mails, 'mail')} and {counted(copies, 'copy', 'copies')}"
        yield f"of these, {told} {verb} disposed of by order and stand no more; `chatledger dispose list` has the orders"


def _paused(summary: Summary) -> "Iterator[str]":
    for uid, ms in summary.paused_ms:
        since = f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
        yield f"{uid} is paused since {since}: nothing was collected; `chatledger connector resume {uid}` lets it go on"


def _unrouted(summary: Summary, root: Path | None) -> "Iterator[str]":
    if summary.unrouted:
        yield "\nUnrouted mails, archived without a copy because nobody with a mailbox of the firm's took part:"
    for one in summary.unrouted[:LISTED]:
        events = counted(one.events, "event")
        yield f"  {_at(root, one.path)}\n      {one.connector}, conversation {one.conversation}, {one.slice}, {events}"
    yield from _more(len(summary.unrouted))


def _failed(summary: Summary, root: Path | None) -> "Iterator[str]":
    if summary.failed:
        yield (
            "\nFailed copies; with a line in the user mapping (ExternalUserId,O365UserMailbox), `chatledger mapping apply` routes"
            "\nwhat comes from then on, and `chatledger replay --reroute` makes these:"
        )
    for one in summary.failed[:LISTED]:
        yield (
            f"  {one.name or 'without a name'}, user id {one.user} ({one.connector}): {one.reason};"
            f" {counted(one.copies, 'copy', 'copies')}, the first of {_at(root, one.first_path)}"
        )
    yield from _more(len(summary.failed))


def _at(root: Path | None, path: str) -> str:
    return path if root is None else str(root / path)


def _more(count: int) -> "Iterator[str]":
    if count > LISTED:
        yield f"  and {count - LISTED:,} more: `chatledger topics cat deliveries` has all"


def _iso(ms: int) -> str | None:
    return (
        None
        if ms < 0
        else datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    )
