"""Reads one archived mail for the checker: header fields, transcript, attached files, events.json.

Two readers, to be held against each other: the standard library's `email` and the package `mailparser`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple
from unicodedata import normalize

from sandbox.checked_text import Flat, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

Parser = Literal["email", "mailparser"]
EVENTS: Final = "events.json"

_ENTRY: Final = re.compile(r"^\[[^\]\n]*[0-9]{2}[^\]\n]*\][ \t]*", re.MULTILINE)
_TIME: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([0-9]{2}:[0-9]{2}:[0-9]{2})")
_RULE: Final = re.compile(r"^[-=_─]{20,}[ \t]*$", re.MULTILINE)


class Entry(NamedTuple):
    """One event as the transcript shows it; `flat` is without the time."""

    time: str
    flat: Flat


class Contents(NamedTuple):
    """What a reader of mails found in one: header fields, text/plain body, attached files (name, bytes)."""

    fields: dict[str, str]
    plain: str
    files: list[tuple[str, bytes]]
    composed: bool = False  # whether the reader puts texts into Unicode's NFC


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail of the archive; `files` are the SHA-256 of what is attached, in hexadecimal."""

    path: str
    sha256: str
    source: str
    connector: str
    conversation: str
    heading: Flat
    entries: tuple[Entry, ...]
    files: frozenset[str]
    events: tuple[dict[str, Any], ...]
    problems: tuple[str, ...] = field(default=())

    def tells(self, entry: Entry, at_ms: int) -> bool:
        """Whether the entry's time is this one, to the second: in UTC if the heading says so, else in some zone."""
        found = _TIME.search(entry.time)
        if found is None:
            return False
        told = datetime.fromisoformat(f"{found[1]}T{found[2]}+00:00")
        ahead = int(told.timestamp()) - at_ms // 1000
        return ahead == 0 if "(UTC)" in self.heading.text else ahead % 900 == 0 and abs(ahead) <= 14 * 3600

    def pairs(self) -> Iterator[tuple[dict[str, Any], Entry | None]]:
        """Each event with its entry; without one where the transcript has not as many entries as events."""
        if len(self.entries) == len(self.events):
            yield from zip(self.events, self.entries, strict=True)
        else:
            yield from ((event, None) for event in self.events)


def read_mail(path: str, raw: bytes, parser: Parser = "email") -> Mail:
    """The mail; what is wrong with it by itself is in its `problems`, as sentences."""
    contents = _with_mailparser(raw) if parser == "mailparser" else _with_email(raw)
    heading, entries = transcript(contents.plain)
    events, problems = _events(contents)
    if len(entries) < len(events):
        problems.append(f"{path}: its transcript has {len(entries)} entries for {len(events)} events")
    return Mail(
        path=path,
        sha256=hashlib.sha256(raw).hexdigest(),
        source=contents.fields["Source"].lower(),
        connector=contents.fields["Connector"],
        conversation=contents.fields["Conversation-Id"],
        heading=heading,
        entries=entries,
        files=frozenset(hashlib.sha256(data).hexdigest() for name, data in contents.files if name != EVENTS),
        events=tuple(events),
        problems=tuple(one if one.startswith(path) else f"{path}: {one}" for one in problems),
    )


def transcript(plain: str) -> tuple[Flat, tuple[Entry, ...]]:
    """Heading and entries: an entry starts with a time in brackets at the begin of a line, after the rule."""
    plain = plain.replace("\r\n", "\n")
    rule = _RULE.search(plain)
    begin = rule.end() if rule else 0
    marks = list(_ENTRY.finditer(plain, begin))
    ends = [mark.start() for mark in marks[1:]] + [len(plain)]
    entries = [
        Entry(mark[0].strip(), shown(plain[mark.end() : end])) for mark, end in zip(marks, ends, strict=True)
    ]
    heading = plain[: rule.start()] if rule else plain[: marks[0].start()] if marks else plain
    return shown(heading), tuple(entries)


def _events(contents: Contents) -> tuple[list[dict[str, Any]], list[str]]:
    found = [data for name, data in contents.files if name == EVENTS]
    if not found:
        return [], [f"it has no {EVENTS}"]
    problems = []
    if hashlib.sha256(found[-1]).hexdigest() != contents.fields["Events-Hash"]:
        problems.append(f"{EVENTS} is not what X-Chatledger-Events-Hash says")
    try:
        plain = found[-1].decode()
        document = json.loads(normalize("NFC", plain) if contents.composed else plain)
        events = [_event(each) for each in document["events"]]
    except (ValueError, KeyError, TypeError) as error:
        return [], [*problems, f"{EVENTS} can't be read: {type(error).__name__}: {error}"]
    if contents.fields["Event-Count"] != str(len(events)):
        problems.append(
            f"X-Chatledger-Event-Count says {contents.fields['Event-Count']}, {EVENTS} has {len(events)}"
        )
    return events, problems


_NEEDED: Final = frozenset({
    "id", "source_key", "kind", "at_ms", "actor", "target", "text", "former_text", "people", "attachments",
})  # fmt: skip


def _event(event: dict[str, Any]) -> dict[str, Any]:
    """What the checker needs of an event; the raw form shrinks to the number of files that it names."""
    return {name: event[name] for name in _NEEDED} | {"named_files": _named_files(event.get("raw", ""))}


def _named_files(raw: str) -> int:
    """How many files the source's own words name (Webex: `data.files`); 0 where they say nothing of files."""
    if '"files"' not in raw:
        return 0
    try:
        source, _ = json.JSONDecoder().raw_decode(raw)
        files = source["data"]["files"]
    except (ValueError, KeyError, TypeError):
        return 0
    return len(files) if isinstance(files, list) else 0


_FIELDS: Final = ("Source", "Connector", "Conversation-Id", "Events-Hash", "Event-Count")


def _with_email(raw: bytes) -> Contents:
    mail = message_from_bytes(raw, policy=policy.default)
    fields = {name: str(mail.get(f"X-Chatledger-{name}", "")).strip() for name in _FIELDS}
    body = mail.get_body(("plain",))
    plain = str(body.get_content()) if body is not None else ""
    files = []
    for part in mail.iter_attachments() if mail.is_multipart() else ():
        data = part.get_payload(decode=True)
        files.append((part.get_filename() or "", data if isinstance(data, bytes) else b""))
    return Contents(fields, plain, files)


def _with_mailparser(raw: bytes) -> Contents:
    import mailparser  # noqa: PLC0415 - only the tests' dependencies have it

    mail = mailparser.parse_from_bytes(raw)
    fields = {name: str(mail.headers.get(f"X-Chatledger-{name}", "")).strip() for name in _FIELDS}
    files = [(each["filename"], _payload(each)) for each in mail.attachments]
    return Contents(fields, "\n".join(mail.text_plain), files, composed=True)


def _payload(attachment: dict[str, Any]) -> bytes:
    text = str(attachment["payload"])
    return base64.b64decode(text) if attachment["binary"] else text.encode()
