"""The words and tables of `chatledger status`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cli.words.tables import Grid
from schemas.topics import DAY_MS

if TYPE_CHECKING:
    from consumers.importing.view import ImportView
    from consumers.stages import WorkersView
    from consumers.status import ConnectorView

SHOWN = (
    "mails",
    "available_for_import",
    "ok",
    "partial",
    "skipped",
    "failed",
    "external",
    "unrouted",
    "superseded",
)


def connectors_table(found: "list[ConnectorView]") -> Grid:
    """How each connector collects; times in UTC."""
    table = Grid(
        (
            "connector",
            "state",
            "captured up to",
            "lag",
            "back-fill",
            "last collected",
            "last stored",
            "reconciled",
        )
    )
    for view in found:
        states = ", ".join(_states(view))
        progress = "-" if view.progress is None else f"{view.progress:.0%}"
        table.add(
            view.uid, states or "never reported", _time(view.captured_up_to_ms), _span(view.lag_ms), progress,
            _time(view.last_collected_ms), _time(view.last_success_ms), _day(view.reconciled_up_to_ms),
        )  # fmt: skip
    return table


def _states(view: "ConnectorView") -> Iterator[str]:
    """Of back-fills only what is going on: finished ones stay idle for ever."""
    for lane, state in sorted(view.states.items(), reverse=True):
        if lane == "live":
            since = view.resting_since_ms
            yield state if since is None else f"{state} since {_time(since)[:16]}"
        elif state not in {"idle", "stopped"}:
            yield f"back-fill {state}"


def counters_table(found: "list[ConnectorView]") -> Grid:
    """What became of each connector's mails."""
    table = Grid(("connector", *(name.replace("_", " ") for name in SHOWN)))
    for view in found:
        table.add(view.uid, *(f"{view.counters.get(name, 0):,}" for name in SHOWN))
    return table


def stages_table(found: "WorkersView") -> Grid:
    """What waits before each stage."""
    table = Grid(("stage", "waiting", "of", "state"))
    for stage in found.stages:
        table.add(stage.stage, f"{stage.waiting:,}", f"{stage.total:,}", stage.state)
    return table


def imports_table(found: "ImportView") -> Grid:
    """What became of the stored copies in their mailboxes."""
    names = ("ok", "partial", "skipped", "failed", "waiting")
    table = Grid(("imported", *names))
    for uid, counts in found.copies.items():
        table.add(uid, *(f"{counts[name]:,}" for name in names))
    return table


def error_lines(found: "list[ConnectorView]") -> Iterator[str]:
    """The last error of each connector, also when it is over."""
    for view in found:
        if view.last_error is not None:
            over = " (over)" if view.healthy else ""
            yield f"last error of {view.uid}{over}, {_time(view.last_error_ms)}: {view.last_error}"


def _time(ms: int | None) -> str:
    return "-" if ms is None or ms < 0 else f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def _day(up_to_ms: int | None) -> str:
    """The last day that ends by then."""
    return "-" if up_to_ms is None else f"{datetime.fromtimestamp((up_to_ms - DAY_MS) / 1000, UTC):%Y-%m-%d}"


def _span(ms: int | None) -> str:
    return "-" if ms is None else f"{ms / 1000:.0f} s" if ms < 600_000 else f"{ms / 3_600_000:.1f} h"
