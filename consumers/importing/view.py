"""How the import does, for `chatledger status`: what waits for the importers, who is there, what waits for its mailbox."""

from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import islice

from consumers.drain import IMPORT, backlogs, group_members
from consumers.importing.receipts import Receipts
from consumers.reading import Read, read_all
from schemas.broker import KafkaSettings
from schemas.codec import Codec, DecodeError
from schemas.records import Receipt
from schemas.status import ConnectorStatus
from schemas.topics import IMPORTS

OUTCOMES = ("ok", "partial", "skipped", "failed", "waiting")
BATCH = 5_000


@dataclass(frozen=True)
class ImportView:
    """`records`: of topic deliveries, not yet done; `copies`: by connector and outcome; `troubles`: a sentence each."""

    records: int
    importers: int
    copies: dict[str, dict[str, int]] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)


def read_import(kafka: KafkaSettings, group: str, records: Iterable[ConnectorStatus]) -> ImportView:
    """Ask Kafka; `records` are those of the status topic. KafkaError, LookupError. Blocks."""
    waiting = sum(one.waiting for one in backlogs(kafka, group, IMPORT))
    return import_view(waiting, len(group_members(kafka, group)), records)


def read_outcomes(kafka: KafkaSettings, codec: Codec) -> dict[str, dict[str, int]]:
    """Copies by connector and outcome, from topic imports as it stands. KafkaError, NoTopicError. Blocks."""
    with closing(Receipts(None, codec)) as found:
        records = read_all(kafka, IMPORTS)
        while some := list(islice(records, BATCH)):
            found.fold(list(_receipts(codec, some)))
        return found.counts()


def _receipts(codec: Codec, records: Iterable[Read]) -> Iterator[Receipt]:
    for record in records:
        with suppress(DecodeError):  # importers say so
            name, value = codec.decode(record.value or b"")
            if name == "Receipt":
                yield value


def import_view(records: int, importers: int, statuses: Iterable[ConnectorStatus]) -> ImportView:
    """Add up what the importers say of their partitions."""
    copies: dict[str, dict[str, int]] = {}
    troubles = set[str]()
    for one in statuses:
        if one["component"] != "import":
            continue
        counts = copies.setdefault(one["connector_uid"], dict.fromkeys(OUTCOMES, 0))
        for name in OUTCOMES:
            counts[name] += one["counters"].get(name, 0)
        if one["last_error"] is not None:
            troubles.add(f"{one['connector_uid']}: {one['last_error']['message']}")
    return ImportView(records, importers, copies, sorted(troubles))


def import_unwell(view: ImportView) -> list[str]:
    """One sentence for each reason to worry: nobody imports, a server is down, a mailbox refuses, a mail was refused."""
    reasons = [f"import: {trouble}" for trouble in view.troubles]
    if view.records and not view.importers:
        waits = "1 record waits" if view.records == 1 else f"{view.records} records wait"
        reasons.append(f"import: {waits} and no importer is there; start `chatledger import`")
    return reasons
