"""Whatever people and sources write, no event is lost, no header is injected, and the same slice gives the same bytes."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.records import Event, Person
from schemas.text import well_formed
from streams.mail.assemble import mail_size
from streams.mail.clean import one_line, visible
from streams.mail.render import render
from tests.streams.mail_cases import AGENT, closed, mail_bytes, said, stored
from tests.streams.mail_readers import defects, html_parts, read, read_otherwise, squeezed

_NASTY = st.sampled_from([
    "\r\nBcc: x@evil.example\r\n\r\n", "\x00", "\ud800", "\udc00\ud83d", "\u202e", "\u2028", "\x85", "\x0b", "=?utf-8?q?a?=",
    "=?utf-8?b?w6Q=?=", '"', "\\", "<script>", "&amp;", ", ", "a@b.example", "(", ";", "é", "田", "👩‍👩‍👧",
    "--=_mixed_", " ", "\t", "=",

    "%41", "*0*=", "utf-8''", "\n.\n", "From ", "\ufeff", "⟦U+0000⟧", "x" * 90,
])  # fmt: skip
TEXTS = st.lists(st.one_of(_NASTY, st.text(max_size=8), st.characters()), max_size=6).map("".join)
EMAILS = st.one_of(
    st.none(),
    TEXTS,
    st.emails(),
    st.sampled_from(["A@b.example", "a@B.example", "ü@x.example", "x@ü.example"]),
)
ROLES = st.sampled_from(["agent", "manager", "consumer", "bot", "member", "moderator", "unknown", "<odd>"])
PEOPLE = st.builds(
    lambda ident, name, address, role: Person(id=ident, name=name, email=address, role=role),
    TEXTS, st.one_of(st.none(), TEXTS), EMAILS, ROLES,
)  # fmt: skip
KINDS = st.sampled_from([
    "message", "updated", "deleted", "joined", "left", "role", "roster", "opened", "closed", "transfer", "survey", "summary",
    "title", "file", "answer", "unknown", "new kind",
])  # fmt: skip
_FIELDS = st.fixed_dictionaries(
    {"who": st.one_of(st.none(), PEOPLE), "text": st.one_of(st.none(), TEXTS), "kind": KINDS},
    optional={
        "former_text": TEXTS, "html": TEXTS, "people": st.lists(PEOPLE, max_size=2), "raw": st.binary(max_size=20),
        "target": st.one_of(st.sampled_from(["m0", "m1"]), TEXTS), "thread": st.one_of(st.just("m0"), TEXTS),
        "audience": st.sampled_from(["all", "internal"]), "at_suspect": st.booleans(),
        "details": st.dictionaries(TEXTS, TEXTS, max_size=2),
    },
)  # fmt: skip
HEADER_NAMES = {
    "From", "To", "Date", "Subject", "Message-ID", "In-Reply-To", "References", "Auto-Submitted", "MIME-Version", "Email",
    "Content-Type", "X-Chatledger-Source", "X-Chatledger-Connector", "X-Chatledger-Conversation-Id", "X-Chatledger-Slice",
    "X-Chatledger-Slice-Anchor", "X-Chatledger-Revision", "X-Chatledger-Part", "X-Chatledger-Event-Count",
    "X-Chatledger-First-Event", "X-Chatledger-Last-Event", "X-Chatledger-Events-Hash", "X-Chatledger-Format",
    "X-Chatledger-Status",
}  # fmt: skip
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _events(fields: list[dict[str, Any]]) -> list[Event]:
    return [
        said(number, one["who"], one["text"], one["kind"], **_rest(one)) for number, one in enumerate(fields)
    ]


def _rest(one: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name not in ("who", "text", "kind")}


@quick
@given(st.lists(_FIELDS, min_size=1, max_size=4), st.sampled_from(["liveperson", "webex"]), TEXTS)
def test_no_event_is_lost_and_no_header_appears(
    fields: list[dict[str, Any]], source: str, conversation: str
) -> None:
    """Every text stands in plain text, HTML and JSON; the header has our fields and no others."""
    events = _events(fields)
    (mail,) = render(closed(events, source, conversation=conversation))
    found = read(mail_bytes(mail))
    assert set(found.headers) <= HEADER_NAMES
    assert len(found.message.items()) == len(found.headers)
    plain, rich = squeezed(found.text), squeezed(html_parts(found.html)[0])
    for event in events:
        for text in filter(
            None, [event["text"], event["former_text"] if event["kind"] in ("updated", "deleted") else None]
        ):
            assert squeezed(visible(text)) in plain
            assert squeezed(visible(text)) in rich
    assert [(one["id"], one["text"]) for one in found.events()] == [
        (event["id"].hex(), None if event["text"] is None else well_formed(event["text"])) for event in events
    ]


@quick
@given(st.lists(_FIELDS, min_size=1, max_size=4))
def test_every_mail_is_free_of_defects(fields: list[dict[str, Any]]) -> None:
    """Standard line ends, ASCII, short lines, and nothing that the parser has to repair."""
    (mail,) = render(closed(_events(fields)))
    data = mail_bytes(mail)
    assert data.isascii()
    assert data.count(b"\n") == data.count(b"\r\n") == data.count(b"\r")
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert len(data) == mail_size(mail["segments"])
    assert defects(read(data).message) == []


@quick
@given(st.lists(PEOPLE, min_size=1, max_size=5))
def test_people_come_back_from_the_header(people: list[Person]) -> None:
    """To parses to the record's participants: same number, order, names and addresses."""
    (mail,) = render(closed([said(0, AGENT, None, "roster", people=people)]))
    found = read(mail_bytes(mail))
    assert len(found.to) == len(mail["participants"])
    assert [address for _, address in found.to if not address.endswith("@webex.invalid")] == mail["email"]
    assert len({address.lower() for address in mail["email"]}) == len(mail["email"])
    for (name, _), person in zip(found.to, mail["participants"], strict=True):
        # Python's parser keeps the fold between two encoded words as a blank; the other one doesn't
        shown, wanted = squeezed(name), squeezed(one_line(person["name"] or "", 250))
        assert shown.startswith(wanted) if person in mail["unaddressed"] else shown == wanted
    others = [(squeezed(name), address) for name, address in read_otherwise(mail_bytes(mail)).to]
    assert others == [(squeezed(name), address) for name, address in found.to]


@quick
@given(TEXTS)
def test_subject_comes_back(title: str) -> None:
    """The subject decodes to the record's, in both parsers."""
    (mail,) = render(closed([said(0, AGENT, "x", "title", details={"title": title})]))
    data = mail_bytes(mail)
    assert read(data).headers["Subject"] == mail["subject"]
    # mail-parser leaves the line end of a fold in
    assert read_otherwise(data).subject.replace("\r", "").replace("\n", "") == mail["subject"]


@quick
@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_files_of_any_name_come_back(names: list[str]) -> None:
    """Each distinct file is there with its bytes; names are unique and can't leave a folder."""
    files = [stored("photo.png", name, "image/png") for name in names]
    (mail,) = render(closed([said(0, AGENT, None, "file", attachments=files)]))
    found = read(mail_bytes(mail))
    got = [name for name, data in found.files if name != "events.json"]
    assert len(got) == len(set(names)) == len({name.casefold() for name in got})
    for name in got:
        assert name.strip(". ") == name
        assert not set(name) & set('/\\:*?"<>|\r\n\0\u202e')
        assert len(name.encode()) <= 210
        assert found.file(name) == mail_content()
    for name in names:
        shown = squeezed(visible(name).replace("\n", "⟦U+000A⟧").replace("\t", "⟦U+0009⟧"))
        assert shown in squeezed(found.text)


def mail_content() -> bytes:
    """The bytes of the file used above."""
    return b"The content of photo.png.\n" * 3


@quick
@given(TEXTS, TEXTS)
def test_user_headers_stay_in_their_place(name: str, value: str) -> None:
    """A user-defined header is written as one field or not at all, and never replaces one of ours."""
    plain = render(closed([said(0, AGENT, "x")]))
    (mail,) = render(closed([said(0, AGENT, "x")], changes={"headers": [{"name": name, "value": value}]}))
    before, after = read(mail_bytes(plain[0])).headers, read(mail_bytes(mail)).headers
    extra = set(after) - set(before)
    assert extra <= {name}
    assert {one: after[one] for one in before if one not in _VARYING} == {
        one: text for one, text in before.items() if one not in _VARYING
    }
    assert all(after[one] == one_line(value) for one in extra)


_VARYING = {"Message-ID", "Content-Type", "X-Chatledger-Events-Hash"}


@pytest.mark.parametrize(
    "text", ["a=" * 60, "x" * 75 + "=", "x" * 200, "é" * 70, " \t" * 50, "=\n" * 3, "tail "]
)
def test_long_and_trailing_text_survives_its_encoding(text: str) -> None:
    """Soft line breaks fall between escapes, and blanks at line ends are kept."""
    (mail,) = render(closed([said(0, AGENT, text)]))
    indented = text.replace("\n", "\n    ")
    assert f": {indented}\n" in read(mail_bytes(mail)).text.replace("\r\n", "\n")
