"""From a row to what happened in it: pure, deterministic, never raising on what the source sends.

A draft is an event that does not know yet whether it is news. `meaning` is what a reader would call the content
(semantics 1); it takes the source's own fields, never texts that we derive, so that better rendering is no change.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from producers.liveperson.content import Content, File, content_of
from producers.liveperson.people import Cast, Directory, cast_of
from producers.liveperson.spans import Piece, Row
from producers.liveperson.values import fact, first_fact, listed, mapped, moment, number, words
from schemas.records import Person

OPENED, TRANSFER, LEFT, JOINED = -30, -12, -11, -10
"""Order among events of one time: these before messages, whose order is their seq."""
SURVEY, SUMMARY, CLOSED = 1 << 40, (1 << 40) + 1, (1 << 40) + 2
_UNKNOWN_TYPE = "unknown"


@dataclass(frozen=True)
class Draft:
    """Something that happened, told by one piece of a row; times in ms since 1970 UTC."""

    source_key: str
    kind: str
    at_ms: int
    order: int
    meaning: dict[str, Any]
    piece: Piece = field(repr=False)
    timeless: bool = False
    """True if the source gave no usable time and `at_ms` is a neighbour's."""
    actor: Person | None = None
    audience: str = "all"
    text: str | None = None
    html: str | None = None
    people: tuple[Person, ...] = ()
    files: tuple[File, ...] = ()
    details: dict[str, str] = field(default_factory=dict)


def started_ms(row: Row, captured_ms: int, tolerance_ms: int) -> int:
    """When the conversation began; by its earliest sign of life if the source does not say, or says nonsense."""
    told = moment(row.info, "startTime")
    if told is not None and told <= captured_ms + tolerance_ms:
        return told
    signs = [moment(mapped(item.value), "time") for items in row.items.values() for item in items]
    return min([sign for sign in signs if sign is not None and sign <= captured_ms], default=captured_ms)


def closed_ms(row: Row) -> int | None:
    """When conversation and all dialogs were closed; None while anything is open."""
    if any(fact(row.info.get(name)) != "CLOSE" for name in ("status", "fullDialogStatus")):
        return None
    times = (moment(row.info, name) for name in ("fullDialogEndTime", "endTime", "conversationEndTime"))
    return next((time for time in times if time is not None), None) or _last_sign(row)


def _last_sign(row: Row) -> int | None:
    items = (mapped(item.value) for item in row.items.get("messageRecords", []))
    times = [time for item in items if (time := moment(item, "time")) is not None]
    return max(times, default=moment(row.info, "startTime"))


def drafts_of(row: Row, directory: Directory, start_ms: int) -> list[Draft]:
    """All that the row tells, by time; the same row gives the same drafts."""
    cast = cast_of(row, directory)
    found = [
        _opened(row, cast, start_ms),
        *_agents(row, cast, start_ms),
        *_transfers(row, cast, start_ms),
        *_messages(row, cast, start_ms),
        *_surveys(row, cast),
        *_summary(row),
        *_closed(row, cast),
    ]
    return sorted(found, key=lambda draft: (draft.at_ms, draft.order, draft.source_key))


def _facts(source: dict[str, Any], names: dict[str, str]) -> dict[str, str]:
    """The facts that are there, by our names."""
    return {ours: said for ours, theirs in names.items() if (said := fact(source.get(theirs))) is not None}


def _opened(row: Row, cast: Cast, start_ms: int) -> Draft:
    info, piece = row.info, row.sections.get("info", row.whole)
    consumers = tuple(cast.consumers.values())
    details = _facts(info, {"source": "source", "device": "device", "language": "language"})
    details |= _facts(info, {"time_zone": "timeZone", "integration": "integration", "account": "brandId"})
    details |= _facts(
        mapped(row.section("campaign")),
        {"campaign": "campaignName", "engagement": "campaignEngagementName", "business": "lobName"},
    )
    start_page = {"start_page": "conversationStartPageTitle", "start_url": "conversationStartPage"}
    details |= _facts(mapped(row.section("monitoring")), start_page)
    if skill := _first_skill(row):
        details["skill"] = skill
    return Draft(
        source_key="opened", kind="opened", at_ms=start_ms, order=OPENED, meaning={"at": start_ms},
        piece=piece, actor=consumers[0] if consumers else None, people=consumers, details=details,
    )  # fmt: skip


def _first_skill(row: Row) -> str | None:
    """Where the conversation began: what the first transfer came from, else where it is now."""
    moves = [mapped(item.value) for item in row.items.get("transfers", [])]
    moves.sort(key=lambda move: moment(move, "time") or 0)
    names = [fact(move.get("sourceSkillName")) for move in moves]
    return next((name for name in names if name), None) or fact(row.info.get("latestSkillName"))


def _agents(row: Row, cast: Cast, start_ms: int) -> Iterator[Draft]:
    for section, kind, order in (
        ("agentParticipants", "joined", JOINED),
        ("agentParticipantsLeave", "left", LEFT),
    ):
        for item in row.items.get(section, []):
            yield _agent(item, kind, order, cast, start_ms)


def _agent(item: Piece, kind: str, order: int, cast: Cast, start_ms: int) -> Draft:
    shown = mapped(item.value)
    ident, at = first_fact(shown, "agentId", "agentPid"), moment(shown, "time")
    if ident is None:
        return _unknown(item, kind, start_ms)
    person = cast.person(ident, "Agent")
    names = {"permission": "permission", "group": "agentGroupName", "group_id": "agentGroupId"}
    return Draft(
        source_key=f"{kind}/{fact(shown.get('dialogId')) or ''}/{ident}/{at or 0}", kind=kind,
        at_ms=at or start_ms, timeless=at is None, order=order, piece=item,
        meaning={"agent": ident, "at": at, "permission": fact(shown.get("permission"))},
        actor=person, people=(person,) if person else (), details=_facts(shown, names),
    )  # fmt: skip


def _transfers(row: Row, cast: Cast, start_ms: int) -> Iterator[Draft]:
    for item in row.items.get("transfers", []):
        yield (
            _transfer(item, cast, start_ms)
            if isinstance(item.value, dict)
            else _unknown(item, "transfer", start_ms)
        )


def _transfer(item: Piece, cast: Cast, start_ms: int) -> Draft:
    move, at = item.value, moment(item.value, "time")
    by, assigned = fact(move.get("by")), fact(move.get("assignedAgentId"))
    skills = [fact(move.get(name)) or "" for name in ("sourceSkillId", "targetSkillId")]
    names = {
        "from": "sourceSkillName",
        "to": "targetSkillName",
        "reason": "reason",
        "to_agent": "assignedAgentFullName",
    }
    details = _facts(move, names)
    receiver = cast.person(assigned, "Agent") if assigned else None
    return Draft(
        source_key="/".join(["transfer", fact(move.get("dialogId")) or "", str(at or 0), *skills]), kind="transfer",
        at_ms=at or start_ms, timeless=at is None, order=TRANSFER, piece=item,
        meaning={"at": at, "by": by, "to": assigned, "reason": fact(move.get("reason")), "skills": skills},
        actor=cast.person(by or fact(move.get("sourceAgentId")), "Agent"),
        text=" → ".join(details[name] for name in ("from", "to") if name in details) or None,
        people=(receiver,) if receiver else (), details=details,
    )  # fmt: skip


def _messages(row: Row, cast: Cast, start_ms: int) -> Iterator[Draft]:
    latest = start_ms  # a message without a time is shown where it stands
    for item in row.items.get("messageRecords", []):
        if not isinstance(item.value, dict):
            yield _unknown(item, "message", latest)
            continue
        draft = _message(row, item, cast, latest)
        latest = draft.at_ms
        yield draft


def _message(row: Row, item: Piece, cast: Cast, neighbour_ms: int) -> Draft:
    message: dict[str, Any] = item.value
    content, at, sender = content_of(message), moment(message, "time"), fact(message.get("participantId"))
    sent_by, seq = words(message.get("sentBy")) or "", number(message.get("seq"))
    internal = (fact(message.get("audience")) or "ALL").upper() != "ALL"
    audience = "internal" if internal else "all"
    return Draft(
        source_key=_message_key(message, item), kind="message" if content.understood else _UNKNOWN_TYPE,
        at_ms=neighbour_ms if at is None else at, timeless=at is None, order=seq or 0, piece=item,
        meaning={"at": at, "from": sender, "audience": audience, "content": content.meaning},
        actor=cast.person(sender, sent_by), audience=audience, text=content.text, html=content.html,
        files=content.files, details=_message_details(row, message, content),
    )  # fmt: skip


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


def _dialog(row: Row, ident: str | None) -> dict[str, Any]:
    dialogs = map(mapped, listed(row.section("dialogs")))
    return next((each for each in dialogs if ident and fact(each.get("dialogId")) == ident), {})


def _dialog_type(row: Row, ident: str) -> str | None:
    return fact(_dialog(row, ident).get("dialogType"))


def _unknown(item: Piece, section: str, neighbour_ms: int) -> Draft:
    """A piece that is not what its section should hold: kept whole, under the hash of its bytes."""
    key = f"raw/{sha256(item.raw).hexdigest()[:32]}"
    return Draft(
        source_key=key, kind=_UNKNOWN_TYPE, at_ms=neighbour_ms, timeless=True, order=0, piece=item,
        meaning={"raw": key}, text=words(item.value), details={"section": section},
    )  # fmt: skip


def _surveys(row: Row, cast: Cast) -> Iterator[Draft]:
    """Surveys, each once its dialog has ended: before that it has no time of its own."""
    for item in row.items.get("conversationSurveys", []):
        survey = mapped(item.value)
        at = moment(_dialog(row, fact(survey.get("dialogId"))), "endTime") or closed_ms(row)
        if at is not None and survey:
            yield _survey(item, survey, at, cast)


def _survey(item: Piece, survey: dict[str, Any], at: int, cast: Cast) -> Draft:
    answers = [
        (words(each.get("question")) or fact(each.get("questionId")), words(each.get("answer")))
        for each in map(mapped, listed(survey.get("surveyData")))
    ]
    details = _facts(survey, {"survey": "surveyType", "status": "surveyStatus"})
    lines = [f"{question or '?'}: {answer or ''}" for question, answer in answers]
    idents = [fact(survey.get(name)) or "" for name in ("dialogId", "surveyId", "surveyType")]
    return Draft(
        source_key="/".join(["survey", *idents]), kind="survey", at_ms=at, order=SURVEY, piece=item,
        meaning={"at": at, "status": details.get("status"), "answers": answers},
        actor=cast.person(None, "Consumer"), audience="all", text="\n".join(lines) or None, details=details,
    )  # fmt: skip


def _summary(row: Row) -> Iterator[Draft]:
    """The agent's summary, once it says when it was written or the conversation has ended."""
    piece, summary = row.sections.get("summary"), mapped(row.section("summary"))
    text = words(summary.get("text"))
    at = number(summary.get("lastUpdatedTime"))
    at = at if at is not None and at > 0 else closed_ms(row)
    if piece is not None and text and at is not None:
        yield Draft(
            source_key="summary", kind="summary", at_ms=at, order=SUMMARY, piece=piece,
            meaning={"at": at, "text": text}, audience="internal", text=text,
        )  # fmt: skip


def _closed(row: Row, cast: Cast) -> Iterator[Draft]:
    at = closed_ms(row)
    if at is None:
        return
    reason = fact(row.info.get("closeReason"))
    details = _facts(
        row.info, {"reason": "closeReason", "description": "closeReasonDescription", "csat": "csatRate"}
    )
    who = cast.person(None, "Consumer") if (reason or "").upper() == "CONSUMER" else None
    yield Draft(
        source_key=f"closed/{at}", kind="closed", at_ms=at, order=CLOSED, meaning={"at": at, "reason": reason},
        piece=row.sections.get("info", row.whole), actor=who, people=cast.everybody(), details=details,
    )  # fmt: skip
