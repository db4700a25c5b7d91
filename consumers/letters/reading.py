"""Letters from Kafka: the book as it stands, and the bytes of one letter."""

import time
from collections.abc import Callable
from contextlib import closing

from kafka.errors import KafkaTimeoutError

from consumers.letters.book import Letter, LetterBook, LetterError, stranger
from consumers.orders import said
from consumers.reading import SILENT_SECONDS, Reader, read_all
from schemas.broker import KafkaSettings
from schemas.codec import Codec, DecodeError
from schemas.records import ContentRef, DeadLetter
from schemas.topics import DEAD_LETTERS

Fetch = Callable[[ContentRef], bytes]
"""The bytes behind a claim check; LetterError if they can't be had."""


def read_letters(kafka: KafkaSettings, codec: Codec) -> LetterBook:
    """Every letter and what was done about it. Blocks; KafkaError; LookupError without the topics."""
    book = LetterBook()
    for record in read_all(kafka, DEAD_LETTERS):
        book.see_letter(record.offset, record.at_ms, _letter(codec, record.offset, record.value or b""))
    for one in said(kafka, codec):
        book.see_audit(one)
    return book


def count_open(kafka: KafkaSettings, codec: Codec) -> int:
    """How many letters nobody has dealt with. Blocks; KafkaError; LookupError without the topics."""
    with closing(Reader(kafka, DEAD_LETTERS)) as reader:
        if not reader.count():  # almost always, and then there is nothing to read
            return 0
    return sum(one.is_open for one in read_letters(kafka, codec).letters())


class Bytes:
    """Reads the original bytes of letters, fastest in the order of the topic. Close it."""

    def __init__(self, kafka: KafkaSettings, codec: Codec, fetch: Fetch) -> None:
        """`fetch` is asked for what a letter has by claim check. KafkaError."""
        self._codec, self._fetch, self._reader = codec, fetch, Reader(kafka, DEAD_LETTERS)
        self._ahead: dict[int, bytes] = {}

    def of(self, letter: Letter) -> bytes:
        """The bytes as they were refused. Blocks; KafkaError, LetterError."""
        if letter.said["value_ref"] is not None:
            return self._fetch(letter.said["value_ref"])
        if letter.at not in self._ahead:
            self._ahead = self._read_from(letter.at)
        value = self._ahead.get(letter.at)
        if value is None:
            raise LetterError(f"{letter.said['origin']}: its letter is not in {DEAD_LETTERS.name} any more")
        return _letter(self._codec, letter.at, value)["value"]

    def _read_from(self, at: int) -> dict[int, bytes]:
        """What one fetch brings, since the next letters are most often asked for next."""
        self._reader.start_at({0: at})
        until = time.monotonic() + SILENT_SECONDS
        while not (found := self._reader.poll()):
            if time.monotonic() > until:
                raise KafkaTimeoutError(f"{DEAD_LETTERS.name}: nothing came for {SILENT_SECONDS:.0f} s")
        return {record.offset: record.value or b"" for record in found}

    def close(self) -> None:
        """Let go of the connection."""
        self._reader.close()


def _letter(codec: Codec, at: int, value: bytes) -> DeadLetter:
    try:
        name, found = codec.decode(value)
    except DecodeError as error:
        return stranger(at, value, str(error))
    if name != "DeadLetter":
        return stranger(at, value, f"a {name} has no place in {DEAD_LETTERS.name}")
    letter: DeadLetter = found
    return letter
