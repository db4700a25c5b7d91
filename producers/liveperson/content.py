"""What a reader sees of a message: text, files and links of `messageData`, whatever its type.

Container names of links and secure forms are not documented, so those two are recognised by their fields.
"""

import json
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from producers.liveperson.spans import Piece, members
from producers.liveperson.values import fact, listed, mapped, words

FORM_FACTS = ("formId", "formName", "invitationId", "submissionId", "status", "state", "title")
"""All that is ever shown or kept of a secure form: never what somebody filled in."""
_FORM_MARKS = frozenset({"formId", "invitationId", "submissionId", "formData"})
_UNSAID = frozenset({"type", "id", "elementId", "size", "target", "$schema", "fallback", "class"})
"""Fields of cards whose plain values are structure, not words."""
_WRITTEN = frozenset({"msg", "richContent", "quickReplies", "preview"})
_UNSAID_TREES = frozenset({"metadata", "style", "encryptedMetadata"})
_BREAKS = frozenset({"p", "br", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table"})


@dataclass(frozen=True)
class File:
    """A file that a message names; `path` is None when the source forgot to say where it lies."""

    path: str | None
    name: str | None
    content_type: str | None


@dataclass(frozen=True)
class Content:
    """A message as a reader sees it, and `meaning`: what makes it another message when it changes."""

    text: str | None
    meaning: dict[str, Any]
    html: str | None = None
    files: tuple[File, ...] = ()
    details: dict[str, str] = field(default_factory=dict)
    understood: bool = True


def content_of(message: dict[str, Any]) -> Content:
    """Text, files and facts of a message record; never raises."""
    data = message.get("messageData")
    if is_form(message):
        return _form(message)
    if isinstance(data, dict) and isinstance(data.get("file"), dict):
        return _file(data["file"])
    if isinstance(data, dict) and (link := _link_box(data)) is not None:
        return _link(link)
    if isinstance(data, dict) and data.keys() & {"msg", "richContent", "quickReplies"}:
        return _written(message, data)
    return Content(_joined(seen_texts(data)), {"unknown": data}, understood=False)


def _written(message: dict[str, Any], data: dict[str, Any]) -> Content:
    box = data.get("msg")
    said = words(box.get("text")) if isinstance(box, dict) else words(box)
    cards = [
        mapped(data.get(name)).get("content", data.get(name)) for name in ("richContent", "quickReplies")
    ]
    shown = [line for card in cards if card is not None for line in seen_texts(_parsed(card))]
    html = said if said is not None and message.get("type") == "TEXT_HTML" else None
    plain = html_text(html) if html is not None else said
    meaning: dict[str, Any] = {"text": said, "cards": [card for card in cards if card is not None]}
    rest = {key: value for key, value in data.items() if key not in _WRITTEN}
    if rest:
        meaning["rest"] = rest
        shown += seen_texts(rest)
    empty = said is None and not shown
    return Content(_joined([plain, *shown] if plain else shown), meaning, html, understood=not empty)


def _file(box: dict[str, Any]) -> Content:
    path, kind = fact(box.get("relativePath")), fact(box.get("fileType"))
    caption = words(box.get("caption"))
    name = path.rsplit("/", 1)[-1] if path else None
    found = File(path, name, _content_type(kind, name))
    meaning = {"file": path, "file_type": kind, "caption": caption}
    return Content(caption, meaning, files=(found,), details={"file_type": kind} if kind else {})


def _content_type(kind: str | None, name: str | None) -> str | None:
    by_name = mimetypes.guess_type(f"file.{kind.lower()}")[0] if kind else None
    return by_name or (mimetypes.guess_type(name)[0] if name else None)


def _link_box(data: dict[str, Any]) -> dict[str, Any] | None:
    boxes = [data, *data.values()]
    return next((box for box in boxes if isinstance(box, dict) and "externalFileLink" in box), None)


def _link(box: dict[str, Any]) -> Content:
    link, caption = words(box.get("externalFileLink")), words(box.get("caption"))
    kind = fact(box.get("fileType"))
    meaning = {"link": link, "file_type": kind, "caption": caption}
    return Content(_joined([caption, link]), meaning, details={"file_type": kind} if kind else {})


def is_form(message: dict[str, Any]) -> bool:
    """Whether a message invites to, or answers, a secure form."""
    data = message.get("messageData")
    boxes = [data, *data.values()] if isinstance(data, dict) else []
    typed = str(message.get("type", "")).upper().startswith("SECURE_FORM")
    return typed or any(isinstance(box, dict) and _FORM_MARKS & box.keys() for box in boxes)


def _form(message: dict[str, Any]) -> Content:
    data = mapped(message.get("messageData"))
    facts: dict[str, str] = {}
    for box in (data, *(mapped(value) for value in data.values())):
        facts |= {name: said for name in FORM_FACTS if (said := fact(box.get(name))) is not None}
    submitted = "SUBMIT" in str(message.get("type", "")).upper() or "submissionId" in facts
    state = "submitted" if submitted else "invitation"
    name = facts.get("formName") or facts.get("title") or facts.get("formId") or "without a name"
    details = {"form": name, "form_state": state}
    return Content(f"Secure form {state}: {name}", {"form": facts, "state": state}, details=details)


def form_cuts(message: Piece) -> list[tuple[int, int]]:
    """Where a secure form's message holds more than may be kept: spans of the body to withhold."""
    if not isinstance(message.value, dict) or not is_form(message.value):
        return []
    data = next((piece for key, piece in members(message) if key == "messageData"), None)
    if data is None:
        return []
    return [cut for key, piece in members(data) for cut in _member_cuts(key, piece)]


def _member_cuts(key: str, piece: Piece) -> Iterator[tuple[int, int]]:
    if isinstance(piece.value, dict):
        inner = ((name, each) for name, each in members(piece))
        yield from ((each.start, each.end) for name, each in inner if not _may_stay(name, each))
    elif not _may_stay(key, piece):
        yield piece.start, piece.end


def _may_stay(name: str, piece: Piece) -> bool:
    return name in FORM_FACTS and not isinstance(piece.value, dict | list)


def seen_texts(node: object) -> list[str]:
    """Every text and link in a card, in order and each once; structure and styling are left out."""
    return list(dict.fromkeys(line for line in _texts(node, "") if line.strip()))


def _texts(node: object, key: str) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            structure = name in _UNSAID and not isinstance(value, dict | list)
            if not structure and name not in _UNSAID_TREES:
                yield from _texts(value, name)
    elif isinstance(node, list):
        for item in node:
            yield from _texts(item, key)
    elif isinstance(node, str):
        yield from listed(words(node))
    elif isinstance(node, int | float) and not isinstance(node, bool) and key in {"value", "text", "title"}:
        yield str(node)


def _parsed(card: object) -> object:
    if not isinstance(card, str):
        return card
    try:
        return json.loads(card, strict=False)
    except (ValueError, RecursionError):
        return card


def _joined(lines: list[str] | list[str | None]) -> str | None:
    said = [line for line in lines if line]
    return "\n".join(said) if said else None


class _Reader(HTMLParser):
    """Collects the text of a piece of HTML, and the targets of its links."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Break lines where a browser would, and note where a link leads."""
        if tag in _BREAKS:
            self.out.append("\n")
        target = dict(attrs).get("href")
        if target:
            self.out.append(f"{target} ")

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.out.append(data)


def html_text(html: str) -> str:
    """The readable text of a piece of HTML; the HTML itself if it cannot be read."""
    reader = _Reader()
    try:
        reader.feed(html)
        reader.close()
    except (AssertionError, ValueError):
        return html
    return "\n".join(line for line in (line.strip() for line in "".join(reader.out).split("\n")) if line)
