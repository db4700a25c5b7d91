"""`python -m tests.fuzz --n N --seed S --out fuzz.json`: what `make fuzz` runs."""

import argparse
import json
import logging
import os
import sys
import time
from pathlib import Path

from tests.fuzz.run import fuzz


def main() -> int:
    """Run, write the document, return the exit code: 0 when nothing was lost, crashed or hung."""
    options = _options()
    logging.disable(logging.CRITICAL)  # every refusal is logged, and there are to be hundreds
    began = time.monotonic()

    def tell(line: str) -> None:
        print(f"{time.monotonic() - began:7.1f} {line}", flush=True)

    result = fuzz(options.n, options.seed, tell)
    result["elapsed_s"] = round(time.monotonic() - began, 1)
    options.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    names = ("seed", "inputs", "in_mails", "in_dead_letters", "in_effect", "lost", "crashes", "hangs")
    tell(json.dumps({name: result[name] for name in names}))
    for sentence in result["wrong"]:
        tell(f"! {sentence}")
    return 0 if result["ok"] else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("--n", type=int, default=1000, help="hostile inputs, at least")
    parser.add_argument("--seed", type=int, default=1, help="decides what is spoiled, and how")
    parser.add_argument("--out", type=Path, default=Path("fuzz.json"), help="the result")
    return parser.parse_args()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # what hangs in a thread must not keep the process
