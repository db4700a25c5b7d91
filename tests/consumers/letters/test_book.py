"""Which letters there are, which of them are open, and how one is named."""

from typing import Any

import pytest

from consumers.letters.book import LetterBook, LetterError, stranger
from consumers.orders import audit
from schemas.records import DeadLetter


def letter(origin: str, value: bytes = b"bytes", **changes: Any) -> DeadLetter:
    """A letter of a record."""
    one: Any = {
        "stage": "assemble", "connector_uid": None, "reason": "bad", "error": "ValueError", "origin": origin,
        "topic": "raw-events", "partition": 0, "position": 7, "key": b"wx/room", "value": value, "value_ref": None,
    }  # fmt: skip
    made: DeadLetter = one | changes
    return made


def book_of(*letters: DeadLetter) -> LetterBook:
    """These letters, one after the other."""
    book = LetterBook()
    for at, one in enumerate(letters):
        book.see_letter(at, 1_000 + at, one)
    return book


def say(book: LetterBook, kind: str, name: str) -> None:
    """The next record of topic audit."""
    book.see_audit(audit(name, kind, at_ms=5, by="op", reason="why"))


def test_the_same_record_is_one_letter_and_answers_of_one_address_are_several() -> None:
    """A worker that was killed sends a letter twice; LivePerson's answers all have the same origin."""
    history = {"topic": None, "connector_uid": "lp", "stage": "collect"}
    book = book_of(
        letter("raw-events/0/7"), letter("raw-events/0/7"), letter("LivePerson history", b"a", **history),
        letter("LivePerson history", b"b", **history),
    )  # fmt: skip
    assert [(one.at, one.size, one.connector) for one in book.letters()] == [
        (0, 5, "wx"), (2, 1, "lp"), (3, 1, "lp")
    ]  # fmt: skip
    assert book.find("raw-events/0/7").said["value"] == b""
    with pytest.raises(LetterError, match="2 dead letters are from LivePerson history; name one by its id: "):
        book.find("LivePerson history")
    last = book.letters()[-1]
    assert book.find(last.name[:8]) is last
    for nobody in ("raw-events/0/8", ""):
        with pytest.raises(LetterError, match="no dead letter"):
            book.find(nobody)


def test_a_claim_check_and_its_bytes_are_the_same_letter() -> None:
    """Large bytes are known by their hash and size."""
    book = book_of(letter("o", b"", value_ref={"sha256": b"\1" * 32, "size": 9_000_000}))
    assert (book.letters()[0].size, book.letters()[0].sha256) == (9_000_000, "01" * 32)


@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        ([], "open"), (["redrive"], "open"), (["redrive", "redriven"], "redriven"), (["settled"], "settled"),
        (["settled", "redrive"], "settled"), (["settled", "redrive", "redriven"], "redriven"),
    ],
)  # fmt: skip
def test_a_letter_is_open_until_something_complete_is_on_record(kinds: list[str], state: str) -> None:
    """A redrive that was killed before it was said to be done leaves it open; other letters are untouched."""
    book = book_of(letter("a"), letter("b"))
    for kind in kinds:
        say(book, kind, book.letters()[0].name)
    say(book, "settled", "of another order")
    assert [one.state for one in book.letters()] == [state, "open"]


def test_what_is_no_letter_is_not_overlooked() -> None:
    """A record of a later version in dead-letters is told, open, and can be settled."""
    book = book_of(stranger(0, b"\xc3\x01later", "unknown schema fingerprint 00"))
    found = book.find("dead-letters/0/0")
    assert (found.is_open, found.said["stage"], found.connector) == (True, "unknown", "")
