"""What a reviewer reads: wording, names, direction of scripts, and no noise, each by example."""

from typing import Any

import pytest

from schemas.records import Event, person
from streams.mail.clean import counted, isolated
from streams.mail.render import render
from tests.streams.mail_cases import AGENT, CASES, CONSUMER, KEN, LIVEPERSON, MOD, NOOR, closed, said, stored
from tests.streams.mail_cases import mail_bytes as bytes_of
from tests.streams.mail_readers import Read, read

ERASED = "** LP deleted data **"


def shown(*events: Event, source: str = "webex", **fields: Any) -> Read:
    """The mail of these events."""
    (mail,) = render(closed(list(events), source, **fields))
    return read(bytes_of(mail))


def line(*events: Event) -> str:
    """The last entry of their transcript, without its time."""
    text = shown(*events).text.replace("\r\n", "\n").replace("\u2068", "").replace("\u2069", "")
    return text.rsplit("\n[", 1)[1].split("] ", 1)[1].rstrip()


def change(number: int, text: str | None = "new", kind: str = "updated", **fields: Any) -> Event:
    """An edit or deletion of message m0 by Ken."""
    return said(number, KEN, text, kind, **{"target": "m0", "former_text": "old", **fields})


@pytest.mark.parametrize(
    ("events", "wanted"),
    [
        ([said(0, KEN, "old"), change(1)], "田中 健 edited their message of 2026-09-21 14:13:20"),
        ([said(0, MOD, "old"), change(1)], "田中 健 edited the message of Mia Moderator, 2026-09-21 14:13:20"),
        ([change(1)], "田中 健 edited an earlier message, not in this mail"),
        ([change(1, None, "deleted", people=[MOD])], "田中 健 deleted an earlier message of Mia Moderator, not in this mail"),
        ([change(1, source_key="m0")], "田中 健 edited this message (not in this mail; when it was edited is not known)"),
        ([said(0, KEN, "old"), change(1, source_key="m0")], "田中 健 edited this message (when it was edited is not known)"),
        ([change(1, actor=None)], "an earlier message, not in this mail was edited"),
        ([change(1, details={"changed": "summary"}, source_key="m0")], "田中 健 changed the summary (not in this mail)"),
        ([change(1, details={"changed": "closed"}, actor=None)], "the closing of the conversation was changed"),
    ],
)  # fmt: skip
def test_a_change_says_what_was_changed_and_whose_it_was(events: list[Event], wanted: str) -> None:
    """An edit or deletion names its message; what is in another mail is told so, without a key; with the former text."""
    said_of_it, _, quoted = line(*events).partition("\n")
    assert said_of_it == wanted
    assert "old" in quoted
    assert "m0" not in line(*events)


def test_a_change_without_a_text_shows_its_facts_alone() -> None:
    """A closing has no text before and after."""
    assert line(change(1, None, former_text=None, details={"changed": "closed", "reason": "AGENT"})) == (
        "田中 健 changed the closing of the conversation\n    reason: AGENT"
    )


def test_a_file_that_is_deleted_had_no_text() -> None:
    """Not known is said of what nobody knows alone."""
    gone = change(1, None, "deleted", former_text=None, people=[KEN])
    sent = said(0, KEN, None, attachments=[stored("photo.png")])
    assert line(sent, gone).endswith("former text: none, it was sent without a text")
    assert line(gone).endswith("former text: not known")
    assert line(said(0, KEN, "words"), gone).endswith("former text: not known")


def test_a_redaction_is_told_as_the_source_s_own() -> None:
    """Not an edit by the employee; the former text stands; Subject and From are as they were."""
    bare = {**CONSUMER, "name": None}
    event = said(1, LIVEPERSON, ERASED, "updated", former_text="4111", target="m0", source_key="m0", people=[bare],
                 details={"redacted": "LivePerson"})  # fmt: skip
    found = shown(event, source="liveperson", revision=1, earlier=[b"\1" * 16], people=[CONSUMER, AGENT])
    assert "] LivePerson redacted this message of Ana Sánchez (not in this mail" in found.text
    assert f"before: 4111\r\n    after: {ERASED}" in found.text.replace("\n", "\r\n").replace("\r\r", "\r")
    assert found.headers["Subject"].startswith("LivePerson chat - Ana Sánchez - ")
    assert found.sender[0][0] == "Ana Sánchez"
    assert "LivePerson" not in found.headers["To"]


def test_what_was_redacted_before_it_was_archived_says_so() -> None:
    """The filler is not what the consumer wrote."""
    assert line(said(0, CONSUMER, ERASED, details={"redacted": "LivePerson"})) == (
        f"Ana Sánchez (redacted by the source before it was archived): {ERASED}"
    )


def test_a_message_that_is_redacted_later_says_so() -> None:
    """Where both stand in one mail, the message points ahead."""
    event = change(1, details={"redacted": "LivePerson"})
    assert "田中 健 (redacted later): old" in shown(said(0, KEN, "old"), event).text


@pytest.mark.parametrize(
    ("event", "wanted"),
    [
        (said(0, None, None, "roster", people=[MOD]), "members: Mia Moderator (moderator)"),
        (said(0, None, None, "closed", people=[MOD]), "the conversation was closed; it was with: Mia Moderator (moderator)"),
        (said(0, None, None, "closed"), "the conversation was closed"),
        (said(0, None, "All well.", "summary"), "summary: All well."),
        (said(0, None, "Who said that?"), "(nobody known): Who said that?"),
        (said(0, KEN, None, "closed", people=[MOD]), "田中 健 closed the conversation with: Mia Moderator (moderator)"),
    ],
)  # fmt: skip
def test_what_the_system_noted_needs_no_person(event: Event, wanted: str) -> None:
    """Only what somebody must have said stands under `(nobody known)`."""
    assert line(event) == wanted


def test_a_person_known_by_id_alone_gets_the_name_that_the_slice_knows() -> None:
    """An event that could not be understood bears the id of its actor, who is a member."""
    text = line(said(0, None, None, "roster", people=[MOD]), said(1, person(MOD["id"]), None, "unknown"))
    assert text.startswith("Mia Moderator (an event of unknown kind, kept as it came)")
    assert MOD["id"] not in text


@pytest.mark.parametrize(
    ("earlier", "wanted"),
    [(1, "adds to the earlier mail <"), (2, "adds to the 2 earlier mails (<"), (12, " and 2 more) and replaces nothing")],
)  # fmt: skip
def test_a_supplement_counts_the_mails_before_it(earlier: int, wanted: str) -> None:
    """One mail is no mails."""
    idents = [bytes([number]) * 16 for number in range(earlier)]
    assert wanted in shown(said(0, KEN, "late"), revision=earlier, earlier=idents).text


def test_counted_things_are_singular_or_plural() -> None:
    """As people write it."""
    assert [counted(number, "byte") for number in (0, 1, 2_000)] == ["0 bytes", "1 byte", "2,000 bytes"]


def test_times_of_the_head_are_in_the_connector_s_zone() -> None:
    """The roster's moment reads like all others; what is no time stays as it is."""
    roster = said(0, None, None, "roster", people=[KEN], details={"as_of": "2026-09-20T22:00:00.000Z"})
    odd = said(1, None, None, "roster", people=[KEN], details={"as_of": "yesterday"})
    text = shown(roster, odd, changes={"zone": "Europe/Berlin"}).text
    assert "Members: 1 as of 2026-09-21 00:00:00: " in text
    assert "Members: 1 as of yesterday: " in text


def test_settings_of_a_space_are_in_words() -> None:
    """A room's update has its title and its states: neither may pass for more than it is."""
    states = {"title": "Deal room", "isLocked": "true", "isPublic": "false"}
    assert line(said(0, MOD, "Deal room", "title", details=states)) == (
        "Mia Moderator changed the title or the settings of the space: Deal room\n    locked: yes\n    public: no"
    )


def test_no_id_or_hash_is_in_the_text() -> None:
    """They stand in events.json, with everybody who took part."""
    facts = {"row_sha256": "ab" * 32, "row_size": "9", "group_id": "4119"}
    found = shown(
        said(0, MOD, None, "closed", details=facts), said(1, KEN, "x", thread="Y2lzY29z", attachments=[stored("empty")])
    )  # fmt: skip
    for noise in ("abab", "4119", "Y2lzY29z", MOD["id"], "SHA-256"):
        assert noise not in found.text
        assert noise not in found.html
    assert MOD["id"] in found.file("events.json").decode()
    assert "file: empty (application/pdf, 0 bytes), attached\n" in found.text.replace("\r\n", "\n")


def test_names_from_the_right_tear_no_line() -> None:
    """Isolated in plain text by characters, in HTML by elements; lines of other scripts have neither."""
    found = shown(said(0, NOOR, "شكرا 3"), said(1, KEN, "ok", "updated", target="m0"), said(2, MOD, "plain"))
    assert "] \u2068نور الهدى\u2069 (edited later): \u2068شكرا 3\u2069" in found.text
    assert "    \u2068نور الهدى\u2069 <noor@" in found.text
    assert "<bdi>نور الهدى</bdi> &lt;noor@" in found.html
    assert "the message of <bdi>نور الهدى</bdi>, 2026" in found.html
    assert "Mia Moderator: plain" in found.text
    assert isolated("שלום\n\nabc") == "\u2068שלום\u2069\n\n\u2068abc\u2069"


def test_the_date_of_a_subject_is_not_turned_around() -> None:
    """A left-to-right mark stands between a title from the right and the digits."""
    roster = said(0, None, None, "roster", people=[KEN], details={"title": "غرفة"})
    assert shown(roster).headers["Subject"] == "غرفة - \u200e2026-09-21"


def test_isolates_of_strangers_stay_tokens() -> None:
    """Only the writer's own pairs are in a mail."""
    found = shown(said(0, NOOR, "ش \u2067evil\u2069 \u2068"))
    assert "⟦U+2067⟧evil⟦U+2069⟧ ⟦U+2068⟧" in found.text
    assert found.text.count("\u2068") == found.text.count("\u2069")
    assert found.html.count("<bdi>") == found.html.count("</bdi>")


def test_a_narrow_window_breaks_long_words() -> None:
    """The last rule for it wins in all mail programs: the newer name stands behind the older."""
    html = shown(said(0, KEN, "9" * 500)).html
    assert html.index("word-wrap:break-word") < html.index("overflow-wrap:anywhere")


def test_every_kind_has_a_golden_file() -> None:
    """What a conversation can hold stands in the files that keep the format."""
    events = [event for case in CASES.values() for event in case()["events"]]
    assert {event["kind"] for event in events} >= {
        "message", "updated", "deleted", "joined", "left", "role", "roster", "opened", "closed", "transfer", "survey",
        "summary", "title", "file", "answer", "unknown",
    }  # fmt: skip
    assert {event["details"].get("changed") for event in events} >= {"summary", "closed"}
