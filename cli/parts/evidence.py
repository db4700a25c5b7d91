"""What the evidence commands are made of: a store for one piece of work, the key that signs, what is known from elsewhere."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from cli.parts.config import Config
    from consumers.evidence.close import Closer
    from consumers.evidence.statement import Manifest
    from consumers.evidence.verify import Anchor
    from stores.interface import Store

T = TypeVar("T")


def key_file_of(config: "Config") -> Path:
    """Where the key is; an exit with what to do where the configuration does not say."""
    if config.evidence.key_file is None:
        msg = 'no evidence.key_file: put [evidence] with key_file = "evidence.key" into the configuration'
        raise click.ClickException(msg)
    return config.evidence.key_file


def with_store(open_one: "Callable[[], Store]", work: "Callable[[Store], Awaitable[T]]") -> T:
    """Do this work with a store that is closed afterwards."""

    async def run() -> T:
        store = open_one()
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


def closer_of(config: "Config", store: "Store") -> "Closer":
    """Closes manifests in this store."""
    from cli.parts.common import new_codec  # noqa: PLC0415 - see cli.main
    from consumers.evidence.close import Closer  # noqa: PLC0415

    return Closer(config.kafka, new_codec(config.kafka), store, key_file_of(config))


def close_now(config: "Config") -> "Manifest | None":
    """One manifest of all that is not covered; None if there is nothing new. Errors as of `Closer.close`."""
    from stores.factory import open_store  # noqa: PLC0415 - see cli.main

    return with_store(lambda: open_store(config.store), lambda store: closer_of(config, store).close())


def known_elsewhere(config: "Config", anchor: "Anchor") -> "Anchor":
    """The same, and every root that topic evidence has. KafkaError, LookupError."""
    from dataclasses import replace  # noqa: PLC0415 - see cli.main

    from cli.parts.common import new_codec  # noqa: PLC0415
    from consumers.evidence.anchor import announced  # noqa: PLC0415

    roots = {one["number"]: one["manifest"].hex() for one in announced(config.kafka, new_codec(config.kafka))}
    return replace(anchor, roots=roots)


def make_key(config: "Config") -> None:
    """A key where the configuration names one and none is there yet."""
    from consumers.evidence.keys import new_key  # noqa: PLC0415 - see cli.main

    path = config.evidence.key_file
    if path is not None and not path.exists():
        new_key(path)


def closing_line(config: "Config", config_path: Path) -> str | None:
    """Close a manifest and say so in one line; None where no evidence is configured. Errors as of `Closer.close`."""
    import shlex  # noqa: PLC0415 - see cli.main

    from cli.words.advice import command  # noqa: PLC0415
    from cli.words.evidence import in_short  # noqa: PLC0415
    from stores.settings import FolderSettings  # noqa: PLC0415

    if config.evidence.key_file is None:
        return None
    made = close_now(config)
    said = in_short(made.statement) if made else "nothing is new since the last manifest"
    check = command("evidence verify", config_path)
    if isinstance(config.store, FolderSettings):  # offline, so also when Kafka is gone
        check = f"chatledger evidence verify {shlex.quote(str(config.store.path))}"
    return f"Evidence: {said}; `{check}` checks it."
