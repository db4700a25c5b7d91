"""The content of the simulated Webex, and its paging, as pure functions."""

import dataclasses
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.webex.build import StoryError, build
from sandbox.webex.content import WRITTEN, story
from sandbox.webex.ids import decode, iso, parse_iso, public_id
from sandbox.webex.paging import Cursor, cut
from sandbox.webex.script import Edit, Say, Space
from sandbox.webex.switches import Switches


@given(
    total=st.integers(0, 60), size=st.integers(1, 20), repeated=st.integers(0, 3), empty_pages=st.booleans()
)
def test_following_pages_passes_every_row_in_order(
    total: int, size: int, repeated: int, empty_pages: bool
) -> None:
    """Whatever the quirks, the pages together hold every row, and no page is too long."""
    switches = Switches(repeated=repeated, empty_pages=empty_pages)
    cursor: Cursor | None = Cursor(0, 0, 0)
    seen: list[int] = []
    while cursor:
        page = cut(total, cursor, size, switches)
        assert page.end - page.start <= size
        seen += range(page.start, page.end)
        cursor = page.following
    assert list(dict.fromkeys(seen)) == list(range(total))


@given(st.integers(-(10**12), 10**13))
def test_moments_survive_their_text(moment: int) -> None:
    """A moment printed and read is the same moment."""
    assert parse_iso(iso(moment)) == moment


def test_ids_are_unpadded_and_can_be_decoded() -> None:
    """An id is base64 of ciscospark://us/KIND/inner without padding."""
    for inner in ("a", "ab", "abc", "p:r", "m/0"):
        encoded = public_id("CONTENT", inner)
        assert "=" not in encoded
        assert decode(encoded) == ("CONTENT", inner)


def test_the_story_is_the_same_every_time() -> None:
    """The same scale and seed make the same events, another seed others; the scale multiplies."""
    one, two, other = (build(story(2, seed)) for seed in (1, 1, 2))
    assert [each.id for each in one.happenings] == [each.id for each in two.happenings]
    texts = [{each.versions[0].rendered.text for each in world.messages.values()} for world in (one, other)]
    assert texts[0] != texts[1]
    assert len(build(story(3)).messages) - len(one.messages) == 3_300


def test_many_scripts_are_spoken() -> None:
    """The written spaces use letters of at least seven scripts, and emoji joined with ZWJ."""
    text = "".join(
        step.text for space in WRITTEN if not space.hostile for step in space.steps if isinstance(step, Say)
    )
    scripts = {unicodedata.name(letter, "?").split()[0] for letter in text if letter.isalpha()}
    assert {"LATIN", "GREEK", "HEBREW", "ARABIC", "THAI", "HANGUL", "CYRILLIC"} <= scripts
    assert "\u200d" in text


def test_nothing_happens_before_its_cause() -> None:
    """Edits, deletions and replies come after their message, in every world."""
    for message in build(story(2)).messages.values():
        times = [version.since for version in message.versions]
        assert times == sorted(times)
        assert message.deleted is None or message.deleted > times[-1]
        assert message.parent is None or message.parent.at < message.at


def test_a_story_that_contradicts_itself_is_refused() -> None:
    """An edit before its message names space and step."""
    base = story(0)
    steps = (Edit("mon 08:00", "later", "x"), Say("mon 09:00", "ana", "y", ref="later"))
    wrong = dataclasses.replace(base, spaces=(Space("wrong", "", ("ana",), steps),))
    with pytest.raises(StoryError, match="wrong, step 1"):
        build(wrong)
