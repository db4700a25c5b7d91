"""All mails of one conversation by one connector, indexed for the checker's look-ups."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.checked_mail import Entry, Mail

_ONCE = frozenset({"message", "file", "answer", "joined", "left", "deleted", "updated", "opened", "closed"})
_CHANGES = frozenset({"updated", "deleted"})
_PEOPLE = frozenset({"joined", "left", "opened"})


class Found(NamedTuple):
    """An event of a mail with its entry in the transcript, where one can be told to be its own."""

    mail: Mail
    event: dict[str, Any]
    entry: Entry | None


class Shelf:
    """Events by source key, by target and by person; entries counted, so that a repetition shows."""

    def __init__(self, archive: Path) -> None:
        self._archive = archive
        self.mails: list[Mail] = []
        self._keys = defaultdict[str, list[Found]](list)
        self._targets = defaultdict[str, list[Found]](list)
        self._people = defaultdict[str, list[Found]](list)
        self._shown = Counter[str]()
        self._claimed = Counter[str]()

    def add(self, mail: Mail) -> None:
        """Take a mail in."""
        self.mails.append(mail)
        for event, entry in mail.pairs():
            found = Found(mail, event, entry)
            self._keys[event["source_key"]].append(found)
            if event["target"]:
                self._targets[event["target"]].append(found)
            if event["kind"] in _PEOPLE:
                for person in {one["id"] for one in [*event["people"], event["actor"]] if one}:
                    self._people[person].append(found)
        self._shown.update(entry.flat.text for entry in mail.entries)

    def said(self, key: str) -> list[Found]:
        """The events that brought a message; not those that changed it."""
        return [found for found in self._keys.get(key, ()) if found.event["kind"] not in _CHANGES]

    def changes(self, key: str, target: str, kind: str) -> list[Found]:
        """The events of a kind (`updated`, `deleted`) under this key or about this message."""
        both = [*self._keys.get(key, ()), *self._targets.get(target, ())]
        unique = {id(found): found for found in both if found.event["kind"] == kind}
        return list(unique.values())

    def about(self, key: str) -> list[Found]:
        """Everything that brought or changed a message."""
        return [*self._keys.get(key, ()), *self._targets.get(key, ())]

    def of_person(self, person: str) -> list[Found]:
        """Openings, joins and leaves of somebody."""
        return self._people.get(person, [])

    def entries(self) -> Iterator[Entry]:
        """All entries of all transcripts."""
        return (entry for mail in self.mails for entry in mail.entries)

    def keeps(self, sha256: str) -> bool:
        """Whether the archive has this content under its hash, unharmed."""
        path = self._archive / "_content" / sha256[:2] / sha256
        if not path.is_file():
            return False
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == sha256

    def claim(self, entry: Entry) -> None:
        """Note that a served message has been found in this entry."""
        self._claimed[entry.flat.text] += 1

    def miscounted(self) -> Iterator[tuple[str, int, int]]:
        """Texts of claimed entries that are shown more or less often than served: text, shown, served."""
        for text, claimed in self._claimed.items():
            if self._shown[text] != claimed:
                yield text, self._shown[text], claimed

    def attached(self) -> Iterator[Found]:
        """The events that have files."""
        for mail in self.mails:
            for event, entry in mail.pairs():
                if event["attachments"] or event["named_files"]:
                    yield Found(mail, event, entry)


def doubled_events(mails: list[Mail]) -> Iterator[str]:
    """Sentences on events that mails of one connector hold twice: by id, or by what they say."""
    seen = dict[tuple[str, ...], str]()
    for mail in mails:
        for event in mail.events:
            for key in _identities(mail, event):
                if key in seen:
                    yield f"{key[0]}: {event['kind']} {event['source_key']} is in {seen[key]} and again in {mail.path}"
                    break
                seen[key] = mail.path


def _identities(mail: Mail, event: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    yield mail.connector, "id", event["id"]
    if event["kind"] in _ONCE:
        files = [one["source_key"] for one in event["attachments"]]
        text = repr((event["text"], event["at_ms"], files)) if event["kind"] == "updated" else ""
        yield mail.connector, "content", mail.conversation, event["kind"], event["source_key"], text
