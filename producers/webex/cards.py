"""Adaptive cards as text that people can read. Pure. Elements: adaptivecards.io, schema 1.3, which Webex shows."""

from collections.abc import Iterator
from itertools import islice

MOST_LINES = 2000
DEEPEST = 40
_SHOWN = ("title", "label", "text", "placeholder", "altText", "fallbackText", "url")
_PARTS = (
    "content", "body", "items", "columns", "inlines", "images", "rows", "cells", "card", "actions",
    "selectAction", "inlineAction", "fallback",
)  # fmt: skip


def card_text(attachments: object) -> str:
    """What a reader sees of a message's cards, a line for each piece; actions in brackets."""
    return "\n".join(islice(_lines(attachments, 0), MOST_LINES))


def _lines(node: object, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        return
    if isinstance(node, list):
        for each in node:
            yield from [each] if isinstance(each, str) and each else _lines(each, depth + 1)
    elif isinstance(node, dict):
        yield from _own(node)
        yield from _pairs(node.get("facts"))
        yield from (title for title, _ in _titled(node.get("choices")))
        for name in _PARTS:
            if isinstance(node.get(name), list | dict):
                yield from _lines(node[name], depth + 1)


def _own(node: dict[str, object]) -> Iterator[str]:
    kind = str(node.get("type", ""))
    for name in _SHOWN:
        text = node.get(name)
        if isinstance(text, str) and text:
            yield f"[{text}]" if kind.startswith("Action.") else text
    if kind.startswith("Input.") and kind != "Input.Toggle" and isinstance(node.get("value"), str):
        yield str(node["value"])  # what the field is filled with at first


def _pairs(facts: object) -> Iterator[str]:
    for title, value in _titled(facts):
        yield f"{title}: {value}" if value else title


def _titled(rows: object) -> Iterator[tuple[str, str]]:
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict):
            yield str(row.get("title", "")), str(row.get("value", ""))
