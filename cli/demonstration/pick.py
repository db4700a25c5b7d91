"""Three mails of the demo that show most: chosen by what stands in them, never by name."""

import asyncio
import contextlib
import json
import unicodedata
from collections import Counter
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import TYPE_CHECKING

from cli.parts.common import new_codec
from cli.words.advice import counted
from consumers.reading import read_all
from schemas.records import Delivery
from schemas.topics import DELIVERIES
from stores.factory import open_store
from stores.interface import BlobMissingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.demonstration.site import Site
    from stores.interface import Store

LARGEST = 400_000  # bytes: still pleasant to open
MOST = 300  # mails to choose from
WORDS = (
    ("message", "message"), ("updated", "edit"), ("deleted", "deletion"), ("thread", "threaded message"), ("file", "file"),
    ("answer", "card answer"), ("joined", "arrival"), ("left", "departure"), ("transfer", "transfer"), ("survey", "survey"),
)  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """What a reader sees in one mail: how much of what, and how many letters of right-to-left scripts."""

    source: str
    path: str
    counts: Counter[str]
    right_to_left: int

    @property
    def variety(self) -> tuple[int, int, int]:
        """Different things first, then how many people would call it busy, a few of each being enough."""
        return (
            sum(self.counts[name] > 0 for name, _ in WORDS),
            sum(min(self.counts[name], 5) for name, _ in WORDS),
            self.counts["message"],
        )

    def told(self) -> str:
        """The counts in words."""
        return ", ".join(counted(self.counts[name], noun) for name, noun in WORDS if self.counts[name])


def worth_opening(site: "Site") -> list[tuple[Path, str]]:
    """(path, why): a busy space, a customer's chat, and one in a right-to-left script or with a deletion."""
    return [(_file(site, one.path), f"{why}: {one.told()}") for one, why in choose(asyncio.run(_read(site)))]


def choose(found: list[Shown]) -> list[tuple[Shown, str]]:
    """One mail for each reason, none twice."""
    wanted: tuple[tuple[str, Callable[[Shown], bool], Callable[[Shown], tuple[int, ...]]], ...] = (
        ("a day in a busy space", lambda one: one.source == "webex", lambda one: one.variety),
        ("a customer's chat", lambda one: one.source == "liveperson", lambda one: one.variety),
        ("in a right-to-left script", lambda one: one.right_to_left > 0, lambda one: (one.right_to_left,)),
        ("with a deleted message", lambda one: one.counts["deleted"] > 0, lambda one: one.variety),
    )
    chosen, left = list[tuple[Shown, str]](), list(found)
    for why, fits, worth in wanted:
        best = max(filter(fits, left), key=worth, default=None)
        if best is not None and len(chosen) < 3:
            chosen.append((best, why))
            left.remove(best)
    return chosen


def shown(source: str, path: str, mail: bytes) -> Shown:
    """What stands in these bytes, by the list of events that every mail carries."""
    parts = message_from_bytes(mail, policy=default).walk()
    lists = [part.get_content() for part in parts if part.get_filename() == "events.json"]
    events = json.loads(lists[-1])["events"] if lists else []
    counts = Counter(event["kind"] for event in events)
    counts["thread"] = sum(bool(event["thread"]) for event in events)
    counts["file"] = sum(len(event["attachments"]) for event in events)
    letters = (letter for event in events for letter in event["text"] or "")
    return Shown(source, path, counts, sum(unicodedata.bidirectional(one) in {"R", "AL"} for one in letters))


async def _read(site: "Site") -> list[Shown]:
    codec, store = new_codec(site.config.kafka), open_store(site.config.store)
    ledger = (
        codec.decode(r.value).value for r in read_all(site.config.kafka, DELIVERIES) if r.value is not None
    )
    fit = [(one, path) for one in ledger if one["size"] < LARGEST and (path := _copy(one))]
    try:
        return await standing(store, [(one["source"], path) for one, path in fit])
    finally:
        await store.close()


async def standing(store: "Store", paths: list[tuple[str, str]]) -> list[Shown]:
    """What the first of these (source, path) show that still stand: the ledger also names what an order disposed of."""
    found = list[Shown]()
    for source, path in paths:
        if len(found) == MOST:
            break
        with contextlib.suppress(BlobMissingError):
            found.append(shown(source, path, await store.read(path)))
    return found


def _copy(one: Delivery) -> str | None:
    return next((copy["path"] for copy in one["copies"] if copy["path"] is not None), None)


def _file(site: "Site", path: str) -> Path:
    """Where a mail program can open it: in the archive, or fetched from the blob store into `opened`."""
    if site.config.store.kind == "folder":
        return site.folder / "archive" / path
    target = site.folder / "opened" / Path(path).name
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(asyncio.run(_fetch(site, path)))
    return target


async def _fetch(site: "Site", path: str) -> bytes:
    store = open_store(site.config.store)
    try:
        return await store.read(path)
    finally:
        await store.close()
