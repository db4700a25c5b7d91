"""Events moved as bytes: what is joined reads as if it had been encoded at once."""

import io
import json
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import blocks, codec
from schemas.codec import Codec, decode, encode
from schemas.records import event, person
from streams.defaults import default_settings
from tests.schemas.registries import MemoryRegistry

BODY = 10  # bytes of the single-object prefix
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
heads = st.fixed_dictionaries({
    **dict.fromkeys(("connector_uid", "source", "conversation", "slice", "lane"), texts),
    **{name: st.integers(-(2**62), 2**62) for name in ("slice_start_ms", "slice_end_ms", "captured_at_ms")},
})  # fmt: skip
events = st.builds(
    lambda ident, text, at_ms, ref: {
        **event(ident, text, "message", at_ms), "text": text, "actor": person(text), "raw": text.encode(),
        "overflow": ref,
    },
    st.binary(min_size=16, max_size=16), texts, st.integers(-(2**62), 2**62),
    st.one_of(st.none(), st.builds(lambda size: {"sha256": bytes(32), "size": size}, st.integers(0, 2**40))),
)  # fmt: skip


def closed(found: list[Any], count: int) -> Any:
    """A slice with these events that says it has so many."""
    return {
        "connector_uid": "a", "source": "webex", "conversation": "c", "slice": "s", "slice_start_ms": 0, "slice_end_ms": 9,
        "closing_id": bytes(16), "revision": 0, "earlier": [bytes(16)], "people": [person("p")], "partition": 3, "position": 7,
        "settings": default_settings("a", "webex"), "mapping_version": "m", "count": count, "events": found,
        "events_ref": None,
    }  # fmt: skip


@given(heads=st.lists(heads, min_size=1, max_size=3), data=st.data())
def test_records_are_joined_without_decoding(heads: list[Any], data: st.DataObject) -> None:
    """Whatever is in them: a slice and a list of their blocks read as those that were encoded of all events."""
    records = [{**head, "events": data.draw(st.lists(events, max_size=3))} for head in heads]
    everything = [one for record in records for one in record["events"]]
    found = b""
    for record in records:
        some = blocks.events_in(encode("RawEvents", record), BODY)
        assert some is not None
        assert some == blocks.events_of(record["events"])
        found += some

    joined = blocks.with_events(encode("ClosedSlice", closed([], len(everything))), found)
    assert decode(joined) == decode(encode("ClosedSlice", closed(everything, len(everything))))
    assert decode(blocks.event_list(found)).value == {"events": everything}


def test_an_end_in_more_bytes_than_it_takes_is_not_cut() -> None:
    """Avro allows it, other writers may do it, and cutting one byte would leave half of a number."""
    record = {
        "connector_uid": "a", "source": "s", "conversation": "c", "slice": "s", "slice_start_ms": 0, "slice_end_ms": 0,
        "lane": "live", "captured_at_ms": 0,
    }  # fmt: skip
    for found in ([], [event(bytes(16), "k", "message", 0)]):
        plain = encode("RawEvents", {**record, "events": found})
        longer = plain[:-1] + b"\x80\x00"
        assert decode(longer) == decode(plain)
        assert blocks.events_in(longer, BODY) is None
        assert (
            blocks.events_in(plain, BODY)
            == plain[len(encode("RawEvents", {**record, "events": []})) - 1 : -1]
        )


def test_events_mean_the_same_in_every_record_and_are_last() -> None:
    """What moving them as bytes stands on; a claim check that is not there is one zero byte."""
    whole = {name: codec.schema(name) for name in ("RawEvents", "EventList", "ClosedSlice")}
    where = {"RawEvents": -1, "EventList": -1, "ClosedSlice": -3}
    last = [whole[name]["fields"][at] for name, at in where.items()]
    assert {one["name"] for one in last} == {"events"}
    assert {_named(one["type"]["items"], {}) for one in last} == {"chatledger.Event"}
    assert {one["type"] for one in whole["RawEvents"]["fields"][:-1]} == {"string", "long"}
    assert all(one["type"][0] == "null" for one in whole["ClosedSlice"]["fields"][-2:])

    meanings: dict[str, set[str]] = {}
    for one in whole.values():
        _named(one, meanings)
    assert "chatledger.Event" in meanings
    assert all(len(said) == 1 for said in meanings.values())


def _named(node: Any, meanings: dict[str, set[str]]) -> Any:
    """The schema with names in place of what is defined in it; `meanings` gets the definitions."""
    if isinstance(node, list):
        return [_named(item, meanings) for item in node]
    if not isinstance(node, dict):
        return node
    said = {key: _named(value, meanings) for key, value in node.items() if not key.startswith("__")}
    if "fields" not in node and "size" not in node:
        return said
    meanings.setdefault(node["name"], set()).add(json.dumps(said))
    return node["name"]


@pytest.mark.parametrize("with_registry", [False, True])
def test_only_bytes_of_the_present_schema_have_a_body_that_may_be_moved(with_registry: bool) -> None:
    """In either framing; another record, and one that another schema wrote, have none."""
    registry = MemoryRegistry()
    mine = Codec(registry if with_registry else None)
    reading = Codec(registry)
    record = {"events": [event(bytes(16), "k", "message", 0)]}
    data = mine.encode("t", "EventList", record)
    reading.decode(data)
    assert reading.body_at("EventList", data) == (5 if with_registry else BODY)
    assert reading.body_at("RawEvents", data) is None

    older = json.loads(codec.schema_text("EventList"))
    fields = older["fields"][0]["type"]["items"]["fields"]
    fields[:] = [one for one in fields if one["name"] != "html"]
    number = registry.schema_id("t", "EventList", json.dumps(older))
    old = b"\x00" + number.to_bytes(4, "big") + _written(older, record)
    assert reading.decode(old).value == record
    assert reading.body_at("EventList", old) is None


def _written(schema: Any, record: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema, named_schemas={}), record)
    return out.getvalue()


@pytest.mark.parametrize(
    ("last", "more"), [(b"\x02", b""), (b"\x7e", b""), (b"\x80", b"\x02"), (b"\x80", b"\x80\x00")]
)
def test_a_number_of_more_than_64_bits_is_what_the_decoder_takes_it_for(last: bytes, more: bytes) -> None:
    """Whoever writes a length so: the blocks are those of the record as it was decoded, or are not taken as bytes."""
    record = {
        **dict.fromkeys(("connector_uid", "source", "conversation", "slice", "lane"), "x"),
        **dict.fromkeys(("slice_start_ms", "slice_end_ms", "captured_at_ms"), 0),
        "events": [event(bytes(16), "c", "message", 1)],
    }
    plain = encode("RawEvents", record)
    hostile = plain[:BODY] + b"\x82" + b"\x80" * 8 + last + more + plain[BODY + 1 :]
    found = blocks.events_in(hostile, BODY)
    assert found is None if more else found == blocks.events_of(decode(hostile).value["events"])
