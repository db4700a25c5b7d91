"""Routing a delivered mail again: only what changes is made, and the ledger says what it supersedes."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import decode, encode
from schemas.deliveries import newest, stands
from schemas.records import CopyResult, Delivery, Mapping, Target, person
from streams.mail.render import render
from streams.rerouting import Rerouting, reroute
from streams.routing import Router
from tests.streams.mail_cases import closed, said

ANA = person("p1", "Ana", "ana@bank.example", "agent")
BEN = person("p2", "Ben", "ben@bank.example", "agent")
CY = person("p3", "Cy", None, "agent")
PEOPLE = (ANA, BEN, CY)
(MAIL,) = render(closed([said(number, who, "hello") for number, who in enumerate(PEOPLE)]))


def router(version: str, **boxes: str) -> Router:
    """A mapping of these people to these mailboxes; nobody else has one."""
    rows = [{"external_user_id": user, "mailbox": f"{box}@x.example"} for user, box in boxes.items()]
    made: Mapping = {"version": version, "rows": rows, "domains": [], "catch_all": None}  # type: ignore[typeddict-item]  # rows as they are read
    return Router(made)


def done(target: Target) -> CopyResult:
    """What a store that always works makes of a target."""
    outcome = "ok" if target["outcome"] == "deliver" else target["outcome"]
    return {**target, "outcome": outcome}  # type: ignore[typeddict-item]  # a target has the same fields


def first(by: Router) -> Delivery:
    """The delivery as the live stages write it."""
    copies = by.copies(MAIL)
    facts = {name: copies[name] for name in copies if name not in {"targets", "segments"}}  # type: ignore[literal-required]  # names of its own
    results = [done(target) for target in copies["targets"]]
    return wired({**facts, "size": 1, "sha256": bytes(32), "copies": results})  # type: ignore[typeddict-item]  # facts as above


def wired(delivery: Delivery) -> Delivery:
    """As it is read from the ledger."""
    read: Delivery = decode(encode("Delivery", delivery)).value
    return read


def again(ledger: Sequence[Delivery], by: Router) -> Rerouting:
    """Route by another mapping."""
    return reroute(ledger, by)


def said_now(found: Rerouting) -> Delivery:
    """The delivery that follows."""
    return wired(found.delivery([done(target) for target in found.targets]))


def test_a_copy_elsewhere_supersedes_the_former_one() -> None:
    """Who moved is named with the former mailbox, path and mapping; who did not is left out."""
    before = first(router("one", p1="old", p2="ben"))
    found = again([before], router("two", p1="new", p2="ben"))

    (target,) = found.targets
    (copy,) = said_now(found)["copies"]
    assert (target["participant"]["id"], target["mailbox"], target["outcome"]) == (
        "p1",
        "new@x.example",
        "deliver",
    )
    assert copy["routing"] == 1
    assert copy["supersedes"] == {
        "mailbox": "old@x.example", "path": before["copies"][0]["path"], "mapping_version": "one"
    }  # fmt: skip
    assert said_now(found)["mapping_version"] == "two"
    assert said_now(found)["mail_id"] == before["mail_id"]


def test_a_repeat_finds_nothing_to_do() -> None:
    """A replay that was killed after it had written goes on without a second delivery."""
    ledger = [first(router("one", p1="old"))]
    ledger.append(said_now(again(ledger, router("two", p1="new"))))

    assert again(ledger, router("two", p1="new")).targets == ()


def test_a_live_redelivery_does_not_undo_it() -> None:
    """The live stages say the first routing again when their offsets are lost; the newest stays the newest."""
    before = first(router("one", p1="old"))
    ledger = [before, said_now(again([before], router("two", p1="new"))), before]

    _, copy = newest(ledger)["p1|ana@bank.example"]
    assert copy["mailbox"] == "new@x.example"
    assert again(ledger, router("two", p1="new")).targets == ()


def test_who_had_none_gets_a_copy_that_supersedes_nothing() -> None:
    """The reason why most people route again: a line was missing."""
    found = again([first(router("one"))], router("two", p3="cy"))
    (copy,) = said_now(found)["copies"]

    assert (copy["outcome"], copy["routing"], copy["supersedes"]) == ("ok", 1, None)


def test_who_has_none_any_more_still_says_where_the_copy_stands() -> None:
    """And the next mailbox supersedes that copy, although a failure lies between."""
    ledger = [first(router("one", p3="cy"))]
    ledger.append(said_now(again(ledger, router("two"))))
    (failed,) = ledger[-1]["copies"]
    ledger.append(said_now(again(ledger, router("three", p3="else"))))
    (moved,) = ledger[-1]["copies"]

    assert (failed["outcome"], failed["routing"]) == ("failed", 1)
    assert (moved["outcome"], moved["routing"]) == ("ok", 2)
    assert failed["supersedes"] == moved["supersedes"]
    assert moved["supersedes"] is not None
    assert moved["supersedes"]["mailbox"] == "cy@x.example"


@given(
    st.lists(
        st.fixed_dictionaries({}, optional={"p1": st.sampled_from("abc"), "p2": st.sampled_from("abc")}),
        min_size=1,
    )
)
def test_any_changes_of_mapping_end_where_the_last_one_leads(changes: list[dict[str, str]]) -> None:
    """In any order of reading: each participant once, at the mailbox of the last mapping; each copy but those is superseded."""
    ledger = [first(router("0", **changes[0]))]
    for number, boxes in enumerate(changes[1:], 1):
        found = again(ledger, router(str(number), **boxes))
        if found.targets:
            ledger.append(said_now(found))
    want = Router.copies(router("last", **changes[-1]), MAIL)["targets"]

    for order in (ledger, ledger[::-1], [*ledger, *ledger]):
        now = [copy for _, copy in newest(order).values()]
        assert {c["participant"]["id"]: c["path"] for c in now} == {
            t["participant"]["id"]: t["path"] for t in want
        }
    made = {c["path"] for one in ledger for c in one["copies"] if stands(c)}
    left = {c["supersedes"]["path"] for one in ledger for c in one["copies"] if c["supersedes"]}
    assert made == left | {c["path"] for _, c in newest(ledger).values() if stands(c)}
