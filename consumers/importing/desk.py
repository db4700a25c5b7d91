"""Items by mailbox, and the threads that put them: one thread a mailbox at a time, so many connections at most.

A mailbox that refuses waits by itself while others go on; what it refuses for longer than the caller's patience is handed back
as *waiting*. When the server, the sign-in service or the store is down, everything waits, and nothing is handed back.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Self

from consumers.importing.boxes import Box, Done, Held, Host, Pauses, first_ready
from consumers.importing.items import Item, Landed
from consumers.importing.target import Session, Target
from consumers.importing.troubles import HostError, ItemError, LostError, TroubleError, as_trouble

log = logging.getLogger(__name__)
TURN = 20  # items of one mailbox, and then the desk is asked again
STAY_S = 10.0  # so long a session is kept while other mailboxes wait: signing in costs more than an item
IDLE_S = 15.0  # a session without work is closed after
CLOSE_S = 5.0  # for threads to sign out, when nothing is to be done any more
CUT_S = 1.0  # for threads to notice that they were cut off
LOSSES = 3  # after so many lost connections it is the item that waits, and no more the mailbox


class Desk:
    """Use as a context manager; `put` and `results` are for one thread."""

    def __init__(
        self, target: Target, attempt: Callable[[Session, Item], Landed], *, threads: int, pauses: Pauses
    ) -> None:
        self._target, self._attempt, self._pauses = target, attempt, pauses
        self._boxes: dict[str, Box] = {}
        self._done: list[Done] = []
        self._withdrawn: set[int] = set()
        self._change = threading.Condition()
        self._stopped = False
        self._fault: BaseException | None = None
        self._host = Host()
        self._threads = [
            threading.Thread(target=self._watched, daemon=True, name=f"import-{n}") for n in range(threads)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(CLOSE_S)

    def put(self, item: Item) -> None:
        """Take an item; in a mailbox's own order. One of a partition that was withdrawn is forgotten."""
        with self._change:
            if item.partition in self._withdrawn:
                return
            box = self._boxes.setdefault(item.blank["mailbox"], Box())
            if box.is_parked(self._pauses) and box.trouble is not None:
                self._done.append(Done(item, None, box.trouble))
                return
            box.items.append(item)
            self._change.notify()

    def results(self) -> list[Done]:
        """What was done since the last call; a fault of the program in a thread is raised here, and ends it."""
        with self._change:
            if self._fault is not None:
                raise self._fault
            done, self._done = self._done, []
            return done

    def refuses(self, mailbox: str) -> bool:
        """Whether the mailbox is left alone for now."""
        with self._change:
            box = self._boxes.get(mailbox)
            return box is not None and box.until > time.monotonic()

    @property
    def host_trouble(self) -> TroubleError | None:
        """Why nothing can be done for any mailbox; None while all is well."""
        with self._change:
            return self._host.trouble

    @property
    def host_trouble_s(self) -> float:
        """For how long that has been so, seconds."""
        with self._change:
            return 0.0 if self._host.trouble is None else time.monotonic() - self._host.since

    def withdraw(self, partitions: Collection[int], wait_s: float) -> None:
        """Forget the items of these partitions, take no more of them, and wait until no thread works on any.

        What is still under way when the time is over is cut off: somebody else may search for it soon.
        """
        with self._change:
            self._withdrawn |= set(partitions)
            self._forget()
            self._wait(time.monotonic() + wait_s)
            self._abort()
            self._wait(time.monotonic() + CUT_S)

    def allow(self, partition: int) -> None:
        """Take items of this partition again."""
        with self._change:
            self._withdrawn.discard(partition)

    def _wait(self, deadline: float) -> None:
        while self._under_way() and (left := deadline - time.monotonic()) > 0:
            self._change.wait(min(0.1, left))

    def _under_way(self) -> list[Box]:
        """Mailboxes where a thread is at an item that nobody wants here any more."""
        return [box for box in self._boxes.values() if box.item is not None and self._is_unwanted(box.item)]

    def _is_unwanted(self, item: Item) -> bool:
        return self._stopped or item.partition in self._withdrawn

    def _abort(self) -> None:
        for box in self._under_way():
            log.warning("cut off in the middle: %s", box.item and box.item.blank["mailbox"])
            box.abort()

    def _forget(self) -> None:
        for box in self._boxes.values():
            box.items = deque(item for item in box.items if item.partition not in self._withdrawn)

    def stop(self, wait_s: float) -> None:
        """End the threads; one that is in the middle of an item has this long, seconds, and is cut off then."""
        with self._change:
            self._stopped = True
            self._change.notify_all()
        self._join(wait_s)
        with self._change:
            self._abort()
        self._join(CUT_S)

    def _join(self, wait_s: float) -> None:
        deadline = time.monotonic() + wait_s
        for thread in self._threads:
            with suppress(RuntimeError):  # never started
                thread.join(max(0.0, deadline - time.monotonic()))

    def _watched(self) -> None:
        try:
            self._work()
        except BaseException as fault:  # noqa: BLE001 - whatever it is, the process must not go on without this thread
            with self._change:
                self._fault = fault

    def _work(self) -> None:
        held: Held | None = None
        while (mailbox := self._next(held)) is not None:
            if held is not None and held.mailbox != mailbox:
                held.session.close()
                held = None
            if mailbox:
                held = self._turn(mailbox, held)
        if held is not None:
            held.session.close()

    def _next(self, held: Held | None) -> str | None:
        """The mailbox whose turn it is, busy from now on; empty when a session was idle for long, None at the end."""
        idle_until = time.monotonic() + IDLE_S
        with self._change:
            while not self._stopped:
                now = time.monotonic()
                preferred = held.mailbox if held and now < held.until else ""
                found = None if now < self._host.until else first_ready(self._boxes, now, preferred)
                if found is not None:
                    self._boxes[found].busy = True
                    return found
                if held is not None and now > idle_until:
                    return ""
                self._change.wait(0.2)
        return None

    def _turn(self, mailbox: str, held: Held | None) -> Held | None:
        """Put some items of the mailbox; its session, if it can still be used."""
        for _ in range(TURN):
            item = self._take(mailbox)
            if item is None:
                break
            try:
                held = held or Held(mailbox, self._target.open(mailbox), time.monotonic() + STAY_S)
                self._at(mailbox, held.session)
                self._landed(mailbox, item, self._attempt(held.session, item))
            except Exception as fault:  # noqa: BLE001 - one mailbox's trouble, whatever it is, stops no other
                if not self._refused(mailbox, item, as_trouble(mailbox, fault)):
                    if held is not None:
                        held.session.close()
                    held = None
                    break
        self._leave(mailbox)
        return held

    def _leave(self, mailbox: str) -> None:
        with self._change:
            box = self._boxes[mailbox]
            box.leave()
            if not box.items and box.trouble is None:
                del self._boxes[mailbox]
            self._change.notify_all()

    def _take(self, mailbox: str) -> Item | None:
        with self._change:
            box = self._boxes[mailbox]
            box.item = box.items.popleft() if box.items and not self._stopped else None
            return box.item

    def _at(self, mailbox: str, session: Session) -> None:
        """LostError when what is to be put by this session was cut off before it was there."""
        with self._change:
            box = self._boxes[mailbox]
            box.session = session
            if box.cut is not None:
                raise LostError("withdrawn")

    def _landed(self, mailbox: str, item: Item, landed: Landed) -> None:
        with self._change:
            box = self._boxes[mailbox]
            box.item = None
            box.succeed()
            self._host.succeed()
            self._done.append(Done(item, landed))

    def _refused(self, mailbox: str, item: Item, trouble: TroubleError) -> bool:
        """Note the trouble; whether the session can still be used."""
        with self._change:
            box = self._boxes[mailbox]
            box.item = None
            if box.cut is item or (self._is_unwanted(item) and not isinstance(trouble, ItemError)):
                return False
            item.unsure |= not item.is_anew or isinstance(trouble, LostError | HostError)
            item.losses += isinstance(trouble, LostError)
            if isinstance(trouble, HostError):
                self._host.fail(trouble, self._pauses)
                box.items.appendleft(item)
                return False
            self._host.succeed()
            if isinstance(trouble, ItemError) or item.losses >= LOSSES:
                self._done.append(Done(item, None, trouble))
                return isinstance(trouble, ItemError)
            self._done += box.leave_alone(item, trouble, self._pauses)
            return False
