"""``python -m sandbox.liveperson --port P``: the simulated LivePerson on its own."""

from __future__ import annotations

import argparse
from pathlib import Path

from sandbox.liveperson.auth import Credentials
from sandbox.liveperson.server import run


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(
        prog="chatledger sandbox liveperson", description="A simulated LivePerson account.", epilog=_known()
    )
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--faults", type=Path, help="JSON document of faults and switches")
    parser.add_argument("--scale", type=int, default=0, help="so many more generated conversations")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ledger", type=Path, help="JSON-lines file of what was served")
    parser.add_argument("--now", help="ISO time to start the clock at (default 2026-03-02T00:00Z)")
    parser.add_argument("--rate", type=float, default=0.0, help="simulated ms per real ms (0 = stands still)")
    parser.add_argument("--tls-port", type=int, help="second listener with HTTPS")
    parser.add_argument("--tls-certificate", type=Path, help="where to write the certificate for it (PEM)")
    run(**vars(parser.parse_args()))


def _known() -> str:
    """What the account accepts: made up and public."""
    keys = Credentials()
    return (
        f"Client id: {keys.client_id}. Client secret: {keys.client_secret}. File storage: user {keys.file_user}, "
        f"key {keys.file_key}. Any account id will do."
    )


if __name__ == "__main__":
    main()
