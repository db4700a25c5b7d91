"""What the letters command is made of."""

import asyncio
import hashlib
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from cli.parts.common import new_codec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.parts.config import Config
    from consumers.letters.book import Letter, LetterBook
    from consumers.letters.reading import Bytes
    from schemas.records import ContentRef


def letters_of(config: "Config") -> "LetterBook":
    """Every letter and what was done about it. KafkaError."""
    from consumers.letters.reading import read_letters  # noqa: PLC0415 - see cli.main

    return read_letters(config.kafka, new_codec(config.kafka))


@contextmanager
def fetching(config: "Config") -> "Iterator[Bytes]":
    """Reads bytes of letters, from Kafka or from the content store. KafkaError, LetterError."""
    from consumers.letters.reading import Bytes  # noqa: PLC0415 - see cli.main

    def fetch(ref: "ContentRef") -> bytes:
        return asyncio.run(_content(config, ref))

    with closing(Bytes(config.kafka, new_codec(config.kafka), fetch)) as found:
        yield found


async def _content(config: "Config", ref: "ContentRef") -> bytes:
    from consumers.letters.book import LetterError  # noqa: PLC0415 - see cli.main
    from stores.factory import open_store  # noqa: PLC0415
    from stores.interface import StoreError  # noqa: PLC0415
    from stores.paths import content_path  # noqa: PLC0415

    path, store = content_path(ref["sha256"].hex()), open_store(config.store)
    try:
        found = await store.read(path)
    except StoreError as error:
        raise LetterError(f"the letter's bytes can't be read: {error}") from error
    finally:
        await store.close()
    if hashlib.sha256(found).digest() != ref["sha256"]:
        raise LetterError(
            f"{path}: the store gives other bytes than were put there; restore it from its backup"
        )
    return found


def checked(config: "Config", letters: "list[Letter]", *, again: bool) -> "tuple[list[Letter], list[str]]":
    """Letters whose records may be put in again, and a sentence for each of the others. KafkaError."""
    from cli.parts.disposing import books_of  # noqa: PLC0415 - see cli.main
    from consumers.letters.book import LetterError  # noqa: PLC0415
    from consumers.letters.checks import Checks  # noqa: PLC0415
    from streams.accepting import accepted  # noqa: PLC0415

    codec, good, left = new_codec(config.kafka), list["Letter"](), list[str]()
    checks = Checks(config.kafka, codec.decode, accepted, list(books_of(config).orders.values()))
    with fetching(config) as bytes_:
        for letter in letters:
            try:
                checks.demand(letter, bytes_.of(letter), again=again)
                good.append(letter)
            except LetterError as error:
                left.append(str(error))
    return good, left
