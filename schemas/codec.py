"""Bytes on a topic: Avro single-object encoding, or the Confluent wire format when a registry is configured.

Single-object: `C3 01`, CRC-64-AVRO fingerprint of the writer's schema (8 bytes, little endian), Avro body
(Avro 1.12 specification, "Single-object encoding"). Confluent: `00`, schema id (4 bytes, big endian), Avro body.
Reading accepts both, and every schema that was ever released.
"""

import io
import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import fastavro
from fastavro.schema import fingerprint, load_schema, to_parsing_canonical_form

MAGIC = b"\xc3\x01"
CONFLUENT_MAGIC = b"\x00"
AVRO_DIR = Path(__file__).parent / "avro"
RELEASED_DIR = Path(__file__).parent / "released"

Schema = Any  # fastavro's parsed schema; it has no type of its own


class DecodeError(ValueError):
    """These bytes are no record of ours; the message says what was found."""


class Registry(Protocol):
    """A Confluent-compatible schema registry."""

    def schema_id(self, topic: str, name: str, text: str) -> int:
        """Id of this schema for this topic; registers it if it is new."""

    def schema_text(self, schema_id: int) -> str:
        """JSON of the schema with this id; raises DecodeError if there is none."""


class Decoded(NamedTuple):
    """A record and the short name of its schema."""

    name: str
    value: Any


def names() -> list[str]:
    """Short names of all schemas, sorted."""
    return sorted(path.name.split(".")[1] for path in AVRO_DIR.glob("*.avsc"))


@cache
def schema(name: str) -> Schema:
    """The current schema of this short name, parsed, with everything that it refers to."""
    return load_schema(str(AVRO_DIR / f"chatledger.{name}.avsc"))


@cache
def _is_written(name: str) -> bool:
    """Not where nothing writes such records any more: an old dead letter may hold one."""
    return name in names()


@cache
def schema_text(name: str) -> str:
    """The current schema as one self-contained JSON document, as a registry or another tool wants it."""
    return json.dumps(_public(schema(name)), ensure_ascii=False)


def _public(node: Schema) -> Schema:
    """The same schema without fastavro's private notes."""
    if isinstance(node, dict):
        return {key: _public(value) for key, value in node.items() if not key.startswith("__")}
    return [_public(item) for item in node] if isinstance(node, list) else node


def schema_fingerprint(parsed: Schema) -> bytes:
    """CRC-64-AVRO of the canonical form, 8 bytes little endian."""
    return bytes.fromhex(fingerprint(to_parsing_canonical_form(parsed), "CRC-64-AVRO"))


@cache
def _single_object_prefix(name: str) -> bytes:
    return MAGIC + schema_fingerprint(schema(name))


@cache
def _writers_by_fingerprint() -> dict[bytes, tuple[str, Schema]]:
    """Writer schemas of today and of every release."""
    known = {}
    for path in sorted(RELEASED_DIR.glob("*/*.avsc")):
        parsed = fastavro.parse_schema(json.loads(path.read_text(encoding="utf-8")), named_schemas={})
        known[schema_fingerprint(parsed)] = (path.name.split(".")[1], parsed)
    return known | {schema_fingerprint(schema(name)): (name, schema(name)) for name in names()}


def encode(name: str, record: object) -> bytes:
    """One record in single-object encoding; ValueError or TypeError if it does not fit its schema."""
    out = io.BytesIO()
    out.write(_single_object_prefix(name))
    fastavro.schemaless_writer(out, schema(name), record)
    return out.getvalue()


def decode(data: bytes) -> Decoded:
    """The record in these bytes; DecodeError if they are not single-object encoding of a schema we know."""
    if data[:2] != MAGIC:
        msg = f"not Avro single-object encoding: begins with {data[:2].hex() or 'nothing'}, expected {MAGIC.hex()}"
        raise DecodeError(msg)
    found = _writers_by_fingerprint().get(data[2:10])
    if found is None:
        msg = f"unknown schema fingerprint {data[2:10].hex()}"
        raise DecodeError(msg)
    name, writer = found
    return Decoded(name, _read(name, writer, data, 10))


def expect(name: str, data: bytes) -> Any:
    """The record in these bytes, which must be of this schema; DecodeError otherwise."""
    decoded = decode(data)
    if decoded.name != name:
        msg = f"expected a {name}, found a {decoded.name}"
        raise DecodeError(msg)
    return decoded.value


def _read(name: str, writer: Schema, data: bytes, start: int) -> Any:
    reader = schema(name) if _is_written(name) else writer
    body = io.BytesIO(data)
    body.seek(start)
    try:
        value = fastavro.schemaless_reader(body, writer, None if writer is reader else reader)
    except Exception as error:  # fastavro raises whatever the bytes lead it into
        msg = f"broken {name}: {type(error).__name__}: {error}"
        raise DecodeError(msg) from error
    if body.tell() != len(data):  # what nobody reads would be nowhere
        msg = f"broken {name}: {len(data) - body.tell()} bytes follow its end"
        raise DecodeError(msg)
    return value


class Codec:
    """Encodes for a topic, decodes from anywhere; the one object that the shells hold."""

    def __init__(self, registry: Registry | None = None) -> None:
        self._registry = registry
        self._ids: dict[tuple[str, str], bytes] = {}
        self._foreign: dict[bytes, tuple[str, Schema]] = {}

    def encode(self, topic: str, name: str, record: object) -> bytes:
        """One record for this topic."""
        if self._registry is None:
            return encode(name, record)
        out = io.BytesIO()
        out.write(self._confluent_prefix(topic, name))
        fastavro.schemaless_writer(out, schema(name), record)
        return out.getvalue()

    def decode(self, data: bytes) -> Decoded:
        """The record in these bytes, in either framing; DecodeError otherwise."""
        if self._registry is None or data[:1] != CONFLUENT_MAGIC:
            return decode(data)
        name, writer = self._foreign.get(data[:5]) or self._fetch(data[:5])
        return Decoded(name, _read(name, writer, data, 5))

    def body_at(self, name: str, data: bytes) -> int | None:
        """Where the Avro body begins in bytes that were decoded before; None unless they were written with our present schema."""
        if data.startswith(_single_object_prefix(name)):
            return 10
        found = self._foreign.get(data[:5])
        return 5 if found is not None and found[1] is schema(name) else None

    def _confluent_prefix(self, topic: str, name: str) -> bytes:
        if (topic, name) not in self._ids and self._registry is not None:
            ident = self._registry.schema_id(topic, name, schema_text(name))
            self._ids[topic, name] = CONFLUENT_MAGIC + ident.to_bytes(4, "big")
        return self._ids[topic, name]

    def _fetch(self, prefix: bytes) -> tuple[str, Schema]:
        if self._registry is None or len(prefix) < 5:
            msg = f"cut short: {prefix.hex()}"
            raise DecodeError(msg)
        text = self._registry.schema_text(int.from_bytes(prefix[1:], "big"))
        parsed = fastavro.parse_schema(json.loads(text), named_schemas={})
        name = str(parsed["name"]).removeprefix("chatledger.")
        if name not in names():
            msg = f"schema {parsed['name']} is not one of ours"
            raise DecodeError(msg)
        # Read without resolution, and moved as bytes, where it says the same as ours.
        if schema_fingerprint(parsed) == schema_fingerprint(schema(name)):
            parsed = schema(name)
        self._foreign[prefix] = (name, parsed)
        return name, parsed
