"""The log is the truth about what was sent: whatever a collector forgets, a changed message is never a second one."""

import copy
import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from producers import recall
from producers.cursor import Saved
from producers.lanes import LIVE, Lane
from producers.liveperson.collector import LivePersonSource
from producers.settings import ConnectorBase
from producers.source import Captured, Refused, SourceUnavailableError, Window
from producers.status import LaneStatus
from producers.waiting import Waiting
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.records import Event
from tests.producers.liveperson_rig import DAY_MS, HOUR_MS, SECRETS, Account, account, collect, record, said
from tests.producers.log_reader import event_ids, read_log, read_raw
from tests.producers.small_source import UID
from tests.producers.test_runner_kafka import a_runner, hourly

ANSWERS = r"conversations?/search"
SECRET_TEXT = "my card is 4111 1111 1111 1111"
REDACTED = "** LP deleted data **"

pytestmark = pytest.mark.kafka


@dataclass
class Chat:
    """One open conversation at a simulated account, and the log that its collectors write."""

    sim: Account
    kafka: KafkaSettings
    counted: int = 0

    def show(self, *messages: dict[str, Any], **sections: Any) -> None:
        """From now on this is what LivePerson answers; an hour later."""
        body = {
            "_metadata": {"count": 1},
            "conversationHistoryRecords": [record(*messages, **copy.deepcopy(sections))],
        }
        self.sim.faults({"match": {"path": ANSWERS}, "do": {"status": 200, "body": body}})
        self.sim.advance(HOUR_MS)

    def collect(self, kind: type[LivePersonSource] = LivePersonSource) -> None:
        """One life of a collector."""
        self.counted = collect(self.sim, self.kafka, kind)

    def killed(self) -> None:
        """One life that ends when Kafka has the events and nobody else knows."""
        arguments = [self.sim.url, self.sim.state_dir, self.kafka.bootstrap, self.kafka.topic_prefix]
        process = subprocess.run(
            [sys.executable, "-m", "tests.producers.liveperson_process", *map(str, arguments)],
            timeout=120,
            check=False,
        )
        assert process.returncode == -signal.SIGKILL

    def forget(self) -> None:
        """The state folder is gone."""
        shutil.rmtree(self.sim.state_dir)

    def elsewhere(self, folder: Path) -> "Chat":
        """The same chat, for a collector on another machine."""
        return replace(self, sim=replace(self.sim, state_dir=folder))

    def events(self) -> list[Event]:
        """All events in the log, repeats included, in order."""
        records = [
            each.value
            for entries in read_log(self.kafka).values()
            for each in entries
            if each.name == "RawEvents"
        ]
        return [event for each in records for event in each["events"]]

    def told(self, key: str) -> list[tuple[str, str | None, str | None]]:
        """What the log says of a message: kind, text, former text."""
        found = [each for each in self.events() if each["source_key"] == key]
        return [(each["kind"], each["text"], each["former_text"]) for each in found]


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def chat(tmp_path: Path, fresh: Callable[..., KafkaSettings]) -> Iterator[Chat]:
    """An account on a day on which the conversation of the rig is open."""
    with account(tmp_path / "state") as sim:
        sim.advance(8 * DAY_MS)
        yield Chat(sim, fresh())


MESSAGE = said(1, SECRET_TEXT)
CHANGED = MESSAGE | {"messageData": {"msg": {"text": REDACTED}}}
ONCE_UPDATED = [("message", SECRET_TEXT, None), ("updated", REDACTED, SECRET_TEXT)]


def test_a_kill_between_kafka_and_memory_makes_no_second_message(chat: Chat) -> None:
    """SIGKILL after Kafka has the message and before it is remembered; then it is redacted: one `updated`."""
    chat.show(MESSAGE)
    chat.killed()
    assert chat.told(MESSAGE["messageId"]) == ONCE_UPDATED[:1]
    chat.show(CHANGED, said(2, "thank you"))
    chat.collect()
    assert chat.told(MESSAGE["messageId"]) == ONCE_UPDATED
    ids = [each["id"] for each in chat.events()]
    assert len(ids) == len(set(ids))
    assert chat.counted == len(ids), "what the killed one sent is counted, once"


def test_a_lost_memory_makes_no_second_message(chat: Chat) -> None:
    """The state folder is deleted; then a message is redacted: one `updated`, nothing else comes again."""
    chat.show(MESSAGE, said(2, "thank you"))
    chat.collect()
    chat.forget()
    chat.show(CHANGED, said(2, "thank you"))
    chat.collect()
    assert chat.told(MESSAGE["messageId"]) == ONCE_UPDATED
    ids = [each["id"] for each in chat.events()]
    assert len(ids) == len(set(ids))
    assert chat.counted == len(ids)


def test_a_memory_older_than_its_cursor_makes_no_second_message(chat: Chat, tmp_path: Path) -> None:
    """The disk lost its last writes, or is a copy of before: same name, less known; then a message is redacted."""
    chat.show(said(2, "hello"))
    chat.collect()
    shutil.copytree(chat.sim.state_dir, tmp_path / "copy")
    chat.show(said(2, "hello"), MESSAGE)
    chat.collect()
    chat.forget()
    shutil.copytree(tmp_path / "copy", chat.sim.state_dir)
    chat.show(said(2, "hello"), CHANGED)
    chat.collect()
    assert chat.told(MESSAGE["messageId"]) == ONCE_UPDATED
    ids = [each["id"] for each in chat.events()]
    assert len(ids) == len(set(ids))
    assert chat.counted == len(ids)


def test_a_poll_that_fails_after_sending_makes_no_second_message(chat: Chat) -> None:
    """What a poll sent before it failed is known to the next one, in the same life."""
    trouble = [SourceUnavailableError("gone in the middle")]

    class Failing(LivePersonSource):
        def poll(self, window: Window) -> Iterator[Captured | Refused]:
            yield from super().poll(window)
            if trouble:
                chat.show(CHANGED)
                raise trouble.pop()

    chat.show(MESSAGE)
    chat.collect(Failing)
    assert chat.told(MESSAGE["messageId"]) == ONCE_UPDATED
    ids = [each["id"] for each in chat.events()]
    assert len(ids) == len(set(ids))
    assert chat.counted == len(ids)


def test_what_another_collector_sent_is_no_news(chat: Chat, tmp_path: Path) -> None:
    """Two machines take turns: each knows from the log what the other has sent."""
    chat.show(MESSAGE)
    chat.collect()
    chat.show(CHANGED)
    other = chat.elsewhere(tmp_path / "other")
    other.collect()
    chat.show(CHANGED, said(2, "still there?"))
    chat.collect()
    assert chat.told(MESSAGE["messageId"]) == ONCE_UPDATED
    ids = [each["id"] for each in chat.events()]
    assert len(ids) == len(set(ids))


def test_what_was_changed_back_is_one_update_whatever_was_forgotten(chat: Chat, tmp_path: Path) -> None:
    """A, B, A, B, with a memory that is lost in between and another collector that takes a turn: four events, four ids."""
    for number, message in enumerate((MESSAGE, CHANGED, MESSAGE, CHANGED)):
        chat.show(message)
        chat.collect()
        chat.collect()
        if number == 1:
            chat.forget()
        elif number == 2:
            chat.elsewhere(tmp_path / "other").collect()
    back = ("updated", SECRET_TEXT, REDACTED)
    assert chat.told(MESSAGE["messageId"]) == [*ONCE_UPDATED, back, ONCE_UPDATED[1]]
    ids = [each["id"] for each in chat.events()]
    assert len(ids) == len(set(ids))


@pytest.mark.slow
def test_a_long_open_conversation_costs_events_only_for_what_is_new(chat: Chat) -> None:
    """5,000 messages polled again and again, with and without a memory: each event is in the log once."""
    messages = [said(number, f"message {number}") for number in range(5_000)]
    chat.show(*messages)
    chat.collect()
    before = len(chat.events())
    for number in range(5_000, 5_004):
        messages.append(said(number, f"message {number}"))
        if number == 5_002:
            chat.forget()
        chat.show(*messages)
        chat.collect()
    found = chat.events()
    assert len({each["id"] for each in found}) == len(found) == before + 4


def test_what_may_change_without_meaning_costs_nothing(chat: Chat) -> None:
    """Names, previews, counters: no event; with and without a memory. A real change: exactly one `updated`."""
    chat.show(MESSAGE)
    chat.collect()
    before = len(chat.events())
    chat.show(MESSAGE, info={"duration": 99, "mcs": 3, "latestUpdateTime": 5})
    chat.collect()
    chat.forget()
    chat.show(MESSAGE | {"sentBy": "CONSUMER"}, info={"mcs": 4})
    chat.collect()
    assert len(chat.events()) == before
    for _ in range(3):
        chat.show(CHANGED)
        chat.collect()
    assert [each["kind"] for each in chat.events()[before:]] == ["updated"]


def test_a_long_reading_back_is_shown(
    fresh: Callable[..., KafkaSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source whose memory is gone gets everything of its connector; the status says so, and how much is read."""
    monkeypatch.setattr(recall, "QUIET_S", 0.0)
    monkeypatch.setattr(recall, "RECORDS", 5)
    kafka, first = fresh(), hourly()
    a_runner(first, kafka).once()
    ids = event_ids(read_log(kafka))
    again = replace(hourly(), recalls=True, trusts=False)
    a_runner(again, kafka).once()
    assert sorted(again.told) == sorted(ids)
    shown = [json.loads(value) for _, value in read_raw(kafka, "connector-status")[0]]
    parts = [each["progress"] for each in shown if each["state"] == "reading back"]
    assert parts
    assert all(0 <= part <= 1 for part in parts)
    live = [each for each in shown if each["lane"] == LIVE][-1]
    assert live["counters"]["events"] < len(ids) + 1, "nothing is counted twice"


def test_a_log_that_is_not_the_one_it_was_is_read_from_its_beginning(
    fresh: Callable[..., KafkaSettings],
) -> None:
    """A cursor that names positions beyond the end speaks of another log: nothing may count as sent."""
    kafka, source = fresh(), replace(hourly(), recalls=True)
    a_runner(hourly(), kafka).once()
    reading = recall.Recall(kafka, Codec(), UID, source, Waiting(threading.Event()))
    live = Saved(Lane(LIVE, 0), source='{"of": "another"}', log=(10**6, 0, 0))
    status = LaneStatus(ConnectorBase(uid=UID, name="Small"), "webex", LIVE, lambda _: None, lambda: 0)
    reading.begin({LIVE: live}, status)
    reading.close()
    assert source.restored == "{}"
    assert set(source.told) == set(event_ids(read_log(kafka)))


def test_a_position_moves_after_its_record_is_taken(fresh: Callable[..., KafkaSettings]) -> None:
    """What is written to disk half-way through a fetch does not vouch for the rest of it; the memory says where to begin."""
    kafka, source = fresh(partitions=1), replace(hourly(), recalls=True, on_disk=(5,))
    a_runner(hourly(), kafka).once()
    reading = recall.Recall(kafka, Codec(), UID, source, Waiting(threading.Event()))
    status = LaneStatus(ConnectorBase(uid=UID, name="Small"), "webex", LIVE, lambda _: None, lambda: 0)
    reading.begin({LIVE: Saved(Lane(LIVE, 0), log=(20,))}, status)
    reading.close()
    entries = read_log(kafka)[0]
    begins = [n for n, each in enumerate(entries) if n >= 5 and each.name == "RawEvents"]
    assert [reached for (reached,) in source.vouched[1:]] == begins[1:]
    assert source.vouched[0] == (5,) or source.vouched[0] == (begins[0],)
    assert reading.positions == (len(entries),)
