"""A plan that somebody planted is never signed: each kind is named, with what to do."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from consumers.evidence.chain import planned
from consumers.evidence.errors import EvidenceError
from consumers.evidence.plans import closing_time, fault_of, fresh_plan, judged
from consumers.evidence.statement import MOST_PLANS, Manifest, Statement, decode_plan
from stores.folder import FolderStore

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DIGEST = "ab" * 32
POSSIBLE = {"audit": [[0, 2, 2]], "deliveries": [[0, 4, 9], [1, 0, 6]]}
GOOD: dict[str, Any] = {
    "format": "chatledger evidence 1", "number": 2, "previous": DIGEST, "closed_at": "2026-03-02T11:59:00.000Z",
    "ranges": {"audit": [[0, 2, 2]], "deliveries": [[0, 4, 9], [1, 0, 5]]},
}  # fmt: skip


def before(closed_at: str = "2026-03-01T00:00:00.000Z") -> Manifest:
    """The manifest that the plan must follow."""
    one = Statement(
        number=1, previous=None, closed_at=closed_at, ranges={}, count=0, counts={}, root=DIGEST, key=DIGEST, next_key=DIGEST
    )  # fmt: skip
    return Manifest(one, b"", "", DIGEST)


def fault(changes: dict[str, Any]) -> str:
    """As closing asks for it."""
    return fault_of(decode_plan(json.dumps(GOOD | changes).encode()), 2, before(), POSSIBLE, NOW)


def test_a_plan_that_follows_is_carried_out() -> None:
    """Also one that ends before the log does now: it was made earlier."""
    assert fault({}) == ""


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"number": 7}, "is a plan for manifest 7"),
        ({"previous": "00" * 32}, "does not follow the last manifest"),
        ({"previous": None}, "does not follow the last manifest"),
        ({"closed_at": "2019-01-01T00:00:00.000Z"}, "before the last manifest"),
        ({"closed_at": "2026-03-02T12:06:00.000Z"}, "still to come"),
        ({"ranges": {"deliveries": [[0, 4, 9], [1, 0, 5]]}}, "covers deliveries, and not audit, deliveries"),
        ({"ranges": {"audit": [], "deliveries": [[0, 4, 9]]}}, "other partitions of audit"),
        ({"ranges": {"audit": [[0, 2, 2]], "deliveries": [[0, 9, 9], [1, 0, 5]]}}, "from 9 to 9, and not from 4"),
        ({"ranges": {"audit": [[0, 2, 3]], "deliveries": [[0, 4, 9], [1, 0, 5]]}}, "to at most 2"),
        ({"ranges": {"audit": [[0, 1, 2]], "deliveries": [[0, 4, 9], [1, 0, 5]]}}, "from 1 to 2"),
        ({"ranges": {"audit": [[0, 2, 2]], "deliveries": [[0, 4, 4], [1, 0, 0]]}}, "covers nothing"),
    ],
)  # fmt: skip
def test_a_plan_that_does_not_follow_is_refused(changes: dict[str, Any], what: str) -> None:
    """Number, manifest before, time and ranges; the sentence says where it lies, and what becomes of the manifest."""
    good, bad = (decode_plan(json.dumps(GOOD | some).encode()) for some in ({}, changes))
    found = judged([bad, "is no plan: not a line of JSON", good], 2, before(), POSSIBLE, NOW)
    assert found.fit == [good]
    assert what in found.refused[0]
    assert [one.partition(" ")[0] for one in found.refused] == [
        "_evidence/00000002/plan.json", "_evidence/00000002/plan-2.json",
    ]  # fmt: skip
    assert all("it was not signed, and another plan is made beside it" in one for one in found.refused)


def test_a_plan_that_nobody_may_sign_is_not_made() -> None:
    """Where this machine's clock is far behind the chain, or nothing but planted plans fits into the folder."""
    with pytest.raises(EvidenceError, match="no plan can be made for manifest 2: it says 2026-03-02T12:06"):
        fresh_plan(2, before("2026-03-02T12:06:00.000Z"), POSSIBLE, NOW, 0)
    with pytest.raises(EvidenceError, match="_evidence/00000002 has 99 plans that may not be signed"):
        fresh_plan(2, before(), POSSIBLE, NOW, MOST_PLANS)
    assert fresh_plan(2, before(), POSSIBLE, NOW, MOST_PLANS - 1).ranges == POSSIBLE


@pytest.mark.parametrize(
    "data",
    [
        b"garbage", b"[" * 100_000, b"\xff\xfe", b"null", b"{}", json.dumps(GOOD | {"closed_at": "yesterday"}).encode(),
        json.dumps(GOOD | {"closed_at": "2026-02-30T00:00:00.000Z"}).encode(),
        json.dumps(GOOD | {"ranges": {"audit": [[0]]}}).encode(), json.dumps(GOOD | {"ranges": {"audit": [[0, 4, 3]]}}).encode(),
        json.dumps(GOOD | {"ranges": {"audit": [[0, 1, 1 << 70]]}}).encode(),
    ],
)  # fmt: skip
def test_what_is_no_plan_is_named(tmp_path: Path, data: bytes) -> None:
    """Never a traceback, however deep or odd; no plan is no fault."""
    _refused(tmp_path, lambda path: path.write_bytes(data))


def test_a_link_in_place_of_a_plan_is_named(tmp_path: Path) -> None:
    """Who leads it elsewhere can change it after it was read."""
    (tmp_path / "elsewhere").write_bytes(json.dumps(GOOD).encode())
    _refused(tmp_path, lambda path: path.symlink_to(tmp_path / "elsewhere"))


def _refused(folder: Path, plant: Callable[[Path], object]) -> None:
    store, path = FolderStore(folder), folder / "_evidence/00000002/plan.json"
    assert asyncio.run(planned(store, 2)) == []
    path.parent.mkdir(parents=True)
    plant(path)
    path.with_name("plan-2.json").write_text(json.dumps(GOOD))
    first, second = asyncio.run(planned(store, 2))
    assert isinstance(first, str)
    assert second == decode_plan(json.dumps(GOOD).encode())


def test_a_clock_that_is_a_little_behind_does_not_go_back() -> None:
    """Two machines may close in turn; the time in the chain never falls."""
    assert closing_time(before("2026-03-02T12:00:01.000Z"), NOW) == "2026-03-02T12:00:01.000Z"
    assert closing_time(before(), NOW) == closing_time(None, NOW) == "2026-03-02T12:00:00.000Z"
