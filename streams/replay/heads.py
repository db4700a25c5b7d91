"""The head of a record of events without its events: a replay of some days looks at most records and decodes few.

`RawEvents` has its events last (a test holds that), so a reader of the fields before them stops there.
"""

import io
from functools import cache
from typing import Any

import fastavro

from schemas.codec import MAGIC, Codec, Decoded, DecodeError, schema, schema_fingerprint

BODY = 10  # bytes of the single-object prefix


@cache
def _head_schema() -> Any:  # fastavro's parsed schema has no type of its own
    whole = schema("RawEvents")
    return fastavro.parse_schema({
        "type": "record", "name": "chatledger.RawEventsHead",
        "fields": [{"name": one["name"], "type": one["type"]} for one in whole["fields"][:-1]],
    })  # fmt: skip


@cache
def _prefix() -> bytes:
    return MAGIC + schema_fingerprint(schema("RawEvents"))


def peek(codec: Codec, data: bytes) -> Decoded:
    """The record, without its events where that is less work. DecodeError as in `decode`.

    What is broken in events that were left out shows when they are read.
    """
    if data[:BODY] != _prefix():
        return codec.decode(data)
    body = io.BytesIO(data)
    body.seek(BODY)
    try:
        head: Any = fastavro.schemaless_reader(body, _head_schema(), None)
    except Exception as error:  # fastavro raises whatever the bytes lead it into
        msg = f"broken RawEvents: {type(error).__name__}: {error}"
        raise DecodeError(msg) from error
    return Decoded("RawEvents", {**head, "events": []})
