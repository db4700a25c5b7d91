"""Enters into the ledger what was shown to a client, in the ledger's own words (sandbox.simulation)."""

from collections.abc import Iterator, Mapping

from sandbox.simulation import Ledger, Served
from sandbox.webex.build import person_id
from sandbox.webex.script import Person
from sandbox.webex.world import Happening, Membership, Message, Room, StoredFile

SOURCE = "webex"


def happened(ledger: Ledger, subject: Happening, shown_at: int, *, named: bool) -> None:
    """Enter an event of the feed; `shown_at` is the moment whose text it showed, `named` if it had a name."""
    match subject.subject:
        case Message() as message if subject.type == "deleted":
            ledger.serve(_from(subject, "deletion", target=message.id))
        case Message() as message:
            text(ledger, message, shown_at)
        case Membership() as membership if subject.type in {"created", "deleted"}:
            kind = "join" if subject.type == "created" else "leave"
            ledger.serve(_from(subject, kind, who=membership.person, named=named))
        case _:
            pass


def text(ledger: Ledger, message: Message, now: int) -> None:
    """Enter a message with the text that was current at a moment: as a message, or as an edit of one."""
    version = message.version_at(now)
    edited = version is not message.versions[0]
    ledger.serve(
        Served(
            source=SOURCE,
            conversation=message.room.id_at(version.since),
            kind="edit" if edited else "message",
            id=version.event if edited else message.id,
            at_ms=version.since,
            sender_id=person_id(message.author),
            sender_email=message.author.email,
            text=version.rendered.text,
            texts=tuple(_words(message.say.card)),
            target=message.id if edited else "",
        )
    )


def _words(card: object) -> Iterator[str]:
    """Give what a reader sees of a card: its texts, titles and values, in their order."""
    if isinstance(card, Mapping):
        for key, value in card.items():
            seen = key in {"text", "title", "value", "placeholder"} and isinstance(value, str)
            yield from [value] if seen else _words(value)
    elif isinstance(card, list):
        for each in card:
            yield from _words(each)


def name(ledger: Ledger, person: Person, room: Room | None, now: int) -> None:
    """Enter that somebody's name was shown, in a room's list of members or by itself."""
    ledger.serve(
        Served(
            source=SOURCE,
            conversation=room.id_at(now) if room else "",
            kind="name",
            id=person_id(person),
            at_ms=now,
            sender_id=person_id(person),
            sender_name=person.name,
            sender_email=person.email,
        )
    )


def file(ledger: Ledger, stored: StoredFile, sha256: str, size: int) -> None:
    """Enter that a file's bytes went out."""
    message = stored.message
    ledger.serve(
        Served(
            source=SOURCE,
            conversation=message.room.id_at(message.at),
            kind="file",
            id=stored.id,
            at_ms=message.at,
            sender_id=person_id(message.author),
            file_name="" if stored.file.header == "empty" else stored.file.name,
            sha256=sha256,
            size=size,
            target=message.id,
        )
    )


def _from(
    subject: Happening, kind: str, *, target: str = "", who: Person | None = None, named: bool = False
) -> Served:
    person = who or subject.actor
    return Served(
        source=SOURCE,
        conversation=subject.room.id_at(subject.at),
        kind=kind,
        id=subject.id,
        at_ms=subject.at,
        sender_id=person_id(person),
        sender_name=person.name if named else "",
        sender_email=who.email if who else "",
        target=target,
    )
