"""Turns an item of the feed into what no sane service would send (switch `hostile`)."""

from collections.abc import Callable
from typing import Any

Json = dict[str, Any]


def mangled(item: Json, trouble: str, served: int) -> Json:
    """Return the item with the trouble that its message asks for; `served` counts earlier answers."""
    change = _CHANGES.get(trouble)
    return change(item, dict(item["data"]), served) if change else item


def _moved_to(created: str) -> Callable[[Json, Json, int], Json]:
    return lambda item, data, _served: item | {"created": created, "data": data | {"created": created}}


def _without(*names: str) -> Callable[[Json, Json, int], Json]:
    return lambda item, data, _served: (
        item | {"data": {name: value for name, value in data.items() if name not in names}}
    )


def _number(item: Json, data: Json, _served: int) -> Json:
    return item | {"data": data | {"text": 7, "personEmail": ["nobody"], "mentionedPeople": "nobody"}}


def _twice(item: Json, data: Json, served: int) -> Json:
    return item | {"data": data | ({"text": f"{data['text']} ({served})"} if served else {})}


def _bare(item: Json, _data: Json, _served: int) -> Json:
    return {"id": item["id"]}


_CHANGES: dict[str, Callable[[Json, Json, int], Json]] = {
    "past": _moved_to("0001-01-01T00:00:00.000Z"),
    "future": _moved_to("9999-12-31T23:59:59.999Z"),
    "no-person": _without("personId", "personEmail"),
    "no-room": _without("roomId", "roomType"),
    "number": _number,
    "twice": _twice,
    "bare": _bare,
}
