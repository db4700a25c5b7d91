"""Write-once protection in Azure: set at the upload, read back after it, and proved by a deletion that must be refused.

A service that ignores what it is asked for answers as if all were well (Azurite does), so nothing is believed but what is read
back. Azure does not say whether a policy holds; only a refused deletion does.
https://learn.microsoft.com/azure/storage/blobs/immutable-version-level-worm-policies
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.blob import ImmutabilityPolicy

from stores.azure_access import code_of, explain, explained, is_passing, is_taken
from stores.protection import Protection, Protections, Safeguard, Seen, ends, lacks, lacks_now, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.storage.blob import BlobProperties
    from azure.storage.blob.aio import BlobClient, ContainerClient

    from stores.azure_upload import Upload
    from stores.interface import Stored

PROBE: Final = ".chatledger/immutable"
_MODES: Final = {"locked": "Locked", "unlocked": "Unlocked"}
_SAID: Final = 20  # blobs that a log names
log = logging.getLogger(__name__)


class Guard:
    """Protects what is written to one container, and knows what may be said of it."""

    def __init__(self, container: ContainerClient, protections: Protections) -> None:
        self._container, self._protections = container, protections
        self._may_set, self._container_has = True, (True, True)
        self._since = _now()
        self._proved: Safeguard | None = None
        self.unprotected: dict[str, str] = {}
        """The first blobs whose protection was not what was asked for when it was read back, and what they lack."""
        self._missed = 0

    def options(self, metadata: dict[str, str]) -> dict[str, Any]:
        """Keyword arguments of the upload of a blob with this metadata."""
        wanted = self._protections.of(metadata.get("connector"))
        return options(wanted) if wanted else {}

    async def checked(self, upload: Upload, stored: Stored) -> Stored:
        """The same, when it was read back what protects it; what is lacking is set if it can be, else noted for status."""
        wanted = self._protections.of(upload.metadata.get("connector"))
        if wanted is not None:
            await self._check(upload.blob, upload.path, wanted)
        return stored

    async def _check(self, blob: BlobClient, path: str, wanted: Protection) -> None:
        with explained(path):
            lacking = await self._lacking(blob, wanted)
            if lacking is not None and await self._set(blob, wanted):
                lacking = await self._lacking(blob, wanted)
        if lacking is not None and path not in self.unprotected:
            self._missed += 1
            if self._missed <= _SAID:
                self.unprotected[path] = lacking
                log.warning("%s: asked for %s, but it has %s", path, words(wanted), lacking)

    @property
    def safeguard(self) -> Safeguard | None:
        """What may be said now; None before the probe."""
        if self._missed:
            path, lacking = next(iter(self.unprotected.items()))
            more = f" and {self._missed - 1:,} more" if self._missed > 1 else ""
            return Safeguard("not enforced", f"{path}{more}: {lacking}")
        return self._proved

    async def prove(self) -> Safeguard | None:
        """Write a small blob for each kind of protection, kept for a day, try to delete it and expect a refusal.

        A blob for each day and kind, so that no older policy or hold is taken for what is in force now. None if nothing is
        wanted. `StoreError` where the service can't be asked.
        """
        kinds = self._protections.each
        if not kinds:
            return None
        try:
            found = [await self._prove(wanted) for wanted in kinds]
        except AzureError as error:
            raise explain(PROBE, error) from error
        self._proved = next((one for one in found if one is not None), None) or self._immutable()
        return self.safeguard

    def _immutable(self) -> Safeguard:
        bare = self._protections.bare
        why = "; ".join(filter(None, (bare, self._protections.told, "a deletion was tried and refused")))
        return Safeguard("partly immutable" if bare else "immutable", why, self._since)

    async def _prove(self, wanted: Protection) -> Safeguard | None:
        """None where a deletion was refused because of what is wanted; else what may be said."""
        path = probe(wanted, _now())
        blob = self._container.get_blob_client(path)
        day = wanted.model_copy(update={"days": wanted.days and 1})
        was_there = not await self._written(blob, day)
        refusal = await _deletion(blob)
        if refusal is None and was_there:  # perhaps its day was over
            await self._written(blob, day)
            refusal = await _deletion(blob)
        if refusal is None:
            return Safeguard(
                "not enforced", f"asked for {words(wanted)}, but a blob could be deleted at once"
            )
        by_policy = code_of(refusal).startswith("BlobImmutable")
        if not by_policy and refusal.status_code not in (401, 403):
            return Safeguard("unproven", f"a deletion was answered {refusal.status_code} {code_of(refusal)}")
        lacking = await self._lacking(blob, day, lacks_now)
        if lacking is not None:
            return Safeguard("not enforced", f"{path}: {lacking}{'; something else keeps it' * by_policy}")
        return None if by_policy else self._unproven(wanted)

    def _unproven(self, wanted: Protection) -> Safeguard:
        why = f"{words(wanted)}, as read back; this credential may delete nothing, so no deletion could prove it"
        return Safeguard("unproven", "; ".join(filter(None, (self._protections.bare, why))))

    async def _written(self, blob: BlobClient, wanted: Protection) -> bool:
        """Whether the probe is new."""
        try:
            await blob.upload_blob(b"may not be deleted", **options(wanted))
        except HttpResponseError as error:
            if is_taken(error):
                return False
            raise
        return True

    async def _lacking(
        self, blob: BlobClient, wanted: Protection, judge: Callable[..., str | None] = lacks
    ) -> str | None:
        seen = _seen(await blob.get_blob_properties())
        lacking = judge(wanted, seen, _now())
        if lacking is None or wanted.mode != "inherited":
            return lacking
        return judge(wanted, await self._with_container(seen), _now())

    async def _with_container(self, seen: Seen) -> Seen:
        """The same with the policy and the hold of the whole container; one that has none is asked once."""
        if any(self._container_has):
            found = await self._container.get_container_properties()
            self._container_has = bool(found.has_immutability_policy), bool(found.has_legal_hold)
        policy, hold = self._container_has
        return replace(seen, held=seen.held or hold, by_container=policy)

    async def _set(self, blob: BlobClient, wanted: Protection) -> bool:
        """Protect a blob that stands there; False where the service or the credential won't, which is asked once."""
        if not self._may_set:
            return False
        try:
            made = _seen(await blob.get_blob_properties()).made
            policy = options(wanted, made).get("immutability_policy")
            if policy is not None:
                await blob.set_immutability_policy(policy)
            if wanted.legal_hold:
                await blob.set_legal_hold(True)
        except HttpResponseError as error:
            # 500 is what Azurite says to a SAS: it never passes, and no mail may wait for it.
            if is_passing(error) and error.status_code != 500:
                raise
            self._may_set = error.status_code not in (400, 403, 405, 500, 501)
            return False
        return True


def probe(wanted: Protection, now: dt.datetime) -> str:
    """Where the blob stands whose deletion is tried on this day (UTC) for this kind of protection."""
    kind = hashlib.sha256(wanted.model_dump_json().encode()).hexdigest()[:8]
    return f"{PROBE}-{now:%Y-%m-%d}-{kind}"


def options(wanted: Protection, made: dt.datetime | None = None) -> dict[str, Any]:
    """Keyword arguments of an upload; `made`: when the blob was made, by default now."""
    found: dict[str, Any] = {"legal_hold": True} if wanted.legal_hold else {}
    end = ends(wanted, made or _now())
    if wanted.mode in _MODES and end is not None:
        found["immutability_policy"] = ImmutabilityPolicy(expiry_time=end, policy_mode=_MODES[wanted.mode])
    return found


async def _deletion(blob: BlobClient) -> HttpResponseError | None:
    """The refusal; None where the blob is gone."""
    try:
        await blob.delete_blob()
    except ResourceNotFoundError:
        return None
    except HttpResponseError as error:
        if is_passing(error):
            raise
        return error
    return None


def _seen(properties: BlobProperties) -> Seen:
    policy = properties.immutability_policy
    mode = getattr(policy.policy_mode, "value", policy.policy_mode) or ""
    made: dt.datetime | None = properties.creation_time  # none from services of before 2017
    return Seen(made or _now(), policy.expiry_time, str(mode), bool(properties.has_legal_hold))


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
