"""The summary of what was archived, from the topics alone: as a table for people, as JSON for programs."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from consumers.reading import read_all
from consumers.tally import Counters, Tally
from schemas.codec import Codec
from schemas.topics import DEAD_LETTERS, DELIVERIES

if TYPE_CHECKING:
    from cli.config import Config

COLUMNS = (
    "conversations", "events", "available_from_source", "available_for_import", "ok", "partial", "skipped", "failed", "external",
    "unrouted",
)  # fmt: skip


@dataclass(frozen=True)
class Summary:
    """What all connectors have in the archive; `elapsed_s` is the caller's own time."""

    connectors: dict[str, Counters]
    dead_letters: int
    elapsed_s: float

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
        """Nothing refused, nobody of the firm without a copy."""
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
        }  # fmt: skip

    def as_json(self) -> str:
        """The same as text."""
        return json.dumps(self.as_dict(), indent=2)


def summarise(config: "Config", codec: Codec, elapsed_s: float) -> Summary:
    """Read the ledger and the dead letters whole."""
    tally = Tally()
    tally.add([
        (record.partition, record.offset, record.at_ms, codec.decode(record.value).value)
        for record in read_all(config.kafka, DELIVERIES) if record.value is not None
    ])  # fmt: skip
    letters = {record.key for record in read_all(config.kafka, DEAD_LETTERS)}
    uids = sorted({*(connector.uid for connector in config.connector), *tally.connectors()})
    return Summary({uid: tally.counters(uid) for uid in uids}, len(letters), elapsed_s)


def write_text(summary: Summary) -> str:
    """A table and a line of totals."""
    from rich.console import Console  # noqa: PLC0415 - see cli.main
    from rich.table import Table  # noqa: PLC0415

    table = Table("connector", *(name.replace("_", " ") for name in COLUMNS))
    for uid, one in summary.connectors.items():
        table.add_row(uid, *(f"{getattr(one, name):,}" for name in COLUMNS))
    console = Console(width=150)
    with console.capture() as capture:
        console.print(table)
    totals = f"{summary.mails:,} mails, {summary.copies:,} copies, {summary.dead_letters:,} dead letters"
    return f"{capture.get()}{totals}, {summary.elapsed_s:.1f} s"


def _iso(ms: int) -> str | None:
    return (
        None
        if ms < 0
        else datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    )
