"""Enters into the ledger what a history answer shows, read from the rows as they are sent."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING, Any

from sandbox.liveperson.people import AGENTS_BY_ID
from sandbox.simulation import Ledger, Served

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Row = dict[str, Any]
SOURCE = "liveperson"


class Shown:
    """Remembers which text of each message was shown last, to tell an edit from a repetition."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._texts = {
            entry.get("target", entry["id"]): (entry.get("text", ""), *entry.get("texts", ()))
            for entry in ledger.entries()
            if entry["kind"] in {"message", "edit"}
        }
        self._names = {
            f"{entry['conversation']}/{entry['sender_id']}": entry.get("sender_name", "")
            for entry in ledger.entries()
            if entry["kind"] == "name"
        }

    def rows(self, rows: Iterable[Row]) -> None:
        """Enter everything that the rows show for the first time."""
        for row in rows:
            for served in _entries(row):
                self._enter(served)

    def file(
        self, conversation: str, message_id: str, name: str, *, at_ms: int, sha256: str, size: int
    ) -> None:
        """Enter a file whose bytes went out in full."""
        self._ledger.serve(
            Served(SOURCE, conversation, "file", f"{name}#{sha256[:8]}", at_ms, file_name=name, sha256=sha256,
                   size=size, target=message_id)
        )  # fmt: skip

    def _enter(self, served: Served) -> None:
        if served.kind == "message":
            text = (served.text, *served.texts)
            before = self._texts.setdefault(served.id, text)
            if before != text:
                self._texts[served.id] = text
                edit = f"{served.id}#{hash_of(text)}"
                served = dataclasses.replace(served, kind="edit", id=edit, target=served.id)
        elif served.kind == "name":
            person = f"{served.conversation}/{served.sender_id}"
            if self._names.setdefault(person, served.sender_name) != served.sender_name:
                served = dataclasses.replace(served, kind="renamed", id=f"{served.id}:{served.sender_name}")
        self._ledger.serve(served)


def hash_of(texts: Iterable[str]) -> str:
    """Give a short name for a text."""
    return hashlib.sha256(json.dumps(list(texts)).encode()).hexdigest()[:8]


def _entries(row: Row) -> Iterator[Served]:
    conversation = row["info"]["conversationId"]
    people = _people(row)
    for each in row.get("consumerParticipants", []):
        yield _person(conversation, "join", each["participantId"], each["joinTimeL"], people)
    for kind, section in (("join", "agentParticipants"), ("leave", "agentParticipantsLeave")):
        for each in row.get(section, []):
            yield _person(conversation, kind, each["agentId"], each["timeL"], people)
    for sender, (name, _) in people.items():
        yield Served(SOURCE, conversation, "name", sender, 0, sender_id=sender, sender_name=name)
    for each in row.get("messageRecords", []):
        yield _message(conversation, each, people)
    if row["info"]["status"] == "CLOSE":
        yield Served(SOURCE, conversation, "closed", conversation, row["info"]["conversationEndTimeL"])


def _people(row: Row) -> dict[str, tuple[str, str]]:
    people = {}
    for each in row.get("consumerParticipants", []):
        people[each["participantId"]] = (_known(each.get("consumerName")), _known(each.get("email")))
    for each in row.get("agentParticipants", []):
        people[each["agentId"]] = (each["agentFullName"], AGENTS_BY_ID[each["agentId"]].email)
    return people


def _known(text: str | None) -> str:
    return "" if text in {None, "undefined"} else str(text)


def _person(conversation: str, kind: str, who: str, at_ms: int, people: dict[str, tuple[str, str]]) -> Served:
    name, email = people.get(who, ("", ""))
    made = f"{who}@{at_ms}"
    return Served(
        SOURCE, conversation, kind, made, at_ms, sender_id=who, sender_name=name, sender_email=email
    )


def _message(conversation: str, record: Row, people: dict[str, tuple[str, str]]) -> Served:
    who, data = record["participantId"], record["messageData"]
    name, email = people.get(who, ("", ""))
    path = data.get("file", {}).get("relativePath", "")
    return Served(
        SOURCE, conversation, "message", record["messageId"], record["timeL"],
        sender_id=who, sender_name=name, sender_email=email,
        text=data.get("msg", {}).get("text", ""), texts=tuple(_pieces(data)),
        file_name=path.rpartition("/")[2], hidden=record["audience"] != "ALL",
    )  # fmt: skip


def _pieces(data: Row) -> Iterator[str]:
    for key in ("richContent", "quickReplies"):
        if key in data:
            yield from _card_texts(json.loads(data[key]["content"]))
    if "file" in data and "caption" in data["file"]:
        yield data["file"]["caption"]
    for value in data.values():
        if isinstance(value, dict):
            yield from (value[name] for name in ("formName", "externalFileLink") if name in value)
            if "externalFileLink" in value and "caption" in value:
                yield value["caption"]


def _card_texts(card: object) -> Iterator[str]:
    """Give what a reader sees of a card: texts and titles (not the targets of clicks)."""
    if isinstance(card, list):
        for each in card:
            yield from _card_texts(each)
    elif isinstance(card, dict):
        seen = "title" if card.get("type") in {"button", "submitButton"} else "text"
        if isinstance(card.get(seen), str):
            yield card[seen]
        for name in ("elements", "replies", "columns", "rows", "head", "body"):
            yield from _card_texts(card.get(name))
