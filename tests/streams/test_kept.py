"""Slices that close as bytes: the same as if every record were decoded again, whatever comes in whatever order."""

import io
import json
from typing import Any

import fastavro
import pytest
from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import blocks, codec
from schemas.codec import Codec
from schemas.ids import event_id
from schemas.records import event, person
from streams.events import Folded, from_records
from streams.kept import joined, kept
from streams.mail.participants import cast_of, people_of, present
from tests.schemas.registries import MemoryRegistry

KINDS = ("message", "updated", "deleted", "joined", "left", "roster", "closed", "title")
REF = {"sha256": bytes(32), "size": 1_000_000}
idents = st.integers(0, 9).map(lambda number: event_id("a", str(number)))
persons = st.builds(
    person, st.sampled_from(["p1", "p2", "p3", ""]), st.sampled_from([None, "Ana"]),
    st.sampled_from([None, "ana@bank.example", "ben@bank.example", "none"]),
    st.sampled_from(["agent", "consumer", "system", "unknown"]),
)  # fmt: skip
events = st.builds(
    lambda ident, kind, at_ms, order, actor, people, overflow: {
        **event(ident, "key", kind, at_ms), "order": order, "actor": actor, "people": people, "text": kind,
        "overflow": overflow,
    },
    idents, st.sampled_from(KINDS), st.integers(0, 3), st.integers(0, 1), st.one_of(st.none(), persons),
    st.lists(persons, max_size=2), st.sampled_from([None, None, None, None, None, None, None, REF]),
)  # fmt: skip


def in_turn(found: list[list[Any]]) -> list[list[Any]]:
    """The same records, every event new and later than the one before."""
    numbers = iter(range(100))
    return [
        [{**one, "id": event_id("b", str(n := next(numbers))), "at_ms": n} for one in record]
        for record in found
    ]


some = st.lists(st.lists(events, min_size=1, max_size=3), min_size=1, max_size=4)
logs = st.one_of(
    some, some, st.lists(st.lists(events, max_size=2), max_size=4), some.map(in_turn), some.map(in_turn).flatmap(st.permutations),
    some.map(in_turn).map(lambda log: [one[::-1] for one in log]),
)  # fmt: skip


def raw(found: list[Any]) -> Any:
    """A record of raw-events."""
    return {
        "connector_uid": "a", "source": "webex", "conversation": "c", "slice": "s", "slice_start_ms": 0, "slice_end_ms": 9,
        "lane": "live", "captured_at_ms": 9, "events": found,
    }  # fmt: skip


def older() -> Any:
    """The schema of raw-events as it might have been: events had no HTML."""
    schema = json.loads(codec.schema_text("RawEvents"))
    fields = schema["fields"][-1]["type"]["items"]["fields"]
    fields[:] = [one for one in fields if one["name"] != "html"]
    return schema


class Writers:
    """The same record as it may stand in the log."""

    def __init__(self) -> None:
        registry = MemoryRegistry()
        self.plain, self.reading = Codec(), Codec(registry)
        self.framed = Codec(registry)
        number = registry.schema_id("t", "RawEvents", json.dumps(older()))
        self._old, self._prefix = (
            fastavro.parse_schema(older(), named_schemas={}),
            b"\0" + number.to_bytes(4, "big"),
        )

    def write(self, how: str, record: Any) -> bytes:
        """`plain`, `framed`, `old` schema, or a `longer` end than needed."""
        if how == "old":
            out = io.BytesIO(self._prefix)
            out.seek(len(self._prefix))
            fastavro.schemaless_writer(out, self._old, record)
            return out.getvalue()
        data = (self.framed if how == "framed" else self.plain).encode("t", "RawEvents", record)
        return data[:-1] + b"\x80\0" if how == "longer" else data


WRITERS = Writers()


def decoded(found: Folded) -> list[Any]:
    """The events of a fold, whatever they are."""
    if found.blocks is None:
        return found.events
    assert found.events == []
    events: list[Any] = codec.expect("EventList", blocks.event_list(found.blocks))["events"]
    return events


def waiting(log: list[bytes]) -> list[bytes]:
    """What waits of these records."""
    return [kept(WRITERS.reading.decode(data).value, data, WRITERS.reading) for data in log]


@settings(max_examples=300, deadline=None)
@given(
    log=logs, hows=st.lists(st.sampled_from(["plain", "framed", "old", "longer"]), min_size=4, max_size=4),
    taken=st.sets(idents, max_size=3), known=st.lists(persons, max_size=2),
)  # fmt: skip
def test_joined_bytes_are_what_decoding_gives(
    log: list[list[Any]], hows: list[str], taken: set[bytes], known: list[Any]
) -> None:
    """Duplicates, supplements, claim checks, ties, overlaps, framings, older schemas: ids, people and events are the same."""
    written = [WRITERS.write(how, raw(found)) for how, found in zip(hows, log, strict=False)]
    want = from_records(WRITERS.reading.decode)(written, taken, known)
    found = joined(waiting(written), taken, known)

    note(f"as bytes: {found.blocks is not None}, events: {bool(want.ids)}")
    assert (found.ids, found.people, decoded(found)) == (want.ids, want.people, want.events)


def test_what_comes_in_turn_closes_as_bytes() -> None:
    """One event a record or many, from the present schema or an older one, also records in another order than that of time."""
    said = [
        {**event(event_id("a", str(n)), "k", "message", n), "actor": person(f"p{n % 2}")} for n in range(6)
    ]
    for log in ([said[:1], said[1:2]], [said], [said[3:], said[:3]], [said[2::-1], said[3:]], [[], said]):
        for how in ("plain", "framed", "old", "longer"):
            found = joined(waiting([WRITERS.write(how, raw(some)) for some in log]), {bytes(16)}, [])
            assert found.blocks is not None
            assert decoded(found) == said[: len(found.ids)]


@pytest.mark.parametrize("case", ["twice", "taken", "interleaved", "nameless"])
def test_what_does_not_follow_is_decoded(case: str) -> None:
    """An id that came twice or before, records that overlap in time, an event too large to name anybody."""
    said: list[Any] = [
        {**event(event_id("a", str(n)), "k", "message", n), "actor": person("p")} for n in range(4)
    ]
    log = [[said[0], said[2]], [said[1], said[3]]] if case == "interleaved" else [said[:2], said[2:]]
    log += [said[:1]] if case == "twice" else []
    if case == "nameless":
        log[0][0] = {**said[0], "actor": None, "overflow": REF}
    taken: set[bytes] = {said[3]["id"]} if case == "taken" else set()
    found = joined(waiting([WRITERS.write("plain", raw(some)) for some in log]), taken, [])

    assert found.blocks is None
    assert found.ids == [one["id"] for one in said if one["id"] not in taken]


@given(found=st.lists(events, max_size=8), known=st.lists(persons, max_size=3))
def test_repeated_people_change_no_cast(found: list[Any], known: list[Any]) -> None:
    """So each stands once beside a record's bytes, however often he speaks."""
    there = [one for each in found for one in present(each)]
    once = [one for n, one in enumerate(there) if one not in there[:n]]
    assert people_of([*once, *known]) == people_of([*there, *known]) == cast_of(found, known).people
