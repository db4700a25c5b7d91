"""Reads one item of the feed: what all events have, with every doubt about its form settled. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from producers.webex.slices import parse_ms
from producers.webex.spans import MalformedError, loads
from schemas.text import well_formed

Json = Mapping[str, object]


class IllTypedError(ValueError):
    """A field is missing or of another type than documented; the message names it."""


@dataclass(frozen=True)
class Item:
    """One item of GET /events. `id` and `room` may be empty, `at_ms` None, where the item has none that is good."""

    raw: bytes
    id: str
    resource: str
    type: str
    actor: str
    room: str
    at_ms: int | None
    data: Json

    @property
    def subject(self) -> str:
        """The id of what the event is about: the message, membership, room."""
        return _plain(self.data.get("id"))

    @property
    def encrypted(self) -> bool:
        """True if Webex could not decrypt it (`kms_failure`): the fields hold ciphertext for now."""
        return ciphertext(self.data)


def read_item(raw: bytes) -> Item:
    """Understand an item as far as possible. Raises IllTypedError for what is no JSON object."""
    try:
        found = loads(raw)
    except MalformedError as error:
        raise IllTypedError(str(error)) from error
    if not isinstance(found, dict):
        raise IllTypedError("the item is no object")
    data = found["data"] if isinstance(found.get("data"), dict) else {}
    return Item(
        raw=raw,
        id=_plain(found.get("id")),
        resource=_plain(found.get("resource")),
        type=_plain(found.get("type")),
        actor=_plain(found.get("actorId")),
        room=_room(found, data),
        at_ms=parse_ms(found.get("created")),
        data=data,
    )


def ciphertext(data: Json) -> bool:
    """True if a resource carries the mark of failed decryption."""
    return isinstance(data.get("errors"), dict) and bool(data["errors"])


def wanted(data: Json, name: str) -> str:
    """A text that must be there. Raises IllTypedError."""
    value = optional(data, name)
    if not value:
        msg = f"{name} is missing"
        raise IllTypedError(msg)
    return value


def optional(data: Json, name: str) -> str | None:
    """A text that may be absent or null. Raises IllTypedError for anything else."""
    value = data.get(name)
    if value is not None and not isinstance(value, str):
        msg = f"{name} is no text"
        raise IllTypedError(msg)
    return value


def texts(data: Json, name: str) -> list[str]:
    """A list of texts that may be absent or null. Raises IllTypedError for anything else."""
    value = data.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        msg = f"{name} is no list of texts"
        raise IllTypedError(msg)
    return value


def flag(data: Json, name: str) -> bool:
    """A yes or no that may be absent or null (no). Raises IllTypedError for anything else."""
    value = data.get(name)
    if value is not None and not isinstance(value, bool):
        msg = f"{name} is neither true nor false"
        raise IllTypedError(msg)
    return bool(value)


def _room(found: Json, data: Json) -> str:
    if found.get("resource") == "rooms":
        return _plain(data.get("id")) or _plain(data.get("roomId"))
    return _plain(data.get("roomId")) or _plain(found.get("roomId"))


def _plain(value: object) -> str:
    return well_formed(value) if isinstance(value, str) else ""
