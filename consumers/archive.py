"""What the workers say of the archive itself: whether it is protected as configured, and where other bytes stood."""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.status import ConnectorStatus
from schemas.topics import DAY_MS

ALARM_DAYS = 7
"""How long an alarm makes an installation unwell. It stays in the topic and as a dead letter, and is shown as over then."""


@dataclass(frozen=True)
class ArchiveView:
    """`protection`: what workers say of it, each once; `alarms`: (milliseconds since 1970 UTC, sentence), newest last."""

    protection: list[str]
    alarms: list[tuple[int, str]]


def archive_view(records: Iterable[ConnectorStatus]) -> ArchiveView:
    """From the records of the status topic."""
    found, alarms = set[str](), []
    for record in records:
        if record["component"] == "archive":
            found |= {record["protection"]} if "protection" in record else set()
        elif record["component"] == "alarm" and record["last_error"] is not None:
            alarms.append((record["last_error"]["at_ms"], record["last_error"]["message"]))
    return ArchiveView(sorted(found), sorted(alarms))


def archive_unwell(view: ArchiveView, now_ms: int) -> list[str]:
    """One sentence for each reason why a health check must fail."""
    told = [
        f"archive not enforced: {why}" for state, _, why in (one.partition(": ") for one in view.protection)
        if state == "not enforced"
    ]  # fmt: skip
    told += [
        f"archive: {message}; find out who wrote there (docs/trouble.md, Other bytes in the archive)"
        for at_ms, message in view.alarms if now_ms - at_ms < ALARM_DAYS * DAY_MS
    ]  # fmt: skip
    return told
