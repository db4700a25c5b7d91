"""Two parsers that know nothing of the writer find everything again."""

import hashlib
from typing import Any

import pytest

from schemas.records import Event, Mail
from streams.mail.clean import visible
from streams.mail.render import render
from tests.streams.mail_cases import BY_HASH, CASES, mail_bytes
from tests.streams.mail_readers import defects, html_parts, read, read_otherwise, squeezed

_KNOWN_TAGS = {
    "html",
    "head",
    "meta",
    "style",
    "body",
    "h1",
    "table",
    "tr",
    "td",
    "div",
    "b",
    "bdi",
    "span",
    "br",
}
_ELSEWHERE = {
    "provenance",
    "as_of",
    "by",
    "from",
    "to",
    "row_sha256",
    "isLocked",
    "isPublic",
    "changed",
    "redacted",
}
"""Facts that a line or the head says in other words, or that say nothing to a reader."""
MAILS = [(case, mail) for case in CASES for mail in render(CASES[case]())]
every_mail = pytest.mark.parametrize(
    ("case", "mail"), MAILS, ids=[f"{case}-{mail['part']}" for case, mail in MAILS]
)


def _events(case: str, mail: Mail) -> list[Event]:
    parts = [one for one in render(CASES[case]()) if one["part"] < mail["part"]]
    start = sum(one["event_count"] for one in parts)
    return CASES[case]()["events"][start : start + mail["event_count"]]


def _said(event: Event) -> list[str]:
    facts = [value for name, value in event["details"].items() if name not in _ELSEWHERE]
    texts = [event["text"] or event["html"], event["former_text"], *facts]
    return [visible(text) for text in texts if text]


@every_mail
def test_standard_library_finds_no_defect(case: str, mail: Mail) -> None:
    """Structure and headers are as the standards want them."""
    assert defects(read(mail_bytes(mail)).message) == []


@every_mail
def test_every_text_is_in_both_transcripts(case: str, mail: Mail) -> None:
    """Whatever was said, edited or deleted can be read in plain text and in HTML."""
    found = read(mail_bytes(mail))
    plain, rich = squeezed(found.text), squeezed(html_parts(found.html)[0])
    for event in _events(case, mail):
        for text in _said(event):
            assert squeezed(text) in plain
            assert squeezed(text) in rich


@every_mail
def test_every_name_and_address_is_in_the_header(case: str, mail: Mail) -> None:
    """To has everybody in the order of the record, From one of them, Email the addresses."""
    found = read(mail_bytes(mail))
    assert [name for name, _ in found.to] == [person["name"] for person in mail["participants"]]
    real = [address for _, address in found.to if not address.endswith(".invalid")]
    assert real == mail["email"]
    assert (
        found.headers.get("Email", "").split(",")
        == [address if not n else f" {address}" for n, address in enumerate(mail["email"])]
        or not mail["email"]
    )
    assert found.sender[0] in found.to
    assert len(mail["email"]) + len(mail["unaddressed"]) == len(mail["participants"])


@every_mail
def test_header_and_record_agree(case: str, mail: Mail) -> None:
    """Subject, Message-ID, status and counts are the same in both."""
    headers = read(mail_bytes(mail)).headers
    assert headers["Subject"] == mail["subject"]
    assert headers["Message-ID"] == mail["message_id"]
    assert headers["X-Chatledger-Status"] == mail["status"]
    assert headers["X-Chatledger-Event-Count"] == str(mail["event_count"])
    assert (mail["status"] == "partial") == bool(mail["reasons"])


@every_mail
def test_events_json_holds_every_event(case: str, mail: Mail) -> None:
    """The attachment has the events in order, and the header its hash."""
    found = read(mail_bytes(mail))
    assert [one["id"] for one in found.events()] == [event["id"].hex() for event in _events(case, mail)]
    assert found.headers["X-Chatledger-Events-Hash"] == hashlib.sha256(found.file("events.json")).hexdigest()


@every_mail
def test_html_is_inert(case: str, mail: Mail) -> None:
    """No element of a stranger, nothing remote, nothing that runs."""
    _, tags, attributes = html_parts(read(mail_bytes(mail)).html)
    assert tags <= _KNOWN_TAGS
    assert attributes <= {"charset", "class", "dir"}


@every_mail
def test_lines_are_short_ascii_and_end_in_crlf(case: str, mail: Mail) -> None:
    """No line over 78 characters, no bare CR or LF, nothing but ASCII."""
    data = mail_bytes(mail)
    assert data.isascii()
    assert data.count(b"\n") == data.count(b"\r\n") == data.count(b"\r")
    long = [line for line in data.split(b"\r\n") if len(line) > 78]
    assert [line for line in long if not line.startswith(b"X-Chatledger-")] == []
    assert max(map(len, long), default=0) < 120


@every_mail
def test_second_parser_reads_the_same(case: str, mail: Mail) -> None:
    """mail-parser finds the same subject, people, text and files."""
    data = mail_bytes(mail)
    ours, theirs = read(data), read_otherwise(data)
    assert theirs.subject == mail["subject"]
    assert [tuple(pair) for pair in theirs.to] == ours.to
    assert [tuple(pair) for pair in theirs.from_] == ours.sender
    assert [_unix(text) for text in theirs.text_plain] == [_unix(ours.text)]
    assert [_unix(text) for text in theirs.text_html] == [_unix(ours.html)]
    assert [one["filename"] for one in theirs.attachments] == [name for name, _ in ours.files]


def _unix(text: Any) -> str:
    return str(text).replace("\r\n", "\n").rstrip("\n")


def test_files_come_back_whole_under_their_names() -> None:
    """Every stored file of the case is attached with its bytes, once for each name."""
    (mail,) = render(CASES["files"]())
    files = dict(read(mail_bytes(mail)).files)
    wanted = [
        one["content"]
        for event in CASES["files"]()["events"]
        for one in event["attachments"]
        if one["content"]
    ]
    attached = {hashlib.sha256(data).digest() for data in files.values()}
    assert {ref["sha256"] for ref in wanted} <= attached
    assert sum(hashlib.sha256(data).digest() in BY_HASH for data in files.values()) == 7
    assert not any("/" in name or "\\" in name or "\u202e" in name for name in files)


def test_a_fake_line_cannot_pass_for_an_entry() -> None:
    """Text that imitates the transcript, by whatever line break, stays indented or on its line."""
    (mail,) = render(CASES["foreign"]())
    entries = [line for line in read(mail_bytes(mail)).text.splitlines() if line.startswith("[")]
    assert len(entries) == mail["event_count"]
