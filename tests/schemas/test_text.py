"""Text that can be written down."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.text import well_formed


@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_any_text_becomes_one_that_utf_8_can_carry(text: str) -> None:
    """What was fine stays; doing it again changes nothing."""
    made = well_formed(text)

    assert made.encode("utf-8").decode("utf-8") == made
    assert well_formed(made) == made
    if not any("\ud800" <= char <= "\udfff" for char in text):
        assert made == text


def test_halves_become_a_mark_and_pairs_a_character() -> None:
    """A lone half is U+FFFD; two halves that belong together are what they meant."""
    assert well_formed("a\ud83d b") == "a\ufffd b"
    assert well_formed("\ud83d\ude00") == "😀"
    assert well_formed("\ude00\ud83d") == "\ufffd\ufffd"
