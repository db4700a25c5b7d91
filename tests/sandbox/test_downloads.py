"""The cache of locked files: hashes, use without network, several programs at once."""

from __future__ import annotations

import hashlib
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from sandbox.downloads import DownloadError, LockedFile, WrongHashError, ensure_files
from sandbox.ports import PortError, free_port, is_free, remembered_ports

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

import socket

CONTENT = {f"part{number}": f"content {number}".encode() * 1000 for number in range(5)}
FILES = [
    LockedFile("org.example", name, "1.0", hashlib.sha256(content).hexdigest(), len(content))
    for name, content in CONTENT.items()
]


def _fetch(file: LockedFile, folder: Path, advance: Callable[[int], None]) -> Path:
    path = folder / file.name
    path.write_bytes(CONTENT[file.artifact])
    advance(file.size)
    return path


def _no_network(file: LockedFile, folder: Path, advance: Callable[[int], None]) -> Path:
    msg = f"asked for {file.name} although offline"
    raise DownloadError(msg)


def test_files_arrive_and_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was fetched once is used without network, and without a word, the next time."""
    first = ensure_files(FILES, tmp_path / "cache dir", _fetch, title="parts")
    assert [path.read_bytes() for path in first] == list(CONTENT.values())
    assert capsys.readouterr().err.splitlines()[0] == "Fetching parts (5 files), 0.0 MB"
    assert ensure_files(FILES, tmp_path / "cache dir", _no_network, title="parts") == first
    assert capsys.readouterr().err == ""
    assert sorted((tmp_path / "cache dir").iterdir()) == sorted(first)


@pytest.mark.parametrize("changed", [b"Content 0" * 1000, b"content 0" * 1000 + b"!", b""])
def test_a_changed_file_in_the_cache_is_refused(tmp_path: Path, changed: bytes) -> None:
    """A cached file with other content, of any size, stops the start; the error has name and hashes."""
    [path, *_] = ensure_files(FILES, tmp_path, _fetch, title="parts")
    path.write_bytes(changed)
    with pytest.raises(WrongHashError) as caught:
        ensure_files(FILES, tmp_path, _fetch, title="parts")
    for part in (str(path), hashlib.sha256(changed).hexdigest(), FILES[0].sha256):
        assert part in str(caught.value)


def test_a_wrong_download_never_gets_into_the_cache(tmp_path: Path) -> None:
    """A file that arrives with other content is refused and nothing of it is kept."""

    def tampered(file: LockedFile, folder: Path, advance: Callable[[int], None]) -> Path:
        path = _fetch(file, folder, advance)
        if file == FILES[2]:
            path.write_bytes(b"something else")
        return path

    with pytest.raises(WrongHashError, match=FILES[2].name):
        ensure_files(FILES, tmp_path, tampered, title="parts")
    assert not (tmp_path / FILES[2].name).exists()
    assert not list(tmp_path.glob(".fetch-*"))


def test_two_may_fill_the_cache_at_once(tmp_path: Path) -> None:
    """Two that fetch the same files at the same moment both get whole files."""
    together = threading.Barrier(2)

    def slow(file: LockedFile, folder: Path, advance: Callable[[int], None]) -> Path:
        path = _fetch(file, folder, advance)
        together.wait(10)
        return path

    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(ensure_files, FILES[:1], tmp_path, slow, title="parts") for _ in range(2)]
    for job in jobs:
        assert job.result()[0].read_bytes() == CONTENT["part0"]


def test_processes_that_were_seeded_alike_choose_other_ports() -> None:
    """As hypothesis seeds the module's generator in each process that runs tests."""
    chosen = []
    for _ in range(2):
        random.seed(0)
        chosen.append([free_port() for _ in range(5)])
    assert chosen[0] != chosen[1]


def test_ports_are_remembered(tmp_path: Path) -> None:
    """The same file gives the same ports, whatever the order of starts."""
    file = tmp_path / "data dir" / "ports.json"
    ports = remembered_ports(file, ("broker", "controller"))
    assert len(set(ports.values())) == 2
    assert remembered_ports(file, ("broker", "controller")) == ports


def test_a_remembered_port_in_use_is_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """When somebody else listens on a remembered port another one is taken, and said."""
    file = tmp_path / "ports.json"
    port = remembered_ports(file, ("broker",))["broker"]
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
        new = remembered_ports(file, ("broker",))["broker"]
    assert new != port
    assert f"port {port} (broker) is in use" in caplog.text


def test_a_wanted_port_in_use_is_an_error(tmp_path: Path) -> None:
    """A port that was asked for is never silently replaced."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortError, match=str(port)):
            remembered_ports(tmp_path / "ports.json", ("broker",), port)
