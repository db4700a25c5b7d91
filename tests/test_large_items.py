"""A large file from the source to the mailbox: whole, in little memory, and through the death of whatever carries it."""

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient

from sandbox.azurite import Azurite
from sandbox.processes import ManagedProcess
from schemas.broker import KafkaSettings
from stores.factory import open_store
from stores.interface import Store
from tests.bench.large_items import check_whole, large_mail, measure, section_of
from tests.bench.large_site import AFTER, LargeSite, large_site
from tests.bench.processes import until
from tests.chaos.disk import can_mount, small_disk

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
DAY = "2026-03-10"
MB = 60
GROWTH_MIB = 32
SAVED_S = 6.0  # Azurite saves its index every five seconds


@pytest.fixture
def own_azurite(tmp_path: Path) -> Iterator[Azurite]:
    """One that may be killed."""
    with Azurite(tmp_path / "azurite") as server:
        yield server


def test_a_large_file_passes_whole_with_little_memory(kafka: KafkaSettings, tmp_path: Path) -> None:
    """The short form of `tests.bench.large_items`: from a simulated Webex to two mailboxes."""
    found = measure(tmp_path / "site", kafka, "folder", section_of("folder", tmp_path, None), 30)
    assert found.grown_mib < GROWTH_MIB


@pytest.mark.long
@pytest.mark.azurite
@pytest.mark.parametrize("megabytes", [100, 1000])
@pytest.mark.parametrize("store", ["folder", "azurite"])
def test_files_up_to_a_gigabyte(
    kafka: KafkaSettings, tmp_path: Path, store: str, megabytes: int, request: pytest.FixtureRequest
) -> None:
    """100 MB under the default ceiling, 1 GB with the ceiling raised, whole, each with less than 32 MiB more memory."""
    azurite = request.getfixturevalue("own_azurite") if store == "azurite" else None
    section = section_of(f"large-{megabytes}", tmp_path / "site", azurite)
    assert measure(tmp_path / "site", kafka, store, section, megabytes).grown_mib < GROWTH_MIB


def test_a_worker_killed_in_the_middle_and_a_full_disk(kafka: KafkaSettings, tmp_path: Path) -> None:
    """In a folder: no half file is ever seen, the next worker begins anew, and a full disk is waited for."""
    with ExitStack() as up:
        disk = up.enter_context(small_disk(tmp_path / "disk")) if can_mount(tmp_path / "try") else None
        archive = (disk.path if disk else tmp_path) / "archive"
        site = _collected(up, tmp_path, kafka, f'kind = "folder"\npath = "{archive}"')
        worker = site.start("work")
        _in_the_middle(archive, worker)
        worker.kill()
        assert not list(archive.glob("_mails/**/*.eml"))
        worker = site.start("work")
        if disk:
            _in_the_middle(archive, worker)
            disk.fill()
            until(lambda: "no space left" in worker.log.read_text(), [worker])
            disk.free()
        _whole(site, worker)


@pytest.mark.long
@pytest.mark.azurite
def test_worker_and_azurite_killed_in_the_middle(
    kafka: KafkaSettings, tmp_path: Path, own_azurite: Azurite
) -> None:
    """Blocks of a dead worker are nobody's; a store that dies under a mail is waited for, and the mail sent anew."""
    with ExitStack() as up:
        section = section_of("chats", tmp_path / "site", own_azurite)
        site = _collected(up, tmp_path, kafka, section)
        time.sleep(SAVED_S)
        worker = site.start("work")
        _staged(own_azurite, worker)
        worker.kill()
        worker = site.start("work")
        _staged(own_azurite, worker)
        own_azurite.kill()
        until(lambda: "store unavailable" in worker.log.read_text(), [worker])
        own_azurite.start()
        _whole(site, worker)


def _collected(up: ExitStack, folder: Path, kafka: KafkaSettings, section: str) -> LargeSite:
    site = up.enter_context(large_site(folder / "site", kafka, section, MB, since=DAY))
    site.move(AFTER)
    site.collect()
    return site


def _in_the_middle(archive: Path, worker: ManagedProcess) -> None:
    """Return while a mail grows: some of it is there, and not all."""

    def grows() -> bool:
        sizes = [each.stat().st_size for each in (archive / ".incoming").glob("*") if each.exists()]
        return any(5_000_000 < size < MB * 1_000_000 for size in sizes)

    while not grows():
        assert worker.running, worker.log.read_text()[-3000:]
        time.sleep(0.002)


def _staged(azurite: Azurite, worker: ManagedProcess) -> None:
    """Return while a mail has blocks that are not committed."""
    container = ContainerClient.from_connection_string(
        azurite.connection_string, "chats", api_version="2026-06-06"
    )
    with container:
        while True:
            assert worker.running, worker.log.read_text()[-3000:]
            names = container.list_blobs("_mails/", include=["uncommittedblobs"])
            if any(each.size == 0 for each in names):
                return


def _whole(site: LargeSite, worker: ManagedProcess) -> None:
    """The mail comes, with the whole file, once; nothing else is left behind."""
    until(lambda: bool(large_mail(site.config.kafka, MB)), [worker])
    mail = large_mail(site.config.kafka, MB)
    check_whole(site, mail)
    worker.signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    sizes = asyncio.run(_mails(open_store(site.config.store)))
    assert sizes == {mail["path"]: mail["size"], **{one["path"]: mail["size"] for one in mail["copies"]}}


async def _mails(store: Store) -> dict[str, int]:
    found = {info.path: info.size async for info in store.list() if not info.path.startswith("_content/")}
    await store.close()
    return found
