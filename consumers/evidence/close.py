"""Closing a manifest: everything since the one before, signed, stored create-only, its root in topic `evidence`.

Each step is create-only under a name that the number alone gives, and each is a function of the step before. So a kill
at any moment is made good by closing again, and of two who close at once both end with the same manifest:

    plan (which range, from when)  ─▶  leaves  ─▶  manifest (signed)  ─▶  topic evidence
"""

import asyncio
import itertools
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

from consumers.evidence import anchor, chain
from consumers.evidence.errors import EvidenceError
from consumers.evidence.keys import ROTATION, Signer, is_signed, key_for
from consumers.evidence.leaves import Leaf, Source, encode, leaves_of
from consumers.evidence.merkle import Tree
from consumers.evidence.plans import closing_time, demand_plan
from consumers.evidence.ranges import RangeReader
from consumers.evidence.statement import (
    LEAVES,
    MANIFEST,
    PLAN,
    Manifest,
    Plan,
    Ranges,
    Statement,
    decode_manifest,
    encode_manifest,
    encode_plan,
    encode_statement,
    path_of,
)
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.topics import AUDIT, DELIVERIES, IMPORTS, RAW_EVENTS, Topic
from stores.interface import Store, StoreConflictError

COVERED: tuple[Topic, ...] = (RAW_EVENTS, DELIVERIES, IMPORTS, AUDIT)
"""In this order stand their leaves. A topic that a later version adds is covered from its first manifest on."""
LINES_A_PIECE = 4_000


class Closer:
    """Closes manifests of one installation."""

    def __init__(self, kafka: KafkaSettings, codec: Codec, store: Store, key_file: Path) -> None:
        self._kafka, self._codec, self._store, self._key_file = kafka, codec, store, key_file

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
            plan = await chain.planned(self._store, number)
            if plan is None:
                anchor.demand_end(known, number)
                plan = await self._planned(reader, number, before)
            if plan is None:
                return None
            possible = await self._possible(
                reader, before
            )  # asked after the plan was read: the log has grown since
            demand_plan(plan, number, before, possible, datetime.now(UTC))
            made = await self.carry_out(reader, plan, signer)
        await asyncio.to_thread(anchor.announce, self._kafka, self._codec, made, known)
        return made

    async def introducing(self, public: str) -> Manifest | None:
        """The manifest from which on this key signs, which another key has signed; None if the chain does not end with it."""
        found = await chain.last(self._store)
        while found is not None and found.statement.key == public and found.statement.number > 1:
            found = await chain.manifest(self._store, found.statement.number - 1)
        return found if found and found.statement.key != public == found.statement.next_key else None

    async def _planned(self, reader: RangeReader, number: int, before: Manifest | None) -> Plan | None:
        ranges = await self._possible(reader, before)
        if all(begin == end for parts in ranges.values() for _, begin, end in parts):
            return None
        now = datetime.now(UTC)
        plan = Plan(
            number=number, previous=before.digest if before else None, closed_at=closing_time(before, now), ranges=ranges
        )  # fmt: skip
        demand_plan(plan, number, before, ranges, now)  # what nobody may sign is not written either
        try:
            await self._store.create(
                path_of(number, PLAN), encode_plan(plan), content_type="application/json"
            )
        except StoreConflictError:  # another process was faster: its plan is the one
            return await chain.planned(self._store, number)
        return plan

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
                raise EvidenceError(msg) from None
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


def following(former: Ranges, bounds: dict[str, dict[int, tuple[int, int]]]) -> Ranges:
    """The ranges that follow the former ones up to the present ends. Pure.

    EvidenceError where the log is not the one that was covered before, or what is needed of it is gone.
    """
    ends = {topic: {partition: end for partition, _, end in parts} for topic, parts in former.items()}
    found: Ranges = {}
    for topic, parts in bounds.items():
        known = ends.get(topic, {})
        if known and set(known) != set(parts):
            raise EvidenceError(
                f"{topic} has other partitions than the manifests before cover; it is another log"
            )
        found[topic] = [
            [number, _begin(topic, number, one, known.get(number)), one[1]]
            for number, one in sorted(parts.items())
        ]
    return found


def _begin(topic: str, partition: int, bounds: tuple[int, int], covered: int | None) -> int:
    begin, end = bounds
    if covered is None:
        return begin
    if end < covered:
        msg = (
            f"{topic}/{partition} ends at {end}, but the manifests cover it up to {covered}: this is another log. Restore it, "
            "or keep the old evidence with the old archive and begin a new one"
        )
        raise EvidenceError(msg)
    if begin > covered:
        msg = (
            f"{topic}/{partition} begins at {begin}, but evidence ends at {covered}: what lies between was deleted before "
            "it was covered. Restore it; nothing can vouch for it otherwise"
        )
        raise EvidenceError(msg)
    return covered


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
