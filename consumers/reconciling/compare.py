"""The comparison itself, as sets and step by step: source ⊆ raw-events ⊆ closings ⊆ mails ⊆ copies ⊆ mailboxes. Pure."""

from collections.abc import Collection, Iterable, Iterator

from consumers.reconciling.day import Day, Finding, Letter, Shown, Taken, by_order
from schemas.addresses import comparable
from schemas.deliveries import newest, stands
from schemas.ids import mail_id
from schemas.records import CopyResult, Delivery
from schemas.topics import RAW_EVENTS


def missing_events(asked: Iterable[Shown], day: Day) -> list[Finding]:
    """What the source shows and the log does not have, each once; what was refused is told with its dead letter."""
    letters = {letter.sha256: letter for letter in day.letters if letter.explains}
    found: dict[bytes, Finding] = {}
    for one in asked:
        name = one.ids[0] if one.ids else one.refused
        if day.events.keys() & set(one.ids):
            continue
        letter = letters.get(one.refused) if not one.ids else None
        detail = f"{one.kind} {one.source_key}".strip()
        found[name] = Finding("raw-events", "missing", name.hex(), one.conversation, detail, _told(letter))
    return sorted(found.values())


def gone_events(asked: Iterable[Shown], day: Day) -> int:
    """How many events of the day the log has and the source shows no more, which is no fault."""
    shown = {ident for one in asked for ident in one.ids}
    events = (one for ident, one in day.events.items() if ident not in shown and not one.ours)
    return sum(day.is_in(one.at_ms) for one in events)


def archive_findings(day: Day) -> list[Finding]:
    """Differences between what the topics say: events without a mail, mails and copies without a result."""
    return merged([*_unmailed(day), *_mails(day), *_copies(day), *_mailboxes(day)])


def _unmailed(day: Day) -> Iterator[Finding]:
    """Events of slices that are closed, which no closing took; and events that a closing took and the log lacks."""
    refused = {
        (one.partition, one.position): one
        for one in day.letters
        if one.explains and (one.topic or "").endswith(RAW_EVENTS.name)
    }
    slices = day.slices | day.closings.keys()
    taken = {key: set[bytes]().union(*(one.ids for one in day.closings.get(key, ()))) for key in slices}
    for ident, logged in day.events.items():
        if ident not in taken[logged.slice] and day.is_closed(logged.slice):
            letter = refused.get((logged.partition, logged.position))
            yield Finding("mails", "missing", ident.hex(), logged.slice[0], "event in no mail", _told(letter))
    for key, ids in taken.items():
        for ident in ids - day.events.keys():
            yield Finding("raw-events", "missing", ident.hex(), key[0], "event of a mail")


def _mails(day: Day) -> Iterator[Finding]:
    """Each closing that made mails has all of their parts in the ledger, and the ledger has no others."""
    due = dict(_due(day))
    for ident, (conversation, taken) in due.items():
        if ident not in day.deliveries:
            why = _why(day, ident, taken.closing)
            yield Finding("mails", "missing", ident.hex(), conversation, "mail without a delivery", why)
    for ident in day.deliveries.keys() - due.keys():
        one = day.deliveries[ident][0]
        yield Finding("mails", "unexplained", ident.hex(), one["conversation"], one["path"])


def _due(day: Day) -> Iterator[tuple[bytes, tuple[str, Taken]]]:
    """Every mail that a closing made, with its conversation; how many parts it has, the ledger's first says."""
    for (conversation, _), closings in day.closings.items():
        for taken in closings:
            if taken.closing:
                first = day.deliveries.get(taken.closing)
                for part in range(1, (first[0]["parts"] if first else 1) + 1):
                    yield mail_id(taken.closing, part), (conversation, taken)


def _copies(day: Day) -> Iterator[Finding]:
    """Everybody whom a closing names has a result in each of its mails; one that failed is told with its reason."""
    due = dict(_due(day))
    for ident, deliveries in day.deliveries.items():
        results = newest(deliveries)
        conversation = deliveries[0]["conversation"]
        if ident in due:
            taken = due[ident][1]
            for who in _without_result(taken.people, results):
                why = _why(day, ident, taken.closing)
                yield Finding("copies", "missing", ident.hex(), conversation, f"no result for {who}", why)
        for who, (_, copy) in results.items():
            if copy["outcome"] == "failed":
                yield Finding(
                    "copies", "missing", ident.hex(), conversation, f"for {who}", f"failed: {copy['reason']}"
                )


def _without_result(people: Iterable[str], results: Collection[str]) -> Iterator[str]:
    """Keys of people of whom no result has the id, or else the address; a header may spell an address in another way."""
    done = {comparable(name) for key in results for name in key.rsplit("|", 1) if name}
    for who in people:
        if who not in results and not any(comparable(name) in done for name in who.rsplit("|", 1) if name):
            yield who


def _mailboxes(day: Day) -> Iterator[Finding]:
    """Each copy that stands has a receipt, where copies are imported at all."""
    if not day.imports:
        return
    for ident, deliveries in day.deliveries.items():
        for who, (_, copy) in newest(deliveries).items():
            if stands(copy) and ident not in day.disposed:
                yield from _receipt(day, ident, deliveries[0], who, copy)


def _receipt(day: Day, ident: bytes, mail: Delivery, who: str, copy: CopyResult) -> Iterator[Finding]:
    _, outcome, reason = day.receipts.get((ident, who), (0, "", ""))
    if outcome in {"ok", "partial", "skipped"}:
        return
    why = f"{outcome}: {reason}" if outcome else ""
    detail = f"no receipt for {copy['mailbox']}"
    yield Finding("mailboxes", "missing", ident.hex(), mail["conversation"], detail, why)


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Each thing that is wrong once, whichever comparisons have found it; the first says what it is."""
    found: dict[tuple[str, str, str, str], Finding] = {}
    for one in findings:
        detail = "" if one.place == "raw-events" else one.detail
        found.setdefault((one.place, one.what, one.item, detail), one)
    return sorted(found.values())


def expected_files(day: Day) -> dict[str, tuple[int, str, bytes]]:
    """Mails and copies that must stand in the store: path to length in bytes, SHA-256 (hex) and id of the mail."""
    found = {}
    for ident, deliveries in day.deliveries.items():
        first = deliveries[0]
        paths = {
            first["path"],
            *(copy["path"] or "" for _, copy in newest(deliveries).values() if stands(copy)),
        }
        for path in paths:
            found[path] = (first["size"], first["sha256"].hex(), ident)
    return found


def _why(day: Day, ident: bytes, closing: bytes | None = None) -> str:
    """A letter of another mail of the same conversation is no reason; that of a closing is one for each of its mails."""
    if ident in day.disposed:
        return by_order(day.disposed[ident])
    about = {ident, closing} if closing else {ident}
    return _told(next((one for one in day.letters if one.explains and one.about in about), None))


def _told(letter: Letter | None) -> str:
    return f"dead letter, {letter.stage}: {letter.reason}" if letter else ""
