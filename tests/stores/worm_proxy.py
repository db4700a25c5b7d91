"""A proxy in front of Azurite that protects blobs as Azure documents it, since Azurite ignores what it is asked for.

https://learn.microsoft.com/rest/api/storageservices/put-blob, set-blob-immutability-policy, set-blob-legal-hold, delete-blob
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from email.utils import format_datetime, parsedate_to_datetime

from aiohttp import web

from tests.stores.faulty_proxy import FaultyProxy

UNTIL, MODE, HOLD = "x-ms-immutability-policy-until-date", "x-ms-immutability-policy-mode", "x-ms-legal-hold"
MADE = "x-ms-creation-time"


@dataclass
class Kept:
    """What protects one blob."""

    until: dt.datetime | None = None
    mode: str = "Unlocked"
    held: bool = False

    def refusal(self) -> str | None:
        """Azure's word for why the blob can't be changed or deleted now."""
        if self.held:
            return "BlobImmutableDueToLegalHold"
        return "BlobImmutableDueToPolicy" if self.until and self.until > dt.datetime.now(dt.UTC) else None

    def headers(self) -> dict[str, str]:
        """As they stand in the answer to Get Blob and Get Blob Properties."""
        told = {HOLD: "true"} if self.held else {}
        return told if self.until is None else {
            **told, UNTIL: format_datetime(self.until, usegmt=True), MODE: self.mode.lower()
        }  # fmt: skip


@dataclass
class WormProxy(FaultyProxy):
    """Enforces policies and holds of blobs; `blobs` says what protects which, by path."""

    blobs: dict[str, Kept] = field(default_factory=dict)
    inherited: dt.timedelta | None = None
    """The container's default policy, locked, for every new blob."""
    locks_late: bool = False
    """A policy that comes with an upload is unlocked, whatever was asked for."""
    behind: dt.timedelta = dt.timedelta()
    """The service's clock, as far as it says when a blob was made."""
    holds_all: bool = False
    """Somebody else holds every new blob."""
    may_delete: bool = True
    """Whether the credential may; it is asked before the policy is."""

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path, comp = request.path, request.query.get("comp")
        kept = self.blobs.get(path, Kept())
        if request.method == "DELETE" and not self.may_delete:
            return _refused(403, "AuthorizationPermissionMismatch")
        overwrites = (
            request.method == "PUT" and comp in (None, "blocklist") and "If-None-Match" not in request.headers
        )
        if kept.refusal() and (request.method == "DELETE" or overwrites or comp == "metadata"):
            return _refused(409, str(kept.refusal()))
        if request.method == "PUT" and comp in ("immutabilityPolicies", "legalhold"):
            return self._set(path, request)
        answer = await super()._handle(request)
        return self._kept(request, answer)

    def _kept(self, request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
        path, is_blob = request.path, request.path.count("/") > 2
        if (
            request.method == "PUT"
            and is_blob
            and answer.status in (201, 202)
            and request.query.get("comp") != "block"
        ):
            self.blobs[path] = self._wanted(request)
        if request.method == "DELETE" and answer.status == 202:
            self.blobs.pop(path, None)
        if request.method in ("GET", "HEAD") and answer.status < 300:
            answer.headers.update(self.blobs.get(path, Kept()).headers())
            if MADE in answer.headers:
                made = parsedate_to_datetime(answer.headers[MADE]) - self.behind
                answer.headers[MADE] = format_datetime(made, usegmt=True)
        return answer

    def _wanted(self, request: web.Request) -> Kept:
        if UNTIL in request.headers:
            mode = "Unlocked" if self.locks_late else request.headers.get(MODE, "Unlocked")
            kept = Kept(parsedate_to_datetime(request.headers[UNTIL]), mode)
        else:
            kept = Kept(dt.datetime.now(dt.UTC) + self.inherited if self.inherited else None, "Locked")
        kept.held = self.holds_all or request.headers.get(HOLD) == "true"
        return kept

    def _set(self, path: str, request: web.Request) -> web.StreamResponse:
        kept = self.blobs.setdefault(path, Kept())
        if HOLD in request.headers:
            kept.held = request.headers[HOLD] == "true"
            return web.Response(headers={HOLD: request.headers[HOLD]})
        until = parsedate_to_datetime(request.headers[UNTIL])
        if kept.mode == "Locked" and kept.until and until < kept.until:
            return _refused(409, "ImmutabilityPolicyCannotBeShortened")
        kept.until, kept.mode = until, request.headers.get(MODE, "Unlocked")
        return web.Response(headers=kept.headers())


def _refused(status: int, code: str) -> web.Response:
    return web.Response(status=status, headers={"x-ms-error-code": code})
