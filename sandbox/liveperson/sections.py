"""The sections of a history row other than ``info`` and ``messageRecords``, from the state and the view."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sandbox.liveperson.files import ERASED
from sandbox.liveperson.model import CUSTOMER, made_id
from sandbox.liveperson.people import AGENTS, SKILLS

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.liveperson.model import Joins
    from sandbox.liveperson.rows import View
    from sandbox.liveperson.state import Moved, Said, State

Row = dict[str, Any]


def time_text(ms: int) -> str:
    """Write a time as the API does: ``2026-03-04 14:02:11.318+0000``."""
    at = dt.datetime.fromtimestamp(ms // 1000, dt.UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}.{ms % 1000:03d}+0000"


def both_times(name: str, ms: int) -> Row:
    """Give a time as text and as ``…L``; 0 = not yet, which the API writes as ``undefined`` and -1."""
    return {name: time_text(ms), f"{name}L": ms} if ms else {name: "undefined", f"{name}L": -1}


def undefined(text: str) -> str:
    """Give the text, or the filler that the API shows for a missing one."""
    return text or "undefined"


def _agent(state: State, at_ms: int, join: Joins, view: View) -> Row:
    agent = AGENTS[join.who]
    return {
        "agentFullName": agent.name_at(view.now_ms),
        "agentNickname": agent.nickname,
        "agentLoginName": agent.login_name,
        "agentDeleted": agent.deleted_at(view.now_ms),
        "agentId": agent.id,
        "agentPid": agent.pid,
        "userType": str(agent.kind),
        "userTypeName": ("System", "Human", "Bot")[agent.kind],
        "role": join.role,
        "agentGroupName": agent.group.name,
        "agentGroupId": agent.group.id,
        **both_times("time", at_ms),
        "permission": join.permission,
        "dialogId": state.conversation.id,
    }


def _consumers(state: State, _view: View) -> list[Row]:
    customer = state.conversation.customer
    erased = bool(state.erased_ms)
    known = {
        "firstName": state.first_name,
        "lastName": state.last_name,
        "consumerName": f"{state.first_name} {state.last_name}".strip(),
        "email": customer.email,
        "phone": customer.phone,
        "token": "",
        "avatarURL": "",
    }
    shown = {name: ERASED if erased and text else undefined(text) for name, text in known.items()}
    return [
        {
            "participantId": customer.id,
            **shown,
            **both_times("time", state.conversation.start_ms),
            **both_times("joinTime", state.conversation.start_ms),
            "dialogId": state.conversation.id,
        }
    ]


def _prefixed(prefix: str, key: str, view: View) -> Row:
    agent = AGENTS[key]
    return {
        f"{prefix}AgentId": agent.id,
        f"{prefix}AgentFullName": agent.name_at(view.now_ms),
        f"{prefix}AgentLoginName": agent.login_name,
        f"{prefix}AgentNickname": agent.nickname,
    }


def _transfer(state: State, moved: Moved, view: View) -> Row:
    source, target = SKILLS[moved.from_skill], SKILLS[moved.step.skill]
    assigned = _prefixed("assigned", moved.step.to, view) if moved.step.to else {"assignedAgentId": "null"}
    return {
        **both_times("time", moved.at_ms),
        **assigned,
        "targetSkillId": target.id,
        "targetSkillName": target.name,
        "reason": moved.step.reason,
        "by": AGENTS[moved.step.by].id,
        "sourceSkillId": source.id,
        "sourceSkillName": source.name,
        **(_prefixed("source", moved.from_agent, view) if moved.from_agent else {}),
        "dialogId": state.conversation.id,
    }


def _interactions(state: State, view: View) -> list[Row]:
    assigned = [each for each in state.joined if each[1].permission == "ASSIGNED_AGENT"]
    return [
        {
            **_prefixed("assigned", join.who, view),
            **both_times("interactionTime", at_ms),
            "interactiveSequence": number,
            "dialogId": state.conversation.id,
        }
        for number, (at_ms, join) in enumerate(assigned, 1)
    ]


def _dialog(state: State, *, survey: bool) -> Row:
    skill, close = SKILLS[state.skills[-1]], state.close
    begun = state.closed_ms if survey else state.conversation.start_ms
    ended = state.survey_ended_ms if survey else state.closed_ms
    row: Row = {
        "dialogId": state.conversation.survey_id if survey else state.conversation.id,
        "status": "CLOSE" if ended else "OPEN",
        "dialogType": "POST_SURVEY" if survey else "MAIN",
        "dialogChannelType": "MESSAGING",
        **both_times("startTime", begun),
        **both_times("endTime", ended),
        "skillId": skill.id,
        "skillName": skill.name,
    }
    if ended and close:
        row |= {"closeReason": close.reason, "closeReasonDescription": close.description}
    return row


def _dialogs(state: State, _view: View) -> list[Row]:
    survey = [_dialog(state, survey=True)] if state.close and state.close.survey else []
    return [_dialog(state, survey=False), *survey]


def _of_customer(state: State) -> list[Said]:
    return [said for said in state.said if said.step.who == CUSTOMER]


def _statuses(state: State, _view: View) -> list[Row]:
    reader = AGENTS[state.latest_agent].id if state.latest_agent else ""
    return [
        {
            "messageId": said.id,
            "seq": said.seq,
            **both_times("time", said.at_ms + later),
            "participantId": reader,
            "participantType": "Agent",
            "messageDeliveryStatus": status,
            "dialogId": said.dialog_id,
        }
        for said in _of_customer(state)
        for later, status in ((120, "ACCEPT"), (450, "READ"))
        if reader
    ]


def _scores(state: State, _view: View) -> list[Row]:
    return [
        {"messageId": said.id, "messageRawScore": 0, "mcs": 50, **both_times("time", said.at_ms + 1500)}
        for said in _of_customer(state)
    ]


def _surveys(state: State, _view: View) -> list[Row]:
    if not state.survey:
        return []
    answer = {
        "question": "How did we do?",
        "answer": str(state.survey.score),
        "questionId": "q-1",
        "answerId": f"a-{state.survey.score}",
        "questionType": "csat",
        "questionFormat": "single",
        "answerSeq": 2,
        "isValidAnswer": True,
    }
    return [
        {
            "surveyType": "PostSurvey",
            "surveyStatus": state.survey.status,
            "surveyId": "4131112210",
            "dialogId": state.conversation.survey_id,
            "surveyData": [answer] if state.survey.score else [],
        }
    ]


def _summary(state: State, _view: View) -> Row:
    if not state.summary:
        return {}
    return {"text": ERASED if state.erased_ms else state.summary, "lastUpdatedTime": state.summary_ms}


def _sdes(state: State, view: View) -> Row:
    at: int | str = state.conversation.start_ms + 400
    at = at if view.version >= 2 else str(at)
    inner: Row = {"serverTimeStamp": at, "originalTimeStamp": at}
    customer = state.conversation.customer
    known = {"customerId": f"CL-{customer.id[:6]}", "userName": customer.key}
    events: list[Row] = [
        {"sdeType": "CUSTOMER_INFO", "serverTimeStamp": at, "customerInfo": {**inner, "customerInfo": known}}
    ]
    # A list answer carries only the last of them, the answer by id all.
    if customer.email and not state.erased_ms:
        contact = {
            "email": customer.email,
            "phone": customer.phone or None,
            "phoneType": None,
            "address": None,
        }
        person = {
            "name": customer.first_name,
            "surname": customer.last_name,
            "contacts": [{"personalContact": contact}],
        }
        events.append(
            {
                "sdeType": "PERSONAL_INFO",
                "serverTimeStamp": at,
                "personalInfo": {**inner, "personalInfo": person},
            }
        )
    return {"events": events if view.whole else events[-1:]}


def _campaign(_state: State, _view: View) -> Row:
    return {
        "campaignEngagementId": "4125500910",
        "campaignEngagementName": "Help button",
        "campaignId": "4125500810",
        "campaignName": "Client service",
        "goalId": "4119980310",
        "goalName": "Assist clients",
        "engagementSource": "WEB_SITE",
        "lobId": 4125500710,
        "lobName": "Retail",
        "locationId": "4119980510",
        "locationName": "Entire site",
    }


MAKERS: dict[str, Callable[[State, View], Any]] = {
    "campaign": _campaign,
    "agentParticipants": lambda state, view: [_agent(state, at, join, view) for at, join in state.joined],
    "agentParticipantsLeave": lambda state, view: [_agent(state, at, join, view) for at, join in state.left],
    "agentParticipantsActive": lambda state, view: [
        _agent(state, at, join, view) for at, join in ([] if state.closed else state.active())
    ],
    "consumerParticipants": _consumers,
    "transfers": lambda state, view: [_transfer(state, moved, view) for moved in state.moved],
    "interactions": _interactions,
    "messageScores": _scores,
    "messageStatuses": _statuses,
    "conversationSurveys": _surveys,
    "coBrowseSessions": lambda _state, _view: {"coBrowseSessionsList": []},
    "summary": _summary,
    "sdes": _sdes,
    "unAuthSdes": lambda _state, view: {"events": []} if view.version >= 2 else None,
    "dialogs": _dialogs,
    "responseTime": lambda _state, _view: {
        "latestEffectiveResponseDueTime": -1,
        "configuredResponseTime": 86_400_000,
    },
    "monitoring": lambda _state, _view: {"country": "Germany", "countryCode": "DE", "city": "Bremen"},
    "skillChanges": lambda _state, _view: [],
    "intents": lambda _state, _view: [],
}

__all__ = ["MAKERS", "both_times", "made_id", "time_text", "undefined"]
