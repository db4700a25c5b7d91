"""What the evidence commands are made of: a store for one piece of work, the key that signs, what is known from elsewhere."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from cli.parts.config import Config
    from cli.parts.excerpt import Excerpt
    from consumers.evidence.close import Closer
    from consumers.evidence.statement import Manifest
    from consumers.evidence.verify import Anchor
    from stores.interface import Store

T = TypeVar("T")


def key_file_of(config: "Config | Excerpt") -> Path:
    """Where the key is; an exit with what to do where the configuration does not say."""
    if config.evidence.key_file is None:
        msg = 'no evidence.key_file: put [evidence] with key_file = "evidence.key" into the configuration'
        raise click.ClickException(msg)
    return config.evidence.key_file


def with_store(open_one: "Callable[[], Store]", work: "Callable[[Store], Awaitable[T]]") -> T:
    """Do this work with a store that is closed afterwards."""
    import asyncio  # noqa: PLC0415 - a health check asks for the key file alone

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


@dataclass(frozen=True)
class Closing:
    """What came of it: the manifest, whether it is a new one, and what is said of plans that somebody else put there."""

    last: "Manifest | None"
    made: bool
    note: str | None


def close_now(config: "Config") -> Closing:
    """One manifest of all that is not covered, said on the status topic, also if it fails. Errors as of `Closer.close`."""
    from consumers.evidence import chain  # noqa: PLC0415 - see cli.main
    from consumers.evidence.daily import ERRORS, close_and_say, tell_trouble  # noqa: PLC0415
    from consumers.evidence.telling import Teller  # noqa: PLC0415
    from stores.factory import open_store  # noqa: PLC0415

    async def work(store: "Store") -> Closing:
        before = await chain.last(store)
        last, note = await close_and_say(store, closer_of(config, store))
        return Closing(last, last is not None and last != before, note)

    teller = Teller(config.kafka)
    try:
        closing = with_store(lambda: open_store(config.store), work)
    except ERRORS as error:
        with contextlib.suppress(*ERRORS):  # Kafka itself may be what is down
            tell_trouble(teller, error, str(error))
        raise
    teller.by_hand(closing.last, closing.note)
    return closing


def known_elsewhere(config: "Config", anchor: "Anchor") -> "Anchor":
    """The same, and every root that topic evidence has. KafkaError, LookupError."""
    from dataclasses import replace  # noqa: PLC0415 - see cli.main

    from cli.parts.common import new_codec  # noqa: PLC0415
    from consumers.evidence.anchor import announced  # noqa: PLC0415

    roots = {one["number"]: one["manifest"].hex() for one in announced(config.kafka, new_codec(config.kafka))}
    return replace(anchor, roots=roots)


def name_in(archive: Path, given: str) -> str:
    """How the evidence calls a mail or copy of this folder that was given by its absolute path, or by the one from here.

    What leads to nothing in the archive is an id, or a path that counts from it, and stays as it is.
    """
    path = Path(given)
    with contextlib.suppress(ValueError, OSError):
        name = (path.parent.resolve() / path.name).relative_to(archive.resolve()).as_posix()
        return name if path.is_absolute() or path.exists() else given
    return given


def make_key(config: "Config") -> None:
    """A key where the configuration names one and none is there yet."""
    from consumers.evidence.keys import new_key  # noqa: PLC0415 - see cli.main

    path = config.evidence.key_file
    if path is not None and not path.exists():
        new_key(path)


def closing_line(config: "Config", config_path: Path, ends_with: str | None = None) -> str | None:
    """Close a manifest and say so in one line; None where no evidence is configured. Errors as of `Closer.close`.

    `ends_with`: a command whose end is also that of the servers that a check needs, which none of a folder does.
    """
    import shlex  # noqa: PLC0415 - see cli.main

    from cli.words.advice import command  # noqa: PLC0415
    from cli.words.evidence import in_short  # noqa: PLC0415
    from stores.settings import FolderSettings  # noqa: PLC0415

    if config.evidence.key_file is None:
        return None
    closing = close_now(config)
    new = closing.last is not None and closing.made
    said = (
        in_short(closing.last.statement) if closing.last and new else "nothing is new since the last manifest"
    )
    said += f"; {closing.note}" if closing.note else ""
    check = command("evidence verify", config_path)
    if isinstance(config.store, FolderSettings):  # offline, so also when Kafka is gone
        check = f"chatledger evidence verify {shlex.quote(str(config.store.path))}"
    elif ends_with is not None:
        return f"Evidence: {said}. Kafka and store end now; while `{ends_with}` runs, `{check}` checks it."
    return f"Evidence: {said}; `{check}` checks it."
