"""Who gets a copy: mail and user mapping in, one target for each participant out. Pure.

The order is Microsoft's: the mapping file first, then the item's e-mail property, else the copy has *failed*.
External people (a LivePerson consumer, a domain that is not the firm's, a bot) are an outcome of their own.
"""

from datetime import UTC, date, datetime, timedelta

from schemas.records import Copies, Mail, Mapping, Person, Target
from stores.paths import copy_path, mail_path
from streams.mail.participants import header_address

NO_MAPPING: Mapping = {"version": "", "rows": [], "domains": [], "catch_all": None}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OUTSIDE_ROLES = frozenset({"consumer", "bot", "system"})


class Router:
    """One version of the mapping, ready for look-ups."""

    def __init__(self, mapping: Mapping) -> None:
        self.version = mapping["version"]
        self._mailboxes = {
            fold(row["external_user_id"]): row["mailbox"]
            for row in mapping["rows"] if fold(row["external_user_id"]) and row["mailbox"].strip()
        }  # fmt: skip
        self._domains = frozenset(fold(domain) for domain in mapping["domains"])
        self._catch_all = mapping["catch_all"]

    def copies(self, mail: Mail) -> Copies:
        """Everything that is to be made of this mail."""
        targets, seen = [], set[str]()
        for person in recipients(mail):
            target = self._target(mail, person)
            mailbox = target["mailbox"]
            if mailbox is not None and fold(mailbox) in seen:
                target = _skipped(person, mailbox)
            elif mailbox is not None:
                seen.add(fold(mailbox))
            targets.append(target)
        return _copies(mail, targets)

    def _target(self, mail: Mail, person: Person) -> Target:
        mailbox, reason = self._mailbox(person)
        if mailbox is None:
            return {
                "participant": person,
                "mailbox": None,
                "path": None,
                "outcome": reason[0],
                "reason": reason[1],
            }
        return {
            "participant": person, "mailbox": mailbox, "path": _path(mail, mailbox), "outcome": "deliver", "reason": None
        }  # fmt: skip

    def _mailbox(self, person: Person) -> tuple[str | None, tuple[str, str]]:
        address = person["email"]
        for name in (person["id"], address or ""):
            if fold(name) in self._mailboxes:
                return self._mailboxes[fold(name)], ("", "")
        if person["role"] in OUTSIDE_ROLES:
            return None, ("external", f"a {person['role']} has no mailbox of the firm's")
        if address is not None and "@" in address:
            domain = fold(address.rpartition("@")[2])
            if domain in self._domains:
                return fold(address), ("", "")  # one folder for one mailbox, however the source spells it
            return None, ("external", f"{domain} is not one of the firm's domains")
        if self._catch_all is not None:
            return self._catch_all, ("", "")
        return None, ("failed", "no line in the user mapping and no e-mail address at the source")


def fold(name: str) -> str:
    """Addresses and ids are compared without regard to case and surrounding blanks."""
    return name.strip().casefold()


def recipients(mail: Mail) -> list[Person]:
    """One person for each address of the Email property, then those without an address; both in the mail's order."""
    by_address: dict[str, Person] = {}
    for person in mail["participants"]:
        # The Email property has addresses as headers carry them, an international domain in ASCII.
        by_address.setdefault(fold(header_address(person["email"]) or ""), person)
    unknown: Person = {"id": "", "name": None, "email": None, "role": "unknown"}
    addressed = [
        {**by_address.get(fold(address), {**unknown, "id": address}), "email": address}
        for address in mail["email"]
    ]
    return [*addressed, *mail["unaddressed"]]  # type: ignore[list-item]  # a TypedDict spread is a dict to mypy


def _skipped(person: Person, mailbox: str) -> Target:
    reason = "another participant of this mail has the same mailbox"
    return {"participant": person, "mailbox": mailbox, "path": None, "outcome": "skipped", "reason": reason}


def _path(mail: Mail, mailbox: str) -> str:
    return copy_path(
        mailbox=mailbox, folder=mail["folder"], day=slice_day(mail), connector_uid=mail["connector_uid"],
        conversation=mail["conversation"], slice=mail["slice"], revision=mail["revision"], part=mail["part"],
        parts=mail["parts"],
    )  # fmt: skip


def slice_day(mail: Mail) -> date:
    """The day under which a person looks for the mail: the slice's own date, or the UTC day on which it began."""
    try:
        return date.fromisoformat(mail["slice"])
    except ValueError:
        return _utc_day(mail["slice_start_ms"])


def _utc_day(ms: int) -> date:
    """The UTC day of this time; that of 1970 for what no calendar holds."""
    try:
        return (EPOCH + timedelta(milliseconds=ms)).date()
    except OverflowError:
        return EPOCH.date()


def _copies(mail: Mail, targets: list[Target]) -> Copies:
    return {
        "mail_id": mail["mail_id"], "connector_uid": mail["connector_uid"], "source": mail["source"],
        "conversation": mail["conversation"], "slice": mail["slice"], "slice_start_ms": mail["slice_start_ms"],
        "revision": mail["revision"], "part": mail["part"], "parts": mail["parts"], "message_id": mail["message_id"],
        "date_ms": mail["date_ms"], "folder": mail["folder"], "status": mail["status"], "reasons": mail["reasons"],
        "event_count": mail["event_count"], "path": mail_path(mail["connector_uid"], mail["mail_id"].hex()),
        "mapping_version": mail["mapping_version"], "targets": targets, "segments": mail["segments"],
    }  # fmt: skip
