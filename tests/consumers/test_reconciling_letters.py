"""Which dead letters are a reason for a difference: open ones, about this very mail or event."""

from dataclasses import replace
from typing import Any

import pytest

from consumers.letters.book import REDRIVEN, letter_name
from consumers.orders import audit, say
from consumers.reconciling.compare import archive_findings, missing_events
from consumers.reconciling.day import Day, Letter, faults
from consumers.reconciling.reading import DayReader
from consumers.writing import new_producer
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.ids import mail_id
from schemas.records import person
from schemas.topics import DEAD_LETTERS
from stores.interface import BlobMissingError
from tests.consumers.letters.test_book import letter
from tests.consumers.test_reconciling import SLICE, Seen, a_day, name
from tests.schemas.test_formats import example


def test_a_letter_of_another_mail_hides_nothing() -> None:
    """Only an open letter about this mail, or about the closing that made it, is a reason; one that was dealt with is none."""
    lost = a_day({1}, {1})
    ((mail, _),) = lost.deliveries.items()
    lost.deliveries = {}
    for stage, about in (("archive", mail), ("store", mail), ("render", mail)):
        lost.letters = [Letter("broken", stage, "conversations", 0, 1, "c1", b"", about)]
        assert [one.why for one in archive_findings(lost)] == [f"dead letter, {stage}: broken"]
    lost.letters = [
        Letter("another mail's", "archive", "conversations", 0, 1, "c1", b"", name(7)),
        Letter("of bytes that nobody can read", "archive", "conversations", 0, 1, "c1", b""),
        Letter("put in again", "archive", "conversations", 0, 2, "c1", b"", mail, "redriven"),
        Letter("filed", "archive", "conversations", 0, 3, "c1", b"", mail, "settled"),
    ]
    assert [one.detail for one in faults(archive_findings(lost))] == ["mail without a delivery"]
    copy = a_day({1}, {1})
    ((taken,),) = copy.closings.values()
    copy.closings = {SLICE: [replace(taken, people=(*taken.people, "bob|"))]}
    copy.letters = lost.letters
    assert [one.detail for one in faults(archive_findings(copy))] == ["no result for bob|"]
    copy.letters = [Letter("broken", "archive", "conversations", 0, 1, "c1", b"", mail)]
    assert [one.why for one in archive_findings(copy)] == ["dead letter, archive: broken"]


def test_everybody_whom_a_closing_names_has_a_result_in_each_part() -> None:
    """By id, or by address where another id stands for the same mailbox; the ledger may spell a domain in ASCII."""
    day = a_day({1}, {1})
    ((taken,),) = day.closings.values()
    (first,) = next(iter(day.deliveries.values()))
    first["parts"], second = 2, mail_id(first["mail_id"], 2)
    ana = first["copies"][0]
    noor: Any = {**ana, "participant": person("n1", "Noor", "Noor@xn--bcher-kva.example")}
    nobody: Any = {**ana, "participant": person("", "Somebody")}
    first["copies"] = [ana, noor, nobody]
    day.deliveries[second] = [{**first, "mail_id": second, "part": 2, "copies": [ana, nobody]}]
    people = (*taken.people, "n1|noor@bücher.example", "n2|noor@bücher.example", "|")
    day.closings = {SLICE: [replace(taken, people=people)]}
    found = archive_findings(day)
    assert {(one.item, one.detail) for one in found} == {
        (second.hex(), "no result for n1|noor@bücher.example"), (second.hex(), "no result for n2|noor@bücher.example"),
    }  # fmt: skip


def test_a_letter_of_a_closing_is_about_each_of_its_mails() -> None:
    """Of a slice in two parts the second is missing: the closing's letter says why, that of another mail does not."""
    day = a_day({1}, {1})
    ((closing, (first,)),) = day.deliveries.items()
    first["parts"] = 2
    day.letters = [Letter("broken", "archive", "conversations", 0, 1, "c1", b"", closing)]
    assert [(one.item, one.why) for one in archive_findings(day)] == [
        (mail_id(closing, 2).hex(), "dead letter, archive: broken")
    ]
    day.letters = [Letter("broken", "archive", "conversations", 0, 1, "c1", b"", name(7))]
    assert [one.item for one in faults(archive_findings(day))] == [mail_id(closing, 2).hex()]


def test_an_event_that_was_put_in_again_has_to_be_in_a_mail() -> None:
    """Its old letter is no reason any more; an answer that no collector reads stays one, also after it was settled."""
    day = a_day({1, 2}, {1})
    day.letters = [Letter("broken", "assemble", "raw-events", 0, 2, "c1", b"", state="redriven")]
    assert [one.item for one in faults(archive_findings(day))] == [name(2).hex()]
    day.letters = [Letter("not JSON", "collect", None, None, None, "", b"answer", state="settled")]
    assert faults(missing_events([Seen((), refused=b"answer")], day)) == []


def gone(sha256: bytes) -> bytes:
    """A store that has lost what is asked for."""
    raise BlobMissingError(sha256.hex())


@pytest.mark.kafka
def test_a_letter_says_which_mail_it_is_about(kafka: KafkaSettings) -> None:
    """Its record names the mail or the closing; bytes that nobody can read, or that are gone, name none and stop nothing."""
    codec, closed = Codec(), example("ClosedSlice")
    lost: dict[str, Any] = {"sha256": b"\1" * 32, "size": 9_000_000}
    letters = [
        letter("conversations/0/1", codec.encode(kafka.topic("conversations"), "ClosedSlice", closed), stage="archive"),
        letter("conversations/0/2", b"bytes", stage="archive"),
        letter("conversations/0/3", b"", stage="archive", value_ref=lost),
    ]  # fmt: skip
    with new_producer(kafka) as producer:
        for one in letters:
            producer.send(kafka.topic(DEAD_LETTERS.name), codec.encode(DEAD_LETTERS.name, "DeadLetter", one))
    say(kafka, codec, [audit(letter_name("conversations/0/3", lost["sha256"]), REDRIVEN, at_ms=1)])
    day = Day("wx", 0, 1)
    DayReader(kafka, codec, gone).read(day, frozenset())
    assert [(one.about, one.state) for one in day.letters] == [
        (closed["closing_id"], "open"), (b"", "open"), (b"", "redriven"),
    ]  # fmt: skip
