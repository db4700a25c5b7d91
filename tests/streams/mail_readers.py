"""Reads mails back, with parsers that know nothing of the writer."""

import email
import email.policy
import json
from dataclasses import dataclass
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

import mailparser

_ISOLATES = {0x2068: None, 0x2069: None}


@dataclass(frozen=True)
class Read:
    """A mail as a parser understands it."""

    headers: dict[str, str]
    sender: list[tuple[str, str]]
    to: list[tuple[str, str]]
    text: str
    html: str
    files: list[tuple[str, bytes]]
    message: EmailMessage

    def file(self, name: str) -> bytes:
        """The bytes of the one file of this name."""
        (found,) = [data for one, data in self.files if one == name]
        return found

    def events(self) -> list[dict[str, Any]]:
        """The events of events.json."""
        events: list[dict[str, Any]] = json.loads(self.file("events.json"))["events"]
        return events


def read(data: bytes) -> Read:
    """By the standard library."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    plain, rich = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert rich is not None
    return Read(
        headers={name: str(value) for name, value in message.items()},
        sender=_people(message, "From"),
        to=_people(message, "To"),
        text=plain.get_content(),
        html=rich.get_content(),
        files=[(part.get_filename() or "", _content(part)) for part in message.iter_attachments()],
        message=message,
    )


def _content(part: EmailMessage) -> bytes:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


def _people(message: EmailMessage, header: str) -> list[tuple[str, str]]:
    value = message[header]
    return [(one.display_name, one.addr_spec) for one in value.addresses]


def read_otherwise(data: bytes) -> Any:
    """By the mail-parser package."""
    return mailparser.parse_from_bytes(data)


def defects(message: EmailMessage) -> list[str]:
    """What the standard library finds wrong in any part or header."""
    found = []
    for part in message.walk():
        found += [repr(one) for one in part.defects]
        for name, value in part.items():
            found += [f"{name}: {one!r}" for one in getattr(value, "defects", ())]
    return found


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "br":
            self.pieces.append("")

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)


def html_parts(html: str) -> tuple[str, set[str], set[str]]:
    """The text of an HTML document (line breaks as none), its tags and its attributes."""
    parser = _Text()
    parser.feed(html)
    return "".join(parser.pieces).replace("\N{NO-BREAK SPACE}", " "), parser.tags, parser.attributes


def squeezed(text: str) -> str:
    """The text without blanks and isolates: indenting, line breaks and isolates are the transcript's own."""
    return "".join(text.translate(_ISOLATES).split())
