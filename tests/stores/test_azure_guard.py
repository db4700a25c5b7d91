"""Write-once protection: what is asked for, what is read back, and when the word "immutable" may be said."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient, ContainerSasPermissions, generate_container_sas
from hypothesis import given
from hypothesis import strategies as st

from sandbox.azurite import ACCOUNT, ACCOUNT_KEY
from stores.azure import AzureStore
from stores.azure_access import by_connection_string, by_sas
from stores.interface import StoreConflictError
from stores.protection import Protection, Protections, Seen, lacks, strictest
from tests.stores.conftest import new_container
from tests.stores.worm_proxy import WormProxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from sandbox.azurite import Azurite

MAIL = "message/rfc822"
LOCKED = Protection(days=30, mode="locked")
HELD = Protection(legal_hold=True)
DATA = b"a mail\r\n"
SHA = hashlib.sha256(DATA).hexdigest()
NOW = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


def play(
    azurite: Azurite, scenario: Callable[[AzureStore, WormProxy], Awaitable[None]], protections: Protections,
    *, direct: bool = False, **behaviour: Any,
) -> None:  # fmt: skip
    """Play a scenario on a store that reaches Azurite through the enforcing proxy, or as it is."""

    async def run() -> None:
        address = urlsplit(azurite.url)
        upstream = f"{address.scheme}://{address.netloc}"
        proxy = WormProxy(upstream, keeps_host=True, **behaviour)
        async with proxy.running():
            connection = azurite.connection_string
            if not direct:
                connection = connection.replace(upstream, proxy.url)
            access = by_connection_string(connection, new_container().container, retries=1, backoff_s=0)
            store = AzureStore(access, protections=protections)
            try:
                await scenario(store, proxy)
            finally:
                await store.close()

    asyncio.run(run())


async def large() -> AsyncIterator[bytes]:
    """Yield 5 MiB."""
    yield bytes(5 << 20)


def said(store: AzureStore) -> str:
    """What may be said of the store's protection."""
    return str(store.safeguard)


@pytest.mark.azurite
@pytest.mark.parametrize("within", [True, False])
def test_every_way_of_writing_is_protected(
    azurite: Azurite, request: pytest.FixtureRequest, *, within: bool
) -> None:
    """In one request, in blocks and by a copy within the service: the policy is there, and nobody can delete or overwrite."""
    if within:
        request.getfixturevalue("copied_within")

    async def scenario(store: AzureStore, proxy: WormProxy) -> None:
        await store.prove()
        await store.create("m.eml", DATA, content_type=MAIL)
        await store.create("_content/large", large(), content_type="application/pdf")
        await store.copy("m.eml", "ana/m.eml", content_type=MAIL, sha256=SHA)
        assert re.fullmatch(
            r"immutable since [-0-9]+ [:0-9]+ UTC: retention of 30 days; a deletion was tried and refused",
            said(store),
        )  # what was stored before, by other settings, is not spoken for
        for path in ("m.eml", "_content/large", "ana/m.eml"):
            raw = store._container.get_blob_client(path)
            kept = proxy.blobs[urlsplit(raw.url).path]
            assert kept.until is not None
            assert (kept.mode, round((kept.until - dt.datetime.now(dt.UTC)) / dt.timedelta(days=1))) == (
                "Locked",
                30,
            )
            for attempt in (raw.delete_blob(), raw.upload_blob(b"forged", overwrite=True)):
                with pytest.raises(HttpResponseError, match="BlobImmutableDueToPolicy"):
                    await attempt
        assert not (await store.create("m.eml", DATA, content_type=MAIL)).created
        with pytest.raises(StoreConflictError):
            await store.create("m.eml", b"other", content_type=MAIL)

    play(azurite, scenario, Protections(LOCKED, {}))


@pytest.mark.azurite
def test_a_service_that_ignores_the_policy_is_found_out(azurite: Azurite) -> None:
    """Azurite says 201 and protects nothing: neither probe nor read-back takes its word, and the mail is stored all the same."""

    async def scenario(store: AzureStore, _: WormProxy) -> None:
        await store.prove()
        assert said(store).startswith(
            "not enforced: asked for retention of 30 days, but a blob could be deleted"
        )
        assert (await store.create("m.eml", DATA, content_type=MAIL)).created
        assert said(store) == "not enforced: m.eml: no immutability policy"

    play(azurite, scenario, Protections(LOCKED, {}), direct=True)


@pytest.mark.azurite
def test_a_policy_that_came_unlocked_is_locked(azurite: Azurite) -> None:
    """An upload's own policy may be unlocked whatever was asked for; what was read back is set right, and read again."""

    async def scenario(store: AzureStore, proxy: WormProxy) -> None:
        await store.create("m.eml", DATA, content_type=MAIL)
        assert {kept.mode for path, kept in proxy.blobs.items() if path.endswith(".eml")} == {"Locked"}
        assert said(store) == "None"  # nothing was proved, and nothing is missing

    play(azurite, scenario, Protections(LOCKED, {}), locks_late=True)


@pytest.mark.azurite
@pytest.mark.parametrize(
    ("days", "word"), [(30, "immutable"), (7, "not enforced: m.eml: its policy ends on")]
)
def test_a_policy_of_the_container_is_read_back_too(azurite: Azurite, days: int, word: str) -> None:
    """Nothing is set, which needs no right to; a policy that is too short is named."""

    async def scenario(store: AzureStore, proxy: WormProxy) -> None:
        await store.prove()
        proxy.seen.clear()
        await store.create("m.eml", DATA, content_type=MAIL)
        assert said(store).startswith(word)

    wanted = Protection(days=30, mode="inherited")
    play(azurite, scenario, Protections(wanted, {}), inherited=dt.timedelta(days=days))


@pytest.mark.azurite
def test_without_the_right_to_delete_nothing_is_proved(azurite: Azurite) -> None:
    """A credential that may delete nothing can't show that nobody may: the word is not said, the read-back is."""

    async def scenario(store: AzureStore, _: WormProxy) -> None:
        await store.prove()
        assert said(store).startswith("unproven: legal hold")
        assert "immutable" not in said(store)

    play(azurite, scenario, Protections(HELD, {}), may_delete=False)


@pytest.mark.azurite
def test_a_policy_that_has_ended_proves_nothing_though_the_blob_stays(azurite: Azurite) -> None:
    """Somebody else holds it: of an old mail a policy that has ended lacks nothing, of the probe it has to hold now."""

    async def scenario(store: AzureStore, proxy: WormProxy) -> None:
        found = await store.prove()
        assert found is not None
        assert found.state == "not enforced"
        assert "its policy has ended; something else keeps it" in found.why

    wanted = Protections(Protection(days=30, mode="inherited"), {})
    play(
        azurite, scenario, wanted, holds_all=True, inherited=dt.timedelta(seconds=-1), behind=dt.timedelta(days=2)
    )  # fmt: skip


@pytest.mark.azurite
def test_a_probe_whose_day_is_over_is_written_anew(azurite: Azurite) -> None:
    """A deletion that succeeds then proves nothing; the second one is refused."""

    async def scenario(store: AzureStore, proxy: WormProxy) -> None:
        await store.check()
        for _ in range(2):
            await store.prove()
            assert said(store).startswith("immutable")
            for kept in proxy.blobs.values():
                kept.until = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)

    play(azurite, scenario, Protections(LOCKED, {}))


@pytest.mark.azurite
def test_each_connector_has_its_own(azurite: Azurite) -> None:
    """Files, which connectors share, go by the strictest; who asked for nothing gets nothing."""

    async def scenario(store: AzureStore, proxy: WormProxy) -> None:
        for uid in ("strict", "held", "free"):
            await store.create(f"{uid}.eml", DATA, content_type=MAIL, metadata={"connector": uid})
        await store.create("_content/x", DATA, content_type=MAIL)
        found = {path.rpartition("/")[2]: kept for path, kept in proxy.blobs.items()}
        assert {name: (kept.until is not None, kept.held) for name, kept in found.items()} == {
            "strict.eml": (True, False), "held.eml": (False, True), "free.eml": (False, False), "x": (True, True),
        }  # fmt: skip

    play(azurite, scenario, Protections(None, {"strict": LOCKED, "held": HELD}))


@pytest.mark.parametrize(
    ("wanted", "seen", "lacking"),
    [
        (LOCKED, Seen(NOW), "no immutability policy"),
        (LOCKED, Seen(NOW, NOW + dt.timedelta(days=30), "Unlocked"), "its policy is not locked"),
        (LOCKED, Seen(NOW, NOW + dt.timedelta(days=29), "Locked"), "its policy ends on 2026-03-31 and not on 2026-04-01"),
        (LOCKED, Seen(NOW, NOW + dt.timedelta(days=30), "Mutable"), "no immutability policy"),
        (LOCKED, Seen(NOW, NOW + dt.timedelta(days=99), "locked"), None),
        (LOCKED, Seen(NOW - dt.timedelta(days=31)), None),  # its time is over
        (LOCKED, Seen(NOW - dt.timedelta(days=29), NOW + dt.timedelta(days=1), "locked"), None),
        (Protection(days=30), Seen(NOW, NOW + dt.timedelta(days=30), "unlocked"), None),
        (HELD, Seen(NOW), "no legal hold"),
        (HELD, Seen(NOW, held=True), None),
    ],
)  # fmt: skip
def test_what_a_blob_lacks(wanted: Protection, seen: Seen, lacking: str | None) -> None:
    """Days count from the making of the blob, so that a replay years later asks for no more."""
    assert lacks(wanted, seen, NOW) == lacking


@given(
    st.lists(
        st.builds(
            Protection,
            days=st.integers(1, 90),
            mode=st.sampled_from(["locked", "unlocked"]),
            legal_hold=st.booleans(),
        ),
        min_size=1,
    )
)
def test_the_strictest_satisfies_each(some: list[Protection]) -> None:
    """A blob that is protected by it lacks nothing of what any of them asks."""
    whole = strictest(some)
    assert whole is not None
    assert whole.days is not None
    seen = Seen(NOW, NOW + dt.timedelta(days=whole.days), whole.mode, whole.legal_hold)
    assert all(lacks(one, seen, NOW) is None for one in some)


def test_protection_of_nothing_is_refused() -> None:
    """A section that asks for nothing is a slip."""
    with pytest.raises(ValueError, match="legal_hold"):
        Protection()
    assert Protections(None, {}).strictest is None


@pytest.mark.azurite
@pytest.mark.usefixtures("copied_within")
def test_a_sas_that_may_not_delete_does_everything_else(azurite: Azurite) -> None:
    """Read, create, write and list: also in blocks; a deletion is refused, which proves nothing about policies."""
    name = new_container().container
    with BlobServiceClient.from_connection_string(azurite.connection_string) as client:
        client.create_container(name).close()
    token = generate_container_sas(
        ACCOUNT, name, account_key=ACCOUNT_KEY, permission=ContainerSasPermissions.from_string("rcwl"),
        expiry=dt.datetime.now(dt.UTC) + dt.timedelta(hours=1),
    )  # fmt: skip

    async def run() -> None:
        store = AzureStore(
            by_sas(azurite.url, name, token, retries=0, backoff_s=0),
            create_container=False,
            protections=Protections(LOCKED, {}),
        )
        try:
            assert (await store.create("_content/x", large(), content_type=MAIL)).created
            stored = await store.create("m.eml", DATA, content_type=MAIL)
            assert (await store.copy("m.eml", "ana/m.eml", content_type=MAIL, sha256=stored.sha256)).created
            assert len([one async for one in store.list()]) == 3
            with pytest.raises(HttpResponseError, match="AuthorizationPermissionMismatch"):
                await store._container.get_blob_client("m.eml").delete_blob()
            assert str(await store.prove()).startswith("not enforced: ")  # as read back
        finally:
            await store.close()

    asyncio.run(run())
