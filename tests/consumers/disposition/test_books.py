"""What an order names, which came first, a hold or an order, and when a term is over."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.disposition.books import Books
from consumers.disposition.retention import MARGIN, due
from consumers.orders import audit
from schemas import dispositions
from schemas.dispositions import Scope
from schemas.ids import digest

NOW = datetime(2026, 6, 1, tzinfo=UTC)
names = st.one_of(st.none(), st.sampled_from(["c", "d"]))
scopes = st.builds(
    Scope, st.sampled_from(["a", "b"]), names, st.one_of(st.none(), st.sampled_from(["s", "t"])),
    st.one_of(st.none(), st.integers(0, 9)), st.one_of(st.none(), st.integers(0, 9)),
    st.frozensets(st.sampled_from(["c", "d"])),
)  # fmt: skip


def control(scope: Scope) -> Any:
    """The control record of an order."""
    return {"connector_uid": scope.connector_uid, "details": scope.details("1")}


@given(scope=scopes)
def test_an_order_is_the_same_in_the_log_and_on_record(scope: Scope) -> None:
    """What the assembler reads in raw-events is what stands in topic audit."""
    assert dispositions.of_control(control(scope)) == scope
    said = audit(
        "1", "disposition", at_ms=0, connector_uid=scope.connector_uid, conversation=scope.conversation, slice=scope.slice,
        from_ms=scope.from_ms, before_ms=scope.before_ms, excluded=scope.excluded,
    )  # fmt: skip
    assert dispositions.of_audit(said) == scope


@pytest.mark.parametrize(
    ("scope", "named"),
    [
        (Scope("a"), True), (Scope("b"), False), (Scope("a", "c"), True), (Scope("a", "d"), False),
        (Scope("a", "c", "s"), True), (Scope("a", "c", "t"), False), (Scope("a", before_ms=5), False),
        (Scope("a", before_ms=6), True), (Scope("a", from_ms=6), False), (Scope("a", excluded=frozenset("c")), False),
    ],
)  # fmt: skip
def test_what_a_scope_names(scope: Scope, named: bool) -> None:
    """A slice of connector a, conversation c, that starts at 5."""
    assert scope.covers("a", "c", "s", 5) is named


@given(hold=names, scope=scopes, holds_first=st.booleans(), released=st.booleans())
def test_a_hold_stops_what_comes_after_it_and_could_touch_it(
    hold: str | None, scope: Scope, holds_first: bool, released: bool
) -> None:
    """By the order of the topic alone; never an order that could not name anything that is on hold."""
    order = audit(
        "o", "disposition", at_ms=0, connector_uid=scope.connector_uid, conversation=scope.conversation, slice=scope.slice,
        excluded=scope.excluded,
    )  # fmt: skip
    placed = [audit("h", "hold", at_ms=0, connector_uid="a", conversation=hold)]
    placed += [audit("h", "released", at_ms=0)] if released else []
    books = Books()
    for one in [*placed, order] if holds_first else [order, *placed]:
        books.see(one)
    open_scope = Scope(scope.connector_uid, scope.conversation, excluded=scope.excluded)
    touched = any(
        open_scope.covers("a", name, "s", 0) for name in ([hold] if hold else ["c", "d", "another"])
    )
    if hold is None and scope.connector_uid == "a":
        touched = True  # all of the connector, whatever conversations it has

    assert bool(books.orders["o"].held_by) == (touched and holds_first and not released)


@given(places=st.lists(st.sampled_from(["hold", "released", "checked"]), max_size=6))
def test_a_hold_wins_where_it_stands_before_the_next_step(places: list[str]) -> None:
    """A hold that comes after the order stops it if it is in force at a record `checked`, and never otherwise."""
    books, in_force, stopped = Books(), False, False
    books.see(audit("o", "disposition", at_ms=0, connector_uid="a", conversation="c"))
    for kind in places:
        books.see(audit("o" if kind == "checked" else "h", kind, at_ms=0, connector_uid="a"))
        stopped = stopped or (kind == "checked" and in_force)
        in_force = kind == "hold" or (in_force and kind != "released")
    assert bool(books.orders["o"].held_by) == stopped


def test_an_order_s_steps_are_read_back() -> None:
    """Positions, mails and the end; a record of an order that nobody gave is passed over."""
    books, mail = Books(), digest("mail", "1")
    for one in [
        audit("o", "disposition", at_ms=0, connector_uid="a"), audit("o", "in_force", at_ms=1, details={"0": "7"}),
        audit("o", "disposed", at_ms=2, mails=mail), audit("x", "disposed", at_ms=2, mails=mail),
    ]:  # fmt: skip
        books.see(one)
    order = books.orders["o"]
    assert (order.positions, order.mails, order.is_open) == ({0: 7}, {mail}, True)
    books.see(audit("o", "finished", at_ms=3))
    assert not order.is_open
    assert (order.mails, order.named) == (set(), 1)  # of what is done only the number is kept
    assert set(books.orders) == {"o"}


def test_when_a_term_is_over() -> None:
    """The longest slice has ended by then; what claims to be older than the collection stays, and what is held."""
    books = Books()
    books.see(audit("h", "hold", at_ms=0, connector_uid="a", conversation="c"))
    scope = due("a", timedelta(days=30), date(2026, 1, 1), books, NOW)
    assert scope is not None
    limit = int((NOW - timedelta(days=30) - MARGIN).timestamp() * 1000)
    assert scope.covers("a", "d", "s", limit - 1)
    assert not scope.covers("a", "d", "s", limit)
    assert not scope.covers("a", "c", "s", limit - 1)
    assert not scope.covers("a", "d", "s", 0)
    books.see(audit("i", "hold", at_ms=0, connector_uid="a"))
    assert due("a", timedelta(days=30), None, books, NOW) is None
