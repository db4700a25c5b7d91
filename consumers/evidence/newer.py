"""What the ledger has beyond the last manifest: mails and copies that stand in the archive and are in no manifest yet."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from consumers.evidence.ranges import RangeReader
from consumers.evidence.statement import Manifest
from schemas.broker import KafkaSettings
from schemas.codec import Codec, DecodeError
from schemas.topics import DELIVERIES

if TYPE_CHECKING:
    from schemas.records import Delivery


def paths_beyond(kafka: KafkaSettings, codec: Codec, last: Manifest | None) -> frozenset[str]:
    """Paths of mails and copies that the ledger names above the manifest's range. Blocks; KafkaError, LookupError."""
    parts = last.statement.ranges.get(DELIVERIES.name, []) if last else []
    covered = {partition: end for partition, _, end in parts}
    with RangeReader(kafka) as reader:
        found: set[str] = set()
        for number, (begin, end) in reader.bounds(DELIVERIES).items():
            for record in reader.read(DELIVERIES, number, covered.get(number, begin), end):
                found.update(_paths(codec, record.value or b""))
    return frozenset(found)


def _paths(codec: Codec, value: bytes) -> Iterator[str]:
    try:
        name, found = codec.decode(value)
    except DecodeError:
        return
    if name == "Delivery":
        one: Delivery = found
        yield one["path"]
        yield from (copy["path"] for copy in one["copies"] if copy["path"] is not None)
