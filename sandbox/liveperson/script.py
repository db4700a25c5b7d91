"""Short words for writing conversations down: each gives a step ``gap`` seconds after the one before."""

from __future__ import annotations

import json
from typing import Any

from sandbox.liveperson.model import CUSTOMER, File, Joins, Leaves, Message, Transfer

Card = dict[str, Any]


def said(gap: float, who: str, text: str, *, hidden: bool = False, predefined: str = "") -> Message:
    """Write a text as somebody; hidden = only agents and managers see it."""
    return Message(gap, who, data={"msg": {"text": text}}, hidden=hidden, predefined=predefined)


def asked(gap: float, text: str) -> Message:
    """Let the customer write a text."""
    return said(gap, CUSTOMER, text)


def sent(gap: float, who: str, file: File) -> Message:
    """Send a file as somebody."""
    return Message(gap, who, "HOSTED_FILE", file=file)


def bot_said(gap: float, who: str, text: str, intent: str, *choices: str) -> Message:
    """Let a bot write, with what it has understood and quick replies to choose from."""
    data: Card = {"msg": {"text": text}}
    if choices:
        replies = [
            {"type": "button", "title": each, "click": {"actions": [_publish(each)]}} for each in choices
        ]
        content = {"type": "quickReplies", "itemsPerRow": 2, "replies": replies}
        data["quickReplies"] = {"content": json.dumps(content, ensure_ascii=False)}
    understood = {"id": intent, "confidence": "HIGH", "confidenceScore": 0.91}
    context = {"externalConversationId": f"bot-{intent}", "businessCases": [intent], "intents": [understood]}
    return Message(gap, who, data=data, metadata=(context,))


def card(gap: float, who: str, *elements: Card, predefined: str = "") -> Message:
    """Send structured content of these elements, one under the other."""
    content = json.dumps({"type": "vertical", "elements": list(elements)}, ensure_ascii=False)
    return Message(gap, who, "RICH_CONTENT", {"richContent": {"content": content}}, predefined=predefined)


def words(text: str) -> Card:
    """Give a text element of a card."""
    return {"type": "text", "text": text}


def button(title: str, uri: str) -> Card:
    """Give a link button of a card."""
    return {"type": "button", "title": title, "click": {"actions": [{"type": "link", "uri": uri}]}}


def survey(gap: float, who: str, text: str) -> Message:
    """Write a message in the survey dialog."""
    return Message(gap, who, data={"msg": {"text": text}}, survey=True)


def joins(gap: float, who: str) -> Joins:
    """Let an agent take the conversation."""
    return Joins(gap, who)


def watches(gap: float, who: str) -> Joins:
    """Let a manager look in."""
    return Joins(gap, who, "READER", "MANAGER")


def hands_over(by: str, skill: str, to: str, after: float = 5) -> tuple[Transfer, Leaves, Joins]:
    """Pass the conversation to a skill: the agent or bot goes, the next comes in."""
    return Transfer(after, by, skill), Leaves(1, by), Joins(20, to)


def _publish(text: str) -> Card:
    return {"type": "publishText", "text": text}
