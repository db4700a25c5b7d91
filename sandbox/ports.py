"""Loopback ports that stay the same over restarts."""

from __future__ import annotations

import json
import logging
import random
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LOOPBACK = "127.0.0.1"
# Below the ports that Linux and macOS give to outgoing connections: while a server is down, no client can get
# its port as its own, and one that retries can't end up connected to itself.
PORTS = range(20_000, 32_000)
log = logging.getLogger(__name__)


class PortError(Exception):
    """A port that was asked for is in use."""


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as servers do: connections that linger don't count
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a loopback port that nobody listens on at the moment."""
    # Not the module's own generator: what seeds that, as hypothesis does, gives all of its processes the same ports.
    for port in random.SystemRandom().sample(PORTS, 200):
        if is_free(port):
            return port
    msg = f"no free port found between {PORTS.start} and {PORTS.stop}"
    raise PortError(msg)


def remembered_ports(file: Path, names: Sequence[str], wanted: int | None = None) -> dict[str, int]:
    """Return a port for every name: as in `file` when still free, else new ones, and write them down there.

    `wanted` is the port of the first name; PortError when it is in use. A remembered port that is in use is
    replaced, and the log says so.
    """
    known = _read(file)
    ports = {name: _still_free(name, known.get(name)) for name in names}
    if wanted is not None:
        ports[names[0]] = _wanted(wanted)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(ports))
    return ports


def was_taken(file: Path) -> bool:
    """Whether somebody listens on a port that `file` remembers: got between our look and our server's start."""
    return not all(is_free(port) for port in _read(file).values())


def _read(file: Path) -> dict[str, int]:
    try:
        found = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return {str(name): int(port) for name, port in found.items()}


def _still_free(name: str, port: int | None) -> int:
    if port is None:
        return free_port()
    if is_free(port):
        return port
    new = free_port()
    log.warning("port %d (%s) is in use by another program, taking %d instead", port, name, new)
    return new


def _wanted(port: int) -> int:
    if not is_free(port):
        msg = f"port {port} on {LOOPBACK} is in use by another program; choose another one or leave it out"
        raise PortError(msg)
    return port
