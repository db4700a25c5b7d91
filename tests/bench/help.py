"""How long a person waits for a page of help: `python -m tests.bench.help [--tries N]`, milliseconds of the best try.

No test asserts it, since a busy machine would make it fail; what makes it slow, an import, is tested in tests/cli/test_help.py.
"""

import argparse
import subprocess
import sys
import time

from cli.main import COMMANDS


def best_ms(words: list[str], tries: int) -> float:
    """The shortest of some runs."""
    times = []
    for _ in range(tries):
        began = time.monotonic()
        subprocess.run([sys.executable, "-m", "cli.main", *words, "--help"], capture_output=True, check=True)
        times.append(time.monotonic() - began)
    return min(times) * 1000


def main() -> None:
    """Print a line for the command itself and one for each of its commands."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=5)
    tries = parser.parse_args().tries
    for words in ([], *([name] for name in sorted(COMMANDS))):
        print(f"{best_ms(words, tries):6.0f}  chatledger {' '.join([*words, '--help'])}")


if __name__ == "__main__":
    main()
