"""The simulated LivePerson's content: what kinds of chats there are, and that it never changes by itself."""

from __future__ import annotations

import json
import unicodedata

from sandbox.liveperson.content import WRITTEN, conversations
from sandbox.liveperson.model import CUSTOMER, DAY_MS, MONDAY_MS, Close, Conversation, Erases, Joins, Message
from sandbox.liveperson.people import AGENTS
from sandbox.liveperson.rows import View, row_of
from sandbox.liveperson.site import SWITCHES
from sandbox.liveperson.state import state_at

BY_KEY = {each.key: each for each in WRITTEN}


def _messages(conversation: Conversation) -> list[Message]:
    return [step for step in conversation.steps if isinstance(step, Message)]


def _text(conversation: Conversation) -> str:
    return json.dumps([step.data for step in _messages(conversation)], ensure_ascii=False)


def test_scripts_of_the_world_are_there() -> None:
    """Letters of nine scripts, right to left too, and emoji of several code points occur."""
    text = "".join(map(_text, WRITTEN))
    names = {unicodedata.name(letter, "").split(" ")[0] for letter in set(text) if letter.isalpha()}
    scripts = {"LATIN", "GREEK", "ARABIC", "HEBREW", "CJK", "HIRAGANA", "KATAKANA", "DEVANAGARI", "HALFWIDTH"}
    assert scripts <= names
    assert "👩🏽\u200d💻" in text
    assert "👨\u200d👩\u200d👧\u200d👦" in text


def test_every_kind_of_message_is_there() -> None:
    """Texts, files of four kinds, cards, links and secure forms occur."""
    messages = [step for each in WRITTEN for step in _messages(each)]
    assert {step.type for step in messages} == {
        "TEXT_PLAIN", "HOSTED_FILE", "RICH_CONTENT", "LINK", "SECURE_FORM_INVITATION", "SECURE_FORM_SUBMIT",
    }  # fmt: skip
    assert {step.file.kind for step in messages if step.file} == {"PNG", "PDF", "TXT", "GIF"}
    assert any("quickReplies" in step.data for step in messages)
    assert max(len(step.data["msg"]["text"]) for step in messages if "msg" in step.data) >= 20_000


def test_injections_are_there() -> None:
    """Text that looks like a header and like HTML occurs, line ends included."""
    assert "\r\nBcc: " in _messages(BY_KEY["depot-auszug"])[3].data["msg"]["text"]
    assert "<script>" in _text(BY_KEY["emoji-and-markup"])


def test_a_chat_without_people_and_one_without_answer() -> None:
    """In one chat all agents are bots, in another nobody came and the system closed it."""
    came = {key: [step.who for step in each.steps if isinstance(step, Joins)] for key, each in BY_KEY.items()}
    assert {AGENTS[who].kind for who in came["bots-only"]} == {2}
    assert came["nobody-came"] == []
    assert [step.reason for step in BY_KEY["nobody-came"].steps if isinstance(step, Close)] == ["SYSTEM"]


def test_midnight_and_long_chats() -> None:
    """One chat crosses midnight; one has messages in its first, second and fourth 24 hours, not in its third."""
    times = {key: _message_times(each) for key, each in BY_KEY.items()}
    assert len({(at - MONDAY_MS) // DAY_MS for at in times["carte-perdue"][:-2]}) == 2
    start = BY_KEY["three-days-open"].start_ms
    assert {(at - start) // DAY_MS for at in times["three-days-open"]} == {0, 1, 3}


def _message_times(conversation: Conversation) -> list[int]:
    pairs = zip(conversation.times, conversation.steps, strict=True)
    return [at for at, step in pairs if isinstance(step, Message)]


def test_people_at_the_edges() -> None:
    """One human agent has no e-mail, one was deleted, one renamed, one signs in with the address."""
    humans = [agent for agent in AGENTS.values() if agent.kind == 1]
    assert [agent.key for agent in humans if not agent.email] == ["robin"]
    assert [agent.key for agent in humans if agent.deleted] == ["tomasz"]
    assert [agent.key for agent in humans if agent.renamed] == ["jonas"]
    assert [agent.key for agent in humans if agent.login_name == agent.email] == ["chidi"]
    assert any(isinstance(step, Erases) for step in BY_KEY["erased-later"].steps)


def test_generated_content_depends_on_scale_and_seed_alone() -> None:
    """A larger scale only adds, another seed gives other chats, and ids never collide."""
    some, more, other = conversations(5, 1), conversations(50, 1), conversations(5, 2)
    assert some == more[: len(some)]
    assert {each.id for each in other} & {each.id for each in more} == {each.id for each in WRITTEN}
    assert len({each.id for each in more}) == len(more)


def test_generated_chats_have_their_sizes_and_stay_in_the_week() -> None:
    """A generated chat has 4 to 40 messages and begins and ends in the week."""
    for each in conversations(300, 3)[len(WRITTEN) :]:
        assert 4 <= len(_messages(each)) <= 40
        assert MONDAY_MS <= each.start_ms < each.times[-1] < MONDAY_MS + 7 * DAY_MS
        assert _messages(each)[0].who == CUSTOMER


def test_message_ids_are_unique_and_grow() -> None:
    """No two messages of all chats share an id, both forms of ids occur, and seq leaves gaps."""
    whole = View(MONDAY_MS + 9 * DAY_MS, whole=True, version=2, switches=SWITCHES)
    rows = [row_of(state_at(each, each.times[-1]), whole, None) for each in conversations(50, 1)]
    ids = [record["messageId"] for row in rows for record in row["messageRecords"]]
    assert len(set(ids)) == len(ids)
    assert {each.split(":")[2] for each in ids} == {"dialog", "conv"}
    gaps = [record["seq"] for record in rows[0]["messageRecords"]]
    assert gaps[:4] == [0, 2, 3, 4]
