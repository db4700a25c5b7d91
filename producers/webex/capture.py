"""Second half of a poll: from the items of one slice to its new events, rosters first."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from producers.source import Captured, Slice
from producers.webex.cache import Cache, Move, Spooled
from producers.webex.directory import Directory, Members
from producers.webex.events import Found, as_person, conflicting, ident, locked_ident, people_of, to_event
from producers.webex.filters import SpaceFacts, wanted_space
from producers.webex.late import WebexLateFiles
from producers.webex.lookups import Lookups, urls_of
from producers.webex.names import inner
from producers.webex.reading import Item, read_item
from producers.webex.roster import Listing, listed_people, present, roster_event, roster_key
from producers.webex.settings import WebexSettings
from producers.webex.slices import is_own_day
from producers.webex.spooling import Spooling, content_hash
from producers.webex.unsettled import Unsettled, UnsettledRosters
from schemas.ids import digest
from schemas.records import Event, Person
from schemas.zones import load_zone

FOR_EVER_MS = 2**62


class Capture:
    """Makes events of spooled items."""

    def __init__(
        self,
        settings: WebexSettings,
        cache: Cache,
        directory: Directory,
        lookups: Lookups,
        spooling: Spooling,
    ) -> None:
        self._settings, self._cache = settings, cache
        self._zone = load_zone(settings.zone)
        self._directory, self._lookups, self._spooling = directory, lookups, spooling
        self._unsettled = UnsettledRosters(cache)
        self._late_files = WebexLateFiles(settings, cache, lookups)

    def events(self, day: Slice, rows: Sequence[Spooled]) -> list[Event]:
        """The new events of one slice, in order of time."""
        items = [item for row in rows if (item := self._new(row))]
        if not items:
            return []
        if any(item.resource in {"memberships", "rooms"} for item in items):
            self._directory.changed(day.conversation)
        if not self._wanted(day, items):
            return []
        people = self._people(day, items)
        made = [self._made(day, item, found, people) for item, found in self._with_messages(items)]
        return self._roster(day, items, people) + made

    def _new(self, row: Spooled) -> Item | None:
        """The item of a row, readable if it can be had; None if its content is in the log or on its way."""
        item = read_item(row.raw)
        before = self._cache.sent(ident(self._settings.uid, item))
        if item.encrypted and before is None:
            item = self._lookups.readable(item)
            self._spooling.remember(item)
        if item.encrypted:
            locked = self._cache.sent(locked_ident(self._settings.uid, item))
            return None if before or locked else item
        return None if before == content_hash(item) else item

    def _with_messages(self, items: Sequence[Item]) -> list[tuple[Item, Found]]:
        messages = self._lookups.messages(items)
        return [(item, self._lookups.found(item, each)) for item, each in zip(items, messages, strict=True)]

    def _made(self, day: Slice, item: Item, found: Found, people: dict[str, Person]) -> Event:
        at_ms, suspect = self._spooling.moment(item)
        uid = self._settings.uid
        key, body = ident(uid, item), content_hash(item)
        if self._cache.sent(key) not in {None, body} and not item.encrypted:
            made = conflicting(uid, item, at_ms)
        else:
            made = to_event(uid, item, at_ms, replace(found, people=people))
        made["at_suspect"] = suspect
        self._cache.sending(made["id"], body or b"-")
        if made["attachments"]:
            self._late_files.note(day, made, urls_of(item, found.message), self._spooling.now_ms)
        return made

    def _people(self, day: Slice, items: Sequence[Item]) -> dict[str, Person]:
        """Everybody named in the items and in the members of the space, as known by now."""
        members = self._directory.members(day.conversation, 0)
        listed = listed_people(members)
        named = {each for item in items for each in people_of(item)}
        return listed | _completed(self._directory.people({*named, *listed}), listed)

    def _wanted(self, day: Slice, items: Sequence[Item]) -> bool:
        include, exclude = self._settings.include, self._settings.exclude
        if include.empty and exclude.empty:
            return True
        space = self._directory.space(day.conversation)
        people = tuple(self._people(day, items).values())
        facts = SpaceFacts(day.conversation, space.team_id if space else None, people)
        return wanted_space(include, exclude, facts)

    def _roster(self, day: Slice, items: Sequence[Item], people: dict[str, Person]) -> list[Event]:
        """The roster, if the slice has none in the log yet."""
        key = roster_key(day, own_day=is_own_day(day, self._zone))
        mark = digest("roster", key)
        if self._cache.sent(mark) is not None:
            return []
        self._cache.sending(mark)
        listing = self._listing(day, items)
        made = self._roster_of(key, day, listing, people)
        self._cache.sending(made["id"])
        if (
            listing.moves is not None
            and listing.members
            and listing.members.as_of_ms > self._spooling.settled_ms
        ):
            there = frozenset(each["id"] for each in made["people"])
            self._unsettled.keep(Unsettled(key, day, listing.members, there))
        return [made]

    def late(self) -> Iterator[Captured]:
        """What could not be told in time: files that could not be had; rosters that lacked somebody who had just left."""
        yield from self._late_files.captured(self._spooling.now_ms)
        for one in self._unsettled.due(self._spooling.settled_ms):
            made = self._completed_roster(one)
            if made is None or self._cache.sent(made["id"]) is not None:
                self._unsettled.settle(one.key)
            else:
                self._cache.sending(made["id"])
                yield Captured(one.day, [made])

    def _completed_roster(self, one: Unsettled) -> Event | None:
        room = one.day.conversation
        moves = self._moves(one.day, one.listed)
        listing = Listing(self._directory.space(room), one.listed, moves)
        missing = sorted(set(present(listing, one.day)[0]) - one.there)
        if moves is None or not missing:
            return None
        # A key of its own, by whom it adds: everybody on any roster of a slice gets its mails.
        return self._roster_of(f"{one.key}:late:{digest(*missing).hex()}", one.day, listing, {})

    def _roster_of(self, key: str, day: Slice, listing: Listing, people: dict[str, Person]) -> Event:
        idents = present(listing, day)[0]
        listed = listed_people(listing.members)
        known = people | listed | _completed(self._directory.people(idents), listed)
        whole = known | {each: as_person(each, known) for each in idents if each not in known}
        return roster_event(self._settings.uid, key, day, listing, whole)

    def _listing(self, day: Slice, items: Sequence[Item]) -> Listing:
        """Members from Webex; under the space's present id where it has changed."""
        room = day.conversation
        alias = self._cache.known_as(inner(room), room)
        space, members = self._directory.space(room), self._directory.members(room, day.start_ms)
        if members is None and alias:
            space, members = self._directory.space(alias), self._directory.members(alias, day.start_ms)
        others = [each for item in items for each in people_of(item)]
        return Listing(space, members, self._moves(day, members), others, alias)

    def _moves(self, day: Slice, members: Members | None) -> list[Move] | None:
        """Who came and went since the slice began; None if that is not needed or not to be had."""
        if members is None or day.start_ms <= members.as_of_ms < day.end_ms:
            return None
        if not self._spooling.know_moves(day.start_ms, members.as_of_ms):
            return None
        # Also those since the list was asked for: it may have been answered a little later than its own time.
        return self._cache.moves(day.conversation, day.start_ms - 1, FOR_EVER_MS)


def _completed(found: dict[str, Person], listed: dict[str, Person]) -> dict[str, Person]:
    """People as the directory knows them, with what the list of members says where it knows nothing."""
    return {
        key: as_person(key, found, *(_contact(listed.get(key)))) for key in found
    }  # fmt: skip


def _contact(who: Person | None) -> tuple[str | None, str | None]:
    return (who["email"], who["name"]) if who else (None, None)
