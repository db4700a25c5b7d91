"""The sections of a history row about people: agents, consumers, transfers, assignments, profile events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.liveperson.files import ERASED
from sandbox.liveperson.people import AGENTS, SKILLS
from sandbox.liveperson.times import both_times, undefined

if TYPE_CHECKING:
    from sandbox.liveperson.model import Joins
    from sandbox.liveperson.rows import View
    from sandbox.liveperson.state import Moved, State

Row = dict[str, Any]


def came(state: State, view: View) -> list[Row]:
    """Give every coming of an agent."""
    return [_agent(state, at, join, view) for at, join in state.joined]


def went(state: State, view: View) -> list[Row]:
    """Give every going of an agent."""
    return [_agent(state, at, join, view) for at, join in state.left]


def active(state: State, view: View) -> list[Row]:
    """Give the agents who are in the open conversation."""
    return [] if state.closed else [_agent(state, at, join, view) for at, join in state.active()]


def transfers(state: State, view: View) -> list[Row]:
    """Give the transfers."""
    return [_transfer(state, moved, view) for moved in state.moved]


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


def consumers(state: State, _view: View) -> list[Row]:
    """Give the one consumer, with the filler for what is not known."""
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


def interactions(state: State, view: View) -> list[Row]:
    """Give the assignments, numbered from 1."""
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


def sdes(state: State, view: View) -> Row:
    """Give the engagement attributes: whole by id, only the last in a list; times are text in version 1."""
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
