"""Closing a manifest: everything since the one before, signed, stored create-only, its root in topic `evidence`.

Each step is create-only under a name that the number alone gives, and each is a function of the step before. So a kill
at any moment is made good by closing again, and of two who close at once both end with the same manifest:

    plan (which range, from when)  ─▶  leaves  ─▶  manifest (signed)  ─▶  topic evidence
"""

import asyncio
import contextlib
import itertools
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

from consumers.evidence import anchor, chain
from consumers.evidence.errors import EvidenceError, OtherLeavesError
from consumers.evidence.keys import ROTATION, Signer, is_signed, key_for
from consumers.evidence.leaves import Leaf, Source, encode, leaves_of
from consumers.evidence.merkle import Tree
from consumers.evidence.plans import fresh_plan, judged
from consumers.evidence.ranges import RangeReader, following
from consumers.evidence.statement import (
    LEAVES,
    MANIFEST,
    Manifest,
    Plan,
    Ranges,
    Statement,
    decode_manifest,
    encode_manifest,
    encode_plan,
    encode_statement,
    path_of,
    plan_name,
)
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.records import EvidenceRoot
from schemas.topics import AUDIT, DELIVERIES, IMPORTS, RAW_EVENTS, Topic
from stores.interface import Store, StoreConflictError

COVERED: tuple[Topic, ...] = (RAW_EVENTS, DELIVERIES, IMPORTS, AUDIT)
"""In this order stand their leaves. A topic that a later version adds is covered from its first manifest on."""
LINES_A_PIECE = 4_000


class Closer:
    """Closes manifests of one installation."""

    def __init__(self, kafka: KafkaSettings, codec: Codec, store: Store, key_file: Path) -> None:
        self._kafka, self._codec, self._store, self._key_file = kafka, codec, store, key_file
        self.passed_over: list[str] = []
        """What was said of plans that somebody else put there, and that were not signed; of the last closing."""

    async def close(self) -> Manifest | None:
        """Cover everything since the last manifest, or finish one that was begun; None if there is nothing new.

        EvidenceError says what to do; StoreError, KafkaError and LookupError as they come.
        """
        before = await chain.last(self._store)
        known = await asyncio.to_thread(anchor.announced, self._kafka, self._codec)
        if before is not None:
            await asyncio.to_thread(anchor.announce, self._kafka, self._codec, before, known)
        number = before.statement.number + 1 if before else 1
        signer = key_for(self._key_file, before.statement.next_key if before else None)
        with await asyncio.to_thread(RangeReader, self._kafka) as reader:
            plans = await self._plans(reader, number, before, known)
            if not plans:
                return None
            made = await self._made(reader, plans, signer)
        await asyncio.to_thread(anchor.announce, self._kafka, self._codec, made, known)
        return made

    async def introducing(self, public: str) -> Manifest | None:
        """The manifest from which on this key signs, which another key has signed; None if the chain does not end with it."""
        found = await chain.last(self._store)
        while found is not None and found.statement.key == public and found.statement.number > 1:
            found = await chain.manifest(self._store, found.statement.number - 1)
        return found if found and found.statement.key != public == found.statement.next_key else None

    async def _plans(
        self, reader: RangeReader, number: int, before: Manifest | None, known: list[EvidenceRoot]
    ) -> list[Plan]:
        """The plans that may be signed, the one to carry out first; a fresh one where there is none, nothing without news."""
        while True:
            found = await chain.planned(self._store, number)
            ranges = await self._possible(reader, before)  # asked after that: the log has grown since
            now = datetime.now(UTC)
            here = judged(found, number, before, ranges, now)
            self.passed_over = here.refused
            if here.fit:
                return here.fit
            anchor.demand_end(known, number)
            if all(begin == end for parts in ranges.values() for _, begin, end in parts):
                return []
            made = fresh_plan(number, before, ranges, now, len(found))
            try:
                await self._store.create(
                    path_of(number, plan_name(len(found) + 1)),
                    encode_plan(made),
                    content_type="application/json",
                )
            except StoreConflictError:  # another process was faster: its plan is the one
                continue
            return [made]

    async def _made(self, source: Source, plans: list[Plan], signer: Signer) -> Manifest:
        """The manifest of the first plan; of a later one where that one's leaves stand there: clocks may have disagreed."""
        for plan in plans[:-1]:
            with contextlib.suppress(OtherLeavesError):
                return await self.carry_out(source, plan, signer)
        return await self.carry_out(source, plans[-1], signer)

    async def _possible(self, reader: RangeReader, before: Manifest | None) -> Ranges:
        """From where the last manifest ends up to where the log ends now."""
        bounds = {topic.name: await asyncio.to_thread(reader.bounds, topic) for topic in COVERED}
        return following(before.statement.ranges if before else {}, bounds)

    async def carry_out(self, source: Source, plan: Plan, signer: Signer) -> Manifest:
        """Leaves and manifest of a plan, durable on return; a repeat finds its own bytes."""
        made = await self._write_leaves(source, plan, signer)
        data = encode_manifest(encode_statement(made), signer.sign(encode_statement(made)))
        path = path_of(plan.number, MANIFEST)
        try:
            await self._store.create(path, data, content_type="application/jsonl")
        except StoreConflictError as error:
            raise EvidenceError(
                f"{path} states something else than the log gives for the same range"
            ) from error
        return decode_manifest(data)

    async def _write_leaves(self, source: Source, plan: Plan, signer: Signer) -> Statement:
        run = Leaves(signer.public)
        ranges = [(topic, plan.ranges.get(topic.name, [])) for topic in COVERED]
        pieces = packed(run.lines(leaves_of(source, self._codec, ranges)))
        path = path_of(plan.number, LEAVES)
        try:
            await self._store.create(path, in_thread(pieces), content_type="application/gzip")
        except (
            StoreConflictError
        ):  # the same leaves, packed by another release of zlib? Else the log is not what it was
            if await root_in(self._store, plan.number) != run.tree.root():
                msg = f"{path} holds other leaves than the log gives for the same range; it was altered, or the log was"
                raise OtherLeavesError(msg) from None
        return Statement(
            **plan.model_dump(), count=run.tree.count, counts=dict(sorted(run.counts.items())),
            root=run.tree.root().hex(), key=signer.public, next_key=run.next_key,
        )  # fmt: skip


class Leaves:
    """What is learned of leaves while they pass: their tree, how many of each kind, a change of keys."""

    def __init__(self, key: str) -> None:
        self.tree, self.counts, self.next_key = Tree(), Counter[str](), key
        self._key = key

    def lines(self, leaves: Iterator[Leaf]) -> Iterator[bytes]:
        """Each leaf as its line, with the line's end."""
        for leaf in leaves:
            line = encode(leaf)
            self.tree.add(line)
            self.counts[leaf["kind"]] += 1
            if leaf["kind"] == "audit" and leaf["what"] == "key":
                self._see_key(leaf["details"])
            yield line + b"\n"

    def _see_key(self, details: dict[str, str]) -> None:
        """A key counts as the next one if the present one vouches for it."""
        public, signature = details.get("public_key", ""), details.get("signature", "")
        try:
            said = ROTATION + bytes.fromhex(public)
        except ValueError:
            return
        if is_signed(said, signature, self._key):
            self.next_key = public


def packed(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Gzip without a name and a time, so that the same lines give the same bytes."""
    pack = zlib.compressobj(6, zlib.DEFLATED, 31)
    while some := list(itertools.islice(lines, LINES_A_PIECE)):
        yield pack.compress(b"".join(some))
    yield pack.flush()


async def in_thread(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The same pieces; what makes them may block."""
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        if piece:
            yield piece


async def root_in(store: Store, number: int) -> bytes:
    """The root of the leaves that stand in the store."""
    tree = Tree()
    async for line in chain.lines(store, number):
        tree.add(line)
    return tree.root()
