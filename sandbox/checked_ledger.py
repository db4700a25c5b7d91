"""Reads the simulators' ledgers for the checker: what was served, who is called what, which text came before."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final
from unicodedata import normalize

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ERASED: Final = "** LP deleted data **"
"""The platform's own filler for what it erased, texts and names: nobody in the conversation wrote it or is called so."""


class CheckerError(Exception):
    """A ledger or the archive can't be read."""


@dataclass(frozen=True)
class Item:
    """One ledger entry; the fields are explained in sandbox.simulation."""

    source: str
    conversation: str = ""
    kind: str = ""
    id: str = ""
    at_ms: int = 0
    sender_id: str = ""
    sender_name: str = ""
    sender_email: str = ""
    text: str = ""
    texts: tuple[str, ...] = ()
    file_name: str = ""
    sha256: str = ""
    size: int = 0
    target: str = ""
    hidden: bool = False
    served: int = 0  # its place among all entries

    def __str__(self) -> str:
        """The entry as a sentence names it."""
        return f"{self.source} {self.kind} {self.id} of conversation {self.conversation or '(none)'}"


@dataclass
class Served:
    """All entries of the ledgers."""

    items: list[Item] = field(default_factory=list)
    names: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    texts: dict[tuple[str, str], list[Item]] = field(default_factory=lambda: defaultdict(list))
    lively: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    busy: set[tuple[str, str]] = field(default_factory=set)

    def names_of(self, item: Item) -> set[str]:
        """Every name that the source showed for the entry's person; their address or id where it showed none, or erased it."""
        known = self.names.get((item.source, item.sender_id), set())
        if known - {ERASED}:
            return known
        return known | {one for one in (item.sender_email, item.sender_id) if one}

    def conversations_of(self, item: Item) -> set[str]:
        """Where the entry's person said or did something."""
        return self.lively.get((item.source, item.sender_id), set())

    def happened_in(self, item: Item) -> bool:
        """Whether the entry's conversation has anything that makes a mail."""
        return (item.source, item.conversation) in self.busy

    def former(self, item: Item) -> Item | None:
        """The text that an edit or deletion put an end to, if it was served."""
        versions = self.texts.get((item.source, item.target), [])
        before = [one for one in versions if one.id != item.id and one.at_ms <= item.at_ms]
        return max(before, key=lambda one: one.at_ms, default=None)

    def had_text(self, item: Item) -> bool:
        """Whether the entry's text has been served as this message's already."""
        return any(one.text == item.text for one in self.texts.get((item.source, item.target or item.id), ()))

    def add(self, item: Item) -> None:
        """Take an entry in."""
        self.items.append(item)
        if item.sender_name:
            self.names[item.source, item.sender_id].add(item.sender_name)
        if item.kind in {"message", "edit"}:
            self.texts[item.source, item.target or item.id].append(item)
        if item.kind in {"message", "edit", "deletion", "join", "leave"}:
            self.lively[item.source, item.sender_id].add(item.conversation)
            self.busy.add((item.source, item.conversation))


def read_ledgers(paths: Sequence[Path], *, composed: bool = False) -> Served:
    """All entries of all ledgers, each once, as it was first served; raises CheckerError.

    `composed` puts texts into Unicode's NFC, for a reader of mails that does the same.

    Ledgers may overlap: a source that was started again writes a new one. What an earlier ledger has as a message,
    a later one may have with the text of that day; unless an edit is known that says so, that is an edit.
    """
    found, first = Served(), dict[tuple[str, ...], Item]()
    entries = [entry for path in paths for entry in _entries(path)]
    entries.sort(key=lambda one: int(one.get("served_at_ms", 0)))
    for place, entry in enumerate(map(_composed, entries) if composed else entries):
        item = replace(_item(entry), served=place)
        known = first.setdefault((item.source, item.conversation, item.kind, item.id), item)
        if known is item:
            found.add(item)
        elif item.kind == "message" and not found.had_text(item):
            found.add(replace(item, kind="edit", id=f"{item.id}#later", target=item.id))
    return found


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8") as lines:
            return [_checked(json.loads(line)) for line in lines if line.strip()]
    except (OSError, ValueError, TypeError) as error:
        raise CheckerError(f"the ledger {path} can't be read: {error}") from error


def _composed(entry: dict[str, Any]) -> dict[str, Any]:
    plain = {
        name: normalize("NFC", value) if isinstance(value, str) else value for name, value in entry.items()
    }
    return plain | {"texts": [normalize("NFC", text) for text in entry.get("texts", ())]}


def _checked(entry: dict[str, Any]) -> dict[str, Any]:
    _item(entry)  # raises TypeError for what is no entry
    return entry


def _item(entry: dict[str, Any]) -> Item:
    known = {name: entry[name] for name in Item.__dataclass_fields__ if name in entry}
    return Item(**known | {"texts": tuple(entry.get("texts", ()))})
