"""Keys: that they change within the chain, once, whoever is killed or closes meanwhile, and which are refused."""

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from consumers.evidence.errors import EvidenceError
from consumers.evidence.keys import load_key, next_path
from consumers.evidence.rotate import rotate
from consumers.evidence.statement import Manifest
from consumers.orders import said, say
from tests.consumers.evidence.rig import Site, closed, verified

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.kafka


def test_keys_change_within_the_chain(site: Site) -> None:
    """The old key vouches for the new one; what follows is signed with it, and a verifier needs no word of ours."""
    first = load_key(site.key_file).public
    made = asyncio.run(rotate(site.closer(), site.kafka, site.codec, site.key_file, "ana", "yearly"))
    second = load_key(site.key_file).public
    site.capture("c9", 1)

    assert (made.statement.key, made.statement.next_key) == (first, second)
    assert closed(site).statement.key == second != first
    assert verified(site).faults == []


@pytest.mark.parametrize("moment", ["before the order", "before the manifest", "before the file"])
def test_a_change_of_keys_that_was_killed_goes_on(
    site: Site, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given again, the command ends with one new key in force, and closing works in between."""

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def change() -> Manifest:
        return asyncio.run(rotate(site.closer(), site.kafka, site.codec, site.key_file, "ana", "yearly"))

    target = {"before the order": "consumers.evidence.rotate.say", "before the manifest": "consumers.evidence.close.chain.last",
              "before the file": "pathlib.Path.replace"}[moment]  # fmt: skip
    if moment == "before the manifest":
        calls: list[int] = []
        real: Callable[..., Any] = __import__("consumers.evidence.chain", fromlist=["last"]).last

        async def second(*given: Any) -> Any:
            calls.append(1)
            return killed() if len(calls) == 2 else await real(*given)

        monkeypatch.setattr(target, second)
    else:
        monkeypatch.setattr(target, killed)
    with pytest.raises(KeyboardInterrupt):
        change()
    monkeypatch.undo()
    site.capture("c8", 1)
    site.close()
    change()
    site.capture("c9", 1)

    assert closed(site).statement.key == load_key(site.key_file).public
    assert not next_path(site.key_file).exists()
    assert verified(site).faults == []


def test_a_foreign_or_open_key_is_refused(site: Site) -> None:
    """The chain goes on with the key that it names, and no key is used that others can read."""
    closed(site)
    site.capture("c2", 1)
    kept = site.key_file.read_bytes()
    site.key_file.unlink()
    with pytest.raises(EvidenceError, match="is missing"):
        site.close()
    Site(site.kafka, site.folder)  # makes another key
    with pytest.raises(EvidenceError, match="put that one back"):
        site.close()
    site.key_file.chmod(0o644)
    with pytest.raises(EvidenceError, match="chmod 600"):
        site.close()
    site.key_file.write_bytes(kept)
    site.key_file.chmod(0o600)
    assert closed(site).statement.number == 2


@pytest.mark.parametrize("closings", [1, 2])
def test_keys_change_once_whoever_closes_meanwhile(
    site: Site, closings: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process closes right after the order: the command finds the manifest that says so, and gives no second order."""
    first, real = load_key(site.key_file).public, say

    def say_and_close(*given: Any) -> None:
        real(*given)
        threads = [threading.Thread(target=site.close) for _ in range(closings)]
        for thread in threads:
            thread.start()
            thread.join()
            site.capture("c7", 1)

    monkeypatch.setattr("consumers.evidence.rotate.say", say_and_close)
    made = asyncio.run(rotate(site.closer(), site.kafka, site.codec, site.key_file, "ana", "yearly"))
    second = load_key(site.key_file).public
    assert (made.statement.key, made.statement.next_key) == (first, second)
    assert second != first
    assert orders_of_keys(site) == 1
    assert verified(site).faults == []


def test_a_change_that_was_killed_at_its_end_is_not_made_twice(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chain has the new key, its file waits still: given again, the command only finishes."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    def change() -> Manifest:
        return asyncio.run(rotate(site.closer(), site.kafka, site.codec, site.key_file, "ana", "yearly"))

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace", killed)
        with pytest.raises(KeyboardInterrupt):
            change()
    waiting = load_key(next_path(site.key_file)).public
    assert change().statement.next_key == waiting == load_key(site.key_file).public
    assert orders_of_keys(site) == 1


def orders_of_keys(site: Site) -> int:
    """How many changes of keys topic audit has."""
    return sum(one["kind"] == "key" for one in said(site.kafka, site.codec))
