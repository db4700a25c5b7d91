"""The record formats: documented, exemplified, mirrored in Python, and never broken for readers or writers."""

import io
import json
from pathlib import Path
from typing import Any, get_type_hints

import avro.schema
import fastavro
import pytest
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType

from schemas import codec, records
from schemas.topics import CATALOGUE

EXAMPLES = Path(codec.__file__).parent / "examples"
RELEASED = sorted(codec.RELEASED_DIR.glob("*/*.avsc"))
RETIRED = {"Mail", "Copies", "Segment", "Target"}
"""Nothing writes them any more; old dead letters may hold them."""
RECORDS = [name for name in codec.names() if codec.schema(name)["type"] == "record"]


def from_json(node: Any) -> Any:
    """An example's JSON as a record: {"hex": ...} stands for bytes."""
    if isinstance(node, dict):
        return (
            bytes.fromhex(node["hex"])
            if set(node) == {"hex"}
            else {key: from_json(value) for key, value in node.items()}
        )
    return [from_json(item) for item in node] if isinstance(node, list) else node


def example(name: str) -> Any:
    """The example of a record."""
    path = EXAMPLES / f"{name}.json"
    assert path.exists(), f"write {path.relative_to(EXAMPLES.parent.parent)}: an example of {name}"
    return from_json(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", RECORDS)
def test_every_field_says_what_it_is(name: str) -> None:
    """A reader of a topic needs no code of ours to understand it."""
    parsed = codec.schema(name)

    assert parsed["doc"]
    for field in parsed["fields"]:
        assert field.get("doc"), f"{name}.{field['name']} has no doc"
        if field["name"].endswith("_ms") and field["name"] not in {"grace_ms", "stall_ms"}:
            assert "milliseconds" in field["doc"] or "1970" in field["doc"], (
                f"{name}.{field['name']} has no unit"
            )


@pytest.mark.parametrize("name", RECORDS)
def test_every_example_survives_the_wire(name: str) -> None:
    """What is written is what is read, field by field."""
    record = example(name)

    assert set(record) == {field["name"] for field in codec.schema(name)["fields"]}
    assert codec.decode(codec.encode(name, record)) == (name, record)


@pytest.mark.parametrize("name", RECORDS)
def test_python_names_the_same_fields(name: str) -> None:
    """The typed dictionaries mirror the schemas."""
    mirror = getattr(records, name, None)
    if mirror is None:
        assert name == "EventList"  # never handled as a record of its own
        return

    assert set(get_type_hints(mirror)) == {field["name"] for field in codec.schema(name)["fields"]}


def test_every_record_of_the_catalogue_has_a_schema() -> None:
    """Topics name only what can be written."""
    named = {name for topic in CATALOGUE for name in topic.records if not name.startswith("JSON")}

    assert named <= set(RECORDS)


def current() -> list[Path]:
    """Released schemas of records that are still written."""
    return [path for path in RELEASED if path.name.split(".")[1] not in RETIRED]


@pytest.mark.parametrize("path", current(), ids=lambda path: f"{path.parent.name}-{path.name.split('.')[1]}")
def test_released_formats_are_read_both_ways(path: Path) -> None:
    """Old reader on new data and new reader on old data; a break needs a new record, not an edit."""
    old = avro.schema.parse(path.read_text(encoding="utf-8"))
    new = avro.schema.parse(codec.schema_text(path.name.split(".")[1]))

    for reader, writer, said in (
        (new, old, "today's reader on released data"),
        (old, new, "released reader on today's data"),
    ):
        found = ReaderWriterCompatibilityChecker().get_compatibility(reader, writer)
        assert found.compatibility is SchemaCompatibilityType.compatible, f"{said}: {found.messages}"


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: f"{path.parent.name}-{path.name.split('.')[1]}")
def test_released_bytes_are_decoded(path: Path) -> None:
    """Bytes written with a released schema are decoded by its fingerprint."""
    name = path.name.split(".")[1]
    parsed = fastavro.parse_schema(json.loads(path.read_text(encoding="utf-8")), named_schemas={})

    assert codec._writers_by_fingerprint()[codec.schema_fingerprint(parsed)][0] == name


def test_every_record_is_released() -> None:
    """A new record is frozen in schemas/released with the release that brings it; one that is retired stays there."""
    assert {path.name.split(".")[1] for path in RELEASED} == set(RECORDS) | RETIRED
    assert not RETIRED & set(RECORDS)


def test_bytes_of_a_record_that_nothing_writes_any_more_are_decoded() -> None:
    """A dead letter of an earlier version can be looked at."""
    parsed = fastavro.parse_schema(
        json.loads((codec.RELEASED_DIR / "v1" / "chatledger.Segment.avsc").read_text()), named_schemas={}
    )
    out, record = io.BytesIO(), {"data": b"words", "content": None, "encoding": "verbatim"}
    fastavro.schemaless_writer(out, parsed, record)

    assert codec.decode(codec.MAGIC + codec.schema_fingerprint(parsed) + out.getvalue()) == (
        "Segment",
        record,
    )


def test_what_is_not_ours_is_told_apart() -> None:
    """Foreign bytes, an unknown schema and a cut record each have their own sentence."""
    whole = codec.encode("Person", example("Person"))

    with pytest.raises(codec.DecodeError, match="not Avro single-object"):
        codec.decode(b'{"json": true}')
    with pytest.raises(codec.DecodeError, match="unknown schema"):
        codec.decode(codec.MAGIC + bytes(8) + whole[10:])
    with pytest.raises(codec.DecodeError, match="broken Person"):
        codec.decode(whole[:12])
    with pytest.raises(codec.DecodeError, match="expected a Closing, found a Person"):
        codec.expect("Closing", whole)
