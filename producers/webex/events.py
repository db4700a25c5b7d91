"""From an item of the feed, and what was looked up for it, to an Event. Pure and deterministic.

Source keys: a message's event bears the message id, every other event the id of the feed's event. So `target`
(edits, deletions, card answers) and `thread` name the source key of a message event. An event belongs to the
slice of its own time, the `created` of the feed's event (rule 4).
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from producers.webex.cards import card_text
from producers.webex.reading import IllTypedError, Item, Json, flag, optional, texts, wanted
from schemas.ids import event_id
from schemas.records import Attachment, Event, Person, event, person
from schemas.text import well_formed

LOCKED = b"kms_failure"


@dataclass(frozen=True)
class Found:
    """What was looked up for one item.

    `message`: the body of GET /messages/{id}, None where it was not asked for or is gone; `message_raw` its bytes.
    `former`: text before an edit or deletion. `undecided`: Webex could not decrypt the item, however often asked.
    """

    people: Mapping[str, Person] = field(default_factory=dict)
    message: Json | None = None
    message_raw: bytes = b""
    former: str | None = None
    attachments: tuple[Attachment, ...] = ()
    undecided: bool = False


def feed_id(item: Item) -> str:
    """The id of the feed's event; a name made of its bytes where it has none."""
    return item.id or f"no-id:{hashlib.sha256(item.raw).hexdigest()}"


def locked_ident(uid: str, item: Item) -> bytes:
    """The identity of what stands for an item while it can't be decrypted: the readable one may still come."""
    return event_id(uid, feed_id(item), LOCKED)


def ident(uid: str, item: Item) -> bytes:
    """The identity of the event that an item makes (rule 1)."""
    return event_id(uid, feed_id(item))


def to_event(uid: str, item: Item, at_ms: int, found: Found) -> Event:
    """The event of an item; `at_ms` is its own time, or the time of capture where it has none. Never fails."""
    if found.undecided:
        return _unknown(uid, item, at_ms, "Webex could not decrypt it", LOCKED)
    make = _KINDS.get((item.resource, item.type))
    if make is None:
        return _unknown(uid, item, at_ms, f"not known: {item.resource} {item.type}")
    if not item.id or item.at_ms is None:
        return _unknown(uid, item, at_ms, "id or created is missing or ill-typed")
    try:
        made = event(ident(uid, item), well_formed(item.id), "", at_ms)
        made["raw"] = item.raw
        return make(made, item, found)
    except IllTypedError as error:
        return _unknown(uid, item, at_ms, str(error))


def conflicting(uid: str, item: Item, at_ms: int) -> Event:
    """The event of an item whose id is known with another content: kept, and not in its place."""
    other = hashlib.sha256(item.raw).digest()
    return _unknown(uid, item, at_ms, "another body under an id that is known", other)


def people_of(item: Item) -> list[str]:
    """Ids of everybody that the event names, to be looked up; of an ill-typed one, those that can be read."""
    named = [item.actor, item.data.get("personId")]
    mentioned = item.data.get("mentionedPeople")
    named += mentioned if isinstance(mentioned, list) else []
    return [well_formed(each) for each in named if isinstance(each, str) and each]


def as_person(
    ident: str, people: Mapping[str, Person], email: str | None = None, name: str | None = None
) -> Person:
    """Somebody as known by now, with what the event says where nothing is known."""
    known = people.get(ident)
    if known is None:
        role = "bot" if (email or "").lower().endswith("@webex.bot") else "member"
        return person(well_formed(ident), _clean(name), _clean(email), role)
    return {**known, "name": known["name"] or _clean(name), "email": known["email"] or _clean(email)}


def _message(made: Event, item: Item, found: Found) -> Event:
    data = item.data
    made |= {"kind": "message", "source_key": well_formed(wanted(data, "id")), "actor": _author(item, found)}
    _content(made, data, found)
    parent = optional(data, "parentId") or optional(found.message or {}, "parentId")
    made["thread"] = _clean(parent)
    if parent and "parentId" not in data:
        made["raw"] = _both(item, found)
    return made


def _updated(made: Event, item: Item, found: Found) -> Event:
    made |= {"kind": "updated", "target": _clean(wanted(item.data, "id")), "actor": _actor(item, found)}
    _content(made, item.data, found)
    made["former_text"] = _clean(found.former)
    return made


def _deleted(made: Event, item: Item, found: Found) -> Event:
    """What was taken back, as far as Webex or our memory still have it."""
    made |= {"kind": "deleted", "target": _clean(wanted(item.data, "id")), "actor": _actor(item, found)}
    made["raw"] = _both(item, found)
    made["people"] = [_author(item, found)]
    made["attachments"] = list(found.attachments)
    text = shown_text(found.message) if found.message is not None else found.former
    made["former_text"] = _clean(text)
    if found.message is None:
        made["details"] = {"reason": "Webex no longer shows the deleted message"}
    return made


def _membership(kind: str) -> Callable[[Event, Item, Found], Event]:
    def make(made: Event, item: Item, found: Found) -> Event:
        who = wanted(item.data, "personId")
        email, name = optional(item.data, "personEmail"), optional(item.data, "personDisplayName")
        subject = as_person(who, found.people, email, name)
        if subject["role"] != "bot":
            subject["role"] = "moderator" if flag(item.data, "isModerator") else "member"
        self_made = item.actor in {"", who}
        actor = subject if self_made else _actor(item, found)
        made |= {"kind": kind, "people": [subject], "actor": actor}
        made["details"] = {"by": "self" if self_made else "other"}
        return made

    return make


def _title(made: Event, item: Item, found: Found) -> Event:
    title = optional(item.data, "title")
    states = {name: str(flag(item.data, name)).lower() for name in _STATES if name in item.data}
    made |= {"kind": "title", "actor": _actor(item, found), "text": _clean(title)}
    made["details"] = states | ({"title": well_formed(title)} if title else {})
    return made


def _answer(made: Event, item: Item, found: Found) -> Event:
    """What somebody entered in a card, a line for each field."""
    inputs = item.data.get("inputs")
    if not isinstance(inputs, dict):
        raise IllTypedError("inputs is no object")
    lines = (f"{name}: {value}" for name, value in inputs.items())
    made |= {
        "kind": "answer",
        "target": _clean(optional(item.data, "messageId")),
        "actor": _author(item, found),
    }
    made["text"] = well_formed("\n".join(lines))
    return made


def _unknown(uid: str, item: Item, at_ms: int, reason: str, projection: bytes = b"") -> Event:
    """Whatever could not be understood, whole: nothing of it is shown as text."""
    key = feed_id(item)
    made = event(event_id(uid, key, projection), well_formed(key), "unknown", at_ms)
    made["details"] = {
        "reason": reason, "resource": well_formed(item.resource), "type": well_formed(item.type),
    }  # fmt: skip
    if item.actor:
        made["actor"] = person(well_formed(item.actor))
    made["raw"] = item.raw
    return made


def _content(made: Event, data: Json, found: Found) -> None:
    """Text, cards, mentions and files of a message or an edit."""
    markup = optional(data, "html")
    made["text"] = _clean(shown_text(data))
    # A card is shown in the text form only: the source has no HTML of it
    made["html"] = None if data.get("attachments") else _clean(markup or optional(data, "markdown"))
    made["people"] = [as_person(each, found.people) for each in texts(data, "mentionedPeople")]
    made["attachments"] = list(found.attachments)
    groups = texts(data, "mentionedGroups") or texts(found.message or {}, "mentionedGroups")
    if groups:
        made["details"] = {"mentioned_groups": well_formed(" ".join(groups))}


def shown_text(data: Json) -> str | None:
    """The text of a message with its cards. Raises IllTypedError."""
    cards = card_text(data.get("attachments"))
    parts = [each for each in (optional(data, "text") or optional(data, "markdown"), cards) if each]
    return "\n\n".join(parts) or None


def _author(item: Item, found: Found) -> Person:
    return as_person(wanted(item.data, "personId"), found.people, optional(item.data, "personEmail"))


def _actor(item: Item, found: Found) -> Person:
    """Who did it; the person whom the event is about where it names no actor."""
    if item.actor and item.actor != item.data.get("personId"):
        return as_person(item.actor, found.people)
    return _author(item, found)


def _both(item: Item, found: Found) -> bytes:
    return item.raw + (b"\n" + found.message_raw if found.message_raw else b"")


def _clean(text: str | None) -> str | None:
    return well_formed(text) if text is not None else None


_STATES = ("isLocked", "isPublic", "isAnnouncementOnly", "isReadOnly")
_KINDS: Mapping[tuple[str, str], Callable[[Event, Item, Found], Event]] = {
    ("messages", "created"): _message,
    ("messages", "updated"): _updated,
    ("messages", "deleted"): _deleted,
    ("memberships", "created"): _membership("joined"),
    ("memberships", "deleted"): _membership("left"),
    ("memberships", "updated"): _membership("role"),
    ("rooms", "updated"): _title,
    ("attachmentActions", "created"): _answer,
}
