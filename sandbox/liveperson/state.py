"""Folds a conversation's steps up to an instant into what is known of it then."""

from __future__ import annotations

import bisect
import dataclasses
import functools
from typing import TYPE_CHECKING

from sandbox.liveperson import model

if TYPE_CHECKING:
    from sandbox.liveperson.model import Conversation


@dataclasses.dataclass(frozen=True)
class Said:
    """A message with its place in its dialog."""

    step: model.Message
    at_ms: int
    seq: int
    dialog_id: str
    id: str


@dataclasses.dataclass(frozen=True)
class Moved:
    """A transfer with where it came from."""

    step: model.Transfer
    at_ms: int
    from_skill: str
    from_agent: str


@dataclasses.dataclass
class State:
    """What has happened in a conversation so far; times in ms since 1970, 0 = not yet."""

    conversation: Conversation
    first_name: str
    last_name: str
    updated_ms: int
    said: list[Said] = dataclasses.field(default_factory=list)
    joined: list[tuple[int, model.Joins]] = dataclasses.field(default_factory=list)
    left: list[tuple[int, model.Joins]] = dataclasses.field(default_factory=list)
    moved: list[Moved] = dataclasses.field(default_factory=list)
    skills: list[str] = dataclasses.field(default_factory=list)
    assigned: str = ""
    latest_agent: str = ""
    close: model.Close | None = None
    closed_ms: int = 0
    survey: model.SurveyEnds | None = None
    survey_ended_ms: int = 0
    summary: str = ""
    summary_ms: int = 0
    erased_ms: int = 0
    seqs: dict[str, int] = dataclasses.field(default_factory=dict)

    @property
    def closed(self) -> bool:
        """Whether the main dialog has ended."""
        return self.close is not None

    @property
    def fully_closed(self) -> bool:
        """Whether the survey dialog, if any, has ended too."""
        return self.close is not None and (not self.close.survey or self.survey is not None)

    @property
    def ended_ms(self) -> int:
        """The end as ``info.endTime`` has it: moved when the survey ends; 0 while open."""
        return self.survey_ended_ms or self.closed_ms

    def active(self) -> list[tuple[int, model.Joins]]:
        """Give those who came and have not gone."""
        gone = {(id(join)) for _, join in self.left}
        return [each for each in self.joined if id(each[1]) not in gone]

    def next_seq(self, dialog_id: str) -> int:
        """Count an event of a dialog; what is not a message leaves a gap in the messages' numbers."""
        seq = self.seqs.get(dialog_id, -1) + 1
        self.seqs[dialog_id] = seq
        return seq


def steps_until(conversation: Conversation, until_ms: int) -> int:
    """Count the steps that have happened by then (inclusive)."""
    return bisect.bisect_right(conversation.times, until_ms)


def state_at(conversation: Conversation, until_ms: int) -> State:
    """Fold the steps up to an instant."""
    return _state_after(_ByIdentity(conversation), steps_until(conversation, until_ms))


class _ByIdentity:
    """A conversation that hashes in no time; its data never change."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation

    def __hash__(self) -> int:
        return hash(self.conversation.id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByIdentity) and self.conversation is other.conversation


@functools.lru_cache(maxsize=20_000)
def _state_after(key: _ByIdentity, count: int) -> State:
    conversation = key.conversation
    customer = conversation.customer
    state = State(conversation, customer.first_name, customer.last_name, conversation.start_ms)
    state.skills.append(conversation.skill)
    for at_ms, step in zip(conversation.times[:count], conversation.steps[:count], strict=True):
        _apply(state, at_ms, step)
        state.updated_ms = at_ms
    return state


def _apply(state: State, at_ms: int, step: model.Step) -> None:
    match step:
        case model.Message():
            _say(state, at_ms, step)
        case model.Joins() | model.Leaves() | model.Transfer():
            state.next_seq(state.conversation.id)
            _move(state, at_ms, step)
        case model.Close():
            state.close, state.closed_ms, state.assigned = step, at_ms, ""
        case model.SurveyEnds():
            state.survey, state.survey_ended_ms = step, at_ms
        case model.Summary():
            state.summary, state.summary_ms = step.text, at_ms
        case model.Renames():
            state.first_name, state.last_name = step.first_name, step.last_name
        case model.Erases():
            state.erased_ms = at_ms
        case _:  # a bare Step: time passes
            pass


def _say(state: State, at_ms: int, step: model.Message) -> None:
    conversation = state.conversation
    dialog = conversation.survey_id if step.survey else conversation.id
    seq = state.next_seq(dialog)
    form = "conv:" if conversation.old_ids else "dialog:"
    state.said.append(Said(step, at_ms, seq, dialog, f"ms::{form}{dialog}::msg:{seq}"))


def _move(state: State, at_ms: int, step: model.Joins | model.Leaves | model.Transfer) -> None:
    match step:
        case model.Joins():
            state.joined.append((at_ms, step))
            if step.permission == "ASSIGNED_AGENT":
                state.assigned = state.latest_agent = step.who
        case model.Leaves():
            state.left += [(at_ms, join) for _, join in state.active() if join.who == step.who]
            state.assigned = "" if state.assigned == step.who else state.assigned
        case model.Transfer():
            state.moved.append(Moved(step, at_ms, state.skills[-1], state.assigned))
            state.skills.append(step.skill)
            state.assigned = ""
