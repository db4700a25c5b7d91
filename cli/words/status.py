"""The words and tables of `chatledger status`."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cli.words.advice import counted
from cli.words.tables import Grid

if TYPE_CHECKING:
    from consumers.evidence.telling import EvidenceView
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

LEFT_OUT = (
    ("differing", "different:"),
    ("open", "open or not collected yet, so looked at again:"),
    ("in_part", "collected in part, and so compared:"),
    ("not_verifiable", "not verifiable, because the source shows them no more:"),
    ("not_covered", "collected by no lane:"),
    ("passed_over", "passed over:"),
)
"""What may be so of days beside that they were compared, and how it is said."""


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
            _time(view.last_collected_ms), _time(view.last_success_ms), _reconciled(view),
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


def uncounted_line(number: int) -> str:
    """That the counters are not those of the ledger, and what makes them so."""
    verb = "is" if number == 1 else "are"
    return (
        f"{counted(number, 'delivery', 'deliveries')} {verb} not counted above yet: `chatledger monitor` counts them, which "
        "`chatledger run` starts"
    )


def evidence_line(found: "EvidenceView") -> str:
    """How far evidence goes, for how long nothing was closed, and the last error, also when it is over."""
    state = "nobody closes it daily" if found.state == "stopped" else found.state
    told = f"evidence: {state}, no manifest yet"
    if found.closed_at_ms is not None:
        last_day = datetime.fromtimestamp(found.closed_at_ms / 1000, UTC) - timedelta(days=1)
        told = (
            f"evidence: {state}, manifest {found.manifest} closed {_time(found.closed_at_ms)} UTC, {_span(found.lag_ms)} "
            f"ago; last whole day {last_day:%Y-%m-%d}"
        )
    if found.last_error is None:
        return told
    over = " (over)" if found.healthy else ""
    return f"{told}\nlast error of evidence{over}, {_time(found.last_error_ms)}: {found.last_error}"


def error_lines(found: "list[ConnectorView]") -> Iterator[str]:
    """The last error of each connector, also when it is over."""
    for view in found:
        if view.last_error is not None:
            over = " (over)" if view.healthy else ""
            yield f"last error of {view.uid}{over}, {_time(view.last_error_ms)}: {view.last_error}"


def _time(ms: int | None) -> str:
    return "-" if ms is None or ms < 0 else f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def _reconciled(view: "ConnectorView") -> str:
    """The days that were compared with the source, the last ones in a row; whether there are others is said."""
    compared = view.reconciled.get("compared", [])
    if not compared:
        return "-"
    return f"{compared[-1]}, not all" if _exceptions(view) or len(compared) > 1 else compared[-1]


def _exceptions(view: "ConnectorView") -> list[str]:
    return [
        f"{words} {', '.join(view.reconciled[kind])}" for kind, words in LEFT_OUT if view.reconciled.get(kind)
    ]


def reconciled_lines(found: "list[ConnectorView]") -> Iterator[str]:
    """Of each connector with days that are not simply compared and equal: which, and what is so of them."""
    for view in found:
        exceptions, compared = _exceptions(view), view.reconciled.get("compared", [])
        if exceptions or len(compared) > 1:
            told = [f"compared {', '.join(compared) or 'no day'}", *exceptions]
            yield f"reconciled {view.uid}: {'; '.join(told)}"


def _span(ms: int | None) -> str:
    return "-" if ms is None else f"{ms / 1000:.0f} s" if ms < 600_000 else f"{ms / 3_600_000:.1f} h"
