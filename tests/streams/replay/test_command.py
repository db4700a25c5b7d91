"""`chatledger replay` on a real broker, beside what real workers have archived in a folder."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from cli.parts.config import load as load_config
from consumers.mapping import activate, load
from consumers.reading import read_all
from consumers.writing import new_producer
from schemas.admin import create_topics
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.topics import CATALOGUE, DELIVERIES, MAPPINGS, RAW_EVENTS, Topic
from stores.factory import open_store
from tests.servers import AZURITE_API, Blobs
from tests.streams.feeding import UID, Feeder, bytes_of
from tests.streams.replay.rig import command, counted, environment, hashes, refused, replay
from tests.streams.worker_rig import Rig, committed, deliveries

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
EQUAL = {"slices": 13, "mails": 13, "equal": 13, "copies": 13, "copies_equal": 13}


def map_users(rig: Rig, **changes: object) -> None:
    """Put the mapping of the rig's configuration in force, with these changes."""
    config = load_config(rig.folder / "chatledger.toml")
    mapping = config.mapping.model_copy(update=changes)
    activate(rig.kafka, Codec(), load(mapping), lambda: open_store(config.store))


def archive(rig: Rig) -> Feeder:
    """6 rooms on 2 days, one supplement, one room still open; everything in the archive, the worker stopped."""
    rig.start()
    map_users(rig)
    feeder = Feeder(rig.kafka)
    for conversation in range(6):
        feeder.say(conversation, 0, 0, 1, 2)
        feeder.say(conversation, 1, 3)
    feeder.watermark(1)
    feeder.say(0, 0, 1, 7)  # one message known, one new
    feeder.watermark(2)
    feeder.say(5, 2, 0)
    rig.drained()
    rig.stop()
    return feeder


@pytest.fixture
def rig(kafka: KafkaSettings, tmp_path: Path) -> Iterator[Rig]:
    """Workers with a folder as their store."""
    with Rig(kafka, tmp_path) as made:
        yield made


def damage(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Put other bytes there, as somebody with access to the disk can."""
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(change(data))


def test_an_intact_archive_is_equal_whatever_is_selected(rig: Rig) -> None:
    """Exit code 0; the live group's positions stay; each selection finds its own; what fits nothing is no proof."""
    archive(rig)
    before, ledger = committed(rig.kafka, RAW_EVENTS), len(deliveries(rig.kafka))
    report = replay(rig, "--into", "compare", "--processes", "2")
    assert counted(report) == EQUAL
    assert (report["counts"]["open"], report["earliest_replayable"]) == (1, None)
    one_day = replay(rig, "--into", "compare", "--from", "2026-03-03", "--to", "2026-03-03")
    assert counted(one_day)["equal"] == 6
    room = replay(rig, "--into", "compare", "--conversation", "room0")
    assert counted(room) == {"slices": 3, "mails": 3, "equal": 3, "copies": 3, "copies_equal": 3}
    assert (
        sum(end - start for start, end in room["positions"].values()) < 15
    )  # of 27: where the room's slices are
    box = replay(rig, "--mailbox", "Ana@bank.example", "--connector", UID)
    assert counted(box) == {"slices": 13, "mails": 13, "copies": 13}
    assert counted(replay(rig, "--mailbox", "nobody@bank.example", code=1)) == {"slices": 13}
    assert f"no connector mistyped; there are {UID}" in refused(rig, "--connector", "mistyped")
    assert "did you mean store?" in refused(rig, "--into", "Store", code=2)
    assert "leave --into away" in refused(rig, "--reroute", "--into", "dry-run", code=2)
    assert not (rig.archive / "_replay").exists()
    assert committed(rig.kafka, RAW_EVENTS) == before
    assert len(deliveries(rig.kafka)) == ledger
    assert not list((rig.folder / "state" / "replay").glob("*/"))


def test_every_damage_is_named_and_what_is_gone_can_be_made_again(rig: Rig) -> None:
    """Exit code 1 with path and first differing line; `store` restores what is missing and never overwrites."""
    archive(rig)
    intact = hashes(rig.archive)
    mails = sorted((rig.archive / "_mails").rglob("*.eml"))
    copies = sorted((rig.archive / "ana@bank.example").rglob("*.eml"))
    damage(mails[0], lambda data: data.replace(b"Subject: ", b"Subject: forged ", 1))
    damage(copies[0], lambda data: data[:-20] + b"x" + data[-19:])
    mails[1].unlink()
    copies[1].unlink()
    stranger = rig.archive / "ana@bank.example" / "Webex Teams" / "stranger.eml"
    shutil.copy(mails[2], stranger)
    hidden = Path(shutil.copy(mails[2], stranger.with_name(".hidden.eml")))
    shutil.move(copies[2], rig.folder / "elsewhere.eml")
    copies[2].symlink_to(rig.folder / "elsewhere.eml")  # the same bytes, for now

    report = replay(rig, "--into", "compare", code=1)
    found = {(one["kind"], one["path"]): one["detail"] for one in report["findings"]}
    name = {path: str(path.relative_to(rig.archive)) for path in [*mails[:2], *copies[:3], stranger, hidden]}
    assert set(found) == {
        ("different", name[mails[0]]), ("missing", name[mails[1]]), ("unexplained", name[stranger]),
        ("different", name[copies[0]]), ("missing", name[copies[1]]), ("different", name[copies[2]]),
        ("unexplained", name[hidden]),
    }  # fmt: skip
    assert "header" in found["different", name[mails[0]]]
    assert "Subject: forged " in found["different", name[mails[0]]]
    assert "line" in found["different", name[copies[0]]]
    assert "symbolic link" in found["different", name[copies[2]]]

    ledger = len(deliveries(rig.kafka))
    again = replay(rig, "--into", "store", code=1)
    counts = counted(again)
    assert (counts["new"], counts["copies_new"], counts["different"]) == (1, 1, 1)
    assert len(deliveries(rig.kafka)) == ledger + 2  # a record for each mail of which anything was new
    for path in (mails[0], copies[0], copies[2], stranger, hidden):
        path.unlink()
    assert replay(rig, "--into", "store")["well"]
    assert hashes(rig.archive) == intact


def test_other_places_get_the_same_bytes(rig: Rig) -> None:
    """A prefix of the store and a folder elsewhere: same paths, same hashes, and no comparison takes them for strangers."""
    archive(rig)
    replay(rig, "--into", "_replay/second")
    replay(rig, "--into", str(rig.folder / "elsewhere"))
    intact, ledger = hashes(rig.archive), len(deliveries(rig.kafka))
    assert hashes(rig.archive / "_replay" / "second") == hashes(rig.folder / "elsewhere") == intact
    assert len(intact) == 26
    assert replay(rig, "--into", "compare")["well"]
    assert len(deliveries(rig.kafka)) == ledger


def test_records_that_nobody_can_read_take_no_part(rig: Rig) -> None:
    """Refused by the worker with a letter, or found broken only now: the archive is the same (rule 24)."""
    rig.start()
    map_users(rig)
    feeder = Feeder(rig.kafka)
    feeder.say(0, 0, 0, 1)
    feeder.say_bytes(0, b"nothing of ours")
    feeder.say_bytes(0, bytes_of(0, 0, 2, 3)[:-9])  # its head can be read, its events can't
    feeder.say(0, 0, 4)
    feeder.watermark(1)
    rig.drained()
    rig.stop()
    wanted = {"slices": 1, "mails": 1, "equal": 1, "copies": 1, "copies_equal": 1, "refused": 2}
    assert counted(replay(rig, "--into", "compare")) == wanted
    without_letters(rig.kafka)
    assert counted(replay(rig, "--into", "compare")) == wanted


def without_letters(kafka: KafkaSettings) -> None:
    """Every topic but the originals is deleted and made anew."""
    gone = [kafka.topic(topic.name) for topic in CATALOGUE if topic not in (RAW_EVENTS, MAPPINGS)]
    admin = KafkaAdminClient(**kafka.client_kwargs())
    try:
        admin.delete_topics(gone)
        admin.delete_groups([kafka.topic_prefix + "chatledger"])
        deadline = time.monotonic() + 30
        while set(gone) & set(admin.list_topics()):
            assert time.monotonic() < deadline
            time.sleep(0.2)
    finally:
        admin.close()
    create_topics(kafka)


def test_an_archive_is_rebuilt_from_its_originals(rig: Rig) -> None:
    """raw-events, mappings and the content store alone give the same archive byte for byte, and a ledger of it."""
    archive(rig)
    intact, ledger = hashes(rig.archive), {(one["path"], one["sha256"]) for one in deliveries(rig.kafka)}
    for place in rig.archive.iterdir():
        if place.name != "_content":
            shutil.rmtree(place)
    shutil.rmtree(rig.folder / "state")
    without_letters(rig.kafka)
    assert not deliveries(rig.kafka)
    assert counted(replay(rig, "--into", "store"))["new"] == 13
    assert hashes(rig.archive) == intact
    assert {(one["path"], one["sha256"]) for one in deliveries(rig.kafka)} == ledger
    rig.start()  # a worker that begins anew finds everything in place
    rig.drained()
    assert hashes(rig.archive) == intact


def mails_below(folder: Path) -> int:
    """How many mails and copies stand there by now."""
    return sum(name.endswith(".eml") for _, _, names in os.walk(folder) for name in names)


def test_a_replay_that_is_killed_goes_on(rig: Rig) -> None:
    """SIGKILL at any moment: the same command goes on, and its report and its mails are those of one that was not."""
    rig.write_config()
    map_users(rig)
    feeder = Feeder(rig.kafka)
    for day in range(4):
        feeder.say_all([(conversation, day, (0, 1)) for conversation in range(400)])
        feeder.watermark(day + 1)
    whole = replay(rig, "--into", str(rig.folder / "whole"))
    goal, ended = str(rig.folder / "killed"), 0
    for written in (1, 500, 1200, 2000):  # of 3,200 files
        running = subprocess.Popen(
            command(rig, "--into", goal), env=environment(), cwd=rig.folder, stderr=subprocess.DEVNULL
        )
        while running.poll() is None and mails_below(Path(goal)) < written:
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
        ended += running.wait() == -signal.SIGKILL
    report = replay(rig, "--into", goal, "--processes", "2")
    assert ended == 4
    assert report["resumed"]
    names = ("slices", "mails", "copies", "records", "open")
    assert {name: report["counts"][name] for name in names} == {name: whole["counts"][name] for name in names}
    assert hashes(Path(goal)) == hashes(rig.folder / "whole")


def test_beside_a_live_worker_nothing_is_a_false_alarm(rig: Rig) -> None:
    """Mails that come while the archive is compared are neither missing nor unexplained; what was late is looked at again."""
    feeder = archive(rig)
    rig.start()
    running = subprocess.Popen(
        command(rig, "--into", "compare", "--json"),
        env=environment(),
        cwd=rig.folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    for day in range(2, 30):
        feeder.say(day % 6, day, 0, 1)
        feeder.watermark(day + 1)
    said, _ = running.communicate(timeout=100)
    assert running.returncode == 0, said
    rig.drained()
    assert replay(rig, "--into", "compare")["counts"]["equal"] > 13


def test_a_changed_mapping_reroutes_what_is_archived(rig: Rig) -> None:
    """Copies at the former mailbox stay and are listed; again finds nothing to do; a comparison knows the new copies."""
    archive(rig)
    users = rig.folder / "users.csv"
    users.write_text("ExternalUserId,O365UserMailbox\np0,ana.new@bank.example\n", encoding="utf-8")
    before = hashes(rig.archive)
    map_users(rig, file=users)
    report = replay(rig, "--reroute")
    assert report["counts"] == {"mails": 13, "rerouted": 13, "copies_new": 13, "superseded": 13}
    assert {one["mailbox"] for one in report["superseded"]} == {"ana@bank.example"}
    after = hashes(rig.archive)
    assert {path: after[path] for path in before} == before
    assert len([path for path in after if path.startswith("ana.new@bank.example/")]) == 13
    assert replay(rig, "--reroute")["counts"] == {"mails": 13}
    assert counted(replay(rig, "--into", "compare")) == EQUAL | {"copies": 26, "copies_equal": 26}


def test_a_lost_copy_of_a_rerouting_is_found_and_made_again(rig: Rig) -> None:
    """The log does not explain it, the ledger does: once, however often it says so; also for what is selected."""
    archive(rig)
    users = rig.folder / "users.csv"
    users.write_text("ExternalUserId,O365UserMailbox\np0,ana.new@bank.example\n", encoding="utf-8")
    map_users(rig, file=users)
    replay(rig, "--reroute")
    again(rig.kafka, DELIVERIES)  # as a redelivery does
    whole = hashes(rig.archive)
    for path in list((rig.archive / "ana.new@bank.example").rglob("*.eml"))[:2]:
        path.unlink()
    counts = counted(replay(rig, "--into", "compare", code=1))
    assert (counts["copies"], counts["copies_missing"], counts["copies_equal"]) == (26, 2, 24)
    box = ("--mailbox", "ana.new@bank.example")
    assert counted(replay(rig, "--into", "compare", *box, code=1))["copies_missing"] == 2
    made = counted(replay(rig, "--into", "store"))
    assert (made["copies"], made["copies_new"], made["copies_equal"]) == (26, 2, 24)
    assert hashes(rig.archive) == whole
    assert counted(replay(rig, "--into", "compare")) == EQUAL | {"copies": 26, "copies_equal": 26}


def again(kafka: KafkaSettings, topic: Topic) -> None:
    """Every record of a topic is written once more."""
    with new_producer(kafka) as producer:
        for one in read_all(kafka, topic):
            producer.send(kafka.topic(topic.name), key=one.key, value=one.value, partition=one.partition)
        producer.flush()


@pytest.mark.azurite
def test_an_archive_in_azure(rig: Rig, azurite: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compared where it stands, and made again below a prefix."""
    monkeypatch.setenv("STORE", azurite.connection_string)
    place = f'container = "{rig.kafka.topic_prefix}a"\napi_version = "{AZURITE_API}"'
    rig.store = f'kind = "azure"\nconnection_string_env = "STORE"\n{place}'
    archive(rig)
    assert counted(replay(rig, "--into", "compare")) == EQUAL
    made = {"slices": 13, "mails": 13, "new": 13, "copies": 13, "copies_new": 13}
    assert counted(replay(rig, "--into", "_replay/again/one")) == made
    assert counted(replay(rig, "--into", "compare")) == EQUAL
