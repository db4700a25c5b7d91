"""Whole mails for the cases that decide something, each by example."""

from zoneinfo import ZoneInfoNotFoundError

import pytest

from schemas.ids import digest, mail_id, slice_key
from schemas.records import person
from streams.mail.assemble import mail_size
from streams.mail.headers import date
from streams.mail.render import EventsMissingError, UnknownFormatError, render
from tests.streams.mail_cases import (
    AGENT,
    CONTENTS,
    DAY,
    MOD,
    START,
    closed,
    mail_bytes,
    missing,
    said,
    stored,
)  # fmt: skip
from tests.streams.mail_readers import read


def test_unusable_address_is_shown_but_cannot_be_sent_to() -> None:
    """An address in another script stays readable in the name, and the mailbox is under .invalid."""
    odd = person("p1", "Ü", "ü@bank.example", "member")
    (mail,) = render(closed([said(0, odd, "x")]))
    assert read(mail_bytes(mail)).to == [("Ü (ü@bank.example)", "p1@webex.invalid")]
    assert mail["unaddressed"] == [odd]


def test_nobody_at_all_still_makes_a_mail() -> None:
    """A slice without any person has a sender that can't exist and no recipients."""
    (mail,) = render(closed([said(0, None, "who said that?")]))
    found = read(mail_bytes(mail))
    assert found.sender == [("Nobody known", "nobody@webex.invalid")]
    assert found.to == []
    assert (mail["participants"], mail["email"]) == ([], [])


def test_parts_are_cut_by_count_and_by_bytes() -> None:
    """Each event is in exactly one part; the parts have their own identity and refer to the first."""
    events = [said(n, AGENT, "x" * 1000) for n in range(10)]
    by_count = render(closed(events, changes={"part_events": 4}))
    by_bytes = render(closed(events, changes={"part_bytes": 3700}))
    assert [mail["event_count"] for mail in by_count] == [4, 4, 2]
    assert [mail["event_count"] for mail in by_bytes] == [3, 3, 3, 1]
    assert [mail["mail_id"] for mail in by_count] == [mail_id(by_count[0]["mail_id"], n) for n in (1, 2, 3)]
    assert by_count[0]["message_id"] in read(mail_bytes(by_count[2])).headers["References"]
    assert by_count[1]["subject"].endswith("(part 2 of 3)")


def test_supplement_refers_to_the_earlier_mails() -> None:
    """In-Reply-To is the last mail before, References name the conversation, the slice and all mails before."""
    (mail,) = render(closed([said(0, MOD, "late")], revision=1, earlier=[b"\x07" * 16]))
    headers = read(mail_bytes(mail)).headers
    thread = digest("thread", "uid", "conv-1").hex()
    anchor = digest("slice", slice_key("uid", "conv-1", "2026-09-21")).hex()
    assert headers["In-Reply-To"] == f"<{'07' * 16}@chatledger.invalid>"
    assert headers["References"].split() == [
        f"<{one}@chatledger.invalid>" for one in (thread, anchor, "07" * 16)
    ]
    assert "(supplement 1)" in mail["subject"]
    assert "07" * 16 in read(mail_bytes(mail)).text


def test_next_period_of_a_chat_refers_to_the_one_before() -> None:
    """p0010 follows p0009, whatever became of it; p0000 follows nothing."""
    (tenth,) = render(closed([said(0, AGENT, "x")], "liveperson", slice="p0010"))
    (first,) = render(closed([said(0, AGENT, "x")], "liveperson", slice="p0000"))
    before = digest("slice", slice_key("uid", "conv-1", "p0009")).hex()
    assert read(mail_bytes(tenth)).headers["In-Reply-To"] == f"<{before}@chatledger.invalid>"
    assert "In-Reply-To" not in read(mail_bytes(first)).headers


def test_files_over_the_ceiling_become_placeholders() -> None:
    """The mail stays under its ceiling; what is left out is named in the mail and in the record."""
    files = [stored("photo.png"), stored("large.bin"), stored("offer.pdf")]
    (mail,) = render(closed([said(0, AGENT, None, attachments=files)], changes={"max_mail_bytes": 60_000}))
    found = read(mail_bytes(mail))
    assert mail_size(mail["segments"]) <= 60_000
    assert [name for name, _ in found.files] == [
        "photo.png",
        "large.bin.not-attached.txt",
        "offer.pdf",
        "events.json",
    ]
    assert (mail["status"], len(mail["reasons"])) == ("partial", 1)
    assert "large.bin (application/pdf, 78,000 bytes" in found.text
    assert "not attached: the mail would be larger than 60,000 bytes" in found.text
    assert b"not attached" in found.file("large.bin.not-attached.txt")


def test_a_file_that_just_fits_is_attached() -> None:
    """A ceiling of exactly the mail's size keeps the file; one byte less does not."""
    events = [said(0, AGENT, None, attachments=[stored("large.bin")])]
    size = mail_size(render(closed(events))[0]["segments"])
    fits, does_not = (
        render(closed(events, changes={"max_mail_bytes": most}))[0] for most in (size, size - 1)
    )
    assert fits["status"] == "ok"
    assert does_not["status"] == "partial"


def test_text_over_the_ceiling_is_kept_and_said() -> None:
    """Nothing is dropped from a mail whose text alone is too large."""
    (mail,) = render(closed([said(0, AGENT, "y" * 5000)], changes={"max_mail_bytes": 4000}))
    assert "y" * 5000 in read(mail_bytes(mail)).text
    assert mail["reasons"] == ["the text alone makes the mail larger than 4,000 bytes"]


@pytest.mark.parametrize(
    "outcome", ["infected", "unscannable", "gone", "too_slow", "too_large", "not_fetched", "odd"]
)
def test_every_outcome_but_stored_is_partial(outcome: str) -> None:
    """A file that isn't there is named, with its reason."""
    (mail,) = render(closed([said(0, AGENT, None, attachments=[missing("a.doc", outcome, "as told")])]))
    assert mail["status"] == "partial"
    assert "a.doc: not attached" in mail["reasons"][0]
    assert "as told" in mail["reasons"][0]


def test_no_two_outcomes_say_the_same() -> None:
    """Infected is not unscannable, gone not too slow: each has words of its own, also where the source gives no reason."""
    outcomes = ("infected", "unscannable", "gone", "too_slow", "too_large", "not_fetched")
    told = [
        render(closed([said(0, AGENT, None, attachments=[missing("a.doc", one, None)])]))[0]["reasons"][0]
        for one in outcomes
    ]
    assert len(set(told)) == len(outcomes)
    assert not any(one in text for one, text in zip(outcomes, told, strict=True) if "_" in one), (
        "words, not codes"
    )


def test_a_file_that_turned_up_later_says_where_it_belongs_and_why_it_is_late() -> None:
    """In the mail of its message beside it, in a supplement on its own."""
    note = {"note": "archived later than its message; at first too_slow: the scan"}
    late = said(0, AGENT, None, "file", source_key="file:f", target="m0", attachments=[stored("offer.pdf")])
    late["details"] = note
    beside, alone = (
        read(mail_bytes(render(closed(events))[0])) for events in ([said(0, AGENT, "here"), late], [late])
    )
    assert "sent a file (belongs to " in beside.text
    assert "“here”" in beside.text
    assert "sent a file (belongs to an earlier message, not in this mail)" in alone.text
    assert "at first too_slow: the scan" in alone.text
    assert alone.file("offer.pdf") == CONTENTS["offer.pdf"]


def test_date_is_the_last_credible_time() -> None:
    """A time that the producer marked never dates the mail."""
    (mail,) = render(
        closed([said(0, AGENT, "x"), said(1, AGENT, "y", at_ms=START + 900 * DAY, at_suspect=True)])
    )
    (lost,) = render(closed([said(0, AGENT, "x", at_ms=-(10**17))]))
    assert mail["date_ms"] == START
    assert read(mail_bytes(mail)).headers["Date"] == "Mon, 21 Sep 2026 14:13:20 +0000" == date(START)
    assert lost["date_ms"] == START


@pytest.mark.parametrize("zone", ["Nowhere/City", "../../etc/passwd", "Europe", "/etc/passwd"])
def test_unknown_zone_is_an_error(zone: str) -> None:
    """A zone that the pinned data doesn't have is an error, not UTC."""
    with pytest.raises(ZoneInfoNotFoundError):
        render(closed([said(0, AGENT, "x")], changes={"zone": zone}))


def test_unknown_format_and_missing_events_are_refused() -> None:
    """What can't be rendered as it always was is not rendered at all."""
    with pytest.raises(UnknownFormatError, match="99"):
        render(closed([said(0, AGENT, "x")], changes={"format": 99}))
    with pytest.raises(EventsMissingError, match="no events"):
        render(closed([]))


def test_thousands_of_people_are_all_in_the_header() -> None:
    """A large space keeps every member, in order."""
    crowd = [person(f"id{n}", f"Person {n}", f"p{n}@bank.example", "member") for n in range(3000)]
    (mail,) = render(closed([said(0, MOD, None, "roster", people=crowd), said(1, MOD, "Hello all")]))
    found = read(mail_bytes(mail))
    assert len(found.to) == 3001
    assert found.headers["Email"].replace(" ", "").split(",") == mail["email"]


def test_order_of_dictionaries_changes_no_byte() -> None:
    """Details and people may come with their keys in any order."""
    details = {"b": "2", "a": "1", "c": "3"}
    backwards = dict(reversed(details.items()))
    turned = dict(reversed(AGENT.items()))
    one = closed([said(0, AGENT, None, "closed", details=details)])
    other = closed([said(0, turned, None, "closed", details=backwards)])  # type: ignore[arg-type]  # the same person
    assert mail_bytes(render(one)[0]) == mail_bytes(render(other)[0])
