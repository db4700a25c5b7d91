"""The user mapping: Microsoft's CSV in, a versioned record in topic `mappings`, then control records that activate it.

Order of writing: the mapping first, confirmed; then a control record in every partition of `raw-events`. So none
ever names what is not there.
"""

import csv
import io
import time
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from consumers.reading import read_all
from consumers.writing import new_producer
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.ids import mapping_version
from schemas.records import Control, Mapping
from schemas.topics import MAPPINGS, MAX_RECORD_BYTES, RAW_EVENTS

HEADINGS = ["ExternalUserId", "O365UserMailbox"]


class MappingError(ValueError):
    """The mapping file cannot be used; the message names file and line."""


class MappingSettings(BaseModel):
    """Section [mapping] of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Path | None = Field(
        default=None, description="CSV with the headings ExternalUserId,O365UserMailbox; optional"
    )
    domains: list[str] = Field(
        min_length=1, description="The firm's verified e-mail domains; an address elsewhere is external"
    )
    catch_all: str | None = Field(
        default=None, description="Mailbox for employees without a mapping and without an address"
    )


@dataclass(frozen=True)
class Row:
    """One line of the file."""

    line: int
    user: str
    mailbox: str


def read_csv(path: Path) -> list[Row]:
    """All lines; MappingError with line number for wrong headings, empty cells, bad addresses, contradictions."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: cannot be read as UTF-8 text: {error}"
        raise MappingError(msg) from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        lines = [(reader.line_num, cells) for cells in reader]
    except csv.Error as error:
        msg = f"{path}:{reader.line_num}: not CSV: {error}"
        raise MappingError(msg) from error
    if not lines or [cell.strip() for cell in lines[0][1]] != HEADINGS:
        msg = f"{path}:1: the headings must be exactly {','.join(HEADINGS)}, with a comma between"
        raise MappingError(msg)
    rows = [_row(path, number, cells) for number, cells in lines[1:] if any(cell.strip() for cell in cells)]
    _no_contradiction(path, rows)
    return rows


def _row(path: Path, line: int, cells: list[str]) -> Row:
    if len(cells) != 2 or not all(cell.strip() for cell in cells):
        msg = f"{path}:{line}: expected two cells, user and mailbox, found {cells}"
        raise MappingError(msg)
    user, mailbox = (cell.strip() for cell in cells)
    local, at, domain = mailbox.rpartition("@")
    if not (local and at and "." in domain) or any(c.isspace() for c in mailbox):
        msg = f"{path}:{line}: {mailbox!r} is not a mailbox address"
        raise MappingError(msg)
    return Row(line, user, mailbox)


def _no_contradiction(path: Path, rows: list[Row]) -> None:
    seen: dict[str, Row] = {}
    for row in rows:
        known = seen.setdefault(row.user.casefold(), row)
        if known.mailbox.casefold() != row.mailbox.casefold():
            msg = f"{path}:{row.line}: {row.user} has {row.mailbox} here, but {known.mailbox} in line {known.line}"
            raise MappingError(msg)


def load(settings: MappingSettings) -> Mapping:
    """The mapping that the configuration describes, with the version that names it."""
    rows = read_csv(settings.file) if settings.file else []
    pairs = sorted({(row.user, row.mailbox) for row in rows})
    domains = sorted({domain.strip().casefold() for domain in settings.domains})
    return {
        "version": mapping_version(pairs, domains, settings.catch_all),
        "rows": [{"external_user_id": user, "mailbox": mailbox} for user, mailbox in pairs],
        "domains": domains, "catch_all": settings.catch_all,
    }  # fmt: skip


def activate(kafka: KafkaSettings, codec: Codec, mapping: Mapping) -> bool:
    """Put the mapping in force unless it is the last that was; True if anything was written. Blocks."""
    if _last_activated(kafka, codec) == mapping["version"]:
        return False
    mappings, raw_events = kafka.topic(MAPPINGS.name), kafka.topic(RAW_EVENTS.name)
    with new_producer(kafka) as producer:
        value = codec.encode(mappings, "Mapping", mapping)
        if len(value) > MAX_RECORD_BYTES:
            msg = f"{len(mapping['rows'])} users make {len(value)} bytes; a user mapping holds {MAX_RECORD_BYTES} at most"
            raise MappingError(msg)
        producer.send(mappings, key=mapping["version"].encode(), value=value).get(timeout=60)
        value = codec.encode(raw_events, "Control", _control(mapping["version"]))
        sent = [
            producer.send(raw_events, value=value, partition=number) for number in range(kafka.partitions)
        ]
        for future in sent:
            future.get(timeout=60)
        key, value = b"last-activated", codec.encode(mappings, "Mapping", mapping)
        producer.send(mappings, key=key, value=value).get(timeout=60)
    return True


def _control(version: str) -> Control:
    return {
        "connector_uid": "", "kind": "mapping", "lane": "", "from_ms": None, "to_ms": None, "watermark_ms": None,
        "settings": None, "recorded_at_ms": int(time.time() * 1000), "details": {"version": version},
    }  # fmt: skip


def _last_activated(kafka: KafkaSettings, codec: Codec) -> str | None:
    """Version of the mapping whose activation is confirmed everywhere."""
    version = None
    for record in read_all(kafka, MAPPINGS):
        if record.key == b"last-activated" and record.value is not None:
            version = codec.decode(record.value).value["version"]
    return version
