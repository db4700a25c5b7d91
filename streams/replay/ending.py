"""The end of a replay: a second look for what was missing, then copies that only the ledger explains, then what nothing does."""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from schemas.topics import DELIVERIES
from stores.interface import Store
from stores.within import Within
from streams.contents import Contents
from streams.keeping import Keeper
from streams.readback import read_back
from streams.replay.findings import Finding
from streams.replay.job import Job, disposed_mails, opened
from streams.replay.ledger import look, rerouted, restore
from streams.replay.state import PartitionState
from streams.replay.strangers import Listing
from streams.replay.strays import brought_back, disposed_paths, excuse, known, look_again, strangers


@dataclass(frozen=True)
class Ending:
    """Of one replay. `begun_ms`: when, ms since 1970 UTC. `listing`: what stood there before it; None: nobody asks for strangers.

    `room`: findings that are shown at most.
    """

    job: Job
    states: Mapping[int, PartitionState]
    begun_ms: int
    listing: Path | None
    room: int

    async def look(self, counts: Counter[str]) -> list[Finding]:
        """What no partition knows of by itself; adds to `counts`."""
        kind, found = self.job.where.kind, list[Finding]()
        if kind not in {"compare", "store", "prefix"}:
            return found
        async with opened(self.job.store) as store:
            place = Within(store, self.job.where.shown) if kind == "prefix" else store
            found += await self._disposed_meanwhile(place)
            counts.update({"unexplained": len(found)} if found else {})
            for state in self.states.values() if kind == "compare" else ():
                await look_again(state, store)
            found += await self._beside_the_log(store, counts) if kind != "prefix" else []
        return found

    async def _disposed_meanwhile(self, store: Store) -> list[Finding]:
        """Orders that were given since this replay began: what it looked for in vain, or has made again."""
        codec, found = self.job.codec(), list[Finding]()
        async with disposed_mails(self.job, codec, self.begun_ms) as disposed:
            for number, state in self.states.items():
                gone = disposed_paths(self._ledger(number), codec, self.job.selection, disposed)
                if self.job.where.kind == "compare":
                    await excuse(state, gone)
                else:
                    found += await brought_back(gone, store)
        return found

    async def _beside_the_log(self, store: Store, counts: Counter[str]) -> list[Finding]:
        """Copies that only the ledger explains: compared, or made again; then what nothing explains."""
        found, contents = list[Finding](), Contents(store)
        keeper = Keeper(store, contents) if self.job.where.kind == "store" else None
        codec = self.job.codec()
        async with disposed_mails(self.job, codec) as disposed:
            with contextlib.closing(Listing(self.listing)) as listing:
                standing = set[str]()
                for number, state in self.states.items():
                    gone = disposed_paths(self._ledger(number), codec, self.job.selection, disposed)
                    standing |= await known(gone, listing, store) if self.listing else set()
                    listing.explain(state.explained())
                    async for one in rerouted(self._ledger(number), codec, self.job.selection):
                        if one.delivery["mail_id"] in disposed:
                            continue
                        listing.explain([one.path])
                        if state.explains(one.path):
                            continue  # routed back to where the log leads: it was looked at there
                        wrong = await (
                            restore(one, keeper, counts) if keeper else look(one, store, contents, counts)
                        )
                        found += [wrong] if wrong else []
                if self.listing is None:
                    return found  # who did not ask has no number
                more, counts["unexplained"] = strangers(listing, standing, self.room - len(found))
                return found + more

    def _ledger(self, number: int) -> AsyncIterator[bytes]:
        return read_back(self.job.kafka, DELIVERIES, number)
