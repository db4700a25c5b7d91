"""The assembler against the oracle: any log, any crash, any order of confirmation."""

import json
import random
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import encode
from schemas.ids import with_version
from schemas.records import Closing, MappingInForce, SettingsInForce, person
from streams.assembly import Assembly
from streams.defaults import default_settings
from streams.events import closed_at
from streams.memory import Memory
from streams.scratch import Scratch
from tests.streams.logs import GRACE_MS, STALL_MS, control, logs, raw
from tests.streams.oracle import Mail, oracle

Log = list[tuple[str, Any]]
SETTINGS = with_version({**default_settings("a", "webex"), "grace_ms": GRACE_MS, "stall_ms": STALL_MS})


class Durable:
    """What survives a crash: confirmed closings, mappings and mails, and the committed pair."""

    def __init__(self) -> None:
        self.closings: list[Closing] = []
        self.mappings: list[MappingInForce] = []
        self.settings: list[SettingsInForce] = []
        self.mails: list[Mail] = []
        self.committed = (0, 0)


class CrashError(Exception):
    """The process is gone."""


def new_memory(durable: Durable) -> Memory:
    """A worker's memory, restored from what is durable."""
    memory = Memory()
    for uid in "ab":
        memory.add_settings(
            {"group": "live", "connector_uid": uid, "partition": 0, "position": -1, "settings": SETTINGS}
        )
    for closing in durable.closings:
        memory.add_closing(closing)
    for mapping in durable.mappings:
        memory.add_mapping(mapping)
    for settings_ in durable.settings:
        memory.add_settings(settings_)
    return memory


def in_force(position: int, record: Any, durable: Durable, memory: Memory) -> None:
    """Settings and user mapping of a control record are made durable, as the stage does."""
    if record["settings"] is not None:
        durable.settings.append({
            "group": "live", "connector_uid": record["connector_uid"], "partition": 0, "position": position,
            "settings": record["settings"],
        })  # fmt: skip
        memory.add_settings(durable.settings[-1])
    if record["kind"] == "mapping":
        version = record["details"]["version"]
        durable.mappings.append({"group": "live", "partition": 0, "position": position, "version": version})
        memory.add_mapping(durable.mappings[-1])


def live(log: Log, durable: Durable, rng: random.Random, crash_after: int) -> None:
    """One life of a worker: from the committed pair to the end of the log, or to a crash after so many steps."""
    memory = new_memory(durable)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Scratch(Path(folder))
        needed, reached = durable.committed
        assembly = Assembly(0, needed=needed, reached=reached, memory=memory, scratch=scratch)
        steps = 0

        def step() -> None:
            nonlocal steps
            steps += 1
            if steps > crash_after:
                scratch.close()
                raise CrashError

        for position in range(needed, len(log)):
            kind, record = log[position]
            due = []
            if kind == "RawEvents":
                bare: Any = {**record, "events": []}  # nothing of them is looked at
                assembly.add(position, bare, encode("RawEvents", record), closed_ms=closed_at(record))
            else:
                in_force(position, record, durable, memory)
                due = assembly.due(position, record)
                for one in due if not assembly.is_replaying(position) else []:
                    closed = assembly.close(one, position)
                    effects = [partial(durable.closings.append, closed.closing)]
                    if closed.slice is not None:
                        ids = tuple(event["id"] for event in closed.slice["events"])
                        named = closed.slice["revision"], ids, closed.slice["mapping_version"]
                        mail = ("|".join(json.loads(one.key)), *named)
                        effects.append(partial(durable.mails.append, mail))
                    rng.shuffle(effects)
                    for effect in effects:
                        step()
                        effect()
                    memory.add_closing(closed.closing)
            assembly.done(position, due)
            step()
            if rng.random() < 0.3:
                durable.committed = assembly.position()
        scratch.close()


@settings(max_examples=400, deadline=None)
@given(log=logs, seed=st.integers(0, 2**32), crashes=st.lists(st.integers(0, 60), max_size=6))
def test_any_crash_gives_the_mails_of_the_oracle(log: Log, seed: int, crashes: list[int]) -> None:
    """Whatever the log and wherever the worker dies: the same mails, repeated only as identical repeats."""
    durable, rng = Durable(), random.Random(seed)
    for crash_after in [*crashes, 10**9]:
        try:
            live(log, durable, rng, crash_after)
        except CrashError:
            continue

    want = oracle(log, grace_ms=GRACE_MS, stall_ms=STALL_MS)
    assert set(durable.mails) == set(want)
    if not crashes:
        assert sorted(durable.mails) == sorted(want)


def run(log: Log) -> list[Mail]:
    """The mails of one life without a crash."""
    durable = Durable()
    live(log, durable, random.Random(1), 10**9)
    return durable.mails


WHERE = ("a", "c", "s0")


def test_a_live_watermark_does_not_cut_a_day_that_is_being_back_filled() -> None:
    """A back-filled day ends long ago, but it is new in the log: only its own lane closes it for now."""
    log: Log = [
        ("RawEvents", raw(WHERE, [1], "back", captured=100, close_at=None)),
        ("Control", control("a", "watermark", "live", 100 + STALL_MS - 1)),
        ("RawEvents", raw(WHERE, [2], "back", captured=101, close_at=None)),
        ("Control", control("a", "watermark", "back", 20)),
    ]

    assert [len(ids) for _, _, ids, _ in run(log)] == [2]


def test_neither_count_nor_size_closes() -> None:
    """However much a slice holds, it waits for its end: a recovery that starts in the middle could not cut alike."""
    many: Log = [("RawEvents", raw(WHERE, [n], "live", captured=10, close_at=None)) for n in range(200)]
    early, end = (("Control", control("a", "watermark", "live", at)) for at in (19, 20))

    assert run([*many[:3], early, *many[3:], early]) == []
    assert [len(ids) for _, _, ids, _ in run([*many[:3], early, *many[3:], early, end])] == [200]


def test_another_connectors_watermark_closes_what_a_silent_one_left() -> None:
    """A connector that stopped cannot pin the partition for ever."""
    log: Log = [
        ("RawEvents", raw(WHERE, [1], "live", captured=10, close_at=None)),
        ("Control", control("b", "watermark", "live", 20 + STALL_MS - 1)),
        ("Control", control("b", "watermark", "live", 20 + STALL_MS)),
    ]

    assert len(run(log)) == 1
    assert run(log[:2]) == []


def test_what_comes_late_makes_a_supplement_and_a_repeat_makes_nothing() -> None:
    """Revision 1 holds only what revision 0 had not."""
    first = ("RawEvents", raw(WHERE, [1, 2], "live", captured=10, close_at=None))
    late = ("RawEvents", raw(WHERE, [2, 3], "live", captured=30, close_at=None))
    mark = ("Control", control("a", "watermark", "live", 20))

    mails = run([first, mark, late, mark, first, mark])

    assert [(revision, len(ids)) for _, revision, ids, _ in mails] == [(0, 2), (1, 1)]


def test_a_close_event_closes_after_its_grace() -> None:
    """A closed conversation does not wait for the end of its 24 hours."""
    closing = ("RawEvents", raw(WHERE, [1], "live", captured=3, close_at=3))

    assert run([closing, ("Control", control("a", "watermark", "live", 3 + GRACE_MS - 1))]) == []
    assert len(run([closing, ("Control", control("a", "watermark", "live", 3 + GRACE_MS))])) == 1


def test_what_was_closed_below_reached_is_read_and_not_computed() -> None:
    """After a restart the log is read from the head of what was open: what had closed between lacks its own head."""
    another = ("a", "c", "s2")
    log: Log = [
        ("RawEvents", raw(WHERE, [1], "live", captured=10, close_at=None)),
        ("RawEvents", raw(another, [5], "live", captured=10, close_at=None)),
        ("RawEvents", raw(WHERE, [2], "live", captured=10, close_at=None)),
        ("Control", control("a", "watermark", "live", 20)),
        ("RawEvents", raw(WHERE, [1, 2, 3], "live", captured=30, close_at=None)),
        ("Control", control("a", "watermark", "live", 60)),
    ]
    durable = Durable()
    live(log[:4], durable, random.Random(1), 10**9)
    assert len(durable.mails) == 1
    durable.committed = (1, 4)
    live(log, durable, random.Random(1), 10**9)

    assert sorted(durable.mails) == sorted(oracle(log, grace_ms=GRACE_MS, stall_ms=STALL_MS))
    assert [(revision, len(ids)) for name, revision, ids, _ in durable.mails if name.endswith("s0")] == [
        (0, 2),
        (1, 1),
    ]


def test_a_watermark_acts_by_its_own_time_alone() -> None:
    """A zombie's lagging or repeated one closes what is due at its own time, whatever was said before."""
    early = ("RawEvents", raw(WHERE, [1], "live", captured=10, close_at=None))
    later = ("RawEvents", raw(("a", "c", "s1"), [2], "live", captured=30, close_at=None))
    marks = [("Control", control("a", "watermark", "live", at)) for at in (25, 19, 25, 0, 39, 40, 40)]

    assert len(run([early, *marks[:1], later, *marks[1:5]])) == 1
    assert len(run([early, *marks[:1], later, *marks[1:]])) == 2
    assert run([early, marks[1], marks[3]]) == []


def test_a_closed_lane_goes_to_live() -> None:
    """What a back-fill left open closes by live's watermarks from then on, and not before."""
    log: Log = [
        ("RawEvents", raw(WHERE, [1], "back", captured=100, close_at=None)),
        ("Control", control("a", "watermark", "live", 30)),
        ("Control", control("a", "lane_closed", "back", None)),
        ("Control", control("a", "watermark", "live", 30)),
    ]

    assert run(log[:3]) == []
    assert len(run(log)) == 1


def test_a_supplement_reaches_everybody_who_could_read_the_conversation() -> None:
    """What comes late carries the people that all earlier closings of the slice knew."""
    first, late, last = (
        raw(WHERE, [number], "live", captured=10 * number, close_at=None) for number in (1, 2, 3)
    )
    for record, kind, who in ((first, "roster", "p1"), (late, "joined", "p2")):
        record["events"][0]["kind"] = kind
        record["events"][0]["people"] = [person(who, who, f"{who}@bank.example", "member")]
    memory = new_memory(Durable())
    with tempfile.TemporaryDirectory() as folder:
        scratch = Scratch(Path(folder))
        assembly = Assembly(0, needed=0, reached=0, memory=memory, scratch=scratch)
        known = []
        for position, record in enumerate([first, late, last]):
            assembly.add(2 * position, record, encode("RawEvents", record), closed_ms=None)
            (one,) = assembly.due(2 * position + 1, control("a", "watermark", "live", 20))
            closed = assembly.close(one, 2 * position + 1)
            memory.add_closing(closed.closing)
            assembly.done(2 * position + 1, [one])
            assert closed.slice is not None
            known.append([each["id"] for each in closed.slice["people"]])
        scratch.close()

    assert known == [[], ["p1"], ["p2", "p1"]]


def test_what_was_disposed_of_is_in_no_mail_and_what_comes_later_is() -> None:
    """An order takes what its partition holds below it: repeats stay gone, a new event makes a mail, others go on."""
    other = ("a", "d", "s0")
    order = {**control("a", "disposition", "", None), "details": {"order": "1", "conversation": "c"}}
    log: Log = [
        ("RawEvents", raw(WHERE, [1, 2], "live", captured=10, close_at=None)),
        ("RawEvents", raw(other, [1], "live", captured=10, close_at=None)),
        ("Control", order),
        ("RawEvents", raw(WHERE, [2, 3], "live", captured=11, close_at=None)),
        ("Control", control("a", "watermark", "live", 30)),
    ]
    mails = run(log)
    assert [(key, len(ids)) for key, _, ids, _ in mails] == [("a|c|s0", 1), ("a|d|s0", 1)]
    assert mails == oracle(log, grace_ms=GRACE_MS, stall_ms=STALL_MS)


def test_the_rest_of_a_day_that_was_disposed_of_is_one_mail_at_its_end() -> None:
    """An order in the middle of a slice tears nothing that comes later into pieces."""
    order = {**control("a", "disposition", "", None), "details": {"order": "1", "conversation": "c"}}
    log: Log = [
        ("RawEvents", raw(WHERE, [1], "live", captured=5, close_at=None)),
        ("Control", order),
        ("RawEvents", raw(WHERE, [2], "live", captured=6, close_at=None)),
        ("Control", control("a", "watermark", "live", 7)),
        ("RawEvents", raw(WHERE, [3], "live", captured=8, close_at=None)),
        ("Control", control("a", "watermark", "live", 20)),
    ]
    assert [(revision, len(ids)) for _, revision, ids, _ in run(log)] == [(0, 2)]
