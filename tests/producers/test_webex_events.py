"""From items of the feed to events: every kind by example, any nonsense by property."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.webex.events import Found, conflicting, ident, to_event
from producers.webex.reading import IllTypedError, Item, read_item
from producers.webex.spooling import content_hash
from schemas.codec import encode
from schemas.records import Event, RawEvents, person

AT = "2026-06-02T13:04:11.902Z"
AT_MS = 1780405451902
ANA, BEN = (
    person("ana", "Ana Ruiz", "ana@desk.example", "member"),
    person("ben", "Ben Okoro", "ben@desk.example", "member"),
)
PEOPLE = {"ana": ANA, "ben": BEN}


def item(resource: str, kind: str, data: object, **more: object) -> Item:
    """An item of the feed by Ana in room R."""
    whole = {"id": "E1", "resource": resource, "type": kind, "actorId": "ana", "created": AT, "data": data}
    return read_item(json.dumps(whole | more).encode())


def message(**more: object) -> dict[str, Any]:
    """The data of Ana's message M."""
    data = {
        "id": "M",
        "roomId": "R",
        "roomType": "group",
        "personId": "ana",
        "personEmail": "ana@desk.example",
    }
    return data | {"text": "hello", "created": AT} | more


def made(each: Item, **found: Any) -> Event:
    """Its event, with Ana and Ben known."""
    return to_event("uid", each, AT_MS, Found(people=PEOPLE, **found))


def test_message() -> None:
    """Text, HTML, author, mentions and raw bytes; the source key is the message id."""
    each = item(
        "messages", "created", message(html="<b>hello</b>", mentionedPeople=["ben"], mentionedGroups=["all"])
    )
    event = made(each)
    assert (event["kind"], event["source_key"], event["at_ms"]) == ("message", "M", AT_MS)
    assert (event["text"], event["html"], event["actor"]) == ("hello", "<b>hello</b>", ANA)
    assert event["people"] == [BEN]
    assert event["details"] == {"mentioned_groups": "all"}
    assert event["raw"] == each.raw
    assert event["id"] == ident("uid", each)


def test_thread_from_the_message() -> None:
    """What the feed leaves out comes from the message itself, and its bytes are kept too."""
    event = made(
        item("messages", "created", message()), message={"parentId": "P"}, message_raw=b'{"parentId":"P"}'
    )
    assert event["thread"] == "P"
    assert event["raw"].endswith(b'\n{"parentId":"P"}')
    assert made(item("messages", "created", message(parentId="Q")))["thread"] == "Q"


def test_card_is_text() -> None:
    """A card is read after the text of its message."""
    card = [{"content": {"body": [{"type": "TextBlock", "text": "Approve?"}]}}]
    event = made(item("messages", "created", message(attachments=card, html="<p>hello</p>")))
    assert (event["text"], event["html"]) == ("hello\n\nApprove?", None)


def test_edit() -> None:
    """The new text, the former where known, and the message that it belongs to."""
    event = made(item("messages", "updated", message(text="bye")), former="hello")
    assert (event["kind"], event["source_key"], event["target"]) == ("updated", "E1", "M")
    assert (event["text"], event["former_text"]) == ("bye", "hello")


def test_deletion_by_somebody_else() -> None:
    """The deleter is the actor, the author is named, the text is what Webex still shows."""
    data = {"id": "M", "roomId": "R", "personId": "ben", "personEmail": "ben@desk.example"}
    event = made(
        item("messages", "deleted", data), message={"text": "secret"}, message_raw=b"{}", former="older"
    )
    assert (event["kind"], event["target"], event["former_text"]) == ("deleted", "M", "secret")
    assert (event["actor"], event["people"]) == (ANA, [BEN])


def test_deletion_of_what_is_gone() -> None:
    """Without the message, the text is what we remember, and the event says why."""
    event = made(item("messages", "deleted", message()), former="remembered")
    assert event["former_text"] == "remembered"
    assert "no longer" in event["details"]["reason"]


@pytest.mark.parametrize(
    ("kind", "who", "moderator", "expected"),
    [
        ("created", "ben", False, ("joined", "other", "member")),
        ("deleted", "ana", False, ("left", "self", "member")),
        ("updated", "ben", True, ("role", "other", "moderator")),
    ],
)
def test_memberships(kind: str, who: str, moderator: bool, expected: tuple[str, str, str]) -> None:
    """Who came, went or moderates, and by whose doing."""
    data = {
        "id": "X",
        "roomId": "R",
        "personId": who,
        "personEmail": f"{who}@desk.example",
        "isModerator": moderator,
    }
    event = made(item("memberships", kind, data))
    assert (event["kind"], event["details"]["by"], event["people"][0]["role"]) == expected
    assert event["people"][0]["id"] == who
    assert event["actor"]
    assert event["actor"]["id"] == "ana"


def test_title_and_answer() -> None:
    """A space's new title, and what was entered in a card."""
    title = made(item("rooms", "updated", {"id": "R", "title": "New", "isLocked": True}))
    assert (title["kind"], title["text"], title["details"]["isLocked"]) == ("title", "New", "true")
    data = {
        "id": "A",
        "roomId": "R",
        "personId": "ben",
        "messageId": "M",
        "inputs": {"ok": True, "why": "fine"},
    }
    answer = made(item("attachmentActions", "created", data))
    assert (answer["kind"], answer["target"], answer["text"]) == ("answer", "M", "ok: True\nwhy: fine")


def test_people_who_are_gone() -> None:
    """Whoever Webex no longer knows keeps the address of the event; bots are told by it."""
    event = to_event(
        "uid", item("messages", "created", message(personEmail="tickets@webex.bot")), AT_MS, Found()
    )
    assert event["actor"] == person("ana", None, "tickets@webex.bot", "bot")


@pytest.mark.parametrize(
    "data",
    [
        message(text=7),
        message(personId=None),
        message(mentionedPeople="ben"),
        message(html=["x"]),
        {"roomId": "R"},
    ],
)
def test_ill_typed_is_unknown(data: object) -> None:
    """A field of another type makes an unknown event that keeps every byte and shows nothing as text."""
    each = item("messages", "created", data)
    event = made(each)
    assert (event["kind"], event["text"], event["raw"]) == ("unknown", None, each.raw)
    assert event["details"]["reason"]


def test_unknown_kinds_and_missing_ids() -> None:
    """Resources that nobody documents, and events without id or time, are kept."""
    assert made(item("reactions", "created", {"roomId": "R"}))["kind"] == "unknown"
    assert made(item("messages", "created", message(), id=None))["kind"] == "unknown"
    assert made(item("messages", "created", message(), created="soon"))["kind"] == "unknown"


def test_ciphertext_is_never_text() -> None:
    """What could not be decrypted is unknown, under an id of its own: the readable one may still come."""
    errors = {"text": {"code": "kms_failure"}}
    each = item("messages", "created", message(text="eyJhbGciOiIifQ....", errors=errors))
    event = made(each, undecided=True)
    assert (event["kind"], event["text"]) == ("unknown", None)
    assert event["id"] != ident("uid", each)
    assert content_hash(each) == b""


def test_another_body_under_a_known_id() -> None:
    """Two bodies of one id are two events; the same body is the same content."""
    one, two = item("messages", "created", message()), item("messages", "created", message(text="changed"))
    assert content_hash(one) != content_hash(two)
    assert conflicting("uid", two, AT_MS)["id"] not in {
        ident("uid", one),
        conflicting("uid", one, AT_MS)["id"],
    }
    assert content_hash(item("messages", "created", message(), orgId="o")) == content_hash(one)


VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(), max_size=8)
    | st.lists(st.text(max_size=3))
)
FIELDS = ("id", "roomId", "text", "html", "personId", "personEmail", "mentionedPeople", "files", "parentId", "title",
          "attachments", "inputs", "isModerator", "errors")  # fmt: skip


@given(
    resource=st.sampled_from(["messages", "memberships", "rooms", "attachmentActions", "odd"]),
    kind=st.sampled_from(["created", "updated", "deleted"]),
    data=st.dictionaries(st.sampled_from(FIELDS), VALUES),
    head=st.dictionaries(st.sampled_from(["id", "actorId", "created"]), VALUES),
)
def test_nothing_stops_the_flow(
    resource: str, kind: str, data: dict[str, object], head: dict[str, object]
) -> None:
    """Any values in any field, lone surrogates included, make an event that Avro can carry; the same each time."""
    each = item(resource, kind, data, **head)
    event = made(each)
    assert event == made(read_item(each.raw))
    assert each.raw in event["raw"]
    record: RawEvents = {
        "connector_uid": "u", "source": "webex", "conversation": each.room, "slice": "2026-06-02",
        "slice_start_ms": 0, "slice_end_ms": 1, "lane": "live", "captured_at_ms": 0, "events": [event],
    }  # fmt: skip
    assert encode("RawEvents", record)


@given(st.binary(max_size=60))
def test_any_bytes_are_an_item_or_refused(raw: bytes) -> None:
    """Bytes that are no JSON object are refused with a reason."""
    try:
        found = read_item(raw)
    except IllTypedError:
        return
    assert found.raw == raw
