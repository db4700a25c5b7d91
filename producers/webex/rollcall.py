"""What Webex shows of a time: the events of its feed, named as the collector names them."""

import threading
import time
from collections.abc import Callable, Iterator

from producers.rollcall import Shown, refusal
from producers.webex.client import Client
from producers.webex.directory import Directory
from producers.webex.events import feed_id, ident, locked_ident
from producers.webex.feed import listing
from producers.webex.filters import SpaceFacts, wanted_space
from producers.webex.reading import IllTypedError, Item, read_item
from producers.webex.settings import WebexSettings
from producers.webex.slices import iso
from schemas.topics import DAY_MS


class WebexRollCall:
    """One Webex organisation. Memory: one page of the feed, and a yes or no for each space where there are filters."""

    def __init__(
        self,
        settings: WebexSettings,
        clock: Callable[[], float] = time.time,
        stop: threading.Event | None = None,
    ) -> None:
        self.look_back_ms = int(settings.look_back_days * DAY_MS)
        self._settings = settings
        self._client = Client(settings, clock, stop)
        self._directory = Directory(self._client)
        self._spaces: dict[str, bool] = {}

    def now_ms(self) -> int:
        """The service's clock, never ahead of ours."""
        return self._client.now_ms()

    def shown(self, from_ms: int, to_ms: int) -> Iterator[Shown]:
        """The events of all configured feeds."""
        now_ms = self.now_ms()
        first = max(from_ms - 1, now_ms - self.look_back_ms)
        ends = {"from": iso(first), "to": iso(max(min(to_ms + 1, now_ms), first))}
        for feed in self._settings.feeds:
            resource, _, kind = feed.partition("/")
            named = {name: value for name, value in (("resource", resource), ("type", kind)) if value}
            query = named | ends | {"max": str(self._settings.page_size)}
            for batch in listing(self._client, "/events", query):
                found = (one for raw in batch.items for one in self._item(raw))
                yield from (one for one in found if one.at_ms is None or from_ms <= one.at_ms < to_ms)
                if batch.error:
                    yield refusal("malformed", batch.body)

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def _item(self, raw: bytes) -> Iterator[Shown]:
        try:
            item = read_item(raw)
        except IllTypedError:
            yield refusal("malformed", raw)
            return
        if not item.room:
            if item.resource not in self._settings.ignore:
                yield refusal("no-conversation", raw)
        elif self._wanted(item.room):
            yield Shown(self._ids(item), f"{item.resource} {item.type}", item.room, feed_id(item), item.at_ms)

    def _ids(self, item: Item) -> tuple[bytes, ...]:
        """What can't be decrypted may be in the log as that, or as it could be read before."""
        uid = self._settings.uid
        return (ident(uid, item), *([locked_ident(uid, item)] if item.encrypted else []))

    def _wanted(self, room: str) -> bool:
        include, exclude = self._settings.include, self._settings.exclude
        if include.empty and exclude.empty:
            return True
        if room not in self._spaces:
            space, members = self._directory.space(room), self._directory.members(room, 0)
            people = tuple(self._directory.people(members.members).values()) if members else ()
            facts = SpaceFacts(room, space.team_id if space else None, people)
            self._spaces[room] = wanted_space(include, exclude, facts)
        return self._spaces[room]
