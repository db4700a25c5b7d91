"""Who gets a copy: every participant has exactly one outcome, and the mail's addresses and the mapping alone decide."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.addresses import comparable
from schemas.records import Mail, Mapping, Person, person
from schemas.slices import slice_day
from streams.mail.render import render
from streams.routing import NO_MAPPING, Router, recipients
from tests.streams.mail_cases import closed, said

ANA = person("p1", "Ana", "Ana@Bank.example", "agent")
BEN = person("p2", "Ben", "ben@elsewhere.example", "agent")
CY = person("p3", "Cy", None, "agent")
CONSUMER = person("c1", "Con", "con@bank.example", "consumer")
NOOR = person("p4", "Noor", "noor@bücher.example", "member")


def mail(*people: Person, **fields: Any) -> Mail:
    """A rendered mail in which these took part."""
    (made,) = render(closed([said(n, who, "hello") for n, who in enumerate(people)], **fields))
    return made


def mapping(*rows: tuple[str, str], domains: tuple[str, ...] = (), catch_all: str | None = None) -> Mapping:
    """A mapping."""
    return {
        "version": "v", "rows": [{"external_user_id": a, "mailbox": b} for a, b in rows], "domains": list(domains),
        "catch_all": catch_all,
    }  # fmt: skip


def outcomes(made: Mapping, *people: Person) -> list[tuple[str, str | None]]:
    """(outcome, mailbox) by participant."""
    targets = Router(made).copies(mail(*people))["targets"]
    return [(one["outcome"], one["mailbox"]) for one in targets]


@pytest.mark.parametrize(
    ("rows", "want"),
    [
        ([("p1", "by-id@x"), ("ana@bank.example", "by-address@x")], ("deliver", "by-id@x")),
        ([("ANA@bank.EXAMPLE ", "by-address@x")], ("deliver", "by-address@x")),
        ([(" P1 ", "by-id@x")], ("deliver", "by-id@x")),
        ([], ("deliver", "ana@bank.example")),
        ([("p2", "other@x")], ("deliver", "ana@bank.example")),
    ],
)
def test_the_mapping_comes_before_the_address(rows: list[tuple[str, str]], want: tuple[str, str]) -> None:
    """By id, then by address, then the address itself; neither case nor blanks matter."""
    assert outcomes(mapping(*rows, domains=("bank.example",)), ANA) == [want]


def test_who_is_not_the_firm_s_is_external() -> None:
    """A foreign domain, and a consumer whatever the address; a line in the mapping overrules both."""
    made = mapping(domains=("BANK.example",), catch_all="all@x")

    assert outcomes(made, BEN, CONSUMER) == [("external", None), ("external", None)]
    assert outcomes(mapping(("c1", "box@x")), CONSUMER) == [("deliver", "box@x")]


def test_who_has_neither_line_nor_address_failed_or_is_caught() -> None:
    """An employee whom nobody mapped is a fault to show, unless there is a mailbox for such cases."""
    assert outcomes(mapping(domains=("bank.example",)), CY) == [("failed", None)]
    assert outcomes(mapping(catch_all="all@x"), CY) == [("deliver", "all@x")]
    assert outcomes(NO_MAPPING, CY) == [("failed", None)]


def test_an_empty_line_of_the_mapping_maps_nobody() -> None:
    """Otherwise everybody without an address would share its mailbox."""
    assert outcomes(mapping(("", "box@x"), ("  ", "box@x"), ("p3", " ")), CY) == [("failed", None)]


def test_one_mailbox_gets_one_copy() -> None:
    """Two participants with the same mailbox: the second is skipped, in whatever case it is spelt."""
    made = mapping(("p1", "Desk@x"), ("p2", "desk@X"))

    assert outcomes(made, ANA, BEN) == [("deliver", "Desk@x"), ("skipped", "desk@X")]


def test_an_international_domain_keeps_its_person() -> None:
    """Headers carry such a domain in ASCII; the person's id, name and role belong to the address all the same."""
    assert [one["id"] for one in recipients(mail(NOOR, CY))] == ["p4", "p3"]
    assert outcomes(mapping(("p4", "noor@x")), NOOR) == [("deliver", "noor@x")]
    assert outcomes(mapping(domains=("xn--bcher-kva.example",)), {**NOOR, "role": "consumer"}) == [
        ("external", None)
    ]


@pytest.mark.parametrize(
    ("row", "address", "same"),
    [
        ("ANA@Bank.example", "ana@bank.EXAMPLE", True),
        ("noor@bücher.example", "noor@xn--bcher-kva.example", True),
        ("noor@XN--BCHER-KVA.example", "noor@Bücher.example", True),
        ("ana+chat@bank.example", "ana@bank.example", False),
        ("ana@bank.example", "ana+chat@bank.example", False),
        ("a.na@bank.example", "ana@bank.example", False),
        ("josé@bank.example", "jose@bank.example", False),
        ("Weiß@bank.example", "WEISS@bank.example", True),
        ("ana@sub.bank.example", "ana@bank.example", False),
    ],
)
def test_when_two_addresses_are_the_same(row: str, address: str, same: bool) -> None:
    """Case and the form of an international domain don't count; plus-tags, dots and accents do."""
    want = "mapped@x" if same else address
    made = mapping((row, "mapped@x"), domains=("bank.example", "bücher.example"))

    assert outcomes(made, {**ANA, "email": address})[0][1] == want


def test_a_verified_domain_may_be_written_either_way() -> None:
    """The configuration says it in Unicode or in ASCII, the mail always has ASCII."""
    for written in ("Bücher.example", "xn--bcher-kva.example"):
        assert outcomes(mapping(domains=(written,)), NOOR) == [("deliver", "noor@xn--bcher-kva.example")]


def test_any_mail_can_be_routed_by_any_mapping() -> None:
    """A replay chooses: the copies name the mapping that decided, not the one that the mail names."""
    made = Router({**mapping(("p1", "box@x")), "version": "chosen"}).copies(
        {**mail(ANA), "mapping_version": "old"}
    )

    assert (made["mapping_version"], made["targets"][0]["mailbox"]) == ("chosen", "box@x")


people = st.lists(
    st.builds(
        person, st.sampled_from(["", "a", "b", "c", "d"]), st.sampled_from([None, "N"]),
        st.sampled_from([None, "", "a@x", "A@X", "b@y.example", "no address", "é@x", "c@bücher.example", " d@x "]),
        st.sampled_from(["agent", "consumer", "bot", "member", "unknown", "wizard"]),
    ),
    max_size=8,
)  # fmt: skip
mappings = st.builds(
    lambda rows, domains, catch: mapping(*rows, domains=tuple(domains), catch_all=catch),
    st.lists(st.tuples(st.sampled_from(["a", "b", "A@X", "", "é@x"]), st.sampled_from(["box@x", "BOX@x", "two@x", " "]))),
    st.lists(st.sampled_from(["x", "Y.example"])), st.sampled_from([None, "all@x"]),
)  # fmt: skip


@given(people, mappings)
def test_everybody_has_exactly_one_outcome(people: list[Person], made: Mapping) -> None:
    """As many targets as people in the mail; a path for those who get a copy and no others; no path twice."""
    rendered = mail(*people) if people else mail(CY)
    copies = Router(made).copies(rendered)
    targets = copies["targets"]

    assert (
        len(targets) == len(rendered["participants"]) == len(rendered["email"]) + len(rendered["unaddressed"])
    )
    assert [one["participant"] for one in targets] == recipients(rendered)
    assert all((one["outcome"] == "deliver") == (one["path"] is not None) for one in targets)
    assert all((one["mailbox"] is not None) == (one["outcome"] in {"deliver", "skipped"}) for one in targets)
    assert all((one["reason"] is None) == (one["outcome"] == "deliver") for one in targets)
    paths = [one["path"] for one in targets if one["path"]]
    assert len(paths) == len(set(paths))
    boxes = [comparable(one["mailbox"] or "") for one in targets if one["outcome"] == "deliver"]
    assert len(boxes) == len(set(boxes))


@pytest.mark.parametrize(
    ("label", "start", "want"),
    [
        ("2026-09-21", 0, date(2026, 9, 21)),
        ("p0003", 86_400_000, date(1970, 1, 2)),
        ("", -62_135_596_800_000, date(1, 1, 1)),
        ("p1", 253_402_300_799_999, date(9999, 12, 31)),
        ("p1", 2**63 - 1, date(1970, 1, 1)),
        ("p1", -(2**63), date(1970, 1, 1)),
    ],
)
def test_every_slice_has_a_day(label: str, start: int, want: date) -> None:
    """Its own date, else the UTC day of its beginning; what no calendar holds has a fixed one, and fails nobody."""
    made: Any = {"slice": label, "slice_start_ms": start}

    assert slice_day(made) == want
