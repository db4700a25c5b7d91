"""Importers that are killed, and importers that come and go: every item is in its mailbox once."""

import os
import random
import sys
import threading
import uuid
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from sandbox.processes import ManagedProcess, start_process
from tests.consumers.importing.office import Office, id_of, mail_bytes, mailbox_of, settings_of, until
from tests.consumers.importing.proxy import Proxy
from tests.dovecot import Dovecot

if TYPE_CHECKING:
    from schemas.records import CopyResult

pytestmark = [pytest.mark.kafka, pytest.mark.imap]
REPOSITORY = Path(__file__).parents[3]
CONFIG = """\
state_dir = "state"
[kafka]
bootstrap = "{kafka.bootstrap}"
partitions = {kafka.partitions}
topic_prefix = "{kafka.topic_prefix}"
[store]
kind = "folder"
path = "archive"
[mapping]
domains = ["bank.example"]
[import]
session_seconds = 1
settle_seconds = 0.2
[import.target]
kind = "imap"
host = "127.0.0.1"
port = {port}
tls = "none"
connections = 2
auth = {{ method = "password", password = {{ env = "CHATLEDGER_TEST_PASSWORD" }} }}
[[connector]]
kind = "webex"
uid = "webex-main"
name = "Webex"
client_id = "x"
client_secret = {{ env = "X" }}
token_file = "state/token"
"""

ENDED = (0, -15)  # the second where the signal came before the importer listened for it


def boxes_of(dovecot: Dovecot, number: int) -> list[str]:
    """Mailboxes that no other test has."""
    return [dovecot.add(f"{uuid.uuid4().hex[:8]}@bank.example") for _ in range(number)]


def start(office: Office, port: int, number: int) -> ManagedProcess:
    """The command itself, as an administrator starts it."""
    path = office.folder / "chatledger.toml"
    path.write_text(CONFIG.format(kafka=office.kafka, port=port), encoding="utf-8")
    command = [sys.executable, "-m", "cli.main", "import", "-c", str(path)]
    return start_process(
        command, log=office.folder / f"import-{number}.log", env={**os.environ, "PYTHONPATH": str(REPOSITORY)}
    )


def shoot(
    process: ManagedProcess, when: tuple[int, str], dead: threading.Event, number: int, told: str
) -> None:
    """SIGKILL at this point of this item, once."""
    if number >= when[0] and told == when[1] and not dead.is_set():
        dead.set()
        process.kill()


def killed_and_done(office: Office, dovecot: Dovecot, *, mails: int, kills: int, seed: int) -> list[str]:
    """Import so many mails while importers are killed with their connections; how each item got there."""
    boxes, chance = boxes_of(dovecot, 3), random.Random(seed)
    for number in range(mails):
        office.file(
            number, boxes[: 1 + number % 3], mail_bytes(number, ("a.pdf", chance.choice([10, 90_000])))
        )
    wanted = {(one["message_id"], copy["mailbox"] or "") for one in office.ledger for copy in one["copies"]}
    with Proxy(dovecot.port) as proxy:
        for life in range(kills):
            process, dead = start(office, proxy.port, life), threading.Event()
            when = (
                proxy.appends + chance.randint(1, 2 * mails // kills),
                chance.choice(["come", "half", "all"]),
            )

            proxy.watch = partial(shoot, process, when, dead)
            until(lambda dead=dead: dead.is_set() or wanted <= set(office.outcomes()))  # type: ignore[misc]  # one argument, with its default
            process.kill()
        proxy.watch = lambda *_: None
        process = start(office, proxy.port, kills)
        until(lambda: wanted <= set(office.outcomes()))
        assert process.stop() in ENDED
    for box in boxes:
        there = [one.message_id for one in mailbox_of(dovecot, box)]
        assert sorted(there) == sorted(ident for ident, mailbox in wanted if mailbox == box)
    assert set(office.outcomes().values()) == {"ok"}
    return [one["how"] for one in office.receipts()]


@pytest.mark.slow
def test_importers_killed_at_random_moments_double_and_lose_nothing(office: Office, dovecot: Dovecot) -> None:
    """SIGKILL as an item comes, in its middle, and behind its end before the answer: all are there, each once."""
    killed_and_done(office, dovecot, mails=18, kills=3, seed=7)


@pytest.mark.long
def test_importers_killed_many_times_double_and_lose_nothing(office: Office, dovecot: Dovecot) -> None:
    """The same with twenty kills; some items are found that a killed importer had put there."""
    hows = killed_and_done(office, dovecot, mails=120, kills=20, seed=11)
    assert "found" in hows


def test_importers_that_come_and_go_double_nothing(office: Office, dovecot: Dovecot) -> None:
    """A second one joins in the middle, the first one leaves: each item is there once, with one receipt."""
    boxes = boxes_of(dovecot, 2)
    for number in range(30):
        office.file(number, boxes)
    settings = settings_of(dovecot, target={"messages_per_second": 20})
    with office.importing(settings, "first"):
        until(lambda: len(office.receipts()) > 5)
        with office.importing(settings, "second"):
            until(lambda: len(office.receipts()) > 30)
        until(lambda: len(office.outcomes()) == 60)
    for box in boxes:
        assert sorted(one.message_id for one in mailbox_of(dovecot, box)) == sorted(map(id_of, range(30)))


def test_a_record_twice_in_the_ledger_is_one_item(office: Office, dovecot: Dovecot) -> None:
    """A redelivery, before and after its receipt, and with a copy routed elsewhere in between."""
    ana, ben = boxes_of(dovecot, 2)
    first = office.file(1, [ana], partition=0)
    office.say(first, 0)
    with office.importing(settings_of(dovecot)):
        until(lambda: len(office.receipts()) == 1)
        moved = cast("CopyResult", {**first["copies"][0], "mailbox": ben, "routing": 1})
        office.say({**first, "copies": [moved]}, 0)
        office.say(first, 0)
        until(lambda: len(office.receipts()) == 2)
        office.file(2, [ana], partition=0)
        until(lambda: len(office.receipts()) == 3)
    assert [one["routing"] for one in office.receipts()] == [0, 1, 0]
    assert [len(mailbox_of(dovecot, box)) for box in (ana, ben)] == [2, 1]
