"""What the head of a mail says: subject, period, people, provenance, and what is missing."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple

from schemas.products import product_of
from schemas.records import ClosedSlice, Event, Person
from streams.mail.clean import LEFT_TO_RIGHT_MARK, has_right_to_left, isolated, one_line
from streams.mail.participants import Cast, display
from streams.mail.times import Clock

_SUBJECT_LIMIT: Final = 200  # characters without the marks
_NAMED: Final = 3  # people that a subject names
_EARLIER: Final = 10  # earlier mails that a supplement names in its text
_PROVENANCE: Final = {
    "observed": "observed at that time",
    "reconstructed": "reconstructed from membership events",
    "joins and leaves of the conversation": "reconstructed from the joins and leaves of the conversation",
    "current-unverified": "membership as of today, unverified for the time of the conversation",
}


class Heading(NamedTuple):
    """The block above a transcript; every string is visible text, unescaped."""

    title: str
    notices: list[str]  # what a reader must know first: a supplement, something missing
    rows: list[tuple[str, str]]
    people: list[str]


class Topic(NamedTuple):
    """What all parts of a slice share."""

    subject: str
    rows: list[tuple[str, str]]
    people: list[str]


def topic_of(closed: ClosedSlice, cast: Cast, clock: Clock) -> Topic:
    """Subject, facts and people of a slice."""
    source = closed["source"]
    rows = [
        (
            "Source",
            f"{one_line(product_of(source).name)}, connector {one_line(closed['settings']['name'])}",
        ),
        ("Conversation", one_line(closed["conversation"])),
        ("Slice", f"{one_line(closed['slice'])}, revision {closed['revision']}"),
        *_roster_rows(closed["events"], clock),
    ]
    people = [_person_line(*pair) for pair in zip(cast.people, cast.addresses, strict=True)]
    return Topic(_subject(closed, cast, clock), rows, people)


def heading(
    topic: Topic, closed: ClosedSlice, part: tuple[int, int], times: str, reasons: list[str]
) -> Heading:
    """The block of one part."""
    notices = [*_notices(closed, part), *(f"Not complete: {reason}" for reason in reasons)]
    return Heading(
        marked(topic.subject, closed, part), notices, [*topic.rows, ("Period", times)], topic.people
    )


def _notices(closed: ClosedSlice, part: tuple[int, int]) -> Iterator[str]:
    if closed["revision"]:
        yield (
            f"Supplement {closed['revision']}: what arrived after this conversation had been archived. "
            f"It adds to {_earlier(closed['earlier'])} and replaces nothing."
        )
    if part[1] > 1:
        yield f"Part {part[0]} of {part[1]}."


def _earlier(idents: list[bytes]) -> str:
    mails = ", ".join(f"<{one.hex()}@chatledger.invalid>" for one in idents[:_EARLIER])
    if len(idents) == 1:
        return f"the earlier mail {mails}"
    more = f" and {len(idents) - _EARLIER} more" if len(idents) > _EARLIER else ""
    return f"the {len(idents)} earlier mails ({mails}{more})" if idents else "the earlier mails"


def marked(subject: str, closed: ClosedSlice, part: tuple[int, int]) -> str:
    """The subject with its marks for supplements and parts."""
    supplement = f" (supplement {closed['revision']})" if closed["revision"] else ""
    return f"{subject}{supplement}{f' (part {part[0]} of {part[1]})' if part[1] > 1 else ''}"


def _subject(closed: ClosedSlice, cast: Cast, clock: Clock) -> str:
    untitled = product_of(closed["source"]).chat
    if untitled is not None:
        about = _detail(closed["events"], "topic") or _detail(closed["events"], "skill") or untitled
        whom = _names([one for one in cast.people if one["role"] == "consumer"] or cast.people)
        when = clock.show(closed["events"][0]["at_ms"])[:10]
        return _joined(about, whom, when)
    title = _detail(closed["events"], "title") or _names(cast.people)
    return _joined(title, closed["slice"])


def _joined(*pieces: str) -> str:
    """The pieces with dashes; behind right-to-left letters a mark keeps the date from being turned around."""
    ended = (f"{piece} - {LEFT_TO_RIGHT_MARK if has_right_to_left(piece) else ''}" for piece in pieces[:-1])
    return one_line(f"{''.join(ended)}{pieces[-1]}", _SUBJECT_LIMIT)


def _detail(events: list[Event], name: str) -> str:
    """The last value that an event of the slice has for this detail."""
    for event in reversed(events):
        if event["details"] and event["details"].get(name):
            return one_line(event["details"][name])
    return ""


def _names(people: list[Person]) -> str:
    names = [display(one) for one in people[:_NAMED]]
    more = len(people) - _NAMED
    return ", ".join(names) + (f" and {more} more" if more > 0 else "") if names else "nobody named"


def _roster_rows(events: list[Event], clock: Clock) -> Iterator[tuple[str, str]]:
    for event in events:
        if event["kind"] == "roster":
            details = event["details"]
            provenance = details.get("provenance", "")
            said = _PROVENANCE.get(provenance, one_line(provenance) or "of unknown provenance")
            as_of = f" as of {_local(details['as_of'], clock)}" if details.get("as_of") else ""
            yield "Members", f"{len(event['people'])}{as_of}: {said}"


def _local(time: str, clock: Clock) -> str:
    """A time that a producer wrote, as the other times of the mail; what is none, as it stands."""
    try:
        return clock.show(int(datetime.fromisoformat(time).timestamp() * 1000))
    except (ValueError, OverflowError):
        return one_line(time)


def _person_line(person: Person, address: str | None) -> str:
    name = isolated(display(person))
    if address is not None:
        where = f"<{address}>"
    elif person["email"]:
        where = f"({isolated(one_line(person['email']))}, not a usable address)"
    else:
        where = "(no address)"
    external = "consumer, external" if person["role"] == "consumer" else one_line(person["role"])
    return f"{name} {where}, {external}"
