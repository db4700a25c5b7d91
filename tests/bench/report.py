"""Tables of a result, and of two results side by side. A result is what bench.json holds."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from statistics import median
from typing import Any

from tests.bench.contenders import OURS

Run = dict[str, Any]
Result = dict[str, Any]
"""{"machine": …, "corpus": "real" or "generated", "runs": [a Run with its round]}."""
BASES = ("faust", "script")


def cpu_us(run: Run) -> float:
    """CPU an event of all processes, microseconds."""
    return float(sum(run["cpu_s"].values()) / run["events"] * 1e6)


def good(result: Result) -> Iterator[Run]:
    """Runs that ended with everything right."""
    return (run for run in result["runs"] if run["done"] and not run["faults"])


def of(result: Result, workload: str, contender: str) -> dict[int, Run]:
    """Good runs by round."""
    return {
        run["round"]: run
        for run in good(result)
        if run["workload"] == workload and run["contender"] == contender
    }


def names(result: Result, what: str) -> list[str]:
    """Workloads or contenders, in the order of their first run."""
    return list(dict.fromkeys(run[what] for run in result["runs"]))


def ratios(result: Result, over: tuple[str, str], under: tuple[str, str]) -> list[float]:
    """CPU an event of one (workload, contender) divided by another's, within each round."""
    above, below = of(result, *over), of(result, *under)
    return [cpu_us(above[number]) / cpu_us(below[number]) for number in sorted(above.keys() & below.keys())]


def tables(result: Result) -> str:
    """Everything that `make bench` prints at its end."""
    parts = [_table(result, workload) for workload in names(result, "workload")]
    return "\n\n".join([*parts, *_steps(result)])


def _table(result: Result, workload: str) -> str:
    head = [
        f"{workload}: {_facts(result, workload)}", "",
        ("| who | runs | events/s | mails/s | copies/s | CPU µs/event | by process | broker µs/event | peak MiB | bytes/event "
        "stored, in Kafka | its CPU : ours (least - most) |"), "|---|---|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    return "\n".join([*head, *(_row(result, workload, name) for name in names(result, "contender"))])


def _facts(result: Result, workload: str) -> str:
    run = next((run for run in good(result) if run["workload"] == workload), None)
    if run is None:
        return "nobody has done it"
    return f"{run['events']:,} events, {run['mails']:,} mails, {run['copies']:,} copies, {result['corpus']} dialogs"


def _row(result: Result, workload: str, name: str) -> str:
    runs = list(of(result, workload, name).values())
    if not runs:
        failed = [r for r in result["runs"] if r["workload"] == workload and r["contender"] == name]
        return (
            f"| {name} | 0 of {len(failed)} | {_why(failed)} | | | | | | | | |"
            if failed
            else f"| {name} | 0 | | | | | | | | | |"
        )
    events, wall = runs[0]["events"], median(run["wall_s"] for run in runs)
    by = {role: median(run["cpu_s"][role] / events * 1e6 for run in runs) for role in runs[0]["cpu_s"]}
    peaks = {role: median(run["peak_mib"][role] for run in runs) for role in runs[0]["peak_mib"]}
    stored, sent = (median(run[what] / events for run in runs) for what in ("store_bytes", "kafka_bytes"))
    return (
        f"| {name} | {len(runs)} | {events / wall:,.0f} | {runs[0]['mails'] / wall:,.0f} | {runs[0]['copies'] / wall:,.0f} "
        f"| {spread([cpu_us(run) for run in runs])} | {_by(by)} | {median(r['broker_cpu_s'] / events * 1e6 for r in runs):.0f} "
        f"| {_by(peaks)} | {stored:,.0f}, {sent:,.0f} "
        f"| {spread(ratios(result, (workload, name), (workload, OURS)), '.2f')} |"
    )


def _why(failed: list[Run]) -> str:
    faults = [fault for run in failed for fault in run["faults"]]
    return (faults[0].strip().splitlines() or ["nothing was logged"])[-1][:120] if faults else "not done"


def _by(parts: Mapping[str, float]) -> str:
    return ", ".join(f"{role} {value:.0f}" for role, value in parts.items())


def spread(values: list[float], form: str = ",.0f") -> str:
    """Median (least - most)."""
    if not values:
        return ""
    return f"{median(values):{form}} ({min(values):{form}} - {max(values):{form}})"


def _steps(result: Result) -> Iterator[str]:
    """What the length of conversations costs: each step against the one before."""
    lengths = [name for name in names(result, "workload") if name.startswith("len-")]
    if len(lengths) < 2:
        return
    yield "\n".join([
        "CPU an event as conversations grow, ours: each length against the one before", "", "| from, to | ratio |", "|---|---|",
        *(f"| {a}, {b} | {spread(ratios(result, (b, OURS), (a, OURS)), '.2f')} |" for a, b in pairwise(lengths)),
    ])  # fmt: skip


def comparison(now: Result, then: Result) -> str:
    """CPU an event then and now; a change counts where the spreads do not touch."""
    rows = [
        "| workload | who | then µs/event | now | change | |",
        "|---|---|---|---|---|---|",
    ]
    for workload in names(now, "workload"):
        for name in names(now, "contender"):
            before, after = (
                [cpu_us(run) for run in of(result, workload, name).values()] for result in (then, now)
            )
            if before and after:
                rows.append(
                    f"| {workload} | {name} | {spread(before)} | {spread(after)} {_change(before, after)}"
                )
    rows += ["", "The same relative to the script of the same round, which a busy machine changes less:", ""]
    rows += ["| workload | ours : script then | now | change | |", "|---|---|---|---|---|"]
    for workload in names(now, "workload"):
        before, after = (ratios(result, (workload, OURS), (workload, "script")) for result in (then, now))
        if before and after:
            rows.append(
                f"| {workload} | {spread(before, '.2f')} | {spread(after, '.2f')} {_change(before, after)}"
            )
    return "\n".join(rows)


def _change(before: list[float], after: list[float]) -> str:
    change = median(after) / median(before) - 1
    apart = max(after) < min(before) or min(after) > max(before)
    return f"| {change:+.0%} | {'' if apart else 'within the spread'} |"
