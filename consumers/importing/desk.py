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

from consumers.importing.boxes import Box, Done, Held, Pauses
from consumers.importing.items import Item, Landed
from consumers.importing.target import Session, Target
from consumers.importing.troubles import HostError, ItemError, LostError, TroubleError

log = logging.getLogger(__name__)
TURN = 20  # items of one mailbox, and then the desk is asked again
STAY_S = 10.0  # so long a session is kept while other mailboxes wait: signing in costs more than an item
IDLE_S = 15.0  # a session without work is closed after
CLOSE_S = 5.0  # for threads to sign out, when nothing is to be done any more
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
        self._host_until, self._host_since, self._host_failures = 0.0, 0.0, 0
        self._host_trouble: TroubleError | None = None
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
            if self._is_parked(box) and box.trouble is not None:
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
            return self._host_trouble

    @property
    def host_trouble_s(self) -> float:
        """For how long that has been so, seconds."""
        with self._change:
            return 0.0 if self._host_trouble is None else time.monotonic() - self._host_since

    def withdraw(self, partitions: Collection[int], wait_s: float) -> None:
        """Forget the items of these partitions, take no more of them, and wait until no thread works on any."""
        deadline = time.monotonic() + wait_s
        with self._change:
            self._withdrawn |= set(partitions)
            self._forget()
            while any(box.busy for box in self._boxes.values()) and time.monotonic() < deadline:
                self._change.wait(0.1)
                self._forget()  # an item that was put back by its thread

    def allow(self, partition: int) -> None:
        """Take items of this partition again."""
        with self._change:
            self._withdrawn.discard(partition)

    def _forget(self) -> None:
        for box in self._boxes.values():
            box.items = deque(item for item in box.items if item.partition not in self._withdrawn)

    def stop(self, wait_s: float) -> None:
        """End the threads; one that is in the middle of an item has this long, seconds."""
        with self._change:
            self._stopped = True
            self._change.notify_all()
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
                found = self._ready(now, held.mailbox if held and now < held.until else "")
                if found is not None:
                    self._boxes[found].busy = True
                    return found
                if held is not None and now > idle_until:
                    return ""
                self._change.wait(0.2)
        return None

    def _ready(self, now: float, preferred: str) -> str | None:
        if now < self._host_until:
            return None
        ready = [name for name, box in self._boxes.items() if box.items and not box.busy and box.until <= now]
        return (
            preferred
            if preferred in ready
            else min(ready, key=lambda name: self._boxes[name].until, default=None)
        )

    def _turn(self, mailbox: str, held: Held | None) -> Held | None:
        """Put some items of the mailbox; its session, if it can still be used."""
        for _ in range(TURN):
            item = self._take(mailbox)
            if item is None:
                break
            try:
                held = held or Held(mailbox, self._target.open(mailbox), time.monotonic() + STAY_S)
                self._landed(mailbox, item, self._attempt(held.session, item))
            except TroubleError as trouble:
                log.debug("%s: %s", mailbox, trouble)
                if not self._refused(mailbox, item, trouble):
                    if held is not None:
                        held.session.close()
                    held = None
                    break
        self._leave(mailbox)
        return held

    def _leave(self, mailbox: str) -> None:
        with self._change:
            box = self._boxes[mailbox]
            box.busy = False
            if not box.items and box.trouble is None:
                del self._boxes[mailbox]
            self._change.notify_all()

    def _take(self, mailbox: str) -> Item | None:
        with self._change:
            box = self._boxes[mailbox]
            return box.items.popleft() if box.items and not self._stopped else None

    def _landed(self, mailbox: str, item: Item, landed: Landed) -> None:
        with self._change:
            box = self._boxes[mailbox]
            box.failures, box.trouble, box.until = 0, None, time.monotonic()  # now the others have their turn
            self._host_failures, self._host_trouble = 0, None
            self._done.append(Done(item, landed))

    def _refused(self, mailbox: str, item: Item, trouble: TroubleError) -> bool:
        """Note the trouble; whether the session can still be used."""
        with self._change:
            item.unsure |= not item.is_anew or isinstance(trouble, LostError | HostError)
            item.losses += isinstance(trouble, LostError)
            if isinstance(trouble, HostError):
                self._host_since = self._host_since if self._host_failures else time.monotonic()
                self._host_failures += 1
                self._host_until = time.monotonic() + self._pauses.after(self._host_failures, trouble)
                self._host_trouble = trouble
                self._boxes[mailbox].items.appendleft(item)
                return False
            self._host_failures, self._host_trouble = 0, None
            if isinstance(trouble, ItemError) or item.losses >= LOSSES:
                self._done.append(Done(item, None, trouble))
                return isinstance(trouble, ItemError)
            self._leave_alone(self._boxes[mailbox], item, trouble)
            return False

    def _leave_alone(self, box: Box, item: Item, trouble: TroubleError) -> None:
        now = time.monotonic()
        box.since = box.since if box.trouble is not None else now
        box.failures, box.trouble = box.failures + 1, trouble
        box.until = now + self._pauses.after(box.failures, trouble)
        box.items.appendleft(item)
        if self._is_parked(box):
            self._done += [Done(one, None, trouble) for one in box.items]
            box.items.clear()

    def _is_parked(self, box: Box) -> bool:
        """Whether the mailbox refuses for longer than anybody waits for it."""
        is_long = box.until - box.since > self._pauses.patience_s
        return box.trouble is not None and is_long and box.until > time.monotonic()
