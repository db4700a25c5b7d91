"""`make bench-check`: whether chatledger has become dearer beside the two programs of this folder, or its cost less flat.

Always on generated dialogs, so that all machines do the same. Ratios of CPU within a round are compared with those in
`ratios.json`, never times: a busy machine slows all of them. One that is more than the tolerance above what is written there
fails; one that far below asks for `--write`, which notes what was measured.
"""

import json
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median

from tests.bench import command, report
from tests.bench.__main__ import measure
from tests.bench.contenders import OURS, own_contenders

NOTED = Path(__file__).with_name("ratios.json")
WORKLOADS = ("live", "back-fill", "len-10", "len-100", "len-1000")
ROUNDS, SCALE, TOLERANCE = 3, 0.2, 0.25


def ratios(result: report.Result) -> Iterator[tuple[str, float]]:
    """Ours divided by each program's on the same workload, and each length's divided by that of the one before."""
    for workload in report.names(result, "workload"):
        for base in report.BASES:
            if found := report.ratios(result, (workload, OURS), (workload, base)):
                yield f"{workload}: {OURS} / {base}", median(found)
    lengths = [name for name in report.names(result, "workload") if name.startswith("len-")]
    for shorter, longer in pairwise(lengths):
        if found := report.ratios(result, (longer, OURS), (shorter, OURS)):
            yield f"{longer} / {shorter}", median(found)


def verdicts(
    found: dict[str, float], noted: dict[str, float], tolerance: float
) -> Iterator[tuple[bool, str]]:
    """(fine, sentence) for each ratio that is noted; one that could not be measured is not fine."""
    for name, before in noted.items():
        now = found.get(name)
        if now is None:
            yield False, f"{name}: not measured, noted {before:.2f}"
        elif now > before * (1 + tolerance):
            yield False, f"{name}: {now:.2f}, noted {before:.2f}: dearer"
        elif now < before / (1 + tolerance):
            yield True, f"{name}: {now:.2f}, noted {before:.2f}: cheaper, --write notes it"
        else:
            yield True, f"{name}: {now:.2f}, noted {before:.2f}"


def main() -> int:
    """Measure a small bench; 1 if a ratio is worse than noted or an output is wrong."""
    parser = command.parser(__doc__)
    parser.add_argument("--write", action="store_true", help="note what is measured instead of comparing")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--scale", type=float, default=SCALE)
    wanted = parser.parse_args()
    if not wanted.write and not NOTED.exists():
        raise SystemExit(
            f"nothing is noted in {NOTED.name} yet: run this with --write on a machine that has nothing else to do"
        )
    result = measure(wanted.rounds, WORKLOADS, own_contenders(), scale=wanted.scale, source=None)
    found = dict(ratios(result))
    wrong = any(run["faults"] for run in result["runs"] if run["contender"] == OURS)
    if wanted.write:
        NOTED.write_text(
            json.dumps({name: round(value, 3) for name, value in found.items()}, indent=1) + "\n",
            encoding="ascii",
        )
        return int(wrong)
    said = list(verdicts(found, json.loads(NOTED.read_text(encoding="ascii")), TOLERANCE))
    print("\n".join(f"{'  ' if fine else '! '}{sentence}" for fine, sentence in said))
    return int(wrong or not all(fine for fine, _ in said))


if __name__ == "__main__":
    sys.exit(main())
