"""What one item needs beside itself: the message behind it, the text before it, its files."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import quote

from producers.source import SourceUnavailableError
from producers.webex.cache import Cache
from producers.webex.client import Client
from producers.webex.directory import as_object
from producers.webex.events import Found
from producers.webex.filenames import content_key
from producers.webex.files import Files
from producers.webex.reading import IllTypedError, Item, Json, ciphertext, read_item
from producers.webex.retries import TryLaterError
from schemas.records import Attachment

AGAIN_S = 2.0
"""How long a file that is owed may take to begin: others wait behind it."""
KMS_SECONDS = 60.0
"""How long one poll waits for keys, over all of its items."""


class Lookups:
    """Fetches what belongs to items; the raw bytes of every answer are kept with it."""

    def __init__(self, client: Client, files: Files, cache: Cache) -> None:
        self._client, self._files, self._cache = client, files, cache
        self._threads = client.settings.threads == "fetch"
        self._pool = ThreadPoolExecutor(client.settings.parallel, thread_name_prefix="webex")
        self._patience_until = 0.0

    def begin(self) -> None:
        """A new poll: there is time again to wait for keys."""
        self._patience_until = time.monotonic() + min(KMS_SECONDS, self._client.settings.retry_seconds)

    def readable(self, item: Item) -> Item:
        """The item, asked for again while Webex can't decrypt it; as it was if time is up."""
        return self._patiently(f"/events/{quote(item.id, safe='', errors='replace')}", item)

    def messages(self, items: Sequence[Item]) -> list[tuple[Json | None, bytes]]:
        """The messages behind the items that need them, several at a time, in the items' order."""
        return list(self._pool.map(self._message, items))

    def found(self, item: Item, message: tuple[Json | None, bytes]) -> Found:
        """Everything but people for one item."""
        body, raw = message
        found = Found(message=body, message_raw=raw, undecided=item.encrypted)
        if item.resource != "messages" or item.encrypted:
            return found
        urls = urls_of(item, body)
        former = self._cache.former(item.subject, item.at_ms or 0) if item.type != "created" else None
        return replace(found, former=former, attachments=tuple(self._attachment(url) for url in urls))

    def again(self, url: str) -> Attachment:
        """A file that could not be had, without waiting for a scan. Raises SourceUnavailableError."""
        found = self._files.fetch(url, patience_s=AGAIN_S)
        if found["outcome"] == "stored":
            self._cache.fetched(found)
        return found

    def check_stop(self) -> None:
        """SourceUnavailableError once the collector is to stop."""
        self._client.check_stop()

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _message(self, item: Item) -> tuple[Json | None, bytes]:
        if not self._needs_message(item):
            return None, b""
        path = f"/messages/{quote(item.subject, safe='', errors='replace')}"
        answer = self._client.find(path)
        found = as_object(answer.body) if answer else None
        if answer and found and ciphertext(found) and item.type == "deleted":
            again = self._patiently(path, _as_item(answer.body, found))
            found, raw = (None, b"") if again.encrypted else (again.data, again.raw)
            return found, raw
        return (found, answer.body) if answer and found else (None, b"")

    def _needs_message(self, item: Item) -> bool:
        if item.resource != "messages" or not item.subject or item.encrypted:
            return False
        return item.type == "deleted" or (
            item.type == "created" and self._threads and "parentId" not in item.data
        )

    def _attachment(self, url: str) -> Attachment:
        known = self._cache.attachment(content_key(url))
        if known is None or not self._files.stands(known):
            known = self._files.fetch(url)
            self._cache.fetched(known)
        return known

    def _patiently(self, path: str, item: Item) -> Item:
        def ask() -> Item:
            again = self._asked(path, item)
            if again.encrypted:
                raise TryLaterError("Webex can't decrypt a message")
            return again

        try:
            return self._client.retried(ask, max(self._patience_until - time.monotonic(), 0.0))
        except SourceUnavailableError:
            if self._client.closing.is_set():
                raise
            return item

    def _asked(self, path: str, item: Item) -> Item:
        answer = self._client.find(path)
        found = as_object(answer.body) if answer else None
        if answer is None or found is None:
            return item
        if path.startswith("/messages/"):
            return _as_item(answer.body, found)
        try:
            again = read_item(answer.body)
        except IllTypedError:
            return item
        return again if again.id == item.id else item


def _as_item(raw: bytes, message: Json) -> Item:
    return Item(raw, "", "messages", "", "", "", None, message)


def urls_of(item: Item, message: Json | None) -> list[str]:
    """The files of an item: of a deletion those of the message, if Webex still shows it."""
    return _urls(message if item.type == "deleted" and message else item.data)


def _urls(data: Json) -> list[str]:
    files = data.get("files")
    return [each for each in files if isinstance(each, str)] if isinstance(files, list) else []
