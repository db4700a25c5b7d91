"""Hostile records in every topic that a stage reads, among honest ones, through both stages of the real code."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from schemas import codec
from schemas.records import Mapping
from schemas.topics import CONVERSATIONS, MAPPINGS, MAX_RECORD_BYTES, RAW_EVENTS, Topic
from tests.fuzz.found import events_of, raw_of
from tests.fuzz.values import keeps_ours, names, record
from tests.fuzz.watch import Watch
from tests.streams.doubles import Bench
from tests.streams.logs import activation, control, raw
from tests.streams.mail_cases import AGENT

MAPPING: Mapping = {"version": "v", "rows": [], "domains": ["bank.example", "b.example"], "catch_all": None}
LAST_MS = 253_402_300_799_999 + 3 * 86_400_000
"""A watermark behind the end of the calendar, and behind any wait of two days."""
TOPICS: tuple[tuple[Topic, str, str], ...] = (
    (RAW_EVENTS, "RawEvents", "assemble"), (RAW_EVENTS, "Control", "assemble"), (CONVERSATIONS, "ClosedSlice", "archive"),
)  # fmt: skip


@dataclass(frozen=True)
class Planted:
    """One hostile record: where it stands, of which kind it was, and its bytes."""

    kind: str
    topic: Topic
    partition: int
    position: int
    value: bytes

    @property
    def origin(self) -> str:
        """As dead letters name it."""
        return f"t-{self.topic.name}/{self.partition}/{self.position}"


@dataclass
class Batch:
    """What came of some records; `fates` says where each ended."""

    planted: list[Planted] = field(default_factory=list)
    fates: list[tuple[str, str]] = field(default_factory=list)


Twist = Callable[[Random, bytes], bytes]


def _flip(dice: Random, value: bytes) -> bytes:
    made = bytearray(value)
    for _ in range(dice.choice([1, 1, 2, 8])):
        made[dice.randrange(len(made))] ^= 1 << dice.randrange(8)
    return bytes(made)


def _splice(dice: Random, value: bytes) -> bytes:
    at, other = dice.randrange(len(value)), dice.randrange(len(value))
    return value[:at] + value[other : other + dice.randrange(40)] + value[at:]


def _bomb(dice: Random, value: bytes) -> bytes:
    """A length or a count of up to 2^63 somewhere behind the header."""
    at = dice.randrange(10, len(value)) if len(value) > 10 else 0
    return value[:at] + b"\xff" * dice.choice([4, 8, 9]) + b"\x01" + value[at + 1 :]


def _other_header(dice: Random, value: bytes) -> bytes:
    name = dice.choice(names())
    return codec.encode(name, record(dice, name))[:10] + value[10:]


def _large(dice: Random, value: bytes) -> bytes:
    return value + dice.randbytes(MAX_RECORD_BYTES - len(value))


TWISTS: dict[str, Twist] = {
    "flip": _flip,
    "flip_again": _flip,
    "truncated": lambda dice, value: value[: dice.randrange(len(value))],
    "extended": lambda dice, value: value + dice.randbytes(dice.randrange(1, 60)),
    "spliced": _splice,
    "bomb": _bomb,
    "other_header": _other_header,
    "random": lambda dice, value: dice.randbytes(len(value)),
    "zeros": lambda _dice, value: bytes(len(value)),
    "large": _large,
}


def batch(seed: str, count: int, folder: Path, watch: Watch) -> Batch:
    """So many hostile records, and what came of them."""
    dice, made, bench = Random(seed), Batch(), Bench(folder)
    asyncio.run(bench.tools.contents.put(b"hello"))
    bench.add_to(MAPPINGS, "Mapping", MAPPING)
    bench.add("Control", activation("v"))
    for number in range(count):
        made.planted.append(_plant(dice, bench))
        if number % 10 == 0:
            bench.add("RawEvents", _honest(number))
    for uid in ("good", "fz"):
        bench.add("Control", control(uid, "watermark", "live", LAST_MS))
    if watch.over(f"{seed}: stages", bench.flow):
        _judge(bench, made)
    else:
        made.fates = [(one.kind, "lost") for one in made.planted]
    return made


def _honest(number: int) -> Any:
    made = raw(("good", f"c{number}", "s0"), [number], "live", captured=10, close_at=None)
    made["events"][0] |= {"actor": AGENT, "text": "honest words", "raw": f"honest {number}".encode()}
    return made


def _plant(dice: Random, bench: Bench) -> Planted:
    topic, name, _ = dice.choice(TOPICS)
    value, kind = codec.encode(name, _valid(dice, name)), "hostile"
    if dice.random() < 0.1:
        kind, other = "swapped", dice.choice(names())
        value = codec.encode(other, record(dice, other))
    elif dice.random() < 0.75:
        kind = dice.choice(list(TWISTS))
        value = _twisted(dice, TWISTS[kind], value)
    position = bench.log.add(topic, value)
    return Planted(f"{topic.name}:{kind}", topic, 0, position, value)


def _twisted(dice: Random, twist: Twist, value: bytes) -> bytes:
    while True:
        made = twist(dice, value)
        try:
            if keeps_ours(codec.decode(made).value):
                return made
        except codec.DecodeError:
            return made


def _valid(dice: Random, name: str) -> dict[str, Any]:
    """Random, but for what would stop the flow on purpose or hide it from the watermark of this test."""
    return record(dice, name, mapping_version="v") if name == "ClosedSlice" else record(dice, name)


@dataclass
class _Ends:
    """Where something may have ended."""

    letters: dict[str, bytes]
    told: dict[str, bytes]
    """Raw bytes by event id, of archived mails."""
    told_in_letters: dict[str, bytes]
    """The same of slices that the archive stage refused."""


def _judge(bench: Bench, made: Batch) -> None:
    ends = _ends(bench)
    made.fates = [(one.kind, _fate(one, ends)) for one in made.planted]
    for number in range(0, len(made.planted), 10):
        honest = f"honest {number}".encode() in ends.told.values()
        made.fates += [] if honest else [("honest", "lost")]


def _ends(bench: Bench) -> _Ends:
    archive = bench.folder / "archive"
    mails = {(archive / one["path"]).read_bytes() for one in bench.deliveries()}
    letters = {letter["origin"]: _value(bench, letter) for letter in bench.letters()}
    refused = (_events(value) for origin, value in letters.items() if origin.startswith("t-conversations"))
    told = {event["id"].hex(): bytes(event["raw"]) for events in refused for event in events}
    return _Ends(letters, _told(mails), told)


def _told(mails: Iterable[bytes]) -> dict[str, bytes]:
    return {event["id"]: raw_of(event) for mail in mails for event in events_of(mail)}


def _events(value: bytes) -> list[Any]:
    """The events in a refused record, if it is a slice."""
    try:
        return list(codec.expect("ClosedSlice", value)["events"])
    except codec.DecodeError:
        return []


def _fate(one: Planted, ends: _Ends) -> str:
    if one.origin in ends.letters:
        return "in_dead_letters" if ends.letters[one.origin] == one.value else "lost"
    name, value = codec.decode(one.value)
    return "in_effect" if name == "Control" else _fate_of_events(value["events"], ends)


def _fate_of_events(events: list[Any], ends: _Ends) -> str:
    fates = {_fate_of_event(event["id"].hex(), bytes(event["raw"]), ends) for event in events}
    return "lost" if "lost" in fates else "in_dead_letters" if "in_dead_letters" in fates else "in_mails"


def _fate_of_event(ident: str, raw: bytes, ends: _Ends) -> str:
    if ends.told.get(ident) == raw:
        return "in_mails"
    return "in_dead_letters" if ends.told_in_letters.get(ident) == raw else "lost"


def _value(bench: Bench, letter: Any) -> bytes:
    if letter["value_ref"] is None:
        return bytes(letter["value"])
    sha256 = str(letter["value_ref"]["sha256"].hex())
    return (bench.folder / "archive" / "_content" / sha256[:2] / sha256).read_bytes()
