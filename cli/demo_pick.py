"""Three mails of the demo that show most: chosen from the ledger, never by name."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from cli.common import new_codec
from consumers.reading import read_all
from schemas.records import Delivery
from schemas.topics import DELIVERIES
from stores.factory import open_store

if TYPE_CHECKING:
    from cli.demo_site import Site

LARGEST = 400_000  # bytes: still pleasant to open


def worth_opening(site: "Site") -> list[tuple[Path, str]]:
    """(path, why): a customer's chat, a busy space, and a mail from which something had to be left out."""
    codec = new_codec(site.config.kafka)
    found: list[Delivery] = [
        codec.decode(r.value).value for r in read_all(site.config.kafka, DELIVERIES) if r.value is not None
    ]
    found = [one for one in found if _copy(one) and (one["size"] < LARGEST or one["status"] == "partial")]
    chat = max((one for one in found if one["source"] == "liveperson"), key=_richness, default=None)
    space = max(
        (one for one in found if one["source"] == "webex" and one["status"] == "ok"),
        key=_richness,
        default=None,
    )
    partial = max((one for one in found if one["status"] == "partial"), key=_richness, default=None)
    chosen = [
        (chat, "a customer's chat with several people in it"),
        (space, "a day in a busy space"),
        (partial, f"partial: {_first_reason(partial)}"),
    ]
    return [(_file(site, one), why) for one, why in chosen if one is not None]


def _first_reason(one: Delivery | None) -> str:
    reasons = one["reasons"] if one else []
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return f"{reasons[0]}{more}" if reasons else ""


def _richness(one: Delivery) -> tuple[int, int]:
    return len(one["copies"]) * one["event_count"], one["size"]


def _copy(one: Delivery) -> str | None:
    return next((copy["path"] for copy in one["copies"] if copy["path"] is not None), None)


def _file(site: "Site", one: Delivery) -> Path:
    """Where a mail program can open it: in the archive, or fetched from the blob store into `opened`."""
    path = _copy(one) or one["path"]
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
