"""The user mapping: a version of it in topic `mappings`, then control records that activate it.

Order of writing: the rows, where they are too many for a record, into the content store; then the mapping, confirmed; then a
control record in every partition of `raw-events`. So nothing ever names what is not there.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable
from contextlib import closing

from consumers.mapping_file import MappingError, is_domain, is_mailbox, read_csv
from consumers.mapping_settings import MappingSettings
from consumers.reading import Reader, read_all
from consumers.writing import new_producer
from schemas.addresses import comparable_domain
from schemas.broker import KafkaSettings
from schemas.codec import Codec, DecodeError
from schemas.ids import mapping_version
from schemas.mappings import INLINE_BYTES, rows_to_csv
from schemas.records import ContentRef, Control, Mapping
from schemas.topics import MAPPINGS, RAW_EVENTS
from stores.interface import Store
from stores.paths import content_path

LAST = b"last-activated"
UNREADABLE = "unreadable"
"""In the place of a version, which is a hash."""


def load(settings: MappingSettings) -> Mapping:
    """The mapping that the configuration describes, with the version that names it; MappingError with every fault."""
    if settings.catch_all is not None and not is_mailbox(settings.catch_all):
        msg = f"mapping.catch_all: {settings.catch_all!r} is not a mailbox address"
        raise MappingError(msg)
    for domain in settings.domains:
        if not is_domain(domain):
            msg = (
                f"mapping.domains: {domain!r} is not a domain; expected one like bank.example, without @ or *"
            )
            raise MappingError(msg)
    rows = read_csv(settings.file) if settings.file else []
    pairs = sorted({(row.user, row.mailbox) for row in rows})
    domains = sorted({comparable_domain(domain) for domain in settings.domains})
    return {
        "version": mapping_version(pairs, domains, settings.catch_all),
        "rows": [{"external_user_id": user, "mailbox": mailbox} for user, mailbox in pairs],
        "domains": domains, "catch_all": settings.catch_all, "rows_ref": None,
    }  # fmt: skip


def is_bare(settings: MappingSettings, mapping: Mapping) -> bool:
    """Whether a file is named and nobody is in it: an export that went wrong looks like that."""
    return settings.file is not None and not mapping["rows"]


def outside(mapping: Mapping) -> list[str]:
    """Mailboxes that get copies although their domain is none of the verified ones: often a slip, sometimes wanted."""
    boxes = {row["mailbox"] for row in mapping["rows"]} | (
        {mapping["catch_all"]} if mapping["catch_all"] else set()
    )
    return sorted(box for box in boxes if comparable_domain(box.rpartition("@")[2]) not in mapping["domains"])


def activate(kafka: KafkaSettings, codec: Codec, mapping: Mapping, open_store: Callable[[], Store]) -> bool:
    """Put the mapping in force unless it is the last that was; True if anything was written. Blocks.

    A mapping of more than some 1,000 users rests in the content store. KafkaError; StoreError when that can't be written.
    """
    if _last(kafka, codec) == mapping["version"]:
        return False
    mappings, raw_events = kafka.topic(MAPPINGS.name), kafka.topic(RAW_EVENTS.name)
    value = codec.encode(mappings, "Mapping", mapping)
    if len(value) > INLINE_BYTES:
        value = codec.encode(mappings, "Mapping", _light(mapping, open_store))
    with new_producer(kafka) as producer:
        producer.send(mappings, key=mapping["version"].encode(), value=value).get(timeout=60)
        control = codec.encode(raw_events, "Control", _control(mapping["version"]))
        sent = [
            producer.send(raw_events, value=control, partition=number) for number in range(kafka.partitions)
        ]
        for future in sent:
            future.get(timeout=60)
        producer.send(mappings, key=LAST, value=value).get(timeout=60)
    return True


def _light(mapping: Mapping, open_store: Callable[[], Store]) -> Mapping:
    """The same with its rows by claim check, durable on return."""
    data = rows_to_csv(mapping["rows"])
    digest = hashlib.sha256(data)

    async def put() -> None:
        store = open_store()
        try:
            await store.create(
                content_path(digest.hexdigest()), data, content_type="text/csv", sha256=digest.hexdigest()
            )
        finally:
            await store.close()

    asyncio.run(put())
    ref: ContentRef = {"sha256": digest.digest(), "size": len(data)}
    return {**mapping, "rows": [], "rows_ref": ref}


def _control(version: str) -> Control:
    return {
        "connector_uid": "", "kind": "mapping", "lane": "", "from_ms": None, "to_ms": None, "watermark_ms": None,
        "settings": None, "recorded_at_ms": int(time.time() * 1000), "details": {"version": version},
    }  # fmt: skip


def last_activated(kafka: KafkaSettings, codec: Codec) -> str | None:
    """Version of the mapping whose activation is confirmed everywhere; None where raw-events is a new topic.

    MappingError where the configuration has another number of partitions than the topic, or nobody can read which it was.
    """
    version = _last(kafka, codec)
    if version == UNREADABLE:
        msg = (
            f"topic {kafka.topic(MAPPINGS.name)} has a record that nobody can read where it said which user mapping is in force; "
            "`chatledger mapping apply` puts the one of the configuration in force"
        )
        raise MappingError(msg)
    return version


def _last(kafka: KafkaSettings, codec: Codec) -> str | None:
    """The same; UNREADABLE where nobody can read it."""
    with closing(Reader(kafka, RAW_EVENTS)) as reader:
        ends = reader.ends()
    if len(ends) != kafka.partitions:  # a control record in some partitions only would route by two mappings
        msg = f"{kafka.topic(RAW_EVENTS.name)} has {len(ends)} partitions, the configuration says {kafka.partitions}"
        raise MappingError(msg)
    if 0 in ends.values():
        return None
    version = None
    for record in read_all(kafka, MAPPINGS):
        if record.key == LAST and record.value is not None:
            try:
                version = codec.decode(record.value).value["version"]
            except DecodeError:
                version = UNREADABLE
    return version
