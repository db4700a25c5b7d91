"""What a mail has to show of each kind of ledger entry. A rule answers with what is wrong, or with nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sandbox.checked_ledger import ERASED
from sandbox.checked_text import Flat, excerpt, served, stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sandbox.checked_ledger import Item, Served
    from sandbox.checked_shelf import Found, Shelf

_HIDDEN: Final = re.compile(r"\b(internal|hidden|not (visible|shown)|private)\b", re.IGNORECASE)
_EDITED: Final = re.compile(r"\b(edit|chang|updat|replac|redact)", re.IGNORECASE)
_BY_SOURCE: Final = re.compile(r"(LivePerson|the source) (redact|delet|eras)", re.IGNORECASE)
_DELETED: Final = re.compile(r"\b(delet|remov|withdr|taken back)", re.IGNORECASE)
_NOT_KNOWN: Final = re.compile(r"\b(not known|unknown)\b", re.IGNORECASE)
_JOINED: Final = re.compile(r"\b(join|add|open)", re.IGNORECASE)
_LEFT: Final = re.compile(r"\b(left|leave|remov)", re.IGNORECASE)
_REFUSED: Final = re.compile(r"\bnot (attached|fetched|stored)\b", re.IGNORECASE)


def problem_of(item: Item, known: Served, shelf: Shelf) -> str:
    """What is wrong with an entry on this shelf; empty when all of it is there."""
    rule = _RULES.get(item.kind)
    return rule(item, known, shelf) if rule else ""


def refused_files(shelf: Shelf) -> Iterator[str]:
    """Sentences on files that an event names, and that are neither attached nor named as not attached."""
    for found in shelf.attached():
        event, where = found.event, f"{found.mail.path}: {found.event['kind']} {found.event['source_key']}"
        files = event["attachments"]
        if len(files) < event["named_files"]:
            yield f"{where}: the source named {event['named_files']} files, the event has {len(files)}"
        for file in files:
            if file["sha256"] in found.mail.files:
                continue
            if not any(_names_refused(flat, file["name"] or "") for flat in _flats(found)):
                yield f"{where}: file {file['name']!r} ({file['outcome']}) is neither attached nor said to be missing"


def _message(item: Item, known: Served, shelf: Shelf) -> str:
    candidates = shelf.said(item.id)
    if not candidates:
        return _unknown(item, shelf)
    problems = [_said(item, known, found) for found in candidates]
    if "" not in problems:
        return problems[0]
    entry = candidates[problems.index("")].entry
    if entry is not None:
        shelf.claim(entry)
    return ""


def _unknown(item: Item, shelf: Shelf) -> str:
    wanted = served(item.text)
    if wanted and any(entry.flat.shows(wanted, whole=True) >= 0 for entry in shelf.entries()):
        return f"no events.json has it, but a transcript shows its text {excerpt(item.text)}"
    return f"no mail has it; its text is {excerpt(item.text)}"


def _said(item: Item, known: Served, found: Found) -> str:
    """A message's own event and entry: time, text, cards, sender, file, hidden or not."""
    where, event = found.mail.path, found.event
    if event["at_ms"] != item.at_ms:
        return f"{where} has it at {event['at_ms']}, the source at {item.at_ms}"
    if found.entry and not found.mail.tells(found.entry, item.at_ms):
        return f"{where} shows it at {found.entry.time}, the source at {item.at_ms} ms"
    if stored(event["text"] or "").shows(served(item.text), whole=True) < 0:
        return (
            f"{where}: events.json has another text, {excerpt(str(event['text']))} for {excerpt(item.text)}"
        )
    return _best(item, found, lambda flat: _line(item, known, flat))


def _best(item: Item, found: Found, rule: Callable[[Flat], str]) -> str:
    """The rule on the event's own entry; on any entry of the mail when they can't be told apart."""
    problems = [rule(flat) for flat in _flats(found)]
    if "" in problems:
        return ""
    wrong = problems[0] if len(problems) == 1 else "no entry of the transcript shows it as it should"
    return (
        f"{found.mail.path}: {wrong}; served was {excerpt(item.text)}"
        if item.text
        else f"{found.mail.path}: {wrong}"
    )


def _flats(found: Found) -> list[Flat]:
    return [found.entry.flat] if found.entry else [entry.flat for entry in found.mail.entries]


def _line(item: Item, known: Served, flat: Flat) -> str:
    text = served(item.text)
    at = flat.shows(text, whole=True) if text else len(flat.text)
    if at < 0:
        return f"the transcript shows another text, {excerpt(flat.text, 200)}"
    for piece in item.texts:
        if flat.shows(served(piece), whole=False) < 0:
            return f"the transcript does not show {excerpt(piece)} of its card or caption"
    if item.file_name and not _shows_name(flat, item.file_name):
        return f"the transcript does not name the file {item.file_name!r}"
    if item.hidden and not _HIDDEN.search(flat.text, 0, at):
        return "the transcript does not say that it was hidden from the customer"
    return _sender(item, known, flat)


def _sender(item: Item, known: Served, flat: Flat) -> str:
    if ERASED in (item.text, *item.texts) and _BY_SOURCE.match(flat.text):
        return ""
    names = known.names_of(item)
    if any(_begins(flat.text, served(name)) for name in names):
        return ""
    return f"the transcript does not name its sender {_either(names)} but shows {excerpt(flat.text)}"


def _begins(text: str, name: str) -> bool:
    return text.startswith(name) and not text[len(name) : len(name) + 1].isalnum()


def _either(names: set[str]) -> str:
    return " or ".join(repr(name) for name in sorted(names)) or "(nobody)"


def _edit(item: Item, known: Served, shelf: Shelf) -> str:
    candidates = shelf.changes(item.id, item.target, "updated")
    former = known.former(item)
    if not candidates and former is None:
        # the source showed the message with its later text only: then it is an edit to nobody
        candidates = shelf.said(item.target)
        problems = [_best(item, found, lambda flat: _line(item, known, flat)) for found in candidates]
    else:
        problems = [_changed(item, former, known, found) for found in candidates]
    if not problems:
        return f"no mail has the edit; its new text is {excerpt(item.text)}"
    return "" if "" in problems else problems[-1]


def _changed(item: Item, former: Item | None, known: Served, found: Found) -> str:
    def rule(flat: Flat) -> str:
        if not _EDITED.search(flat.text):
            return "the transcript does not say that it is an edit"
        before = _former(item, former, flat)
        return before or _line(item, known, flat)

    return _best(item, found, rule)


def _former(item: Item, former: Item | None, flat: Flat) -> str:
    if former is None or not former.text or flat.shows(served(former.text), whole=True) >= 0:
        return ""
    if former.served > item.served and _NOT_KNOWN.search(flat.text):
        return ""  # the source told of the change first; the archive can't have known, and says so
    return (
        f"the transcript does not show the former text {excerpt(former.text)} but {excerpt(flat.text, 200)}"
    )


def _deletion(item: Item, known: Served, shelf: Shelf) -> str:
    former = known.former(item)

    def rule(flat: Flat) -> str:
        if not _DELETED.search(flat.text):
            return "the transcript does not say that it was deleted"
        return _former(item, former, flat) or _sender(item, known, flat)

    problems = [_best(item, found, rule) for found in shelf.changes(item.id, item.target, "deleted")]
    if not problems:
        return "no mail has the deletion"
    return "" if "" in problems else problems[0]


def _membership(item: Item, known: Served, shelf: Shelf) -> str:
    kinds, verb = ({"joined", "opened"}, _JOINED) if item.kind == "join" else ({"left"}, _LEFT)
    candidates = [
        found
        for found in shelf.of_person(item.sender_id)
        if found.event["kind"] in kinds and found.event["at_ms"] == item.at_ms
    ]
    names = {served(name) for name in known.names_of(item)}

    def rule(flat: Flat) -> str:
        told = verb.search(flat.text) and any(flat.shows(name, whole=False) >= 0 for name in names)
        return "" if told else f"the transcript does not say it of {_either(names)} but {excerpt(flat.text)}"

    problems = [_best(item, found, rule) for found in candidates]
    if not problems:
        return f"no mail has the {item.kind} of {_either(names)}"
    return "" if "" in problems else problems[0]


def _file(item: Item, _known: Served, shelf: Shelf) -> str:
    candidates = [found for found in shelf.about(item.target) if found.event["attachments"]]
    if not candidates:
        return f"no mail has a file of message {item.target}"
    problems = [_attached(item, found, shelf) for found in candidates]
    return "" if "" in problems else problems[0]


def _attached(item: Item, found: Found, shelf: Shelf) -> str:
    if item.file_name and not any(_shows_name(flat, item.file_name) for flat in _flats(found)):
        return f"{found.mail.path} does not name the file {item.file_name!r}"
    if item.sha256 in found.mail.files:
        return ""
    said = [f"{one['name']!r} {one['outcome']} {one['sha256']}" for one in found.event["attachments"]]
    if any(one["sha256"] == item.sha256 for one in found.event["attachments"]):
        # too large for its mail: then the mail says so, and the bytes are kept under their hash
        refused = any(_names_refused(flat, item.file_name) for flat in _flats(found))
        return "" if refused and shelf.keeps(item.sha256) else f"{found.mail.path} has no part with its bytes"
    return f"{found.mail.path} has other bytes: served was {item.sha256}, events.json has {', '.join(said)}"


def _names_refused(flat: Flat, name: str) -> bool:
    return bool(_REFUSED.search(flat.text)) and (not name or _shows_name(flat, name))


def _shows_name(flat: Flat, name: str) -> bool:
    # a line feed in a name is a blank to us; a mail may show it as the control character that it is
    tokens = name.replace("\r", "⟦U+000D⟧").replace("\n", "⟦U+000A⟧").replace("\t", "⟦U+0009⟧")
    return any(flat.shows(served(one), whole=False) >= 0 for one in (name, tokens))


def _name(item: Item, _known: Served, shelf: Shelf) -> str:
    wanted = served(item.sender_name)
    if any(mail.heading.shows(wanted, whole=False) >= 0 for mail in shelf.mails):
        return ""
    if any(entry.flat.shows(wanted, whole=False) >= 0 for entry in shelf.entries()):
        return ""
    return f"no mail of the conversation shows the name {item.sender_name!r}"


_RULES: Final[Mapping[str, Callable[[Item, Served, Shelf], str]]] = {
    "message": _message,
    "edit": _edit,
    "deletion": _deletion,
    "join": _membership,
    "leave": _membership,
    "file": _file,
    "name": _name,
}
