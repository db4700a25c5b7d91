"""Looks for inputs where they have to end, with none of the product's codecs: in archived mails, or in dead-letters."""

import base64
import email
import email.policy
import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

TOKEN = re.compile(rb"fz[0-9a-f]{16}z")
JUNK = 10
"""More bytes than a spoiled answer has too many."""
Fate = Literal["in_mails", "in_dead_letters", "lost"]


@dataclass(frozen=True)
class Input:
    """Something hostile that was handed over: `bodies` are the forms in which it was, any of which will do.

    `partly`: it may end in pieces, as a row does that never says that its conversation has ended.
    """

    kind: str
    token: str
    bodies: tuple[bytes, ...]
    partly: bool = False
    told_by: tuple[bytes, ...] | None = None
    """All parts that are new in it, where the rest is known already."""


@dataclass
class Found:
    """Everything of one run that stands in mails or letters, by token and as it is."""

    mails: list[bytes] = field(default_factory=list)
    letters: list[bytes] = field(default_factory=list)
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    _mails: dict[bytes, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    _letters: dict[bytes, list[bytes]] = field(default_factory=lambda: defaultdict(list))

    def add_mail(self, raw: bytes) -> None:
        """Note the verbatim bytes of an event, or of what it names by claim check."""
        self.mails.append(raw)
        for token in set(TOKEN.findall(raw)):
            self._mails[token].append(raw)

    def add_letter(self, value: bytes) -> None:
        """Note the original bytes of a dead letter."""
        self.letters.append(value)
        for token in set(TOKEN.findall(value)):
            self._letters[token].append(value)

    def fate(self, one: Input) -> Fate:
        """Where the input ended with its bytes; in a mail for preference."""
        token = one.token.encode()
        if any(body in raw for raw in self._mails[token] for body in one.bodies):
            return "in_mails"
        if any(body in value for value in self._letters[token] for body in one.bodies):
            return "in_dead_letters"
        return "lost"

    def has_changed(self, one: Input, answers: list[bytes]) -> bool:
        """Whether it is in a mail as a spoiled answer had it: junk within a text may leave good JSON, and another text."""
        raws = [
            raw
            for raw in self._mails[one.token.encode()]
            for body in one.bodies
            if abs(len(raw) - len(body)) < JUNK
        ]
        return any(raw in answer for raw in raws for answer in answers)

    def has_part(self, one: Input) -> bool:
        """Whether it is in a mail but for what had to go: because it was never settled, or is a secret of a form."""
        raws = self._mails[one.token.encode()]
        if one.told_by is not None:
            return all(any(part in raw for raw in raws) for part in one.told_by)
        return any(one.partly or b'"[withheld]"' in raw for raw in raws)


def read_mails(archive: Path, found: Found) -> int:
    """Read every stored mail's events, and the rows that they name; gives the number of mails."""
    mails = sorted((archive / "_mails").rglob("*.eml"))
    for path in mails:
        for event in events_of(path.read_bytes()):
            found.events[event["id"]] = event
            found.add_mail(raw_of(event))
            row = event["details"].get("row_sha256")
            if row:
                found.add_mail(_content(archive, row))
    return len(mails)


def _content(archive: Path, sha256: str) -> bytes:
    return next((archive / "_content").rglob(f"*{sha256}*")).read_bytes()


def raw_of(event: dict[str, Any]) -> bytes:
    """The verbatim bytes of an event as events.json has it."""
    coded = event.get("raw_base64")
    return base64.b64decode(coded) if coded is not None else str(event["raw"]).encode()


def events_of(mail: bytes) -> Iterable[dict[str, Any]]:
    """The events in a mail's events.json."""
    for part in email.message_from_bytes(mail, policy=email.policy.compat32).walk():
        if part.get_content_type() == "application/json" and "events" in (part.get_filename() or ""):
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            yield from json.loads(payload)["events"]
