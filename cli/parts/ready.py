"""What must be true before a process reads or writes topics."""

import logging
import time
from pathlib import Path

import click
from kafka.errors import KafkaError

from cli.parts.config import Config
from cli.words.advice import DEFAULT_FILE, command
from cli.words.reach import kafka_trouble
from consumers.mapping import activate, is_bare, last_activated, load
from consumers.mapping_file import MappingError
from schemas.admin import check_topics, create_topics
from schemas.codec import Codec
from stores.factory import open_store
from stores.interface import StoreError, StoreUnavailableError

PATIENCE_S = 60.0
log = logging.getLogger("chatledger")


def ready_or_explain(
    config: Config,
    codec: Codec,
    config_path: Path = DEFAULT_FILE,
    *,
    create: bool = False,
    patience_s: float = PATIENCE_S,
) -> None:
    """Topics are as in the catalogue and a user mapping is in force; else one sentence on what to do.

    Waits `patience_s` seconds at most for Kafka itself, and for the store where the mapping is a large one, and says so.
    `create`, for a process that has the installation to itself, makes missing topics and puts a changed mapping in force.
    """
    since, said = time.monotonic(), False
    while True:
        try:
            _topics(config, config_path, create=create)
            _mapping(config, codec, config_path, update=create)
        except (KafkaError, StoreUnavailableError) as error:
            sentence = _away(config, error, config_path)
            if time.monotonic() - since >= patience_s:
                raise click.ClickException(sentence) from error
            if not said:
                log.warning("%s; waiting for it, %.0f s at most", sentence, patience_s)
            said = True
            time.sleep(1)
        except (MappingError, StoreError) as error:
            raise click.ClickException(str(error)) from error
        else:
            return


def _mapping(config: Config, codec: Codec, config_path: Path, *, update: bool) -> None:
    """One of many processes puts a mapping in force only where none is: its file may be older than that of others.

    A file with nobody in it replaces none by itself either.
    """
    if update and not is_bare(config.mapping, wanted := load(config.mapping)):
        activate(config.kafka, codec, wanted, lambda: open_store(config.store))
        return
    in_force = last_activated(config.kafka, codec)
    if in_force is None:
        activate(config.kafka, codec, load(config.mapping), lambda: open_store(config.store))
        return
    try:
        if load(config.mapping)["version"] != in_force:
            log.warning(
                "another user mapping is in force than %s describes; `%s` puts this one in force",
                config_path,
                command("mapping apply", config_path),
            )
    except MappingError as error:
        log.warning("the user mapping in force stays, since the file cannot be used: %s", error)


def _away(config: Config, error: Exception, config_path: Path) -> str:
    if isinstance(error, StoreError):
        return f"the store does not take the user mapping: {error}"
    return kafka_trouble(config.kafka, error, config_path)


def _topics(config: Config, config_path: Path, *, create: bool) -> None:
    if create:
        create_topics(config.kafka)
    drifts = check_topics(config.kafka)
    if drifts:
        from cli.words.drifts import told  # noqa: PLC0415 - its tables take long to import, and hardly any start needs them

        raise click.ClickException("\n".join(["topics are not as they must be:", *told(drifts, config_path)]))
