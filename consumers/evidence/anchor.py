"""The end of the chain outside of the archive: topic `evidence` has every root, so a chain that was cut is found."""

from datetime import datetime

from consumers.evidence.errors import EvidenceError
from consumers.evidence.statement import MANIFEST, Manifest, path_of
from consumers.reading import read_all
from consumers.writing import new_producer
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.records import EvidenceRoot
from schemas.topics import EVIDENCE


def announced(kafka: KafkaSettings, codec: Codec) -> list[EvidenceRoot]:
    """Every root of the topic, in its order. Blocks; KafkaError."""
    found = (codec.decode(record.value) for record in read_all(kafka, EVIDENCE) if record.value)
    return [one.value for one in found if one.name == "EvidenceRoot"]


def announce(kafka: KafkaSettings, codec: Codec, made: Manifest, known: list[EvidenceRoot]) -> None:
    """Put the root into the topic unless it is among those that are known; confirmed on return. Blocks; KafkaError.

    EvidenceError where the topic has another manifest of this number.
    """
    record = root_of(made)
    former = {one["number"]: one for one in known}.get(record["number"])
    if former is not None and former["manifest"] != record["manifest"]:
        msg = f"{record['path']} is not the manifest {record['number']} that topic {EVIDENCE.name} knows: the chain was forked"
        raise EvidenceError(msg)
    if former is not None:
        return
    topic = kafka.topic(EVIDENCE.name)
    with new_producer(kafka) as producer:
        value = codec.encode(topic, "EvidenceRoot", record)
        producer.send(topic, key=str(record["number"]).encode(), value=value).get(timeout=60)


def demand_end(known: list[EvidenceRoot], number: int) -> None:
    """EvidenceError where the topic knows a manifest of this number or a later one: the archive lost the chain's end. Pure."""
    lost = sorted(one["number"] for one in known if one["number"] >= number)
    if lost:
        msg = (
            f"topic {EVIDENCE.name} knows manifest {lost[-1]}, but the archive's chain ends before manifest {number}: its end "
            "was removed. Restore it before anything new is signed"
        )
        raise EvidenceError(msg)


def root_of(made: Manifest) -> EvidenceRoot:
    """The record of a manifest."""
    one = made.statement
    return {
        "number": one.number, "root": bytes.fromhex(one.root), "manifest": bytes.fromhex(made.digest), "count": one.count,
        "closed_at_ms": round(datetime.fromisoformat(one.closed_at).timestamp() * 1000), "key": one.key,
        "path": path_of(one.number, MANIFEST),
    }  # fmt: skip
