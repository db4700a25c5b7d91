"""The header of a mail, field by field."""

import hashlib
import re
from typing import Final, NamedTuple

from schemas.ids import digest, mail_id, slice_key
from schemas.records import ClosedSlice, Event, Header
from schemas.slices import label_before
from streams.mail.clean import one_line
from streams.mail.headers import date, listed, phrase, unstructured
from streams.mail.participants import Cast, header_mailbox, safe_id
from streams.mail.times import in_calendar, stamp

DOMAIN: Final = "chatledger.invalid"  # a top-level domain that is reserved never to exist (RFC 2606)
_REFERENCES: Final = 20  # earlier mails that References names, beside the first
_FIELD_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,59}")
_OURS: Final = re.compile(
    r"(?:from|to|cc|bcc|sender|reply-to|subject|date|message-id|in-reply-to|references|auto-submitted|mime-version"
    r"|email|received|return-path|content-(?!class$).*|resent-.*|x-chatledger-.*)",
    re.IGNORECASE,
)


class MailFields(NamedTuple):
    """What the header of one part needs beside its slice."""

    part: int
    parts: int
    subject: str
    events: list[Event]
    date_ms: int
    status: str
    events_hash: bytes
    boundary: str


def message_id(ident: bytes) -> str:
    """The Message-ID of a mail or an anchor, with its angle brackets."""
    return f"<{ident.hex()}@{DOMAIN}>"


def header_problem(header: Header) -> str | None:
    """Why a user-defined header can't be written, or None; for the check of a configuration."""
    name = header["name"]
    if _FIELD_NAME.fullmatch(name) is None:
        return "a header name is made of letters, digits and hyphens, at most 60"
    if _OURS.fullmatch(name):
        return f"the header {name} is written by the archive itself"
    if not one_line(header["value"]):
        return f"the header {name} has no value"
    if "\r" in header["value"] or "\n" in header["value"]:
        return f"the header {name} has more than one line"
    return None


def date_of(closed: ClosedSlice, events: list[Event]) -> int:
    """The own time of the last event whose time is credible; the slice's start if none is."""
    for event in reversed(events):
        if not event["at_suspect"] and in_calendar(event["at_ms"]):
            return event["at_ms"]
    return closed["slice_start_ms"] if in_calendar(closed["slice_start_ms"]) else 0


def head(closed: ClosedSlice, cast: Cast, mail: MailFields) -> str:
    """The whole header of a mail, with the empty line behind it."""
    anchor = _anchor(closed, closed["slice"])
    user = [header for header in closed["settings"]["headers"] if header_problem(header) is None]
    return "".join([
        *_addresses(closed, cast),
        f"Date: {date(mail.date_ms)}\r\n",
        unstructured("Subject", mail.subject),
        *_threading(closed, mail, anchor),
        "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n",
        _own(closed, mail, anchor),
        listed("Email", cast.email) if cast.email else "",
        *(unstructured(header["name"], one_line(header["value"])) for header in user),
        f'Content-Type: multipart/mixed;\r\n boundary="{mail.boundary}"\r\n\r\n',
    ])  # fmt: skip


def _addresses(closed: ClosedSlice, cast: Cast) -> tuple[str, str]:
    source = safe_id(closed["source"]).lower()
    people = [header_mailbox(*pair, source) for pair in zip(cast.people, cast.addresses, strict=True)]
    if not people:
        return (
            f"From: {phrase('Nobody known')} <nobody@{source}.invalid>\r\n",
            "To: undisclosed-recipients:;\r\n",
        )
    return f"From: {people[cast.initiator]}\r\n", listed("To", people)


def _threading(closed: ClosedSlice, mail: MailFields, anchor: str) -> tuple[str, str, str]:
    previous = _previous(closed)
    references = _references(closed, mail.part, previous, anchor)
    answered = references[-1] if closed["earlier"] or mail.part > 1 else previous
    return (
        f"Message-ID: {message_id(mail_id(closed['closing_id'], mail.part))}\r\n",
        f"In-Reply-To: {answered}\r\n" if answered else "",
        "References: " + "\r\n ".join(references) + "\r\n",
    )


def _references(closed: ClosedSlice, part: int, previous: str | None, anchor: str) -> list[str]:
    """From the conversation's anchor down to the mail before this one."""
    earlier = closed["earlier"]
    kept = earlier if len(earlier) <= _REFERENCES else [earlier[0], *earlier[-_REFERENCES:]]
    return [
        message_id(digest("thread", closed["connector_uid"], closed["conversation"])),
        *([previous] if previous else []),
        anchor,
        *map(message_id, kept),
        *([message_id(closed["closing_id"])] if part > 1 else []),
    ]


def _anchor(closed: ClosedSlice, label: str) -> str:
    return message_id(digest("slice", slice_key(closed["connector_uid"], closed["conversation"], label)))


def _previous(closed: ClosedSlice) -> str | None:
    """The anchor of the slice before, where the label says which that is."""
    before = label_before(closed["slice"])
    return None if before is None else _anchor(closed, before)


def _own(closed: ClosedSlice, mail: MailFields, anchor: str) -> str:
    named = (
        ("X-Chatledger-Source", closed["source"]),
        ("X-Chatledger-Connector", closed["connector_uid"]),
        ("X-Chatledger-Conversation-Id", closed["conversation"]),
        ("X-Chatledger-Slice", closed["slice"]),
    )
    fields = [unstructured(name, one_line(value) or "-") for name, value in named]
    return (
        f"{''.join(fields)}"
        f"X-Chatledger-Slice-Anchor: {anchor}\r\n"
        f"X-Chatledger-Revision: {closed['revision']}\r\n"
        f"X-Chatledger-Part: {mail.part}/{mail.parts}\r\n"
        f"X-Chatledger-Event-Count: {len(mail.events)}\r\n"
        f"X-Chatledger-First-Event: {stamp(mail.events[0]['at_ms'])}\r\n"
        f"X-Chatledger-Last-Event: {stamp(mail.events[-1]['at_ms'])}\r\n"
        f"X-Chatledger-Events-Hash: {mail.events_hash.hex()}\r\n"
        f"X-Chatledger-Format: {closed['settings']['format']}\r\n"
        f"X-Chatledger-Status: {mail.status}\r\n"
    )


def events_hash(events: bytes) -> bytes:
    """SHA-256 of events.json, which anyone can compute again from the attachment."""
    return hashlib.sha256(events).digest()
