"""`chatledger hold` and `dispose order` refuse what nobody knows: a misspelt name would protect nothing."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from cli.dispose import dispose
from cli.hold import hold
from cli.letters import letters
from consumers.orders import audit, say
from consumers.writing import new_producer
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.ids import conversation_key
from schemas.topics import AUDIT, DELIVERIES, RAW_EVENTS
from tests.streams.feeding import UID
from tests.streams.worker_rig import Rig

if TYPE_CHECKING:
    import click

pytestmark = pytest.mark.kafka
BY = ("--by", "legal", "--reason", "case 7")


@pytest.fixture
def config(kafka: KafkaSettings, tmp_path: Path) -> Path:
    """A connector that is configured, another one that the ledger alone knows; of each a conversation."""
    with new_producer(kafka) as producer:
        for topic, uid, conversation in ((RAW_EVENTS, UID, "open"), (DELIVERIES, "former", "mailed")):
            key = conversation_key(uid, conversation)
            producer.send(kafka.topic(topic.name), key=key, value=b"anything").get(timeout=60)
    return Rig(kafka, tmp_path).write_config()


def run(config: Path, group: "click.Group", *arguments: str) -> Result:
    """What a command says."""
    return CliRunner().invoke(group, [*arguments, "-c", str(config)])


def scope(uid: str, conversation: str | None = None) -> tuple[str, ...]:
    """As options."""
    return ("--connector", uid, *(("--conversation", conversation) if conversation is not None else ()), *BY)


def in_force(config: Path) -> list[str]:
    """The lines of `hold list`."""
    return run(config, hold, "list").stdout.splitlines()


UNKNOWN = [
    ("webx", None, "know a connector webx"),
    ("form", None, "know a connector form"),
    (UID, "opne", f"know a conversation opne of {UID}"),
    (UID, "", "know a conversation "),
    (UID, "ope", "know a conversation ope"),
    ("former", "open", "know a conversation open of former"),
]


def test_what_is_known_anywhere_is_held(config: Path) -> None:
    """By the configuration, the ledger, or the log alone, where its mail is still to come."""
    for uid, conversation in ((UID, None), ("former", None), (UID, "open"), ("former", "mailed")):
        done = run(config, hold, "place", *scope(uid, conversation))
        assert done.exit_code == 0, done.output
        assert f"{uid}, {conversation or 'everything'}" in in_force(config)[-1]


def test_what_nobody_knows_is_refused_unless_it_is_meant(config: Path) -> None:
    """No hold, and no order; the beginning of a name is another name. `--unknown-too` holds what is still to come."""
    for uid, conversation, said in UNKNOWN:
        refused = run(config, hold, "place", *scope(uid, conversation))
        assert (refused.exit_code, said in refused.output) == (1, True), refused.output
    for uid, conversation, said in UNKNOWN[1:3]:
        ordered = run(config, dispose, "order", "--yes", *scope(uid, conversation or "none"))
        assert (ordered.exit_code, said in ordered.output) == (1, True), ordered.output
    assert in_force(config) == ["nothing is on hold"]
    assert run(config, dispose, "list").stdout == "no order was ever given\n"
    assert run(config, hold, "place", *scope("webx", "opne"), "--unknown-too").exit_code == 0
    assert len(in_force(config)) == 1


def test_a_hold_is_released_by_its_name(config: Path) -> None:
    """Not by nothing, nor by a few characters of it, though it is the only one."""
    name = run(config, hold, "place", *scope(UID)).stdout.split()[1]
    for length in (0, 1, 7):
        done = run(config, hold, "release", name[:length], *BY)
        assert (done.exit_code, "names no hold" in done.output) == (1, True), done.output
    assert len(in_force(config)) == 1
    assert run(config, hold, "release", name, *BY).exit_code == 0
    assert in_force(config) == ["nothing is on hold"]


def test_what_can_t_be_read_among_orders_stops_them_all(config: Path, kafka: KafkaSettings) -> None:
    """It may have been a hold. Every command that needs them says where it stands."""
    say(kafka, Codec(), [audit("ab" * 16, "hold", at_ms=1, connector_uid=UID)])
    with new_producer(kafka) as producer:
        producer.send(kafka.topic(AUDIT.name), value=b"no record", partition=0).get(timeout=60)
    for group, words in (
        (hold, ("list",)), (hold, ("release", "ab" * 16, *BY)), (dispose, ("list",)), (dispose, ("due",)),
        (dispose, ("order", "--yes", *scope(UID, "open"))), (letters, ("list",)),
    ):  # fmt: skip
        done = run(config, group, *words)
        assert (done.exit_code, done.exception.__class__) == (1, SystemExit), done.exception
        assert "audit, partition 0, position 1 can't be read" in done.output


def test_a_hold_says_what_becomes_of_orders_before_it(config: Path, kafka: KafkaSettings) -> None:
    """One that has removed nothing yet is stopped, one that removes is not; others are not spoken of."""
    steps = [("a" * 32, "disposition"), ("b" * 32, "disposition"), ("b" * 32, "disposed"), ("c" * 32, "disposition"),
             ("c" * 32, "finished")]  # fmt: skip
    say(kafka, Codec(), [
        audit(name, kind, at_ms=0, connector_uid=UID, conversation="open", by="dpo", mails=bytes(16)) for name, kind in steps
    ])  # fmt: skip
    said = run(config, hold, "place", *scope(UID, "open")).output.splitlines()
    assert said[1:] == [
        "order aaaaaaaa by dpo has removed nothing, and is stopped", "order bbbbbbbb by dpo removes already, and is not stopped"
    ]  # fmt: skip
