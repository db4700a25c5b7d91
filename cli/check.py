"""`chatledger check`: is everything there that the job needs? Each line says what to do if not."""

import asyncio
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.parts.common import config_option, load_config, log_to_stderr, new_codec
from cli.words.advice import counted, for_once, runnable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

    from cli.parts.config import Config
    from consumers.importing.settings import ImportSettings
    from producers.source import Finding
    from schemas.admin import Drift
    from stores.protection import Safeguard


SECONDS = 6.0  # longest patience with a source: whoever asks is waiting


@click.command()
@config_option
def check(config_path: Path) -> None:
    """Is the configuration right, can every source, Kafka and the store be reached? Exit code 1 if not.

    Each line begins with ok, note (works, but something is left out) or FAIL (with what to do).
    """
    config = load_config(config_path)
    _quieten()
    uids = ", ".join(one.uid for one in config.connector)
    click.echo(f"ok    configuration {config_path}: {counted(len(config.connector), 'connector')} ({uids})")
    bad = 0
    for finding in _findings(config, config_path):
        click.echo(runnable(_line(finding), config_path))
        bad += not finding.ok
    sys.exit(1 if bad else 0)


def _quieten() -> None:
    """What is tried again comes as one finding in the end."""
    from stamina import instrumentation  # noqa: PLC0415 - see cli.main

    log_to_stderr("error")
    instrumentation.set_on_retry_hooks([])


def _line(finding: "Finding") -> str:
    mark = "FAIL" if not finding.ok else "note" if finding.advice else "ok"
    return f"{mark:5} {finding.what}{': ' if finding.advice else ''}{for_once(finding.advice)}"


def _findings(config: "Config", config_path: Path) -> "Iterator[Finding]":
    yield _mapping(config)
    yield from _kafka(config, config_path)
    example = _example("store", config.store, config_path)
    yield from [example] if example else _store(config)
    if config.import_ is not None:
        example = _example("import", config.import_, config_path)
        yield example or _import(config.import_)
    for connector in config.connector:
        example = _example(connector.uid, connector, config_path)
        yield from [example] if example else _source(config, connector.uid)


def _example(what: str, section: "BaseModel", config_path: Path) -> "Finding | None":
    """A fault where values of the example stand: with them, real hosts would be asked for nobody's account."""
    from cli.parts.unfilled import unfilled  # noqa: PLC0415 - see cli.main
    from producers.source import Finding  # noqa: PLC0415

    keys = unfilled(section)
    advice = f"this is still the example: fill in {', '.join(keys)} in {config_path}; nothing was asked"
    return Finding(what, ok=False, advice=advice) if keys else None


def _mapping(config: "Config") -> "Finding":
    from cli.words.mapping import outside_words  # noqa: PLC0415 - see cli.main
    from consumers.mapping import load, outside  # noqa: PLC0415
    from consumers.mapping_file import MappingError  # noqa: PLC0415
    from producers.source import Finding  # noqa: PLC0415

    try:
        wanted = load(config.mapping)
    except MappingError as error:
        return Finding("user mapping", ok=False, advice=str(error))
    told = (
        f"user mapping: {counted(len(wanted['rows']), 'user')}, domains {', '.join(config.mapping.domains)}"
    )
    return Finding(told, ok=True, advice=outside_words(outside(wanted)))


def _kafka(config: "Config", config_path: Path) -> "Iterator[Finding]":
    from kafka.errors import KafkaError  # noqa: PLC0415 - see cli.main

    from cli.words.reach import kafka_trouble  # noqa: PLC0415
    from producers.source import Finding  # noqa: PLC0415
    from schemas.admin import check_topics  # noqa: PLC0415

    try:
        new_codec(config.kafka)
        drifts = check_topics(config.kafka)
    except KafkaError as error:
        where, _, why = kafka_trouble(config.kafka, error, config_path).partition(": ")
        yield Finding(where, ok=False, advice=why)
        return
    except (OSError, ValueError) as error:
        yield Finding(
            f"Kafka at {config.kafka.bootstrap}", ok=False, advice=f"{error}; see [kafka] in {config_path}"
        )
        return
    yield Finding(f"Kafka at {config.kafka.bootstrap}", ok=True)
    yield from _topics(drifts)


def _topics(drifts: "list[Drift]") -> "Iterator[Finding]":
    from cli.words.drifts import missing_words  # noqa: PLC0415 - see cli.main
    from producers.source import Finding  # noqa: PLC0415

    missing = [drift for drift in drifts if drift.setting == "existence"]
    if not drifts:
        yield Finding("topics as in the catalogue", ok=True)
    if missing:
        yield Finding(missing_words(missing), ok=False, advice=missing[0].advice)
    for drift in drifts:
        if drift not in missing:
            what = f"topic {drift.topic}: {drift.setting} is {drift.found}, expected {drift.expected}"
            yield Finding(what, ok=False, advice=drift.advice)


def _store(config: "Config") -> "Iterator[Finding]":
    from producers.source import Finding  # noqa: PLC0415 - see cli.main
    from stores.factory import open_store  # noqa: PLC0415
    from stores.interface import Safeguarded, StoreError  # noqa: PLC0415

    async def attempt() -> "Safeguard | None":
        store = open_store(config.store, [one.uid for one in config.connector])
        try:
            await store.check()
            return await store.prove() if isinstance(store, Safeguarded) else None
        finally:
            await store.close()

    try:
        safeguard = asyncio.run(attempt())
    except (StoreError, ValueError, OSError) as error:
        yield Finding(f"{config.store.kind} store", ok=False, advice=str(error))
        return
    yield Finding(f"{config.store.kind} store can be written and read", ok=True)
    if safeguard is not None:
        yield _protection(safeguard)


def _protection(safeguard: "Safeguard") -> "Finding":
    from producers.source import Finding  # noqa: PLC0415 - see cli.main

    if safeguard.state in {"immutable", "partly immutable"}:
        return Finding(f"archive is {safeguard}", ok=True)
    return Finding(
        f"write-once protection is {safeguard.state}", ok=safeguard.state == "unproven", advice=safeguard.why
    )


def _import(settings: "ImportSettings") -> "Finding":
    """Nothing is put anywhere, and no mailbox is opened: whether one refuses is said by `status` when something is for it."""
    from consumers.importing.opening import open_target  # noqa: PLC0415 - see cli.main
    from consumers.importing.settings import ImapSettings  # noqa: PLC0415
    from consumers.importing.troubles import HostError  # noqa: PLC0415
    from producers.source import Finding  # noqa: PLC0415

    if isinstance(settings.target, ImapSettings):
        quick = {"timeout_seconds": min(SECONDS, settings.target.timeout_seconds)}
        settings = settings.model_copy(update={"target": settings.target.model_copy(update=quick)})
    try:
        target = open_target(settings)
        target.check()
    except (HostError, ValueError) as error:
        return Finding(f"import into {settings.target.kind}", ok=False, advice=str(error))
    after = (
        f"each start waits {settings.settle_seconds:g} s (settle_seconds)" if settings.settle_seconds else ""
    )
    return Finding(f"import into {target.name}{', ' if after else ''}{after}", ok=True)


def _source(config: "Config", uid: str) -> "Iterator[Finding]":
    from cli.parts.sources import impatient, open_source  # noqa: PLC0415 - see cli.main
    from producers.contents import StoreContents  # noqa: PLC0415
    from producers.source import Finding, SourceError  # noqa: PLC0415
    from producers.waiting import Waiting  # noqa: PLC0415
    from stores.factory import open_store  # noqa: PLC0415

    stop = threading.Event()
    contents = StoreContents(lambda: open_store(config.store), Waiting(stop))
    with tempfile.TemporaryDirectory() as scratch:
        # A state folder of its own: a check leaves nothing behind and disturbs no running collector.
        try:
            source = open_source(impatient(config.named(uid), SECONDS), contents, Path(scratch), stop)
            try:
                for finding in source.check():
                    yield Finding(f"{uid}: {finding.what}", ok=finding.ok, advice=finding.advice)
            finally:
                source.close()
        except (SourceError, ValueError, OSError) as error:
            yield Finding(uid, ok=False, advice=str(error))
        finally:
            contents.close()
