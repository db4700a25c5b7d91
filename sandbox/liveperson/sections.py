"""The sections of a history row other than ``info`` and ``messageRecords``, from the state and the view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.liveperson import participants
from sandbox.liveperson.files import ERASED
from sandbox.liveperson.model import CUSTOMER
from sandbox.liveperson.people import AGENTS, SKILLS
from sandbox.liveperson.times import both_times

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.liveperson.rows import View
    from sandbox.liveperson.state import Said, State

Row = dict[str, Any]


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
    "agentParticipants": participants.came,
    "agentParticipantsLeave": participants.went,
    "agentParticipantsActive": participants.active,
    "consumerParticipants": participants.consumers,
    "transfers": participants.transfers,
    "interactions": participants.interactions,
    "messageScores": _scores,
    "messageStatuses": _statuses,
    "conversationSurveys": _surveys,
    "coBrowseSessions": lambda _state, _view: None,  # nobody ever browsed together
    "summary": _summary,
    "sdes": participants.sdes,
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
