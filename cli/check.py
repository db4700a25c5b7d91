"""`chatledger check`: is everything there that the job needs? Each line says what to do if not."""

import asyncio
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.common import config_option, load_config, new_codec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.config import Config
    from producers.source import Finding


@click.command()
@config_option
def check(config_path: Path) -> None:
    """Is the configuration right, can every source, Kafka and the store be reached? Exit code 1 if not."""
    config = load_config(config_path)
    click.echo(f"ok    configuration {config_path}: {len(config.connector)} connectors")
    bad = 0
    for finding in _findings(config):
        click.echo(
            f"{'ok   ' if finding.ok else 'FAIL '} {finding.what}{'' if finding.ok else ': ' + finding.advice}"
        )
        bad += not finding.ok
    sys.exit(1 if bad else 0)


def _findings(config: "Config") -> "Iterator[Finding]":
    yield _mapping(config)
    yield from _kafka(config)
    yield _store(config)
    for connector in config.connector:
        yield from _source(config, connector.uid)


def _mapping(config: "Config") -> "Finding":
    from consumers.mapping import load  # noqa: PLC0415 - see cli.main
    from consumers.mapping_file import MappingError  # noqa: PLC0415
    from producers.source import Finding  # noqa: PLC0415

    try:
        rows = len(load(config.mapping)["rows"])
    except MappingError as error:
        return Finding("user mapping", ok=False, advice=str(error))
    return Finding(f"user mapping: {rows} users, domains {', '.join(config.mapping.domains)}", ok=True)


def _kafka(config: "Config") -> "Iterator[Finding]":
    from kafka.errors import KafkaError  # noqa: PLC0415 - see cli.main

    from producers.source import Finding  # noqa: PLC0415
    from schemas.admin import check_topics  # noqa: PLC0415

    what = f"Kafka at {config.kafka.bootstrap}"
    try:
        new_codec(config.kafka)
        drifts = check_topics(config.kafka)
    except (KafkaError, OSError, ValueError) as error:
        yield Finding(what, ok=False, advice=f"{error}; is it running, are address and credentials right?")
        return
    yield Finding(what, ok=True)
    missing = [drift for drift in drifts if drift.setting == "existence"]
    if not drifts:
        yield Finding("topics as in the catalogue", ok=True)
    if missing:
        names = ", ".join(drift.topic for drift in missing)
        yield Finding(f"{len(missing)} topics are missing ({names})", ok=False, advice=missing[0].advice)
    for drift in drifts:
        if drift not in missing:
            yield Finding(f"topic {drift.topic}", ok=False, advice=str(drift))


def _store(config: "Config") -> "Finding":
    from producers.source import Finding  # noqa: PLC0415 - see cli.main
    from stores.factory import open_store  # noqa: PLC0415
    from stores.interface import StoreError  # noqa: PLC0415

    async def attempt() -> None:
        store = open_store(config.store)
        try:
            await store.check()
        finally:
            await store.close()

    try:
        asyncio.run(attempt())
    except (StoreError, ValueError, OSError) as error:
        return Finding(f"{config.store.kind} store", ok=False, advice=str(error))
    return Finding(f"{config.store.kind} store can be written and read", ok=True)


def _source(config: "Config", uid: str) -> "Iterator[Finding]":
    from cli.collect import open_source  # noqa: PLC0415 - see cli.main
    from producers.contents import StoreContents  # noqa: PLC0415
    from producers.source import Finding, SourceError  # noqa: PLC0415
    from producers.waiting import Waiting  # noqa: PLC0415
    from stores.factory import open_store  # noqa: PLC0415

    stop = threading.Event()
    contents = StoreContents(lambda: open_store(config.store), Waiting(stop))
    with tempfile.TemporaryDirectory() as scratch:
        # A state folder of its own: a check leaves nothing behind and disturbs no running collector.
        apart = config.model_copy(update={"state_dir": Path(scratch)})
        try:
            source = open_source(apart, uid, contents, stop)
            try:
                for finding in source.check():
                    yield Finding(f"{uid}: {finding.what}", ok=finding.ok, advice=finding.advice)
            finally:
                source.close()
        except (SourceError, ValueError, OSError) as error:
            yield Finding(uid, ok=False, advice=str(error))
        finally:
            contents.close()
