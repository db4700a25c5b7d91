"""Runs the simulated Webex: ``python -m sandbox.webex --port 8765``."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from sandbox.webex.script import MONDAY
from sandbox.webex.tokens import CLIENT_ID, CLIENT_SECRET, FIRST_REFRESH_TOKEN, OFFICER_TOKEN


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    known = (
        f"Personal token: {OFFICER_TOKEN}. Client id: {CLIENT_ID}. Client secret: {CLIENT_SECRET}. "
        f"A refresh token that is good once: {FIRST_REFRESH_TOKEN}."
    )
    made = argparse.ArgumentParser(
        prog="chatledger sandbox webex", description="A simulated Webex.", epilog=known
    )
    made.add_argument("--host", default="127.0.0.1")
    made.add_argument("--port", type=int, default=0, help="0 takes a free one")
    made.add_argument("--faults", type=Path, help="JSON file with rules and switches")
    made.add_argument("--scale", type=int, default=1, help="multiplies the generated content; 0 = none of it")
    made.add_argument("--seed", type=int, default=1, help="decides the generated content")
    made.add_argument("--ledger", type=Path, help="JSON-lines file that gets what was served")
    made.add_argument(
        "--large-mb",
        type=int,
        action="append",
        default=[],
        metavar="N",
        help="a space with a file of N MB; several",
    )
    made.add_argument("--now", type=_moment, default=MONDAY, help="where the clock starts, ISO 8601")
    made.add_argument(
        "--rate", type=float, default=0.0, help="simulated time per real time; 0 = stands still"
    )
    return made


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def main() -> None:
    """Serve until a signal."""
    from sandbox.webex.server import run  # noqa: PLC0415 - --help needs no aiohttp

    try:
        run(**vars(parser().parse_args()))
    except (ValueError, OSError) as error:
        sys.exit(f"sandbox.webex: {error}")


if __name__ == "__main__":
    main()
