"""Makes the history API's rows (``conversationHistoryRecords``) from a conversation's state.

Shapes after LivePerson's Messaging Interactions API pages: every time twice, as text in UTC and as ``…L`` in
epoch ms; what is not known is the text ``undefined``, the number -1, or not there.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from typing import TYPE_CHECKING, Any

from sandbox.liveperson import sections
from sandbox.liveperson.files import ERASED, preview
from sandbox.liveperson.model import ACCOUNT, CUSTOMER, made_id
from sandbox.liveperson.people import AGENTS, SKILLS
from sandbox.liveperson.times import both_times

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sandbox.liveperson.model import File
    from sandbox.liveperson.state import Said, State

Row = dict[str, Any]

DEFAULT_SECTIONS = (
    "campaign", "messageRecords", "agentParticipants", "agentParticipantsLeave", "agentParticipantsActive",
    "consumerParticipants", "transfers", "interactions", "messageScores", "messageStatuses",
    "conversationSurveys", "coBrowseSessions", "summary", "sdes",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class View:
    """How rows are asked for: the instant, whole (by id) or from a list, parameter ``v``, the switches."""

    now_ms: int
    whole: bool
    version: int
    switches: Mapping[str, Any]


def row_of(state: State, view: View, wanted: Collection[str] | None) -> Row:
    """Make one row with ``info`` and the wanted sections (None: the default ones)."""
    cut = 0 if view.whole else view.switches["partial_rows_over"]
    partial = bool(cut) and len(state.said) > cut
    shown = state.said[:cut] if partial else state.said
    row: Row = {"info": _info(state, view, partial=partial)}
    makers = sections.MAKERS | {
        "messageRecords": lambda _state, _view: [_message(state, each, view) for each in shown]
    }
    for name in DEFAULT_SECTIONS if wanted is None else wanted:
        section = makers[name](state, view) if name in makers else None
        if section is not None:
            row[name] = section
    return row


def _info(state: State, view: View, *, partial: bool) -> Row:
    conversation = state.conversation
    end = state.ended_ms
    return {
        **both_times("startTime", conversation.start_ms),
        **both_times("endTime", end),
        **both_times("conversationEndTime", state.closed_ms),
        **both_times("fullDialogEndTime", end if state.fully_closed else 0),
        "duration": (end or view.now_ms) - conversation.start_ms,
        "conversationId": conversation.id,
        "brandId": ACCOUNT,
        **_latest(state, view),
        "source": conversation.source,
        **_ending(state),
        "mcs": 50,
        "alertedMCS": 0,
        "firstConversation": False,
        "device": conversation.device,
        "latestQueueState": "ACTIVE" if state.assigned or state.closed else "IN_QUEUE",
        "isPartial": partial,
        "visitorId": hashlib.sha256(conversation.id.encode()).hexdigest()[:24],
        "sessionId": hashlib.sha256(conversation.key.encode()).hexdigest()[:22],
        "interactionContextId": "1",
        "timeZone": "Europe/Berlin",
        "features": ["PHOTO_SHARING", "QUICK_REPLIES", "RICH_CONTENT", "SECURE_FORMS"],
        "language": conversation.language,
        "integration": "WEB_SDK",
        "integrationVersion": "3.0.71",
        "appId": "webAsync",
        "ipAddress": "203.0.113.25",
        "latestHandlerAccountId": ACCOUNT,
        "latestHandlerSkillId": SKILLS[state.skills[-1]].id,
        "pendingAgentSurvey": False,
    }


def _latest(state: State, view: View) -> Row:
    skill = SKILLS[state.skills[-1]]
    shown: Row = {"latestSkillId": skill.id, "latestSkillName": skill.name}
    if not state.latest_agent:
        return shown
    agent = AGENTS[state.latest_agent]
    return shown | {
        "latestAgentId": agent.id,
        "latestAgentNickname": agent.nickname,
        "latestAgentFullName": agent.name_at(view.now_ms),
        "latestAgentLoginName": agent.login_name,
        "agentDeleted": agent.deleted_at(view.now_ms),
        "latestAgentGroupId": agent.group.id,
        "latestAgentGroupName": agent.group.name,
    }


def _ending(state: State) -> Row:
    row: Row = {
        "status": "CLOSE" if state.closed else "OPEN",
        "fullDialogStatus": "CLOSE" if state.fully_closed else "OPEN",
    }
    if state.close:
        row |= {"closeReason": state.close.reason, "closeReasonDescription": state.close.description}
    if state.survey and state.survey.score:
        row["csatRate"] = state.survey.score
    return row


def _message(state: State, said: Said, view: View) -> Row:
    conversation, step = state.conversation, said.step
    of_customer = step.who == CUSTOMER
    row: Row = {
        "type": step.type,
        "messageData": _data(state, said, view),
        "messageId": said.id,
        "audience": "AGENTS_AND_MANAGERS" if step.hidden else "ALL",
        "seq": said.seq,
        "dialogId": said.dialog_id,
        "participantId": conversation.customer.id if of_customer else AGENTS[step.who].id,
        "source": conversation.source,
        "integrationSource": conversation.source,
        **both_times("time", said.at_ms),
        "sentBy": "Consumer" if of_customer else "Agent",
    }
    if of_customer:
        row["device"] = conversation.device
    if step.predefined:
        row |= {"predefinedContent": True, "predefinedContentId": step.predefined}
    if step.metadata:
        raw = [{"type": "BotResponse", **each} for each in step.metadata]
        structured = [{"botResponse": dict(each)} for each in step.metadata]
        row["contextData"] = {"rawMetadata": json.dumps(raw), "structuredMetadata": structured}
    return row


def _data(state: State, said: Said, view: View) -> Row:
    erased = bool(state.erased_ms)
    if said.step.file:
        return {"file": _file(state, said, said.step.file, view)}
    data = _renamed(dict(said.step.data), view)
    if not erased:
        return data
    card = {"richContent": {"content": json.dumps({"type": "text", "text": ERASED})}}
    return card if "richContent" in data else {"msg": {"text": ERASED}}


def _renamed(data: Row, view: View) -> Row:
    # The documents show no container key for these two; a switch gives another one.
    keys = {"link": view.switches["link_key"], "secureForm": view.switches["form_key"]}
    if "secureForm" in data and not view.switches["form_data_in_clear"]:
        data["secureForm"] = {name: value for name, value in data["secureForm"].items() if name != "formData"}
    return {keys.get(name, name): value for name, value in data.items()}


def _file(state: State, said: Said, file: File, view: View) -> Row:
    erased = bool(state.erased_ms)
    row: Row = {"relativePath": relative_path(said, state), "fileType": file.kind}
    if file.caption:
        row["caption"] = ERASED if erased else file.caption
    if view.whole:
        row["preview"] = preview(file, erased=erased)
    return row


def relative_path(said: Said, state: State) -> str:
    """Give the path of a message's file on the file server."""
    who = said.step.who
    owner = state.conversation.customer.id if who == CUSTOMER else hashlib.sha256(who.encode()).hexdigest()
    at = dt.datetime.fromtimestamp(said.at_ms / 1000, dt.UTC)
    stamp = f"{at:%d-%m-%Y_%H-%M-%S}-{at.microsecond // 1000:03d}"
    kind = said.step.file.kind if said.step.file else ""
    name = f"{owner}_uuid_{made_id('file', said.id)}_{stamp}.{kind}"
    return f"/v1/AUTH_async-images/{ACCOUNT}/{name}"
