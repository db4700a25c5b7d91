"""What `chatledger dispose` tells: before an order what it would remove, after it what left and what stays."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from cli.words.advice import counted

if TYPE_CHECKING:
    from consumers.disposition.index import Imported
    from consumers.disposition.preview import Preview
    from schemas.records import Audit

SHOWN = 10
STAYS = (
    "what stays: the events in raw-events, and who took part (names, addresses) in topic closings: what comes late goes to them; "
    "see Disposition in docs/operations.md"
)


def summary(order: str, found: Mapping[str, str], mailboxes: Iterable[str]) -> str:
    """What an order did; `found`: as its record `finished` says it."""
    mails, files = counted(int(found["mails"]), "mail"), counted(int(found["files"]), "file")
    lines = [
        f"order {order[:8]}: {mails}, {counted(int(found['copies']), 'copy', 'copies')} and {files} left the archive"
    ]
    if "replayed" in found:
        lines.append(f"{counted(int(found['replayed']), 'file')} of replays below _replay/ went too")
    if "late" in found:
        lines.append(
            "it was finished later than it was given: what was captured since stays, with all of a day or conversation that had "
            "begun before; `chatledger dispose order` gives the order anew"
        )
    if "importers" in found:
        lines.append(
            "importers have not done all that the ledger holds: `chatledger dispose mailboxes` lists what they put into "
            "mailboxes later"
        )
    return "\n".join([*lines, *mailboxes, STAYS])


def still_there(one: "Imported") -> str:
    """A copy that we can't remove."""
    return f"still in mailbox {one.mailbox}, {one.place}: {one.message_id}; remove it there"


def imported_text(copies: "Sequence[Imported]", *, as_json: bool) -> str:
    """All of them: a line each for people, or one document for programs."""
    if as_json:
        return json.dumps([one._asdict() for one in copies], indent=2)
    return (
        "\n".join(map(still_there, copies)) or "nothing of what was disposed of was ever put into a mailbox"
    )


def strays(mails: int, copies: int, files: int, replayed: int) -> str:
    """What stood again, and was removed."""
    told = f"{counted(mails, 'mail')}, {counted(copies, 'copy', 'copies')} and {counted(files, 'file')} left the archive again"
    return f"{told}, and {counted(replayed, 'file')} below _replay/" if replayed else told


def before(goes: "Preview", stays: "Preview", holds: "Iterable[Audit]" = ()) -> str:
    """What would be removed, in which mailboxes, and what a hold keeps back."""
    lines = [f"would be disposed of: {_amount(goes)}"]
    if goes.mailboxes:
        lines.append(
            f"copies in {counted(len(goes.mailboxes), 'mailbox', 'mailboxes')}: {_some(goes.mailboxes)}"
        )
    if stays.mails:
        lines.append(f"stays, since it is on hold: {_amount(stays)}")
    lines += [
        f"on hold by {one['by']} ({one['reason']}), hold {one['order'][:8]}: the order will be refused"
        for one in holds
    ]
    return "\n".join(lines)


def _amount(one: "Preview") -> str:
    return (
        f"{counted(len(one.conversations), 'conversation')}, {counted(one.mails, 'mail')}, "
        f"{counted(one.copies, 'copy', 'copies')}, {counted(one.size, 'byte')}"
    )


def _some(names: Iterable[str]) -> str:
    found = sorted(names)
    more = len(found) - SHOWN
    return ", ".join(found[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")
