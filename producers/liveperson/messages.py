"""From message records to drafts."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from producers.liveperson.content import Content, content_of
from producers.liveperson.draft import SURVEY, UNKNOWN, Draft, unknown
from producers.liveperson.people import Cast
from producers.liveperson.spans import Piece, Row
from producers.liveperson.values import fact, listed, mapped, moment, number, words


def messages_of(row: Row, cast: Cast, start_ms: int) -> Iterator[Draft]:
    """Every message of the row, in the source's order."""
    latest = start_ms  # a message without a time is shown where it stands
    for item in row.items.get("messageRecords", []):
        if not isinstance(item.value, dict):
            yield unknown(item, "message", latest)
            continue
        draft = _message(row, item, cast, latest)
        latest = draft.at_ms
        yield draft


def _message(row: Row, item: Piece, cast: Cast, neighbour_ms: int) -> Draft:
    message: dict[str, Any] = item.value
    content, at, sender = content_of(message), moment(message, "time"), fact(message.get("participantId"))
    sent_by = words(message.get("sentBy")) or ""
    internal = (fact(message.get("audience")) or "ALL").upper() != "ALL"
    audience = "internal" if internal else "all"
    return Draft(
        source_key=_message_key(message, item), kind="message" if content.understood else UNKNOWN,
        at_ms=neighbour_ms if at is None else at, timeless=at is None, order=_order(message), piece=item,
        meaning={"at": at, "from": sender, "audience": audience, "content": content.meaning},
        actor=cast.person(sender, sent_by), audience=audience, text=content.text, html=content.html,
        files=content.files, details=_message_details(row, message, content),
    )  # fmt: skip


def _order(message: dict[str, Any]) -> int:
    """The message's place in its dialog, between what comes first and what comes last."""
    return min(max(number(message.get("seq")) or 0, 0), SURVEY - 1)


def _message_key(message: dict[str, Any], item: Piece) -> str:
    told = fact(message.get("messageId"))
    if told is not None:
        return told
    dialog, seq = fact(message.get("dialogId")), number(message.get("seq"))
    return f"seq/{dialog}/{seq}" if seq is not None else f"raw/{sha256(item.raw).hexdigest()[:32]}"


def _message_details(row: Row, message: dict[str, Any], content: Content) -> dict[str, str]:
    details = dict(content.details)
    kind = fact(message.get("type"))
    if kind not in (None, "TEXT_PLAIN", "HOSTED_FILE"):
        details["type"] = str(kind)
    dialog = fact(message.get("dialogId"))
    if dialog is not None and dialog != row.conversation:
        details["dialog"] = _dialog_type(row, dialog) or dialog
    if message.get("predefinedContent") in (True, "true"):
        details["predefined"] = fact(message.get("predefinedContentId")) or "yes"
    return details


def dialog_of(row: Row, ident: str | None) -> dict[str, Any]:
    """The dialog with this id, empty if the row has none."""
    dialogs = map(mapped, listed(row.section("dialogs")))
    return next((each for each in dialogs if ident and fact(each.get("dialogId")) == ident), {})


def _dialog_type(row: Row, ident: str) -> str | None:
    return fact(dialog_of(row, ident).get("dialogType"))
