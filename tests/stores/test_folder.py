"""What only a folder has: links, permissions, files without a name."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stores import folder_reading as reading
from stores.folder import FolderStore
from stores.folder_files import INCOMING, new_file, sweep
from stores.interface import LinkFoundError, StoreConflictError, Stored
from tests.stores.folders import MAIL, SHA, stored

if TYPE_CHECKING:
    from collections.abc import Callable


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
    asyncio.run(stored(store, "ann/m.eml", "ann/n.eml"))
    assert len(asked) == 1
    assert list((tmp_path / INCOMING).iterdir()) == []


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


def test_what_stands_is_compared_whole_and_without_following_links(tmp_path: Path) -> None:
    """Exactly these bytes, or others, or nothing; what a link leads to is no file of the store, whatever it has."""
    made = {"same": b"mail", "other": b"mall", "longer": b"mail\n", "shorter": b"mai", "empty": b""}
    for name, data in made.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "same")
    paths = [*made, "folder", "link", "nothing", "same/below"]
    found = asyncio.run(FolderStore(tmp_path).same(paths, b"mail"))
    assert found == [True, False, False, False, False, None, False, None, None]
