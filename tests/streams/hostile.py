"""Records that Avro can carry and nobody should send, as hypothesis strategies made from the schemas themselves."""

from functools import cache
from typing import Any

from hypothesis import strategies as st

from schemas import codec

REF = {"sha256": bytes(32), "size": 5}
"""Stands for content that is in the store; tests put the real reference in its place."""

TEXTS = [
    "", " ", "a", "2026-09-21", "p0001", "x" * 3000, "\x00", "a\r\nBcc: x@y", "\u202egpj.exe", "\u2028", "\ufeff", "\uffff",
    "=?utf-8?q?x?=", "<script>", "../../etc/passwd", "CON", "a/b\\c", "~", "😀" * 50, "ß", "İ", "a@b.example", "@", "a@",
    "é@bücher.example", "ana@bank.example", "message", "closed", "roster", "updated", "live", "watermark", "lane_closed",
    "UTC", "Europe/Berlin", "stored", "base64", "verbatim", "consumer", "liveperson", "webex", "ok", "partial", "\t\n",
]  # fmt: skip
LONGS = [
    0, 1, -1, 20, 1000, 86_400_000, 1_790_000_000_000, -62_135_596_800_000, -62_135_596_800_001, 253_402_300_799_999,
    253_402_300_800_000, 2**31, 2**53, 2**63 - 1, -(2**63),
]  # fmt: skip
INTS = [0, 1, 2, -1, 5000, 2**31 - 1, -(2**31)]
FIXED_FIELDS: dict[str, Any] = {"overflow": None, "events_ref": None, "format": 1, "zone": "UTC"}
"""What only our own code writes: a format or time zone that is not there yet, and content that is gone, stop a worker
on purpose."""


@cache
def _named() -> dict[str, Any]:
    found: dict[str, Any] = {}

    def walk(node: Any) -> None:
        if isinstance(node, list):
            for one in node:
                walk(one)
        elif isinstance(node, dict):
            if "name" in node and node.get("type") in {"record", "fixed"}:
                found[node["name"]] = node
            for field in node.get("fields", []):
                walk(field["type"])
            for key in ("items", "values", "type"):
                if isinstance(node.get(key), dict | list):
                    walk(node[key])

    for name in codec.names():
        walk(codec.schema(name))
    return found


def records(name: str, **fixed: Any) -> st.SearchStrategy[Any]:
    """Any record of this schema; `fixed` fields have these values."""
    return _record(f"chatledger.{name}", fixed)


def _record(name: str, fixed: dict[str, Any]) -> st.SearchStrategy[Any]:
    fields = {}
    for field in _named()[name]["fields"]:
        known = fixed if field["name"] in fixed else FIXED_FIELDS
        given = known.get(field["name"])
        if field["name"] in known:
            fields[field["name"]] = given if isinstance(given, st.SearchStrategy) else st.just(given)
        else:
            fields[field["name"]] = _of(field["type"])
    return st.fixed_dictionaries(fields)


@cache
def _plain() -> dict[str, st.SearchStrategy[Any]]:
    return {
        "null": st.none(), "string": st.one_of(st.sampled_from(TEXTS), st.text(max_size=20)), "boolean": st.booleans(),
        "long": st.one_of(st.sampled_from(LONGS), st.integers(-(2**63), 2**63 - 1)), "int": st.sampled_from(INTS),
        "bytes": st.sampled_from([b"", b"{}", b"\xff\xfe", b"\x00" * 99]), "double": st.floats(),
    }  # fmt: skip


def _of(node: Any) -> st.SearchStrategy[Any]:
    if isinstance(node, list):
        return st.one_of([_of(one) for one in node])
    if isinstance(node, str):
        return _plain()[node] if node in _plain() else _of(_named()[node])
    return _complex(node)


def _complex(node: dict[str, Any]) -> st.SearchStrategy[Any]:
    match node["type"]:
        case "array":
            return st.lists(_of(node["items"]), max_size=3)
        case "map":
            return st.dictionaries(_plain()["string"], _plain()["string"], max_size=3)
        case "fixed":
            return st.sampled_from([bytes([n]) * node["size"] for n in range(4)])
        case "record" if node["name"] == "chatledger.ContentRef":
            return st.just(REF)
        case "record":
            return _record(node["name"], {})
        case inner:
            return _of(inner)
