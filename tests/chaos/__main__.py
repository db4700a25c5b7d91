"""`python -m tests.chaos --kills N --seed S --events N --out chaos.json`: what `make chaos` runs."""

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.disk import can_mount
from tests.chaos.run import Wish, chaos
from tests.chaos.schedule import BRISK, Pace, plan


def main() -> int:
    """Run, write the document, return the exit code: 0 when nothing was lost, doubled or different and every fault occurred."""
    options = _options()
    plan(options.kills, options.seed)  # an impossible wish is told before anything starts
    # SIGTERM ends everything in order too, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="chaos-", dir=options.folder))
    if not can_mount(folder / "probe"):
        print(
            "the store's disk can't be filled: mounting a tmpfs needs root, or sudo without a password",
            file=sys.stderr,
        )
        return 2
    began = time.monotonic()

    def tell(line: str) -> None:
        print(f"{time.monotonic() - began:7.1f} {line}", flush=True)

    wish = Wish(options.kills, options.seed, options.events, BRISK if options.brisk else Pace())
    kept = True
    try:
        result = chaos(wish, folder, tell)
        kept = not result["ok"] or options.keep
        options.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        tell(
            json.dumps(
                {name: result[name] for name in ("kills", "events", "mails", "lost", "doubled", "different")}
            )
        )
        for sentence in result["wrong"][:10]:
            tell(f"! {sentence}")
    except KeyboardInterrupt:
        tell("interrupted; everything that was started has been stopped")
        return 130
    finally:
        if kept:
            print(f"everything is kept in {folder}, logs in {folder / 'logs'}", file=sys.stderr)
        else:
            shutil.rmtree(folder)
    return 0 if result["ok"] else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="SIGKILLs; other faults come with them")
    parser.add_argument(
        "--seed", type=int, default=7, help="decides what happens to whom, in which order, for how long"
    )
    parser.add_argument(
        "--events", type=int, default=20_000, help="chat events of both sources together, at least"
    )
    parser.add_argument("--out", type=Path, default=Path("chaos.json"), help="the result")
    parser.add_argument(
        "--folder", type=Path, help="where to work (default: the system's folder for temporary files)"
    )
    parser.add_argument("--brisk", action="store_true", help="short pauses: for a quick look")
    parser.add_argument("--keep", action="store_true", help="keep the folder also when all is well")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
