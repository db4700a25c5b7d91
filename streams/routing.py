"""Who gets a copy: mail and user mapping in, one target for each participant out. Pure.

The order is Microsoft's: the mapping file first, then the item's e-mail property, else the copy has *failed*.
External people (a LivePerson consumer, a domain that is not the firm's, a bot) are an outcome of their own.
"""

from collections.abc import Iterable

from schemas.addresses import comparable, comparable_domain
from schemas.records import Copies, Mail, MailFacts, Mapping, MappingRow, Person, Target, mail_facts
from schemas.slices import slice_day
from stores.paths import copy_path, mail_path
from streams.mail.participants import header_address

NO_MAPPING: Mapping = {"version": "", "rows": [], "domains": [], "catch_all": None}
OUTSIDE_ROLES = frozenset({"consumer", "bot", "system"})


class Router:
    """One version of the mapping, ready for look-ups; some 230 bytes of memory for each user."""

    def __init__(self, mapping: Mapping, rows: Iterable[MappingRow] | None = None) -> None:
        """`rows`: those of a mapping whose record has them by claim check; each is taken once and not kept."""
        self.version = mapping["version"]
        self._mailboxes = {
            user: row["mailbox"] for row in (mapping["rows"] if rows is None else rows)
            if (user := comparable(row["external_user_id"])) and row["mailbox"].strip()
        }  # fmt: skip
        self._domains = frozenset(comparable_domain(domain) for domain in mapping["domains"])
        self._catch_all = mapping["catch_all"]

    def copies(self, mail: Mail) -> Copies:
        """Everything that is to be made of this mail by this mapping, whichever one the mail names."""
        return _copies(mail, self.version, self.targets(mail, recipients(mail)))

    def targets(self, mail: MailFacts, people: Iterable[Person]) -> list[Target]:
        """One for each person, in their order; who comes first gets the copy of a mailbox that several share."""
        targets, seen = [], set[str]()
        for person in people:
            target = self._target(mail, person)
            mailbox = target["mailbox"]
            if mailbox is not None and comparable(mailbox) in seen:
                target = _skipped(person, mailbox)
            elif mailbox is not None:
                seen.add(comparable(mailbox))
            targets.append(target)
        return targets

    def _target(self, mail: MailFacts, person: Person) -> Target:
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
            if comparable(name) in self._mailboxes:
                return self._mailboxes[comparable(name)], ("", "")
        if person["role"] in OUTSIDE_ROLES:
            return None, ("external", f"a {person['role']} has no mailbox of the firm's")
        if address is not None and "@" in address:
            domain = comparable_domain(address.rpartition("@")[2])
            if domain in self._domains:
                # One folder for one mailbox, however the source spells it.
                return comparable(address), ("", "")
            return None, ("external", f"{domain} is not one of the firm's domains")
        if self._catch_all is not None:
            return self._catch_all, ("", "")
        return None, ("failed", "no line in the user mapping and no e-mail address at the source")


def recipients(mail: Mail) -> list[Person]:
    """One person for each address of the Email property, then those without an address; both in the mail's order."""
    by_address: dict[str, Person] = {}
    for person in mail["participants"]:
        # The Email property has addresses as headers carry them, an international domain in ASCII.
        by_address.setdefault(comparable(header_address(person["email"]) or ""), person)
    unknown: Person = {"id": "", "name": None, "email": None, "role": "unknown"}
    addressed = [
        {**by_address.get(comparable(address), {**unknown, "id": address}), "email": address}
        for address in mail["email"]
    ]
    return [*addressed, *mail["unaddressed"]]  # type: ignore[list-item]  # a TypedDict spread is a dict to mypy


def _skipped(person: Person, mailbox: str) -> Target:
    reason = "another participant of this mail has the same mailbox"
    return {"participant": person, "mailbox": mailbox, "path": None, "outcome": "skipped", "reason": reason}


def _path(mail: MailFacts, mailbox: str) -> str:
    return copy_path(
        mailbox=mailbox, folder=mail["folder"], day=slice_day(mail), connector_uid=mail["connector_uid"],
        conversation=mail["conversation"], slice=mail["slice"], revision=mail["revision"], part=mail["part"],
        parts=mail["parts"],
    )  # fmt: skip


def _copies(mail: Mail, version: str, targets: list[Target]) -> Copies:
    return {
        **mail_facts(mail), "mapping_version": version, "path": mail_path(mail["connector_uid"], mail["mail_id"].hex()),
        "targets": targets, "segments": mail["segments"],
    }  # fmt: skip
