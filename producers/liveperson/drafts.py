"""From a row to what happened in it: pure, deterministic, never raising on what the source sends."""

from collections.abc import Iterable, Iterator
from typing import Any

from producers.liveperson.draft import (
    CLOSED,
    JOINED,
    LEFT,
    OPENED,
    ROSTER,
    SUMMARY,
    SURVEY,
    TRANSFER,
    Draft,
    facts_of,
    unknown,
)
from producers.liveperson.messages import dialog_of, messages_of
from producers.liveperson.people import Cast, Directory, cast_of
from producers.liveperson.spans import Piece, Row
from producers.liveperson.values import fact, first_fact, listed, mapped, moment, words
from producers.source import Slice
from schemas.records import Person
from schemas.topics import DAY_MS


def started_ms(row: Row) -> int:
    """When the conversation began; by its earliest sign of life if the source does not say, or says nonsense.

    Nonsense is a beginning more than a day after all that happened. 0 if there is no time at all. The row alone
    decides, whenever it is captured.
    """
    told = moment(row.info, "startTime")
    found = (moment(mapped(item.value), "time") for items in row.items.values() for item in items)
    signs = [sign for sign in found if sign is not None]
    if told is not None and (not signs or told <= max(signs) + DAY_MS):
        return told
    return min(signs, default=closed_ms(row) or 0)


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
        *messages_of(row, cast, start_ms),
        *_surveys(row, cast),
        *_summary(row),
        *_closed(row, cast),
    ]
    return sorted(found, key=lambda draft: (draft.at_ms, draft.order, draft.source_key))


def _opened(row: Row, cast: Cast, start_ms: int) -> Draft:
    info, piece = row.info, row.sections.get("info", row.whole)
    consumers = tuple(cast.consumers.values())
    details = facts_of(info, {"source": "source", "device": "device", "language": "language"})
    details |= facts_of(info, {"time_zone": "timeZone", "integration": "integration", "account": "brandId"})
    details |= facts_of(
        mapped(row.section("campaign")),
        {"campaign": "campaignName", "engagement": "campaignEngagementName", "business": "lobName"},
    )
    start_page = {"start_page": "conversationStartPageTitle", "start_url": "conversationStartPage"}
    details |= facts_of(mapped(row.section("monitoring")), start_page)
    if skill := first_skill(row):
        details["skill"] = skill
    return Draft(
        source_key="opened", kind="opened", at_ms=start_ms, order=OPENED, meaning={"at": start_ms},
        piece=piece, actor=consumers[0] if consumers else None, people=consumers, details=details,
    )  # fmt: skip


def first_skill(row: Row) -> str | None:
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
        return unknown(item, kind, start_ms)
    person = cast.person(ident, "Agent")
    names = {"permission": "permission", "group": "agentGroupName", "group_id": "agentGroupId"}
    return Draft(
        source_key=f"{kind}/{fact(shown.get('dialogId')) or ''}/{ident}/{at or 0}", kind=kind,
        at_ms=at or start_ms, timeless=at is None, order=order, piece=item,
        meaning={"agent": ident, "at": at, "permission": fact(shown.get("permission"))},
        actor=person, people=(person,) if person else (), details=facts_of(shown, names),
    )  # fmt: skip


def rosters_of(row: Row, directory: Directory, slices: Iterable[Slice]) -> list[Draft]:
    """Who was there when each later slice began, so that its mail reaches those who only read.

    The meaning leaves the people out: the first roster in a slice stands, whatever the source says later.
    """
    cast, skill = cast_of(row, directory), first_skill(row)
    piece = row.sections.get("agentParticipants", row.sections.get("info", row.whole))
    return [
        Draft(
            source_key=f"roster/{each.label}", kind="roster", at_ms=each.start_ms, order=ROSTER, piece=piece,
            meaning={"slice": each.label}, people=_present(row, cast, each.start_ms),
            details={"provenance": "joins and leaves of the conversation"} | ({"skill": skill} if skill else {}),
        )
        for each in slices
    ]  # fmt: skip


def _present(row: Row, cast: Cast, at_ms: int) -> tuple[Person, ...]:
    """Consumers, and the agents who had joined and not left; everybody once all has ended."""
    closed = closed_ms(row)
    if closed is not None and closed < at_ms:
        return cast.everybody()
    came, left = _latest(row, "agentParticipants", at_ms), _latest(row, "agentParticipantsLeave", at_ms)
    there = [cast.person(ident, "Agent") for ident, at in came.items() if at > left.get(ident, -1)]
    unique = {person["id"]: person for person in (*cast.consumers.values(), *there) if person}
    return tuple(unique.values())


def _latest(row: Row, section: str, before_ms: int) -> dict[str, int]:
    """By agent, the last time of this section up to a moment."""
    found: dict[str, int] = {}
    for shown in (mapped(item.value) for item in row.items.get(section, [])):
        ident, at = first_fact(shown, "agentId", "agentPid"), moment(shown, "time") or 0
        if ident is not None and at <= before_ms:
            found[ident] = max(found.get(ident, 0), at)
    return found


def _transfers(row: Row, cast: Cast, start_ms: int) -> Iterator[Draft]:
    for item in row.items.get("transfers", []):
        yield (
            _transfer(item, cast, start_ms)
            if isinstance(item.value, dict)
            else unknown(item, "transfer", start_ms)
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
    details = facts_of(move, names)
    receiver = cast.person(assigned, "Agent") if assigned else None
    return Draft(
        source_key="/".join(["transfer", fact(move.get("dialogId")) or "", str(at or 0), *skills]), kind="transfer",
        at_ms=at or start_ms, timeless=at is None, order=TRANSFER, piece=item,
        meaning={"at": at, "by": by, "to": assigned, "reason": fact(move.get("reason")), "skills": skills},
        actor=cast.person(by or fact(move.get("sourceAgentId")), "Agent"),
        text=" → ".join(details[name] for name in ("from", "to") if name in details) or None,
        people=(receiver,) if receiver else (), details=details,
    )  # fmt: skip


def _surveys(row: Row, cast: Cast) -> Iterator[Draft]:
    """Surveys, each once its dialog has ended: before that it has no time of its own."""
    for item in row.items.get("conversationSurveys", []):
        survey = mapped(item.value)
        at = moment(dialog_of(row, fact(survey.get("dialogId"))), "endTime") or closed_ms(row)
        if at is not None and survey:
            yield _survey(item, survey, at, cast)


def _survey(item: Piece, survey: dict[str, Any], at: int, cast: Cast) -> Draft:
    answers = [
        (words(each.get("question")) or fact(each.get("questionId")), words(each.get("answer")))
        for each in map(mapped, listed(survey.get("surveyData")))
    ]
    details = facts_of(survey, {"survey": "surveyType", "status": "surveyStatus"})
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
    at = moment(summary, "lastUpdatedTime") or closed_ms(row)
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
    details = facts_of(
        row.info, {"reason": "closeReason", "description": "closeReasonDescription", "csat": "csatRate"}
    )
    who = cast.person(None, "Consumer") if (reason or "").upper() == "CONSUMER" else None
    yield Draft(
        source_key=f"closed/{at}", kind="closed", at_ms=at, order=CLOSED, meaning={"at": at, "reason": reason},
        piece=row.sections.get("info", row.whole), actor=who, people=cast.everybody(), details=details,
    )  # fmt: skip
