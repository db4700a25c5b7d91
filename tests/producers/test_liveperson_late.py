"""Files of LivePerson that the storage holds back at first: owed by the log, and one event of their own when they turn up."""

import copy
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from producers.liveperson.collector import LivePersonSource
from producers.owed import PAUSES_S
from producers.runner import Runner
from producers.source import Captured, SourceRefusedError, Window
from producers.waiting import Waiting
from sandbox.liveperson.model import when
from sandbox.liveperson.server import Options
from schemas.broker import KafkaSettings
from schemas.records import Event
from tests.producers.liveperson_rig import (
    DAY_MS,
    HOUR_MS,
    SECRETS,
    Account,
    Collected,
    account,
    body_of,
    record,
    said,
)
from tests.producers.log_reader import read_log
from tests.streams.oracle import Outcome, outcomes

FRIDAY = Options(now_ms=when("Fri 11:00"))
"""All files of the week are there, one of them in a slice that is open for the rest of the day."""
FILES = 9
OPEN = ".GIF"
PAUSE_MS = PAUSES_S[0] * 1000
STORAGE = "/v1/AUTH"


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def sim(tmp_path: Path) -> Iterator[Account]:
    """An account whose file storage scans for ever."""
    with account(tmp_path / "state", FRIDAY) as running:
        running.faults(file_scan_ms=100 * DAY_MS)
        yield running


def quick(sim: Account, **more: Any) -> dict[str, Any]:
    """Settings that wait for nothing."""
    return {"calls": sim.settings().calls.model_dump() | {"retry_seconds": 0.05}} | more


def collect(sim: Account, kafka: KafkaSettings) -> None:
    """One life of a collector on this day of the simulation, from Monday on."""
    plan = {"since": "2026-03-02", "poll_seconds": 0.05, "window_hours": 240}
    settings = sim.settings(**quick(sim, collect=plan))
    source = LivePersonSource(settings, sim.contents, sim.state_dir)
    now_ms = sim.control("clock")["now_ms"]
    try:
        runner = Runner(
            source, settings, kafka, sim.contents, Waiting(threading.Event()), clock=lambda: now_ms
        )
        assert runner.once()
    finally:
        source.close()


def events_in(kafka: KafkaSettings) -> list[Event]:
    """All events in the log, repeats included."""
    records = [each.value for log in read_log(kafka).values() for each in log if each.name == "RawEvents"]
    return [event for each in records for event in each["events"]]


def late_in(events: list[Event]) -> list[Event]:
    """Those of files that turned up."""
    return [each for each in events if each["kind"] == "file"]


def held_back(events: list[Event]) -> dict[str, Event]:
    """By path, the message whose file was held back."""
    found = {
        file["source_key"]: each
        for each in events
        for file in each["attachments"]
        if file["outcome"] == "too_slow"
    }
    return {path: each for path, each in found.items() if each["kind"] == "message"}


def asked(sim: Account) -> int:
    """How often the storage was asked for files."""
    return len(sim.requests(STORAGE))


@pytest.mark.kafka
@pytest.mark.parametrize("life", ["the same", "another, without its state"])
def test_a_file_that_turns_up_is_one_event_whoever_asks(
    sim: Account, tmp_path: Path, fresh: Callable[..., KafkaSettings], life: str
) -> None:
    """Across restarts: asked for after the pause and not before, in the log once, in an open slice or a supplement."""
    kafka = fresh()
    collect(sim, kafka)
    owed = held_back(events_in(kafka))
    assert len(owed) == FILES
    other = sim if life == "the same" else replace(sim, state_dir=tmp_path / "elsewhere")
    before = asked(sim)
    sim.advance(PAUSE_MS // 3)
    collect(other, kafka)
    assert asked(sim) == before, "its time has not come"
    sim.faults()
    sim.advance(PAUSE_MS)
    collect(other, kafka)
    sim.advance(PAUSE_MS)
    collect(sim, kafka)
    found = events_in(kafka)
    assert all(count == 1 for count in Counter(each["id"] for each in found).values())
    late = {each["attachments"][0]["source_key"]: each for each in late_in(found)}
    assert (late.keys(), len(late_in(found))) == (owed.keys(), len(owed))
    for path, each in late.items():
        (file,) = each["attachments"]
        assert file["outcome"] == "stored"
        assert file["content"] is not None
        assert file["content"]["sha256"] in sim.contents.held
        assert (file["name"], file["content_type"]) == _named(owed[path])
        assert (each["target"], each["at_ms"]) == (owed[path]["source_key"], owed[path]["at_ms"])
        assert each["details"]["skill"]
    served = {entry["sha256"] for entry in sim.control("ledger") if entry["kind"] == "file"}
    assert {each["attachments"][0]["content"]["sha256"].hex() for each in late.values()} == served  # type: ignore[index]  # all are stored
    if life == "the same":
        _check_mails(sim, kafka, late)


def _named(message: Event) -> tuple[str | None, str | None]:
    (file,) = message["attachments"]
    return file["name"], file["content_type"]


def _check_mails(sim: Account, kafka: KafkaSettings, late: dict[str, Event]) -> None:
    """The file of the open slice is in its first mail, each other one in a supplement."""
    sim.advance(7 * DAY_MS)
    collect(sim, kafka)
    logs = read_log(kafka)
    grace = {"grace_ms": HOUR_MS, "stall_ms": 2 * DAY_MS}
    mails = [mail for log in logs.values() for mail in outcomes([tuple(each) for each in log], **grace)]
    assert {path: _revision(mails, each["id"]) > 0 for path, each in late.items()} == {
        path: not path.endswith(OPEN) for path in late
    }


def _revision(mails: list[Outcome], ident: bytes) -> int:
    (mail,) = [each for each in mails if ident in each.ids]
    return mail.revision


def polled(source: LivePersonSource, *, confirm: bool = True, days: int = 9) -> Collected:
    """One live poll of the last days; the log is read back afterwards, as the runner does."""
    found = Collected()
    now_ms = source.now_ms()
    window = Window("live", now_ms - days * DAY_MS, now_ms)
    yielded = [each for each in source.poll(window) if isinstance(each, Captured)]
    found.take(yielded)
    if confirm:
        source.confirmed()
        source.recall([replace(each, captured_ms=now_ms) for each in yielded], [len(yielded)])
    return found


def files_of(found: Collected) -> list[Event]:
    """The events of files that turned up."""
    return late_in([event for _, event in found.events])


def test_what_was_not_confirmed_is_told_again_with_the_same_ids(sim: Account) -> None:
    """A poll that fails behind a late file loses it as little as any other event."""
    with sim.source(**quick(sim)) as source:
        polled(source)
        sim.faults()
        sim.advance(PAUSE_MS)
        once = files_of(polled(source, confirm=False))
        again = files_of(polled(source))
        assert files_of(polled(source)) == []
    assert len(once) == FILES
    assert [each["id"] for each in once] == [each["id"] for each in again]


def test_a_storage_that_is_down_holds_up_nothing_behind_a_late_file(sim: Account) -> None:
    """The poll goes on and the file is asked for later: what was said of it stands in the log already."""
    with sim.source(**quick(sim)) as source:
        polled(source)
        sim.faults({"match": {"path": STORAGE}, "do": {"status": 503}})
        sim.advance(PAUSE_MS)
        assert files_of(polled(source)) == []
        sim.faults()
        sim.advance(PAUSE_MS)
        assert len(files_of(polled(source))) == FILES


def test_nobody_is_asked_for_ever(sim: Account) -> None:
    """Ever more seldom, and after `late_file_days` not at all."""
    with sim.source(**quick(sim)) as source:
        polled(source)
        begin = asked(sim)
        for _ in range(8 * 2):
            sim.advance(DAY_MS // 2)
            polled(source, days=1)
        assert 6 * FILES <= asked(sim) - begin <= 12 * FILES
        end = asked(sim)
        sim.advance(2 * DAY_MS)
        polled(source, days=1)
        assert asked(sim) == end


def test_what_is_owed_no_more_holds_up_nothing(sim: Account) -> None:
    """A log that is read back from its beginning names all that was ever missed: none of it stands before what is new."""
    with sim.source(**quick(sim)) as source:
        first = polled(source)
        place, message = next(each for each in first.events if each[1]["attachments"])
        old = [copy.deepcopy(message) for _ in range(100)]
        for number, each in enumerate(old):
            each |= {"id": b"%16d" % number, "source_key": f"old {number}"}
        source.recall([Captured(place, old, source.now_ms() - 30 * DAY_MS)], [99])
        sim.faults()
        sim.advance(PAUSE_MS)
        assert len(files_of(polled(source))) == FILES


def test_no_days_mean_never(sim: Account) -> None:
    """An administrator may switch it off."""
    with sim.source(**quick(sim, late_file_days=0)) as source:
        polled(source)
        sim.faults()
        sim.advance(PAUSE_MS)
        before = asked(sim)
        assert files_of(polled(source)) == []
        assert asked(sim) == before


@pytest.mark.parametrize(
    ("status", "outcome"), [(404, "gone"), (410, "gone"), (403, "gone"), (451, "not_fetched")]
)
def test_a_lasting_failure_is_recorded_at_once_and_nobody_asks_again(
    sim: Account, status: int, outcome: str
) -> None:
    """Gone, forbidden, refused: the conversation is archived without the file, with a reason, and that is that."""
    sim.faults({"match": {"path": STORAGE}, "do": {"status": status}})
    with sim.source(**quick(sim)) as source:
        found = [file for _, event in polled(source).events for file in event["attachments"]]
        before = asked(sim)
        sim.faults()
        sim.advance(PAUSE_MS)
        assert files_of(polled(source)) == []
        assert asked(sim) == before
    assert {file["outcome"] for file in found} == {outcome}
    assert all(str(status) in (file["reason"] or "") for file in found)


def test_keys_that_are_refused_are_no_outcome(sim: Account) -> None:
    """A storage that does not believe the token stops the collector: somebody has to correct the keys."""
    sim.faults({"match": {"path": STORAGE}, "do": {"status": 401}})
    with sim.source(**quick(sim)) as source, pytest.raises(SourceRefusedError, match=r"files\.key"):
        polled(source)


def test_a_larger_ceiling_brings_what_was_too_large(sim: Account) -> None:
    """The outcome is recorded at once; whoever raises the ceiling within the week gets the file."""
    sim.faults()
    with sim.source(**quick(sim, file_limits={"max_file_mb": 0.00005})) as source:
        first = polled(source)
        state = source.state()
    large = [
        event for _, event in first.events for file in event["attachments"] if file["outcome"] == "too_large"
    ]
    assert len(large) > FILES / 2
    sim.advance(PAUSE_MS)
    with sim.source(state, **quick(sim)) as source:
        assert {each["target"] for each in files_of(polled(source))} == {each["source_key"] for each in large}


def test_a_file_for_agents_alone_stays_with_them(sim: Account) -> None:
    """A file in an internal note turns up as internal as the note, in its slice, behind what has the same time."""
    path = "/v1/AUTH_async-images/1/x.PDF"
    data = {"file": {"relativePath": path, "fileType": "PDF"}}
    note = said(1, "", type="HOSTED_FILE", messageData=data, audience="AGENTS_AND_MANAGERS")
    row = {"status": 200, "body": body_of(record(note)).decode()}
    shown = {"match": {"path": r"conversations?/search"}, "do": row}
    sim.faults(shown, {"match": {"path": path}, "do": {"status": 423}})
    with sim.source(**quick(sim)) as source:
        first = polled(source)
        (message,) = [each for each in first.events if each[1]["attachments"]]
        sim.faults(shown, {"match": {"path": path}, "do": {"status": 200, "body": "%PDF-"}})
        sim.advance(PAUSE_MS)
        (late,) = polled(source).events
    assert (late[1]["kind"], late[1]["audience"], message[1]["audience"]) == ("file", "internal", "internal")
    assert (late[0], late[1]["actor"]) == (message[0], message[1]["actor"])
    assert late[1]["order"] > message[1]["order"]


def test_a_repeat_of_a_message_settles_nothing(sim: Account) -> None:
    """Two collectors sent one message at once, the second with its file: the first one's stands, so the file is owed."""
    with sim.source(**quick(sim)) as source:
        first = polled(source)
        (place, message) = next(each for each in first.events if each[1]["attachments"])
        repeat = copy.deepcopy(message)
        repeat["attachments"][0] |= {"outcome": "stored", "reason": None}
        source.recall([Captured(place, [repeat], source.now_ms())], [99])
        sim.faults()
        sim.advance(PAUSE_MS)
        assert message["source_key"] in {each["target"] for each in files_of(polled(source))}
