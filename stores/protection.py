"""What keeps blobs from being deleted or overwritten: what is wanted, what the service says, and what may be claimed. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Mode = Literal["unlocked", "inherited", "locked"]
State = Literal["immutable", "partly immutable", "not enforced", "unproven"]
_STRICTER: Final = ("unlocked", "inherited", "locked")
_TOLERANCE: Final = dt.timedelta(hours=1)  # between our clock and the service's


class Protection(BaseModel):
    """Write-once protection of blobs in Azure; days count from the upload."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: int | None = Field(default=None, ge=1, le=146_000, description="days of retention from the upload")
    mode: Mode = Field(
        default="unlocked",
        description="locked: nobody can shorten it; unlocked: for tests; inherited: the container's own policy, nothing is set",
    )
    legal_hold: bool = Field(default=False, description="hold every blob until an administrator lifts it")

    @model_validator(mode="after")
    def _protects(self) -> Self:
        if self.days is None and not self.legal_hold:
            raise ValueError("give days, or legal_hold = true")
        return self


@dataclass(frozen=True, slots=True)
class Seen:
    """What the service says of a blob: when it was made, until when it is kept by which policy, whether it is held."""

    made: dt.datetime
    until: dt.datetime | None = None
    mode: str = ""
    held: bool = False
    by_container: bool = False
    """Whether a policy of the whole container keeps it, of which its blobs say nothing."""


@dataclass(frozen=True, slots=True)
class Safeguard:
    """What may be said of the protection of an archive: the word "immutable" only where a deletion was tried and refused.

    `since`: for how long what was written has been looked at; nothing is known of what was stored before, by whatever settings.
    """

    state: State
    why: str
    since: dt.datetime | None = None

    def __str__(self) -> str:
        since = f" since {self.since:%Y-%m-%d %H:%M} UTC" if self.since else ""
        return f"{self.state}{since}: {self.why}"


class Protections:
    """Which protection a blob gets: its connector's own, else the common one.

    What belongs to no connector (files, which connectors share; evidence) gets the strictest of all. `everybody`: uids of all
    connectors of the store, where they are known.
    """

    def __init__(
        self, common: Protection | None, connectors: Mapping[str, Protection], everybody: Iterable[str] = ()
    ) -> None:
        self._common, self._connectors, self._everybody = common, dict(connectors), frozenset(everybody)
        self.strictest = strictest([*([common] if common else []), *self._connectors.values()])

    def of(self, connector: str | None) -> Protection | None:
        """The protection of a connector's mails and copies, or of what belongs to none; None where nothing is wanted."""
        if connector is None:
            return self.strictest
        return self._connectors.get(connector, self._common)

    @property
    def each(self) -> list[Protection]:
        """All that differ: that one is enforced says nothing of another."""
        found = [*self._connectors.values(), self._common, self.strictest]
        return list(dict.fromkeys(one for one in found if one is not None))

    @property
    def bare(self) -> str:
        """Whose mails nothing protects, in words; empty if it is nobody's."""
        left = sorted(self._everybody - self._connectors.keys())
        if self._common is not None or not self._connectors or (self._everybody and not left):
            return ""
        return f"mails of {', '.join(left) or 'other connectors'} are not protected"

    @property
    def told(self) -> str:
        """Whose mails are protected and how, in words."""
        own = [f"{uid}: {words(one)}" for uid, one in sorted(self._connectors.items())]
        if not own:
            return words(self._common) if self._common else ""
        return "; ".join([*own, *([f"others: {words(self._common)}"] if self._common else [])])


def strictest(some: Iterable[Protection]) -> Protection | None:
    """What satisfies each of them; None of none."""
    all_of_them = list(some)
    if not all_of_them:
        return None
    days = [one.days for one in all_of_them if one.days is not None]
    modes = [one.mode for one in all_of_them if one.days is not None]
    return Protection(
        days=max(days, default=None), mode=max(modes, key=_STRICTER.index, default="unlocked"),
        legal_hold=any(one.legal_hold for one in all_of_them),
    )  # fmt: skip


def lacks(wanted: Protection, seen: Seen, now: dt.datetime) -> str | None:
    """What a blob lacks of what is wanted, in words; None if nothing. A retention that has ended by now lacks nothing."""
    if wanted.legal_hold and not seen.held:
        return "no legal hold"
    end = ends(wanted, seen.made)
    if end is None or end - _TOLERANCE <= now or seen.by_container:
        return None
    if (
        seen.until is not None
        and seen.mode.lower() in {"locked", "unlocked"}
        and seen.until < end - _TOLERANCE
    ):
        return f"its policy ends on {seen.until:%Y-%m-%d} and not on {end:%Y-%m-%d}"
    return _lacks_policy(wanted, seen)


def lacks_now(wanted: Protection, seen: Seen, now: dt.datetime) -> str | None:
    """The same of a blob that could not be deleted just now: what keeps it has to be what is wanted, and not have ended."""
    if wanted.legal_hold and not seen.held:
        return "no legal hold"
    if wanted.days is None or seen.by_container:
        return None
    if seen.until is not None and seen.until <= now:
        return "its policy has ended"
    return _lacks_policy(wanted, seen)


def _lacks_policy(wanted: Protection, seen: Seen) -> str | None:
    if seen.until is None or seen.mode.lower() not in {"locked", "unlocked"}:
        return "no immutability policy"
    if wanted.mode == "locked" and seen.mode.lower() != "locked":
        return "its policy is not locked"
    return None


def ends(wanted: Protection, made: dt.datetime) -> dt.datetime | None:
    """When the retention of a blob that was made then ends, to the second; None without days."""
    return None if wanted.days is None else (made + dt.timedelta(days=wanted.days)).replace(microsecond=0)


def words(wanted: Protection) -> str:
    """What is asked for, for people, and who can lift it."""
    told = []
    if wanted.days is not None:
        lifted = {
            "locked": "",
            "unlocked": ", unlocked: an administrator can lift it",
            "inherited": ", inherited",
        }
        told.append(f"retention of {wanted.days:,} days{lifted[wanted.mode]}")
    if wanted.legal_hold:
        told.append("legal hold, which an administrator can lift")
    return "; ".join(told)
