"""What may be put in again, and what is said of everything else."""

import re
from contextlib import nullcontext
from typing import Any

import pytest

from consumers.disposition.books import Books
from consumers.letters.book import Letter, LetterError
from consumers.letters.checks import SOURCES, Checks
from consumers.orders import audit
from schemas.broker import KafkaSettings
from schemas.codec import Decoded, DecodeError
from schemas.dispositions import CAPTURED
from streams.accepting import accepted
from streams.archive import ArchiveStage
from streams.assemble import AssembleStage
from tests.consumers.letters.test_book import book_of, letter, say

NAMED = {"connector_uid": "wx", "conversation": "room", "slice": "day", "slice_start_ms": 5}
EVENTS = Decoded("RawEvents", {**NAMED, "slice_end_ms": 9, "captured_at_ms": 9, "events": []})
TOPICS = {"assemble": "raw-events", "archive": "conversations"}
FORMER = {"render": "conversations", "route": "mails", "store": "copies"}


def refused(stage: str = "assemble", **changes: Any) -> Letter:
    """A letter of this stage, about position 7 of partition 0."""
    return book_of(
        letter(f"{stage}/0/7", **{"stage": stage, "topic": (TOPICS | FORMER).get(stage), **changes})
    ).letters()[0]


def demand(one: Letter, found: Decoded | Exception, *said: Any, again: bool = False) -> None:
    """Ask about a letter whose bytes are this, after these records of topic audit."""

    def decode(_: bytes) -> Decoded:
        if isinstance(found, Exception):
            raise found
        return found

    books = Books()
    for each in said:
        books.see(each)
    kafka = KafkaSettings(bootstrap="127.0.0.1:1")
    Checks(kafka, decode, accepted, list(books.orders.values())).demand(one, b"", again=again)


@pytest.mark.parametrize("name", ["ClosedSlice", "RawEvents"])
def test_records_of_every_stage_may_be_put_in_again(name: str) -> None:
    """Where they are what the stage reads; nowhere else."""
    stages = {"RawEvents": "assemble", "ClosedSlice": "archive"}
    found = Decoded(name, {**EVENTS.value, "partition": 0, "position": 3})
    demand(refused(stages[name]), found)
    for stage, topic in TOPICS.items():
        if stage != stages[name]:
            with pytest.raises(LetterError, match=f"a {name} has no place in {topic}"):
                demand(refused(stage), found)


def test_the_stages_are_those_of_the_workers() -> None:
    """Each reads the topic that its letters are put back into."""
    for stage in (AssembleStage, ArchiveStage):
        assert SOURCES[stage.name] is stage.source


def test_letters_of_an_earlier_version_are_put_in_again_or_say_what_to_do() -> None:
    """A slice is a slice; of a half-made mail the log has all, and a replay makes it."""
    demand(refused("render"), Decoded("ClosedSlice", {**NAMED, "partition": 0, "position": 3}))
    for stage in ("route", "store"):
        with pytest.raises(
            LetterError, match=r"earlier version.*`chatledger replay --connector wx --into store`"
        ):
            demand(refused(stage), DecodeError("unknown"))


@pytest.mark.parametrize(
    ("one", "found", "said"),
    [
        (
            refused(),
            DecodeError("unknown schema fingerprint 00"),
            "can't take its bytes either (unknown schema",
        ),
        (
            refused(),
            Decoded("RawEvents", {**EVENTS.value, "slice_end_ms": 10**15}),
            "no watermark would ever",
        ),
        (refused("collect"), EVENTS, "`chatledger reconcile wx --day DAY --fetch`"),
        (refused("archive", topic="mappings"), EVENTS, "`chatledger mapping apply`"),
        (refused("route", topic="mappings"), EVENTS, "`chatledger mapping apply`"),
        (refused(topic="other-raw-events"), EVENTS, "reads no topic other-raw-events here"),
        (refused("unknown"), EVENTS, "is no letter that this version can read"),
        (refused(), Decoded("Control", {"kind": "watermark"}), "next watermark of its lane says the same"),
        (
            refused(),
            Decoded("Control", {"kind": "mapping"}),
            "`chatledger mapping apply` puts a mapping in force",
        ),
        (refused(), Decoded("Control", {"kind": "lane_closed"}), "whoever gave it has to give it again"),
    ],
)
def test_what_can_t_be_put_in_again_says_what_to_do(
    one: Letter, found: Decoded | Exception, said: str
) -> None:
    """One sentence, which names the letter."""
    with pytest.raises(LetterError, match=re.escape(said)) as raised:
        demand(one, found)
    assert str(raised.value).startswith(f"dead letter {one.name[:8]} (")


def test_a_letter_that_was_dealt_with_is_refused_unless_asked_for_again() -> None:
    """Who did what and why is in the sentence."""
    for kind, state in (("redriven", "redriven"), ("settled", "settled")):
        book = book_of(letter("raw-events/0/7"))
        say(book, kind, book.letters()[0].name)
        with pytest.raises(LetterError, match=rf"was {state} by op \(why\): --again"):
            demand(book.letters()[0], EVENTS)
        demand(book.letters()[0], EVENTS, again=True)


def order(*, conversation: str | None = "room") -> Any:
    """An order of disposition."""
    return audit(
        "o" * 32, "disposition", at_ms=500, connector_uid="wx", conversation=conversation, reason="erasure"
    )


def closed(position: int) -> Decoded:
    """A slice that partition 1 closed here."""
    return Decoded("ClosedSlice", {**NAMED, "partition": 1, "position": position})


def step(kind: str, at_ms: int = 600, details: dict[str, str] | None = None) -> Any:
    """How far it is."""
    return audit("o" * 32, kind, at_ms=at_ms, details=details)


@pytest.mark.parametrize(
    ("one", "found", "steps", "disposed"),
    [
        (refused(), EVENTS, [step("in_force", details={"0": "8"})], True),
        (refused(), EVENTS, [step("in_force", details={"0": "6"})], False),
        (refused(), EVENTS, [], True),
        (refused(), EVENTS, [step("withdrawn")], False),
        (refused("archive"), closed(3), [step("in_force", details={"1": "4"})], True),
        (refused("archive"), closed(5), [step("in_force", details={"1": "4"})], False),
    ],
)  # fmt: skip
def test_what_an_order_of_disposition_names_is_not_brought_back(
    one: Letter, found: Decoded, steps: list[Any], disposed: bool
) -> None:
    """By the position in the log of what was refused, or of the control record that closed it."""
    elsewhere = Decoded(found.name, {**found.value, "conversation": "another"})
    demand(one, elsewhere, order(), *steps)
    if not disposed:
        demand(one, found, order(), *steps)
        return
    with pytest.raises(LetterError, match=r"disposed of by order oooooooo \(erasure\)"):
        demand(one, found, order(), *steps)


@pytest.mark.parametrize(("captured_at_ms", "disposed"), [(499, True), (500, False)])
def test_an_order_of_retention_names_what_was_captured_before_it(
    captured_at_ms: int, *, disposed: bool
) -> None:
    """As the assembler judges: what came within the term may be put in again, whatever time it says."""
    retention = audit("o" * 32, "disposition", at_ms=500, connector_uid="wx", details={CAPTURED: "500"})
    found = Decoded("RawEvents", {**EVENTS.value, "captured_at_ms": captured_at_ms})
    in_force = step("in_force", details={"0": "8"})
    with pytest.raises(LetterError) if disposed else nullcontext():
        demand(refused(), found, retention, in_force)
