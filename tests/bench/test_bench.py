"""The bench itself, without servers: what it feeds is what a collector would write, and what it finds wrong is wrong."""

import json
from collections import Counter
from pathlib import Path

import pytest

from schemas.codec import decode
from tests.bench import corpus, dialogs, guard, outcome, profile, report, stdlib_mail
from tests.bench.raw_log import Way, raw_log
from tests.producers.log_reader import Entry, broken_promises, event_ids

DIALOGS = dialogs.dialogs(None)[1][:50]


@pytest.fixture
def small(tmp_path: Path) -> corpus.Corpus:
    """Thirty generated conversations."""
    corpus.write(tmp_path / "events.jsonl", corpus.Shape(30), DIALOGS)
    return corpus.read(tmp_path / "events.jsonl")


def test_the_same_arguments_give_the_same_events(small: corpus.Corpus, tmp_path: Path) -> None:
    """Two writings of a corpus are equal byte by byte, and conversations of a length have it."""
    corpus.write(tmp_path / "again.jsonl", corpus.Shape(30), DIALOGS)
    assert (tmp_path / "again.jsonl").read_bytes() == small.path.read_bytes()
    corpus.write(tmp_path / "long.jsonl", corpus.Shape(3, 40), DIALOGS)
    long = corpus.read(tmp_path / "long.jsonl")
    assert (long.events, {len(some) for some in long.messages.values()}) == (3 * 41, {40})


@pytest.mark.parametrize("way", ["live", "back-fill"])
def test_a_log_has_every_event_once_and_none_after_its_watermark(small: corpus.Corpus, way: Way) -> None:
    """What is fed to chatledger keeps the promises of a collector."""
    log = {0: [Entry(*decode(value)) for _, value in raw_log(corpus.lines(small.path), way)]}
    assert set(Counter(event_ids(log)).values()) == {1}
    assert len(event_ids(log)) == small.events
    assert broken_promises(log) == []
    records = sum(entry.name == "RawEvents" for entry in log[0])
    assert records == small.events if way == "live" else records < small.events


def test_what_is_missing_or_turned_around_in_an_output_is_found(small: corpus.Corpus, tmp_path: Path) -> None:
    """A whole output has no faults; one without a copy, or with two messages in the wrong order, has."""
    out = tmp_path / "out"
    for name, close in small.closes.items():
        mail = stdlib_mail.mail_of(name, close["topic"], close["participants"], small.messages[name])
        for person in close["participants"]:
            stdlib_mail.write(out, person["email"], name, mail)
    assert outcome.of_files(out, small).faults == []
    name, address = min(small.copies)
    (out / address / f"{name}.eml").unlink()
    assert outcome.of_files(out, small).faults == ["1 copies are missing, 0 are too many"]
    close, turned = small.closes[name], small.messages[name][::-1]
    mail = stdlib_mail.mail_of(name, close["topic"], close["participants"], turned)
    stdlib_mail.write(out, address, name, mail)
    assert "is missing or not in its place" in outcome.of_files(out, small).faults[0]


def test_a_change_within_the_spread_is_called_that() -> None:
    """Two results are compared by their medians; only where the runs do not overlap it counts."""
    assert report.comparison(_result(10, 12), _result(11, 13)).count("within the spread") == 3
    apart = report.comparison(_result(20, 22), _result(10, 11))
    assert "+100% |  |" in apart
    assert "| live | chatledger | 10 (10 - 11) |" in apart


def test_the_guard_fails_what_became_dearer_and_nothing_else() -> None:
    """A ratio may move within the tolerance; one above it, or one that was not measured, fails."""
    noted = {"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0}
    found = {"a": 1.2, "b": 1.3, "c": 0.5}
    assert [fine for fine, _ in guard.verdicts(found, noted, 0.25)] == [True, False, True, False]
    assert dict(guard.ratios(_result(10, 10)))["live: chatledger / script"] == 0.1


def test_a_profile_counts_a_stack_for_its_innermost_named_part() -> None:
    """Shares are of all samples, whatever line of a function they were in."""
    stacks = [
        "run (asyncio/runners.py:1);AssembleStage.handle (streams/assemble.py:90);decode (schemas/codec.py:5);x (io.py:1) 3",
        "run (asyncio/runners.py:1);AssembleStage.handle (streams/assemble.py:91) 1",
        "run (asyncio/runners.py:1) 4",
    ]
    told = profile.summary(stacks)
    assert " 37.5%  Avro, read" in told
    assert " 12.5%  assemble stage, the rest" in told
    assert " 50.0%  event loop, threads, everything else" in told
    assert " 50.0%  AssembleStage.handle (streams/assemble.py)" in told


def _result(*cpu_us: int) -> report.Result:
    """A result in which chatledger costs so much, and the script 100 each time."""
    runs = [
        {
            "round": number, "contender": name, "workload": "live", "done": True, "events": 1_000_000,
            "cpu_s": {"worker": cost}, "faults": [],
        }
        for number, ours in enumerate(cpu_us)
        for name, cost in (("chatledger", ours), ("script", 100))
    ]  # fmt: skip
    found: report.Result = json.loads(json.dumps({"runs": runs}))
    return found
