"""What must be true before a process reads or writes topics."""

import time

import click
from kafka.errors import KafkaError

from cli.config import Config
from consumers.mapping import activate, load
from consumers.mapping_file import MappingError
from schemas.admin import check_topics, create_topics
from schemas.codec import Codec
from stores.factory import open_store
from stores.interface import StoreError, StoreUnavailableError

PATIENCE_S = 60.0


def ready_or_explain(config: Config, codec: Codec, *, create: bool = False) -> None:
    """Topics are as in the catalogue and a user mapping is in force; else one sentence on what to do.

    Waits up to a minute for Kafka itself, and for the store where the mapping is a large one. `create` makes what is missing.
    """
    since = time.monotonic()
    while True:
        try:
            _topics(config, create=create)
            activate(config.kafka, codec, load(config.mapping), lambda: open_store(config.store))
        except (KafkaError, StoreUnavailableError) as error:
            if time.monotonic() - since > PATIENCE_S:
                raise click.ClickException(_away(config, error)) from error
            time.sleep(1)
        except (MappingError, StoreError) as error:
            raise click.ClickException(str(error)) from error
        else:
            return


def _away(config: Config, error: Exception) -> str:
    if isinstance(error, StoreError):
        return f"the store does not take the user mapping: {error}"
    return f"Kafka at {config.kafka.bootstrap} cannot be used: {error}; is it running, is the address right?"


def _topics(config: Config, *, create: bool) -> None:
    if create:
        create_topics(config.kafka)
    drifts = check_topics(config.kafka)
    if drifts:
        raise click.ClickException("\n".join(["topics are not as they must be:", *map(str, drifts)]))
