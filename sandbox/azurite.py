"""Azurite, the emulator of Azure Blob Storage, on loopback with its data in one folder.

Its package and the 457 that it needs are locked in `azurite_package`; Node.js may come from a wheel.
"""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sandbox.node import ensure_package, find_node
from sandbox.ports import LOOPBACK, remembered_ports, was_taken
from sandbox.processes import ManagedProcess, start_process, with_another_port

if TYPE_CHECKING:
    from sandbox.node import Node

PACKAGE = Path(__file__).with_name("azurite_package")
NODE_MAJOR = 22  # "engines" of azurite 3.37.0
ACCOUNT = "devstoreaccount1"
# Not a secret: the account key of every Azurite in the world, published at
# https://learn.microsoft.com/azure/storage/common/storage-connect-azurite#well-known-storage-account-and-key
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class AzuriteError(Exception):
    """The local Azurite can't do what was asked; the text says why."""


class Azurite:
    """An Azurite that ends with this Python process; its blobs stay in `data_dir` for the next one.

    Without `port`, one is chosen and remembered in `data_dir`. It accepts any API version a client may send.
    Errors: `sandbox.processes.ProcessError`, `sandbox.downloads.DownloadError`, `sandbox.ports.PortError`.
    """

    def __init__(self, data_dir: Path, *, port: int | None = None, cache_dir: Path | None = None) -> None:
        self.data_dir = data_dir.absolute()
        self._wanted = port
        self._cache_dir = cache_dir
        self._port: int | None = None
        self._process: ManagedProcess | None = None

    @property
    def version(self) -> str:
        """The version of Azurite, as locked."""
        return str(json.loads((PACKAGE / "package.json").read_text())["dependencies"]["azurite"])

    @property
    def log(self) -> Path:
        """Azurite's log file."""
        return self.data_dir / "azurite.log"

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.running

    @property
    def pid(self) -> int:
        """Process id; AzuriteError before the first `start()`."""
        if self._process is None:
            raise AzuriteError(self._not_started())
        return self._process.pid

    @property
    def url(self) -> str:
        """Address of the blob service, account included; AzuriteError before the first `start()`."""
        if self._port is None:
            raise AzuriteError(self._not_started())
        return f"http://{LOOPBACK}:{self._port}/{ACCOUNT}"

    @property
    def connection_string(self) -> str:
        """What azure-storage-blob's clients take; AzuriteError before the first `start()`."""
        account = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY}"
        return f"{account};BlobEndpoint={self.url};"

    def start(self, timeout_s: float = 60) -> Self:
        """Install what is missing, start Azurite, and return when it answers HTTP."""
        node = find_node(NODE_MAJOR)
        modules = ensure_package(PACKAGE, node, title=f"Azurite {self.version}", cache_dir=self._cache_dir)
        with_another_port(lambda: self._start(node, modules, timeout_s), self._lost_port)
        return self

    def _start(self, node: Node, modules: Path, timeout_s: float) -> None:
        port = remembered_ports(self._ports, ("blob",), self._wanted)["blob"]
        self._process = start_process(
            self._command(node, modules, port),
            log=self.log,
            name=f"Azurite {self.version}",
            env=node.env(),
            ready=lambda: _answers(port),
            timeout_s=timeout_s,
        )
        self._port = port

    def _lost_port(self) -> bool:
        return self._wanted is None and was_taken(self._ports)

    @property
    def _ports(self) -> Path:
        return self.data_dir / "ports.json"

    def stop(self, grace_s: float = 10) -> None:
        """End it in order, by SIGKILL after `grace_s` seconds. Does nothing when it isn't running."""
        if self._process is not None:
            self._process.stop(grace_s)

    def kill(self) -> None:
        """End it as a crash would, by SIGKILL. Does nothing when it isn't running.

        Unlike Azure, Azurite saves its index every five seconds only and forgets what came after.
        """
        if self._process is not None:
            self._process.kill()

    def _command(self, node: Node, modules: Path, port: int) -> tuple[str, ...]:
        script = str(modules / "azurite" / "dist" / "src" / "blob" / "main.js")
        where = ("--blobHost", LOOPBACK, "--blobPort", str(port), "--location", str(self.data_dir / "blobs"))
        return (*node.node, script, *where, "--disableTelemetry", "--skipApiVersionCheck", "--silent")

    def _not_started(self) -> str:
        return f"the Azurite of {self.data_dir} was not started"

    def __enter__(self) -> Self:
        return self if self.running else self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status > 0  # an error is an answer: it wants a signature
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
