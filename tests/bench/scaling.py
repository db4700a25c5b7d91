"""Several workers and a replay on one job: `python -m tests.bench.scaling [--scale 1.0] [--workers 1 2 4]`.

Workload *live* is written while the workers wait for it; counted is from its first record until everything is committed.
Then `chatledger replay`, with a process for each core, makes all mails again: into a prefix of the store, and as a comparison
with what stands in the archive. A table for docs/capacity.md: events a second of the wall clock and of CPU.
"""

import contextlib
import time
from collections.abc import Iterator

from tests.bench import command, processes, rig
from tests.bench.__main__ import SHAPES
from tests.bench.load import send
from tests.bench.rig import Rig, Spent

WORKLOAD = "live"


def worked(one: Rig, workers: int) -> Spent:
    """The job by so many workers."""
    with contextlib.ExitStack() as up:
        running = [up.enter_context(one.start("work")) for _ in range(workers)]
        before, began = rig.settled(running), time.monotonic()
        send(one.kafka, one.job.path, SHAPES[WORKLOAD][1])
        processes.until(one.drained, running)
        wall = time.monotonic() - began
        used = [processes.cpu_seconds(process.pid) for process in running]
    return Spent(wall, sum(used) - sum(before))


def rows(scale: float, workers: list[int]) -> Iterator[str]:
    """The table, a row as soon as it is known."""
    yield "| who | events/s | events a CPU second | CPU µs/event | of one worker's CPU |\n|---|---|---|---|---|"
    with rig.broker() as (server, place):
        job = rig.written(place, SHAPES[WORKLOAD][0], scale)
        alone = 0.0
        for number in workers:
            one = rig.empty(server, place, f"workers-{number}", job)
            spent = worked(one, number)
            alone = alone or spent.cpu_s
            yield _row(f"{number} {'workers' if number > 1 else 'worker'}", job.events, spent, alone)
        for into in ("_replay/again", "compare"):
            yield _row(f"replay --into {into}", job.events, one.spent("replay", "--into", into), alone)


def _row(who: str, events: int, spent: Spent, alone: float) -> str:
    return (
        f"| {who} | {events / spent.wall_s:,.0f} | {events / spent.cpu_s:,.0f} | {spent.cpu_s / events * 1e6:.0f} "
        f"| {spent.cpu_s / alone:.2f} |"
    )


def main() -> None:
    """Print the table."""
    parser = command.parser(__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    wanted = parser.parse_args()
    command.tell(rows(wanted.scale, wanted.workers))


if __name__ == "__main__":
    main()
