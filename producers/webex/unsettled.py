"""Rosters that were reconstructed from a list of members while Webex could still hide who had just left.

Whoever left shortly before the list was made is neither on it nor, for up to the settle delay, among the events: a
roster made at that moment lacks them, and they would get no copy. So it is kept, and looked at again after that delay.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from producers.source import Slice
from producers.webex.cache import Cache
from producers.webex.directory import Member, Members
from schemas.records import person

_TABLE = """create table if not exists unsettled (key text primary key, room text, label text, start_ms integer,
    end_ms integer, as_of_ms integer, listed text, there text)"""


@dataclass(frozen=True)
class Unsettled:
    """One such roster: `listed` are the members as of that moment, `there` whom the roster names."""

    key: str
    day: Slice
    listed: Members
    there: frozenset[str]


class UnsettledRosters:
    """Keeps them beside the cache; losing them costs what they are for, and nothing else."""

    def __init__(self, cache: Cache) -> None:
        self._db = cache.database
        self._db.execute(_TABLE)

    def keep(self, one: Unsettled) -> None:
        """Look at this roster again later."""
        day = one.day
        listed, there = json.dumps(list(one.listed.members)), json.dumps(sorted(one.there))
        row = (
            one.key,
            day.conversation,
            day.label,
            day.start_ms,
            day.end_ms,
            one.listed.as_of_ms,
            listed,
            there,
        )
        self._db.execute("insert or replace into unsettled values (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def due(self, until_ms: int) -> Iterator[Unsettled]:
        """Those whose list was made up to then."""
        rows = self._db.execute(
            "select * from unsettled where as_of_ms <= ? order by key", (until_ms,)
        ).fetchall()
        for key, room, label, start_ms, end_ms, as_of_ms, listed, there in rows:
            day = Slice(room, label, start_ms, end_ms)
            yield Unsettled(key, day, Members(as_of_ms, _members(listed)), frozenset(json.loads(there)))

    def settle(self, key: str) -> None:
        """Nothing more can come to light."""
        self._db.execute("delete from unsettled where key = ?", (key,))


def _members(listed: str) -> Mapping[str, Member]:
    return {ident: Member(person(ident)) for ident in json.loads(listed)}
