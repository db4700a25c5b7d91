"""The two framings, and bytes of former schemas."""

import copy
import io
import json
import struct
from pathlib import Path
from typing import Any

import fastavro
import pytest

from schemas import codec
from schemas.codec import Codec, DecodeError
from schemas.records import person
from tests.schemas.registries import MemoryRegistry

ANA = person("p1", "Ana", "ana@bank.example", "agent")


def test_single_object_encoding_is_the_standard_s() -> None:
    """C3 01, the fingerprint of the schema in little endian, the body: any Avro library reads it."""
    data = codec.encode("Person", ANA)
    crc = int(
        fastavro.schema.fingerprint(
            fastavro.schema.to_parsing_canonical_form(codec.schema("Person")), "CRC-64-AVRO"
        ),
        16,
    )

    assert data[:2] == b"\xc3\x01"
    assert data[2:10] == struct.pack(">Q", crc)  # fastavro gives the little-endian bytes as hex
    assert data[10:] == Codec(MemoryRegistry()).encode("t", "Person", ANA)[5:]


def test_the_confluent_format_names_topic_and_record() -> None:
    """A zero byte, the id in big endian; one subject for each topic and record, asked for once."""
    registry = MemoryRegistry()
    one = Codec(registry)
    data = one.encode("mails", "Person", ANA)
    one.encode("mails", "Person", ANA)
    one.encode("copies", "Person", ANA)

    assert data[:5] == b"\x00\x00\x00\x00\x01"
    assert registry.subjects == ["mails-chatledger.Person", "copies-chatledger.Person"]
    assert fastavro.schemaless_reader(io.BytesIO(data[5:]), json.loads(registry.texts[0])) == ANA


def test_with_a_registry_both_framings_are_read() -> None:
    """A log that was begun without one stays readable; without one, its framing is a plain refusal."""
    registry = MemoryRegistry()
    framed = Codec(registry).encode("t", "Person", ANA)

    assert Codec(registry).decode(framed) == ("Person", ANA)
    assert Codec(registry).decode(codec.encode("Person", ANA)) == ("Person", ANA)
    with pytest.raises(DecodeError, match="not Avro single-object"):
        Codec().decode(framed)


@pytest.mark.parametrize("cut", [0, 1, 4, 5, 9])
def test_what_is_cut_short_is_refused(cut: int) -> None:
    """In either framing, at any place."""
    registry = MemoryRegistry()
    one = Codec(registry)
    for data in (one.encode("t", "Person", ANA), codec.encode("Person", ANA)):
        with pytest.raises(DecodeError):
            one.decode(data[:cut])


def test_what_has_something_behind_its_end_is_refused() -> None:
    """In either framing: bytes that nobody reads would end nowhere."""
    one = Codec(MemoryRegistry())
    for data in (one.encode("t", "Person", ANA), codec.encode("Person", ANA)):
        with pytest.raises(DecodeError, match="3 bytes follow its end"):
            one.decode(data + b"abc")


def test_a_foreign_schema_of_the_registry_is_refused() -> None:
    """Another team's record in our topic; an id that the registry does not know."""
    registry = MemoryRegistry()
    foreign = {
        "type": "record",
        "name": "Order",
        "namespace": "shop",
        "fields": [{"name": "n", "type": "int"}],
    }
    number = registry.schema_id("t", "Order", json.dumps(foreign))

    with pytest.raises(DecodeError, match=r"shop\.Order is not one of ours"):
        Codec(registry).decode(b"\x00" + number.to_bytes(4, "big") + b"\x02")
    with pytest.raises(DecodeError, match="no schema 9"):
        Codec(registry).decode(b"\x00" + (9).to_bytes(4, "big") + b"\x02")


@pytest.fixture
def next_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The house after its next release: Person has one more field, with a default; what was is in `released`."""
    new = copy.deepcopy(json.loads((codec.AVRO_DIR / "chatledger.Person.avsc").read_text(encoding="utf-8")))
    old = (codec.RELEASED_DIR / "v1" / "chatledger.Person.avsc").read_text(encoding="utf-8")
    new["fields"].append({"name": "pronouns", "type": ["null", "string"], "default": None, "doc": "As given"})
    (tmp_path / "avro").mkdir()
    (tmp_path / "released" / "v1").mkdir(parents=True)
    (tmp_path / "avro" / "chatledger.Person.avsc").write_text(json.dumps(new), encoding="utf-8")
    (tmp_path / "released" / "v1" / "chatledger.Person.avsc").write_text(old, encoding="utf-8")
    written = codec.encode("Person", ANA), Codec(registry := MemoryRegistry()).encode("t", "Person", ANA)
    monkeypatch.setattr(codec, "AVRO_DIR", tmp_path / "avro")
    monkeypatch.setattr(codec, "RELEASED_DIR", tmp_path / "released")
    _forget()
    yield written, registry
    _forget()


def _forget() -> None:
    for cached in (
        codec.schema,
        codec.schema_text,
        codec._single_object_prefix,
        codec._writers_by_fingerprint,
    ):
        cached.cache_clear()


def test_bytes_of_a_former_release_are_read(next_release: Any) -> None:
    """In either framing; the new field has its default, and new bytes are written with it."""
    (plain, framed), registry = next_release

    assert codec.decode(plain).value == {**ANA, "pronouns": None}
    assert Codec(registry).decode(framed).value == {**ANA, "pronouns": None}
    new = codec.encode("Person", {**ANA, "pronouns": "she"})
    assert new[:10] != plain[:10]
    assert codec.decode(new).value["pronouns"] == "she"


def test_a_release_that_was_not_kept_is_a_plain_refusal(next_release: Any, tmp_path: Path) -> None:
    """Without `released` the old bytes name a schema that nobody knows: that is what it is kept for."""
    (plain, _), _ = next_release
    (tmp_path / "released" / "v1" / "chatledger.Person.avsc").unlink()

    with pytest.raises(DecodeError, match="unknown schema fingerprint"):
        codec.decode(plain)
