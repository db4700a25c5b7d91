"""What `status` says of the import, from the status topic's records."""

from typing import Any

from consumers.importing.telling import waiting_sentence
from consumers.importing.view import import_unwell, import_view
from tests.schemas.test_status import a_status


def partition(number: int, error: str | None = None, **counters: int) -> Any:
    """One partition's record."""
    said = None if error is None else {"at_ms": 1, "message": error}
    return a_status(
        component="import", connector_uid="wx", partition=number, counters=counters, last_error=said
    )


def test_partitions_are_added_up_and_troubles_told_once() -> None:
    """Counters of all partitions; the same trouble of two partitions is one sentence; other components say nothing."""
    view = import_view(0, 1, [partition(0, "down", ok=2, waiting=1), partition(1, "down", ok=3), a_status()])
    assert view.copies == {"wx": {"ok": 5, "partial": 0, "skipped": 0, "failed": 0, "waiting": 1}}
    assert import_unwell(view) == ["import: wx: down"]


def test_nobody_imports() -> None:
    """Work without an importer is unwell; without work it is not."""
    assert import_unwell(import_view(0, 0, [])) == []
    assert import_unwell(import_view(1, 0, [])) == [
        "import: 1 record waits and no importer is there; start `chatledger import`"
    ]


def test_waiting_mailboxes_are_named() -> None:
    """With reasons and numbers, a few of many; other connectors' are left out."""
    reasons = [
        ("wx", "ana@b", "mailbox full", 2),
        ("wx", "ben@b", "sign-in refused", 1),
        ("lp", "cy@b", "x", 9),
    ]
    assert (
        waiting_sentence("wx", reasons) == "3 copies wait for ana@b (mailbox full), ben@b (sign-in refused)"
    )
    assert waiting_sentence("zz", reasons) == ""
    many = [("wx", f"{number:02}@b", "no permission", 1) for number in range(12)]
    assert waiting_sentence("wx", many).endswith("09@b (no permission) and 2 more")
