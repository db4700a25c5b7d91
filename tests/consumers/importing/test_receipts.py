"""What receipts say when they are folded, in whatever order and however often they are read."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.importing.items import blank, not_landed
from consumers.importing.receipts import Receipts
from schemas.codec import Codec
from schemas.records import Receipt
from tests.consumers.ledger import delivery

STEPS = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from(["ok", "partial", "failed", "waiting"]), st.integers(0, 2)),
    max_size=20,
)


def receipt(mail: int, outcome: str = "ok", routing: int = 0, reason: str | None = None) -> Receipt:
    """A receipt of the test's mail with this number."""
    one = delivery(mail, {"ana": "ok"}, routing=routing)
    found = blank(one, one["copies"][0], "imap here")
    return {**not_landed(found, "waiting", "", 1), "outcome": outcome, "reason": reason}  # type: ignore[typeddict-item]  # any outcome


@given(STEPS)
def test_the_newest_receipt_of_each_copy_counts(steps: list[tuple[int, str, int]]) -> None:
    """The highest routing, and of those the last; reading all of it twice changes nothing."""
    newest: dict[int, tuple[int, str]] = {}
    for mail, outcome, routing in steps:
        if newest.get(mail, (0, ""))[0] <= routing:
            newest[mail] = (routing, outcome)
    all_ = [receipt(mail, outcome, routing) for mail, outcome, routing in steps]
    found = Receipts(None, Codec())
    for _ in range(2):
        found.fold(all_)
    counts = found.counts().get("lp", {})
    expected = [outcome for _, outcome in newest.values()]
    assert {name: number for name, number in counts.items() if number} == {
        one: expected.count(one) for one in expected
    }
    found.close()


def test_what_waits_is_kept_whole(tmp_path: Path) -> None:
    """After a restart the file has the receipts that wait, with all that trying again needs."""
    one = receipt(1, "waiting", reason="mailbox full: [OVERQUOTA]")
    first = Receipts(tmp_path / "r.sqlite", Codec())
    first.fold([one, receipt(2)], 7)
    first.close()
    found = Receipts(tmp_path / "r.sqlite", Codec())
    assert found.position == 7
    assert found.waiting_mailboxes() == [one["mailbox"]]
    assert [found.decoded(row) for row in found.waiting(one["mailbox"], b"", 9)] == [one]
    assert not found.is_news({**one, "reason": "mailbox full: another number"})
    assert found.is_news({**one, "reason": "sign-in refused"})
    assert found.is_settled(one)
    assert not found.is_settled({**one, "routing": 1})
    found.close()


@pytest.mark.parametrize("garbage", [b"no database at all", b""])
def test_a_damaged_file_is_begun_anew(tmp_path: Path, garbage: bytes) -> None:
    """It is a cache: what cannot be read is read from the topic again."""
    path = tmp_path / "r.sqlite"
    path.write_bytes(garbage)
    found = Receipts(path, Codec())
    assert (found.position, found.counts()) == (0, {})
    found.close()
