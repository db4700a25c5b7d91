"""Closing by itself, once a day."""

import threading
import time
from datetime import datetime

import pytest

from consumers.evidence.anchor import announced
from consumers.evidence.daily import follow, is_due
from consumers.evidence.statement import Manifest, Statement
from consumers.evidence.telling import Teller, evidence_view
from consumers.status import read_status
from stores.folder import FolderStore
from tests.consumers.evidence.rig import Site

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize(
    ("closed_at", "now", "due"),
    [
        (None, "2026-03-02T00:00:00Z", True),
        ("2026-03-01T23:59:59.000Z", "2026-03-02T00:00:01Z", True),
        ("2026-03-02T00:00:01.000Z", "2026-03-02T23:59:59Z", False),
        ("2026-03-02T00:00:01.000Z", "2026-03-03T01:00:00+02:00", False),
    ],
)
def test_a_manifest_a_day(closed_at: str | None, now: str, due: bool) -> None:
    """Due when the day (UTC) of the last one is over, or where there is none."""
    last = None
    if closed_at is not None:
        zeros = "0" * 64
        one = Statement(
            number=1, previous=None, closed_at=closed_at, ranges={}, count=0, counts={}, root=zeros, key=zeros, next_key=zeros
        )  # fmt: skip
        last = Manifest(one, b"", "", zeros)
    assert is_due(last, datetime.fromisoformat(now)) is due


def test_it_closes_by_itself_and_waits_for_what_is_wrong(site: Site) -> None:
    """Without its key it says why and tries again; with it, it closes once, and not again on the same day. Status has it all."""
    kept, stop = site.key_file.read_bytes(), threading.Event()
    site.key_file.unlink()
    said: list[str] = []

    def explain(error: Exception) -> str:
        said.append(str(error))
        site.key_file.write_bytes(kept)
        site.key_file.chmod(0o600)
        return str(error)

    def open_one() -> FolderStore:
        return FolderStore(site.archive, durable=False)

    thread = threading.Thread(
        target=lambda: follow(
            open_one, lambda _: site.closer(), stop, Teller(site.kafka), explain=explain, look_seconds=0.1
        )
    )
    thread.start()
    deadline = time.monotonic() + 60
    while len(announced(site.kafka, site.codec)) < 1 and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(0.5)
    stop.set()
    thread.join(30)

    assert len(said) == 1
    assert "is missing" in said[0]
    (known,) = announced(site.kafka, site.codec)
    view = evidence_view(read_status(site.kafka), 10**14)
    assert view is not None
    assert (view.state, view.manifest, view.closed_at_ms, view.healthy) == (
        "stopped",
        1,
        known["closed_at_ms"],
        True,
    )
    assert "no evidence was made" in (view.last_error or "")
    assert read_status(site.kafka)[0]["last_success_ms"] is not None
