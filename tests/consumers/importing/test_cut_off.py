"""An importer that stops, or loses its partitions, in the middle of a slow APPEND: nothing arrives behind its back."""

import threading
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from consumers.importing.boxes import Done, Pauses
from consumers.importing.desk import Desk
from consumers.importing.items import Item, Landed
from consumers.importing.opening import open_attempts, open_target
from schemas.records import Receipt
from stores.folder import FolderStore
from tests.consumers.importing.large_process import filed
from tests.consumers.importing.office import mailbox_of, settings_of, until
from tests.consumers.importing.proxy import Proxy
from tests.dovecot import PASSWORD, Dovecot

LARGE = 40_000_000  # more than the sockets' own buffers hold
PAUSES = Pauses(0.1, 0.1, 0.1, 60.0)


def put_by(port: int, folder: Path, one: Receipt, then: Callable[[Desk], None]) -> None:
    """A desk with one item, over this port."""
    settings = settings_of(port=port)
    copies, attempts = open_attempts(
        settings, lambda: FolderStore(folder / "archive"), folder / uuid.uuid4().hex
    )
    with (
        closing(copies),
        Desk(open_target(settings), attempts.once, threads=1, pauses=PAUSES) as desk,
    ):
        desk.put(Item(one, 0))
        then(desk)


@pytest.mark.imap
@pytest.mark.parametrize("way", ["stop", "withdraw"])
def test_what_was_cut_off_never_arrives(
    dovecot: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """The next importer finds nothing and appends; the APPEND before, which only was slow, does not come true later."""
    monkeypatch.setenv("CHATLEDGER_TEST_PASSWORD", PASSWORD)
    box = dovecot.add(f"{uuid.uuid4().hex[:8]}@bank.example")
    one = filed(FolderStore(tmp_path / "archive", durable=False), "large.eml", LARGE)
    one = {**one, "mailbox": box, "folder": "Webex Teams", "occasion": "live"}
    half, go_on = threading.Event(), threading.Event()

    def watch(_: int, told: str) -> None:
        if told == "half":
            half.set()
            go_on.wait(30)

    def cut(desk: Desk) -> None:
        assert half.wait(30)
        desk.stop(0.2) if way == "stop" else desk.withdraw([0], 0.2)
        put_by(dovecot.port, tmp_path, one, lambda other: until(lambda: bool(other.results())))

    with Proxy(dovecot.port, watch=watch) as proxy:
        try:
            put_by(proxy.port, tmp_path, one, cut)
        finally:
            go_on.set()
        until(lambda: proxy.open == 0)
    time.sleep(0.5)  # what the server has got by then it may still put there
    assert len(mailbox_of(dovecot, box)) == 1


class Slow:
    """A target whose sign-in takes long."""

    name = "slow"

    def __init__(self) -> None:
        self.come, self.go_on, self.ended = threading.Event(), threading.Event(), threading.Event()

    def open(self, _: str) -> Any:
        """A session, when it is told to go on."""
        self.come.set()
        assert self.go_on.wait(30)
        return self

    def close(self) -> None:
        """Note that it was let go of."""
        self.ended.set()


def test_a_sign_in_that_ends_too_late_puts_nothing() -> None:
    """The session is closed without an attempt, also when the partition is ours again meanwhile; the item then has its turn."""
    target, tried = Slow(), list[Item]()

    def attempt(_: object, item: Item) -> Landed:
        tried.append(item)
        return Landed("appended", "", "")

    old, new = (Item({"mailbox": "ana", "occasion": "live"}, 0) for _ in range(2))  # type: ignore[typeddict-item]  # what a desk reads
    with Desk(target, attempt, threads=1, pauses=PAUSES) as desk:
        desk.put(old)
        assert target.come.wait(10)
        desk.withdraw([0], 0.1)
        desk.allow(0)
        desk.put(new)
        target.go_on.set()
        assert target.ended.wait(10)
        until(lambda: bool(tried))
    assert [one is new for one in tried] == [True]


class Broken(Slow):
    """A target of which one mailbox does what nobody thought of."""

    def open(self, mailbox: str) -> Any:
        """A name with an umlaut, as a sign-in by LOGIN writes it."""
        mailbox.encode("ascii")
        return self


def test_an_error_that_nobody_thought_of_is_one_mailbox_s(caplog: pytest.LogCaptureFixture) -> None:
    """That mailbox is handed back as one that refuses, with a traceback in the log; others go on, and so does the desk."""
    boxes = ["jörg", "ana"]
    done = list[Done]()
    with Desk(
        Broken(), lambda *_: Landed("appended", "", ""), threads=1, pauses=replace(PAUSES, patience_s=0.0)
    ) as desk:
        for box in boxes:
            desk.put(Item({"mailbox": box, "occasion": "live"}, 0))  # type: ignore[typeddict-item]  # what a desk reads

        def all_done() -> bool:
            done.extend(desk.results())
            return len(done) == 2

        until(all_done)
    told = {one.item.blank["mailbox"]: str(one.trouble) for one in done}
    assert told["ana"] == "None"
    assert told["jörg"].startswith("unexpected UnicodeEncodeError")
    assert "Traceback" in caplog.text
