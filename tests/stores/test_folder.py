"""What only a folder has: links, permissions, full disks."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stores import folder_files as files
from stores import folder_reading as reading
from stores.folder import FolderStore
from stores.folder_files import INCOMING, new_file, sweep
from stores.interface import LinkFoundError, StoreConflictError, Stored, StoreError
from stores.settings import FolderSettings

if TYPE_CHECKING:
    from collections.abc import Callable

MAIL = "message/rfc822"
SHA = hashlib.sha256(b"mail").hexdigest()
ROOT = Path(__file__).parents[2]


def no_links(source: str, target: str) -> None:
    """Refuse as a file system without hard links does."""
    raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP), source, None, target)


def no_more_links(source: str, target: str) -> None:
    """Refuse further links as ext4 does after 65,000, but take a new file's first."""
    if INCOMING not in Path(source).parts:
        raise OSError(errno.EMLINK, os.strerror(errno.EMLINK))
    os.link(source, target)


def test_copies_are_hard_links_and_read_only(tmp_path: Path) -> None:
    """A copy takes no room, and no mail program can change one in place."""
    store = FolderStore(tmp_path)

    async def scenario() -> None:
        await store.create("_mails/m.eml", b"mail", content_type=MAIL)
        await store.copy("_mails/m.eml", "ann/m.eml", content_type=MAIL, sha256=SHA)

    asyncio.run(scenario())
    mail, copy = tmp_path / "_mails/m.eml", tmp_path / "ann/m.eml"
    assert mail.samefile(copy)
    assert not stat.S_IMODE(copy.stat().st_mode) & 0o222


@pytest.mark.parametrize("nameless", [True, False])
@pytest.mark.parametrize("link", [os.link, no_links])
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000])
@pytest.mark.parametrize(
    ("root", "folder", "file"), [(None, 0o700, 0o400), (0o750, 0o750, 0o440), (0o2775, 0o2775, 0o444)]
)
def test_an_archive_is_as_private_as_its_root(
    tmp_path: Path,
    link: Callable[[str, str], None],
    umask: int,
    root: int | None,
    folder: int,
    file: int,
    *,
    nameless: bool,
) -> None:
    """A new one is its owner's alone; one that an administrator opened to others is open below, whatever the umask."""
    archive = tmp_path / "archive"
    if root is not None:
        archive.mkdir()
        archive.chmod(root)

    async def scenario() -> None:
        store = FolderStore(archive, link=link, nameless=nameless)
        await store.create("_mails/x/m.eml", b"mail", content_type=MAIL)
        await store.copy("_mails/x/m.eml", "ann/inbox/m.eml", content_type=MAIL, sha256=SHA)

    before = os.umask(umask)
    try:
        asyncio.run(scenario())
    finally:
        os.umask(before)
    modes = {
        path: stat.S_IMODE(path.stat().st_mode)
        for path in [archive, *archive.rglob("*")]
        if path.name != ".lock"
    }
    assert {mode for path, mode in modes.items() if path.is_dir()} == {folder}
    assert {mode for path, mode in modes.items() if path.is_file()} == {file}
    assert len(modes) == (7 if nameless and link is os.link else 8)


@pytest.mark.parametrize("nameless", [True, False])
@pytest.mark.parametrize("link", [no_links, no_more_links])
@pytest.mark.parametrize("durable", [True, False])
def test_works_without_hard_links(
    tmp_path: Path, link: Callable[[str, str], None], *, durable: bool, nameless: bool
) -> None:
    """Where links don't reach, files are renamed and copied under the same rules."""
    store = FolderStore(tmp_path, durable=durable, link=link, nameless=nameless)

    async def scenario() -> None:
        outcomes = await asyncio.gather(
            *(store.create("m.eml", b"mail", content_type=MAIL) for _ in range(8))
        )
        assert sum(outcome.created for outcome in outcomes) == 1
        for created in (True, False):
            copy = await store.copy("m.eml", "ann/m.eml", content_type=MAIL, sha256=SHA)
            assert copy == Stored("ann/m.eml", 4, SHA, created=created)
        with pytest.raises(StoreConflictError):
            await store.create("ann/m.eml", b"else", content_type=MAIL)

    asyncio.run(scenario())
    assert not (tmp_path / "m.eml").samefile(tmp_path / "ann/m.eml")
    assert [path.name for path in (tmp_path / INCOMING).iterdir()] in ([".lock"], [])


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_has_no_name_before_it_is_whole(tmp_path: Path, *, durable: bool) -> None:
    """Files in one piece need no temporary name, in folders that are missing or there; a name that is taken stays."""
    store = FolderStore(tmp_path / "archive", durable=durable)

    async def scenario() -> None:
        for path in ("m.eml", "ann/inbox/m.eml", "ann/inbox/n.eml"):
            assert (await store.create(path, path.encode(), content_type=MAIL)).created
        with pytest.raises(StoreConflictError):
            await store.create("m.eml", b"else", content_type=MAIL)
        assert not (await store.create("m.eml", b"m.eml", content_type=MAIL)).created
        assert await store.read("ann/inbox/n.eml") == b"ann/inbox/n.eml"

    asyncio.run(scenario())
    assert sorted(path.name for path in (tmp_path / "archive").iterdir()) == ["ann", "m.eml"]


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL])
def test_a_file_system_without_nameless_files_is_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Where they are refused, by the file system or an old kernel, files grow below `.incoming` from then on."""
    asked, really = list[str](), os.open

    def open_named(path: str, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            asked.append(path)
            raise OSError(number, os.strerror(number), path)
        return really(path, flags, mode)

    monkeypatch.setattr(os, "open", open_named)
    store = FolderStore(tmp_path)

    async def scenario() -> None:
        for path in ("ann/m.eml", "ann/n.eml"):
            assert (await store.create(path, b"mail", content_type=MAIL)).created
            assert await store.read(path) == b"mail"

    asyncio.run(scenario())
    assert len(asked) == 1
    assert list((tmp_path / INCOMING).iterdir()) == []


def test_a_folder_that_is_removed_meanwhile_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an order of disposition removes one that it has emptied; that says nothing of what this file system can do."""
    store, really, removed = FolderStore(tmp_path), files.write, list[Path]()

    def removing(take: Callable[[memoryview], int], data: bytes) -> None:
        if len(removed) < 2:
            removed.append(tmp_path / "ann/in")
            shutil.rmtree(tmp_path / "ann")
        really(take, data)

    monkeypatch.setattr(files, "write", removing)

    async def scenario() -> None:
        for path in ("ann/in/m.eml", "ann/in/n.eml"):
            assert (await store.create(path, b"mail", content_type=MAIL)).created
            assert await store.read(path) == b"mail"

    asyncio.run(scenario())
    assert len(removed) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["ann"]


def synced(monkeypatch: pytest.MonkeyPatch, root: Path) -> list[str]:
    """The folders of which somebody asks that a power cut loses no name in them, below the root's own."""
    found, really = list[str](), os.fsync

    def watching(number: int) -> None:
        path = Path(f"/proc/self/fd/{number}").readlink()
        if path.is_dir():
            found.append(str(path.relative_to(root.parent)))
        really(number)

    monkeypatch.setattr(os, "fsync", watching)
    return found


@pytest.mark.parametrize("nameless", [True, False])
def test_a_folder_that_another_has_made_is_kept_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, nameless: bool
) -> None:
    """Whoever made it may not have synced it yet: a file counts as durable only when all names on its path are."""
    root = tmp_path / "archive"
    (root / "ann/in").mkdir(parents=True)
    store, found = FolderStore(root, nameless=nameless), synced(monkeypatch, root)

    async def scenario() -> None:
        await store.create("ann/in/m.eml", b"mail", content_type=MAIL)
        assert set(found) >= {".", "archive", "archive/ann", "archive/ann/in"}
        found.clear()
        await store.create("ann/in/n.eml", b"mail", content_type=MAIL)
        assert found == ["archive/ann/in"]
        shutil.rmtree(root / "ann")
        found.clear()
        await store.create("ann/in/m.eml", b"mail", content_type=MAIL)
        assert set(found) >= {"archive", "archive/ann", "archive/ann/in"}

    asyncio.run(scenario())


def test_a_folder_that_is_made_again_is_kept_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nothing failed for want of it: an order that removes one folder may have removed others."""
    root = tmp_path / "archive"
    store, found = FolderStore(root), synced(monkeypatch, root)

    async def scenario() -> None:
        for path in ("ann/in/m.eml", "bob/in/m.eml"):
            await store.create(path, b"mail", content_type=MAIL)
        for name in ("ann", "bob"):
            shutil.rmtree(root / name)
        await store.create("ann/in/n.eml", b"mail", content_type=MAIL)
        found.clear()
        await store.create("bob/in/n.eml", b"mail", content_type=MAIL)
        assert set(found) >= {"archive", "archive/bob", "archive/bob/in"}

    asyncio.run(scenario())


def test_a_folder_counts_as_kept_when_all_above_it_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails in between is asked again by whoever writes there next."""
    root = tmp_path / "archive"
    store, really, failed = FolderStore(root), os.fsync, list[Path]()

    def failing(number: int) -> None:
        path = Path(f"/proc/self/fd/{number}").readlink()
        if path == root and not failed:
            failed.append(path)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        really(number)

    monkeypatch.setattr(os, "fsync", failing)

    async def scenario() -> None:
        with pytest.raises(StoreError):
            await store.create("ann/in/m.eml", b"mail", content_type=MAIL)
        found = synced(monkeypatch, root)
        await store.create("ann/in/n.eml", b"mail", content_type=MAIL)
        assert set(found) >= {"archive", "archive/ann", "archive/ann/in"}

    asyncio.run(scenario())
    assert failed == [root]


def test_who_asks_whether_a_file_is_there_reads_none_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file may have gigabytes; a symbolic link is said, as by everybody who reads."""
    store = FolderStore(tmp_path)
    (tmp_path / "link").symlink_to("m.eml")

    async def scenario() -> None:
        await store.create("m.eml", b"mail", content_type=MAIL)
        monkeypatch.setattr(reading, "open_file", None)
        assert await store.exists("m.eml")
        with pytest.raises(LinkFoundError):
            await store.exists("link")

    asyncio.run(scenario())


def test_a_changed_file_is_found_out(tmp_path: Path) -> None:
    """A stored file that somebody altered is a conflict for its writer, and no source for a copy."""
    store = FolderStore(tmp_path)

    async def scenario() -> None:
        await store.create("m.eml", b"mail", content_type=MAIL)
        path = tmp_path / "m.eml"
        path.chmod(0o644)
        path.write_bytes(b"Mail")
        os.utime(path, (1, 1))
        with pytest.raises(StoreConflictError):
            await store.create("m.eml", b"mail", content_type=MAIL)
        with pytest.raises(StoreError, match="announced"):
            await store.copy("m.eml", "copy.eml", content_type=MAIL, sha256=SHA)

    asyncio.run(scenario())


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path: Path) -> None:
    """The error says which file to move away."""
    store = FolderStore(tmp_path)

    async def scenario() -> None:
        await store.create("ann", b"mail", content_type=MAIL)
        with pytest.raises(StoreError, match="move it away"):
            await store.create("ann/m.eml", b"mail", content_type=MAIL)

    asyncio.run(scenario())


def test_a_living_writer_is_not_swept(tmp_path: Path) -> None:
    """However old its file, a writer that still holds it keeps it."""
    file, path = new_file(tmp_path)
    os.utime(path, (1, 1))
    with file:
        assert sweep(tmp_path) == 0
    assert sweep(tmp_path) == 1


def test_housekeeping_is_not_listed_but_hidden_mails_and_links_are(tmp_path: Path) -> None:
    """Nobody hides a mail but a forger; links are named and not followed, so none can send a listing in circles."""
    store = FolderStore(tmp_path)
    for folder in ("ann/.hidden", ".snapshot"):
        (tmp_path / folder).mkdir(parents=True)
    for name in (".DS_Store", "ann/.nfs1", "ann/.hidden/x", ".snapshot/m.eml"):
        (tmp_path / name).write_bytes(b"x")
    seen = ["ann/.hidden/m.EML", "ann/.m.eml", "ann/m.eml"]
    for name in seen:
        (tmp_path / name).write_bytes(b"mail")
    (tmp_path / "ann" / "loop").symlink_to(tmp_path)
    (tmp_path / "ann" / "n.eml").symlink_to(tmp_path / "ann" / "m.eml")

    async def listed() -> list[str]:
        return [info.path async for info in store.list("")]

    assert asyncio.run(listed()) == [*seen[:2], "ann/loop", "ann/m.eml", "ann/n.eml"]


def test_a_symbolic_link_is_no_file_of_the_store(tmp_path: Path) -> None:
    """Whatever it leads to, also to the same bytes, also to nothing: it is not read, and no write takes it for its own."""
    store, elsewhere = FolderStore(tmp_path / "archive"), tmp_path / "elsewhere"
    elsewhere.write_bytes(b"mail")

    async def scenario() -> None:
        made = await store.create("m.eml", b"mail", content_type=MAIL)
        for place, goal in (
            ("same", elsewhere),
            ("inner", tmp_path / "archive/m.eml"),
            ("none", tmp_path / "none"),
        ):
            (tmp_path / "archive" / place).symlink_to(goal)
            for look in (store.read, store.stat):
                with pytest.raises(LinkFoundError, match="symbolic link"):
                    await look(place)
            with pytest.raises(StoreConflictError, match="symbolic link"):
                await store.create(place, b"mail", content_type=MAIL)
            with pytest.raises(StoreConflictError, match="symbolic link"):
                await store.copy("m.eml", place, content_type=MAIL, sha256=made.sha256)
            with pytest.raises(LinkFoundError):
                await store.copy(place, "copy.eml", content_type=MAIL, sha256=made.sha256)

    asyncio.run(scenario())


def works(command: list[str]) -> bool:
    """Tell whether a command ends well."""
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def in_namespace(script: str, tmp_path: Path, *arguments: str) -> str:
    """Run a shell script in a mount namespace of its own, where a small disk can be mounted for real."""
    prefix = ["unshare", "--map-root-user", "--mount", "sh", "-ec"]
    if shutil.which("unshare") is None or not works([*prefix, ":"]):
        pytest.skip("this machine lets nobody mount in a namespace of their own")
    command = [*prefix, script, "sh", str(tmp_path), sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def test_a_full_disk_is_something_to_wait_for(tmp_path: Path) -> None:
    """On a disk of 2 MiB, 3 MiB don't fit: the caller is told to wait, nothing stays, and 1 MiB fits."""
    settings = FolderSettings(path=tmp_path / "a").model_dump_json()
    script = (
        'mount -t tmpfs -o size=2m none "$1"\n'
        '"$2" -m tests.stores.writer "$3" b/large 3 whole\n'
        '"$2" -m tests.stores.writer "$3" b/small 1 whole\n'
    )
    large, small = in_namespace(script, tmp_path, settings).splitlines()
    assert large.startswith("StoreUnavailableError")
    assert "no space left" in large
    assert small == f"stored True {1 << 20}"


def test_a_read_only_disk_says_what_to_do(tmp_path: Path) -> None:
    """Where nothing may be written, the error names user and folder."""
    settings = FolderSettings(path=tmp_path / "a").model_dump_json()
    script = 'mount -t tmpfs -o ro none "$1"\n"$2" -m tests.stores.writer "$3" b/c 1 whole\n'
    said = in_namespace(script, tmp_path, settings)
    assert said.startswith("StoreError")
    assert "or name another folder" in said


def test_works_without_proc(tmp_path: Path) -> None:
    """Where /proc is not mounted, nameless files can't be named, and files grow below `.incoming`."""
    settings = FolderSettings(path=tmp_path / "a").model_dump_json()
    script = 'mount -t tmpfs none /proc\n"$2" -m tests.stores.writer "$3" b/c 1 bytes\n'
    assert in_namespace(script, tmp_path, settings) == f"stored True {1 << 20}\n"
    assert list((tmp_path / "a" / INCOMING).iterdir()) == []
    assert (tmp_path / "a/b/c").read_bytes() == bytes(1 << 20)
