"""`chatledger letters` beside real workers: what a bad deploy refused is put in again, and archived as if it came late."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli.letters import letters
from cli.status import status
from consumers.evidence.leaves import leaves_of
from consumers.reading import Read, read_all
from consumers.writing import new_producer
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.ids import conversation_key, event_id
from schemas.topics import AUDIT, CLOSINGS, DEAD_LETTERS, RAW_EVENTS, Topic
from tests.consumers.letters.test_book import letter
from tests.streams.feeding import UID, Feeder, bytes_of
from tests.streams.replay.rig import counted, replay
from tests.streams.replay.test_command import map_users
from tests.streams.worker_rig import Rig, delivered_mails

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
BY = ("--by", "ana", "--reason", "bad deploy 7")
LARGE = b"garbage " * 80_000  # its letter has it by claim check
BAD_ASSEMBLER = """
import streams.accepting as gate
sound = gate._check_times
def check(record):
    if any("-9 of" in event["text"] for event in record["events"]):
        raise ValueError("no version knows such a message")
    sound(record)
gate._check_times = check
"""
BAD_RENDERER = """
import streams.rendering as stage
def render(closed):
    raise ValueError("no version renders this")
stage.render = render
"""


@pytest.fixture
def rig(kafka: KafkaSettings, tmp_path: Path) -> Iterator[Rig]:
    """Workers with a folder as their store."""
    with Rig(kafka, tmp_path) as made:
        yield made


def run(rig: Rig, *arguments: str, code: int = 0) -> str:
    """What a command says that ends with this exit code; of one that fails, what it complains of."""
    group = {"letters": letters, "status": status}[arguments[0]]
    done = CliRunner().invoke(group, [*arguments[1:], "-c", str(rig.folder / "chatledger.toml")])
    assert done.exit_code == code, done.output
    return done.stderr if code else done.stdout


def listed(rig: Rig, *options: str) -> list[Any]:
    """The letters as programs see them."""
    return list(json.loads(run(rig, "letters", "list", "--json", *options)))


def counted_open(rig: Rig) -> int:
    """What `chatledger status` counts; other things may be unwell, since nobody collects."""
    return int(json.loads(run(rig, "status", "--json", "--only", "workers"))["dead_letters"])


def put(kafka: KafkaSettings, topic: Topic, value: bytes, key: bytes | None = None) -> None:
    """One record into partition 0."""
    with new_producer(kafka) as producer:
        producer.send(kafka.topic(topic.name), key=key, value=value, partition=0).get(timeout=60)


def revisions(kafka: KafkaSettings, conversation: str) -> list[tuple[int, int]]:
    """(revision, events) of every mail of a conversation."""
    return sorted(
        (revision, count)
        for name, revision, count, _ in delivered_mails(kafka)
        if f"|{conversation}|" in name
    )


def archived_by(rig: Rig, broken: str) -> Feeder:
    """Two rooms, one with a message in a record of its own, archived by a worker like that; a sound one runs after it."""
    rig.start(broken)
    map_users(rig)
    feeder = Feeder(rig.kafka)
    feeder.say(0, 0, 0, 1)
    feeder.say(1, 0, 2)
    put(rig.kafka, RAW_EVENTS, bytes_of(0, 0, 9), conversation_key(UID, "room0"))
    feeder.watermark(1)
    rig.drained()
    rig.stop()
    rig.start()
    return feeder


def took(kafka: KafkaSettings, ident: bytes) -> list[tuple[int, bool]]:
    """(revision, whether it took this event) of every closing of room0."""
    codec = Codec()
    values = (codec.decode(one.value or b"") for one in read_all(kafka, CLOSINGS))
    return [
        (found.value["revision"], ident in found.value["ids"])
        for found in values
        if found.name == "Closing" and found.value["conversation"] == "room0"
    ]


def verbatim(kafka: KafkaSettings) -> int:
    """How often the record stands in raw-events: same partition, key and bytes."""
    wanted = (0, conversation_key(UID, "room0"), bytes_of(0, 0, 9))
    return [(one.partition, one.key, one.value) for one in read_all(kafka, RAW_EVENTS)].count(wanted)


def test_what_a_bad_deploy_refused_comes_in_a_supplement(rig: Rig, kafka: KafkaSettings) -> None:
    """Put in again after the fix, its event has its own id and is in one mail; a replay finds every mail, a repeat adds none."""
    feeder = archived_by(rig, BAD_ASSEMBLER)
    assert revisions(kafka, "room0") == [(0, 2)]
    (one,) = listed(rig, "--connector", UID, "--stage", "assemble", "--open")
    origin = one["origin"]
    assert (one["state"], one["size"], counted_open(rig)) == ("open", len(bytes_of(0, 0, 9)), 1)
    assert counted(replay(rig, "--into", "compare"))["equal"] == 2

    assert f"-> {kafka.topic('raw-events')}/0/" in run(rig, "letters", "redrive", origin, *BY)
    assert counted_open(rig) == 0
    assert verbatim(kafka) == 2
    assert "was redriven by ana (bad deploy 7): --again" in run(
        rig, "letters", "redrive", origin, *BY, code=1
    )
    feeder.watermark(2)
    rig.drained()
    assert revisions(kafka, "room0") == [(0, 2), (1, 1)]
    assert took(kafka, event_id(UID, "0-0-9")) == [(0, False), (1, True)]

    run(rig, "letters", "redrive", one["letter"][:8], "--again", *BY)
    feeder.watermark(3)
    rig.drained()
    assert revisions(kafka, "room0") == [(0, 2), (1, 1)]
    rig.stop()
    report = counted(replay(rig, "--into", "compare"))
    assert (report["mails"], report["equal"], report["refused"]) == (3, 3, 1)
    assert told(kafka) == ["redrive", "redriven", "redrive", "redriven"]


def told(kafka: KafkaSettings) -> list[str]:
    """What the evidence has of topic audit, by ana alone."""
    leaves = leaves_of(Whole(kafka), Codec(), [(AUDIT, [[0, 0, 1_000]])])
    return [leaf["what"] for leaf in leaves if leaf["by"] == "ana" and leaf["details"]["sha256"]]


class Whole:
    """A topic as the evidence reads it."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka

    def read(self, topic: Topic, partition: int, begin: int, end: int) -> Iterator[Read]:
        """Records of a range."""
        for record in read_all(self._kafka, topic):
            if record.partition == partition and begin <= record.offset < end:
                yield record


def test_a_stage_is_redriven_at_once_and_the_rest_is_settled(rig: Rig, kafka: KafkaSettings) -> None:
    """What no version rendered is rendered; what has no record to put in again says what to do, and can be settled."""
    archived_by(rig, BAD_RENDERER)
    put(kafka, RAW_EVENTS, LARGE, b"wx/room0")
    answer = letter("LivePerson history", b"<html>", stage="collect", connector_uid="lp", topic=None)
    put(
        kafka,
        DEAD_LETTERS,
        Codec().encode(kafka.topic(DEAD_LETTERS.name), "DeadLetter", answer),
        b"LivePerson history",
    )
    rig.drained()
    assert delivered_mails(kafka) == set()
    assert counted_open(rig) == 4

    assert "2 records put in again" in run(rig, "letters", "redrive", "--all-of", "archive", *BY)
    rig.drained()
    rig.stop()
    assert (revisions(kafka, "room0"), revisions(kafka, "room1")) == ([(0, 3)], [(0, 1)])
    assert counted(replay(rig, "--into", "compare"))["equal"] == 2

    asked = run(rig, "letters", "redrive", "LivePerson history", *BY, code=1)
    assert "`chatledger reconcile lp --day DAY --fetch -c " in asked
    assert "can't take its bytes either" in run(
        rig, "letters", "redrive", "--all-of", "assemble", *BY, code=1
    )
    shown = run(rig, "letters", "show", "LivePerson history", "--out", str(rig.folder / "answer"))
    assert "connector  lp" in shown
    assert (rig.folder / "answer").read_bytes() == b"<html>"
    large = next(one["letter"] for one in listed(rig, "--open", "--stage", "assemble"))
    run(rig, "letters", "show", large, "--out", str(rig.folder / "large"))
    assert (rig.folder / "large").read_bytes() == LARGE
    left = [one["letter"] for one in listed(rig, "--open")]
    assert "2 dead letters settled" in run(rig, "letters", "settle", *left, *BY)
    assert counted_open(rig) == 0
    assert "settled 2" in run(rig, "letters", "list", "--stage", "collect")
