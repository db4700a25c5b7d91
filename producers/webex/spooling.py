"""First half of a poll: read every page of every query to its end, and sort the items into slices on disk."""

import hashlib
import json
from collections.abc import Iterator, Mapping

from producers.source import Refused, Slice
from producers.webex.cache import Cache, Move, Spooled
from producers.webex.client import Client
from producers.webex.events import feed_id, shown_text
from producers.webex.feed import Batch, listing
from producers.webex.names import inner
from producers.webex.reading import IllTypedError, Item, read_item
from producers.webex.slices import iso, placed
from schemas.text import well_formed
from schemas.zones import load_zone

SAID = ("created", "updated")
KINDS = {"created": "joined", "deleted": "left"}


class Spooling:
    """Reads the feed of one window. Memory: one page."""

    def __init__(self, client: Client, cache: Cache) -> None:
        self._client, self._cache, self._settings = client, cache, client.settings
        self._zone = load_zone(client.settings.zone)
        self._look_back_ms = int(client.settings.look_back_days * 86_400_000)
        self._tolerance_ms = int(client.settings.collect.tolerance_seconds * 1000)
        self._overlap_ms = int(client.settings.collect.overlap_seconds * 1000)
        settle = client.settings.collect.settle_seconds
        self._settle_ms = int((client.settings.settle_default_seconds if settle is None else settle) * 1000)
        self._now_ms = 0

    def read(self, from_ms: int, to_ms: int, now_ms: int) -> Iterator[Refused]:
        """Spool everything with from < own time <= to; what belongs to no space is refused, once."""
        self._now_ms = now_ms
        for feed in self._settings.feeds:
            for batch in listing(self._client, "/events", self._query(feed, from_ms, to_ms, now_ms)):
                yield from self._take(batch)

    @property
    def now_ms(self) -> int:
        """The source's clock as of the poll at hand."""
        return self._now_ms

    @property
    def settled_ms(self) -> int:
        """Up to here Webex hides nothing any more, as of the poll at hand."""
        return self._now_ms - self._settle_ms

    def know_moves(self, from_ms: int, to_ms: int) -> bool:
        """Make sure that who came and went in [from, to] is remembered; False if Webex does not tell any more.

        What happened lately may still be hidden, so it does not count as known and is asked for again.
        """
        if from_ms < self._now_ms - self._look_back_ms:
            return False
        known_from, known_to = (int(self._cache.fact(name) or -1) for name in ("moves_from", "moves_to"))
        if known_from <= from_ms and to_ms <= known_to:
            return True
        joined_on = 0 <= known_from <= from_ms <= known_to
        # Not the clock of when the poll began: the list of members may be younger than that.
        now_ms = max(self._now_ms, self._client.now_ms())
        self._ask_moves(known_to - self._overlap_ms if joined_on else from_ms, now_ms)
        if not joined_on:
            self._cache.note("moves_from", str(from_ms))
        self._cache.note("moves_to", str(now_ms - self._settle_ms))
        return True

    def moment(self, item: Item) -> tuple[int, bool]:
        """An item's own time, or that of capture where it has none; and whether it is suspect (rule 3)."""
        at_ms = self._now_ms if item.at_ms is None else item.at_ms
        early, late = self._now_ms - self._look_back_ms, self._now_ms + self._tolerance_ms
        return at_ms, item.at_ms is None or not early <= at_ms <= late

    def day(self, room: str, at_ms: int | None) -> Slice:
        """The slice of an event of this own time (ms since 1970 UTC), None if it says none."""
        return placed(room, at_ms, self._now_ms, self._tolerance_ms, self._zone)

    def _ask_moves(self, from_ms: int, now_ms: int) -> None:
        for batch in listing(self._client, "/events", self._query("memberships", from_ms, now_ms, now_ms)):
            for raw in batch.items:
                try:
                    self.remember(read_item(raw))
                except IllTypedError:
                    continue  # the poll of that window has refused it or will

    def _query(self, feed: str, from_ms: int, to_ms: int, now_ms: int) -> Mapping[str, str]:
        """Whether the ends are included is not documented: ask for a millisecond more; never for the future."""
        resource, _, kind = feed.partition("/")
        first = max(from_ms, self._now_ms - self._look_back_ms)
        ends = {"from": iso(first), "to": iso(max(min(to_ms + 1, now_ms), first))}
        named = {name: value for name, value in (("resource", resource), ("type", kind)) if value}
        return named | ends | {"max": str(self._settings.page_size)}

    def _take(self, batch: Batch) -> Iterator[Refused]:
        with self._cache.transaction():
            refused = [each for raw in batch.items for each in self._sorted(raw, batch.origin)]
        if batch.error:
            refused += self._refuse("malformed", batch.error, batch.origin, batch.body)
        yield from refused

    def _sorted(self, raw: bytes, origin: str) -> list[Refused]:
        """Spool one item, or say why it has no place; nothing of either for what is no chat."""
        try:
            item = read_item(raw)
        except IllTypedError as error:
            return self._refuse("malformed", str(error), origin, raw)
        if item.room:
            self._cache.spool(self._row(item))
            self.remember(item)
        elif item.resource not in self._settings.ignore:
            return self._refuse("no-conversation", "the event names no space", origin, raw)
        return []

    def _row(self, item: Item) -> Spooled:
        at_ms = self.moment(item)[0]
        label = self.day(item.room, item.at_ms).label
        return Spooled(item.room, label, at_ms, feed_id(item), content_hash(item), item.raw)

    def remember(self, item: Item) -> None:
        """Keep who came and went, what was said, and under which ids a space is known.

        Done for a whole window before any event is made: an edit may come before its message.
        """
        self._cache.known_as(inner(item.room), item.room)
        who, kind = item.data.get("personId"), KINDS.get(item.type)
        if item.at_ms is None:
            return
        if item.resource == "memberships" and kind and isinstance(who, str):
            self._cache.moved(item.room, feed_id(item), Move(item.at_ms, well_formed(who), kind))
        if item.resource == "messages" and item.type in SAID and item.subject and not item.encrypted:
            self._cache.say(item.subject, item.at_ms, _said(item))

    def _refuse(self, reason: str, error: str, origin: str, body: bytes) -> list[Refused]:
        key = hashlib.blake2b(body, digest_size=16, person=b"refused").digest()
        if self._cache.sent(key) is not None:
            return []
        self._cache.sending(key)
        return [Refused(reason, error, origin, body)]


def _said(item: Item) -> str:
    try:
        return shown_text(item.data) or ""
    except IllTypedError:
        return ""


def content_hash(item: Item) -> bytes:
    """What a reader would call the content; empty for ciphertext, whose readable form is the same event."""
    if item.encrypted:
        return b""
    content = [item.resource, item.type, item.at_ms, item.data]
    text = json.dumps(content, sort_keys=True, ensure_ascii=True)
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
