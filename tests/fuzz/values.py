"""Random records from the schemas themselves: valid Avro that nobody should send. The same for the same dice."""

from functools import cache
from random import Random
from typing import Any

from schemas import codec
from tests.streams.hostile import INTS, LONGS, TEXTS

OURS: dict[str, Any] = {
    "overflow": None, "events_ref": None, "content": None, "rows_ref": None, "value_ref": None, "format": 1, "zone": "UTC",
    "stall_ms": 172_800_000, "grace_ms": 600_000,
}  # fmt: skip
"""What only our own code writes: content that is gone, a format or a time zone that is not there yet are a broken store
or an old worker, not bad bytes; they stop a worker on purpose. How long to wait for a close is the administrator's."""


@cache
def _named() -> dict[str, Any]:
    found: dict[str, Any] = {}

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if "name" in node and node["type"] in ("record", "fixed"):
                found[node["name"]] = node
            node = [each["type"] for each in node.get("fields", [])] + [
                node[key] for key in ("type", "items", "values") if isinstance(node.get(key), dict | list)
            ]
        for child in node if isinstance(node, list) else ():
            walk(child)

    for name in codec.names():
        walk(codec.schema(name))
    return found


def names() -> list[str]:
    """Every schema that is a record."""
    return [name for name in codec.names() if _named()[f"chatledger.{name}"]["type"] == "record"]


def keeps_ours(value: object) -> bool:
    """Whether a record has nothing else where only our own code writes."""
    if isinstance(value, dict):
        return all(OURS.get(name, each) == each and keeps_ours(each) for name, each in value.items())
    return all(map(keeps_ours, value)) if isinstance(value, list) else True


def record(dice: Random, name: str, **given: Any) -> dict[str, Any]:
    """A record of this schema; `given` fields have these values. Ids are never twice the same."""
    return {
        field["name"]: (OURS | given).get(field["name"])
        if field["name"] in OURS | given
        else _value(dice, field["type"])
        for field in _named()[f"chatledger.{name}"]["fields"]
    }


def _value(dice: Random, node: Any) -> Any:
    if isinstance(node, list):
        return _value(dice, dice.choice(node))
    if isinstance(node, str):
        return _PLAIN[node](dice) if node in _PLAIN else _value(dice, _named()[node])
    return _complex(dice, node)


def _complex(dice: Random, node: dict[str, Any]) -> Any:
    match node["type"]:
        case "array":
            return [_value(dice, node["items"]) for _ in range(dice.randrange(4))]
        case "map":
            return {dice.choice(TEXTS): dice.choice(TEXTS) for _ in range(dice.randrange(3))}
        case "fixed":
            return dice.randbytes(node["size"])
        case "record":
            return record(dice, node["name"].removeprefix("chatledger."))
        case inner:
            return _value(dice, inner)


_PLAIN: dict[str, Any] = {
    "null": lambda _: None,
    "string": lambda dice: dice.choice(TEXTS),
    "boolean": lambda dice: dice.random() < 0.5,
    "long": lambda dice: dice.choice(LONGS),
    "int": lambda dice: dice.choice(INTS),
    "double": lambda dice: dice.choice([0.0, -1.5, float("inf"), float("nan")]),
    "bytes": lambda dice: dice.choice([b"{}", b"\xff\xfe", b"\x00" * 99]) + dice.randbytes(12),
}
