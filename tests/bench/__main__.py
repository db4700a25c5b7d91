"""`make bench`: chatledger on the job of this folder, beside two programs that people would write instead, in alternation.

    python -m tests.bench [--rounds 5] [--scale 1.0] [--workload NAME ...] [--only NAME ...] [--compare FILE] [--out bench.json]
    python -m tests.bench --also 'NAME=COMMAND'         another program with the command line of `contenders.py`

It starts its own Kafka. Real dialogs where `dialogs.REAL` is there, generated ones elsewhere. Folders lie on a RAM disk if there
is one. Workloads: *live* (real lengths, one event a record), *back-fill* (real lengths, records as a back-fill makes them),
*len-N* (conversations of N messages, as a back-fill), *len-1000-live*.
"""

import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sandbox.kafka import KafkaServer
from tests.bench import command, corpus, dialogs, report
from tests.bench.contenders import Contender, own_contenders
from tests.bench.corpus import Shape
from tests.bench.raw_log import Way
from tests.bench.run import Bench, Workload

TOTAL = 20_000  # messages of a workload len-N
REAL = Shape(5_556)
SHAPES: dict[str, tuple[Shape, Way]] = {
    "live": (REAL, "live"),
    "back-fill": (REAL, "back-fill"),
    **{f"len-{n}": (Shape(TOTAL // n, n), "back-fill") for n in (10, 100, 1_000, 10_000)},
    "len-1000-live": (Shape(TOTAL // 1_000, 1_000), "live"),
}


def measure(
    rounds: int,
    workload_names: Sequence[str],
    contenders: Sequence[Contender],
    *,
    scale: float = 1.0,
    durable: bool = False,
    source: Path | None = dialogs.REAL,
    keep: Callable[[report.Result], object] = lambda _: None,
) -> report.Result:
    """All of them, round by round; who has failed on a workload is not asked again. `keep` has what there is after each run."""
    origin, found = dialogs.dialogs(source)
    result: report.Result = {"machine": _machine(), "corpus": origin, "scale": scale, "runs": []}
    given_up = set[tuple[str, str]]()
    with command.ram_folder() as place:
        workloads = [_workload(name, place, found, scale) for name in workload_names]
        with KafkaServer(place / "kafka", heap_mb=1024, fast_start=False) as broker:
            bench = Bench(broker, place, durable=durable)
            for number in range(rounds):
                for workload in workloads:
                    for contender in contenders:
                        if (contender.name, workload.name) in given_up:
                            continue
                        figures = bench.run(contender, workload)
                        result["runs"].append({"round": number, **figures.as_json()})
                        _tell(number, result["runs"][-1])
                        keep(result)
                        if not figures.done:
                            given_up.add((contender.name, workload.name))
    return result


def _workload(name: str, place: Path, found: list[dialogs.Dialog], scale: float) -> Workload:
    shape, way = SHAPES[name]
    smaller = Shape(max(2, round(shape.conversations * scale)), shape.length)
    path = place / f"{name}.jsonl"
    corpus.write(path, smaller, found)
    return Workload(name, corpus.read(path), way)


def _machine() -> dict[str, Any]:
    return {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}


def _tell(number: int, run: report.Run) -> None:
    said = f"{report.cpu_us(run):,.0f} µs/event" if run["done"] else "did not do it"
    faults = f", {len(run['faults'])} faults: {run['faults'][0][-300:]}" if run["faults"] else ""
    print(
        f"round {number + 1}, {run['workload']}, {run['contender']}: {said}{faults}",
        file=sys.stderr,
        flush=True,
    )


def main() -> int:
    """Measure, print, write; 1 if anything that was written was not what it should be."""
    parser = command.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="part of the conversations of each workload")
    parser.add_argument("--workload", action="append", choices=SHAPES, help="only these (default: all)")
    parser.add_argument("--only", action="append", help="only these contenders")
    parser.add_argument("--also", action="append", type=Contender.other, default=[], metavar="NAME=COMMAND")
    parser.add_argument("--durable", action="store_true", help="chatledger syncs every file")
    parser.add_argument("--compare", type=Path, help="an earlier bench.json")
    parser.add_argument("--out", type=Path, default=Path("bench.json"))
    wanted = parser.parse_args()
    contenders = [c for c in own_contenders() if not wanted.only or c.name in wanted.only] + wanted.also
    then = json.loads(wanted.compare.read_text(encoding="utf-8")) if wanted.compare else None
    result = measure(
        wanted.rounds, wanted.workload or list(SHAPES), contenders, scale=wanted.scale, durable=wanted.durable,
        keep=lambda found: wanted.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8"),
    )  # fmt: skip
    print(report.tables(result))
    if then is not None:
        print(f"\nAgainst {wanted.compare}:\n\n{report.comparison(result, then)}")
    return int(any(run["done"] and run["faults"] for run in result["runs"]))


if __name__ == "__main__":
    sys.exit(main())
