"""What only Azure has: lost answers, throttling, credentials, and properties on the service."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient, ContainerSasPermissions, generate_container_sas

from sandbox.azurite import ACCOUNT, ACCOUNT_KEY
from stores.azure import AzureStore
from stores.azure_access import by_connection_string, by_sas, client_options
from stores.azure_recent import Recent
from stores.interface import (
    ChecksumError,
    StoreConflictError,
    Stored,
    StoreError,
    StoreUnavailableError,
)
from tests.stores.conftest import new_container
from tests.stores.faulty_proxy import Fault, FaultyProxy, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from sandbox.azurite import Azurite

pytestmark = pytest.mark.azurite

MAIL = "message/rfc822"
DATA = b"a mail of some length\r\n" * 500
SHA = hashlib.sha256(DATA).hexdigest()
LARGE = bytes(range(256)) * (20 << 10)


async def large() -> AsyncIterator[bytes]:
    """Yield 5 MiB in one piece."""
    yield LARGE


def play(azurite: Azurite, scenario: Callable[[AzureStore, FaultyProxy], Awaitable[None]]) -> None:
    """Play a scenario on a store that reaches Azurite through the proxy, and is quick to lose patience."""

    async def run() -> None:
        address = urlsplit(azurite.url)
        upstream = f"{address.scheme}://{address.netloc}"
        async with FaultyProxy(upstream).running() as proxy:
            connection = azurite.connection_string.replace(upstream, proxy.url)
            tuning = {"retries": 3, "backoff_s": 0, "read_timeout_s": 1}
            store = AzureStore(by_connection_string(connection, new_container().container, **tuning))
            try:
                await store.create("first", b"makes the container", content_type=MAIL)
                proxy.seen.clear()
                await scenario(store, proxy)
            finally:
                await store.close()

    asyncio.run(run())


def open_and_close(
    opened: Callable[[], AzureStore], scenario: Callable[[AzureStore], Awaitable[None]]
) -> None:
    """Play a scenario on a store of its own."""

    async def run() -> None:
        store = opened()
        try:
            await scenario(store)
        finally:
            await store.close()

    asyncio.run(run())


@pytest.mark.parametrize("kind", ["lost", "dropped", "slow", "status"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_put_survives(azurite: Azurite, kind: Kind, times: int) -> None:
    """Whether a request or its answer is lost, the bytes stand there once, and no error is seen."""

    async def scenario(store: AzureStore, proxy: FaultyProxy) -> None:
        proxy.faults.append(Fault("PUT", kind, times))
        stored = await store.create("ann/m.eml", DATA, content_type=MAIL)
        assert stored == Stored("ann/m.eml", len(DATA), SHA, created=kind != "lost")
        assert await store.read("ann/m.eml") == DATA
        assert proxy.faults[0].times == 0

    play(azurite, scenario)


@pytest.mark.parametrize("kind", ["lost", "dropped", "status"])
@pytest.mark.parametrize("comp", ["block", "blocklist"])
def test_an_upload_in_blocks_survives(azurite: Azurite, kind: Kind, comp: str) -> None:
    """Blocks and their commit are repeated with the same bytes, and a lost commit is recognised."""

    async def scenario(store: AzureStore, proxy: FaultyProxy) -> None:
        proxy.faults.append(Fault("PUT", kind, 2, comp))
        stored = await store.create("_content/ab/abc", large(), content_type="application/pdf")
        assert (stored.size, stored.created) == (len(LARGE), (kind, comp) != ("lost", "blocklist"))
        assert await store.read("_content/ab/abc") == LARGE

    play(azurite, scenario)


def test_a_lost_answer_never_hides_a_conflict(azurite: Azurite) -> None:
    """When the path is taken by other bytes, a lost answer changes nothing about that."""

    async def scenario(store: AzureStore, proxy: FaultyProxy) -> None:
        await store.create("m", b"other", content_type=MAIL)
        proxy.faults.append(Fault("PUT", "lost"))
        with pytest.raises(StoreConflictError):
            await store.create("m", DATA, content_type=MAIL)

    play(azurite, scenario)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("PUT", "status", 99),
        Fault("PUT", "status", 99, status=500, code="InternalError"),
        Fault("PUT", "status", 1, status=429, code="TooManyRequests"),
        Fault("PUT", "dropped", 99),
        Fault("PUT", "slow", 99),
    ],
    ids=["busy", "broken", "throttled", "dropped", "slow"],
)
def test_patience_ends_and_the_next_call_succeeds(azurite: Azurite, fault: Fault) -> None:
    """Beyond the retries of one call the caller is told to wait; nothing else has changed."""

    async def scenario(store: AzureStore, proxy: FaultyProxy) -> None:
        proxy.faults.append(Fault(**vars(fault)))
        with pytest.raises(StoreUnavailableError):
            await store.create("m", DATA, content_type=MAIL)
        proxy.faults.clear()
        assert (await store.create("m", DATA, content_type=MAIL)).created

    play(azurite, scenario)


@pytest.mark.parametrize("named", [True, False])
def test_a_proxy_of_the_environment_is_used(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch, *, named: bool
) -> None:
    """Where the environment names a proxy every request goes through it; elsewhere nobody looks for one again."""
    address = urlsplit(azurite.url)

    async def run() -> None:
        async with FaultyProxy(f"{address.scheme}://{address.netloc}").running() as proxy:
            if named:
                monkeypatch.setenv("HTTP_PROXY", proxy.url)
            store = AzureStore(by_connection_string(azurite.connection_string, new_container().container))
            try:
                await store.create("m", DATA, content_type=MAIL)
                assert await store.read("m") == DATA
            finally:
                await store.close()
            assert bool(proxy.seen) is named

    asyncio.run(run())


def test_a_refused_credential_is_no_reason_to_wait(azurite: Azurite) -> None:
    """403 says what the credential needs, at once."""

    async def scenario(store: AzureStore, proxy: FaultyProxy) -> None:
        proxy.faults.append(Fault("PUT", "status", status=403, code="AuthorizationPermissionMismatch"))
        with pytest.raises(StoreError, match="check the credential") as caught:
            await store.create("m", DATA, content_type=MAIL)
        assert not isinstance(caught.value, StoreUnavailableError)
        assert ACCOUNT_KEY not in str(caught.value)
        assert proxy.seen == ["PUT", "HEAD"]  # a look, since 403 may also mean "taken"

    play(azurite, scenario)


def test_a_service_that_is_not_there_is_waited_for() -> None:
    """Nobody listening is a reason to wait, for the first write and for every other call."""
    connection = f"AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};BlobEndpoint=http://127.0.0.1:9/{ACCOUNT};"

    async def scenario(store: AzureStore) -> None:
        for call in (store.check, lambda: store.read("m"), lambda: store.stat("m")):
            with pytest.raises(StoreUnavailableError, match="can't be reached"):
                await call()
        with pytest.raises(StoreUnavailableError):
            _ = [info async for info in store.list("")]

    access = {"retries": 1, "backoff_s": 0}
    open_and_close(lambda: AzureStore(by_connection_string(connection, "nowhere", **access)), scenario)


@pytest.mark.parametrize("kind", ["cut", "dropped", "status"])
def test_a_download_survives(azurite: Azurite, kind: Kind) -> None:
    """An answer that ends in the middle is asked for again; the bytes are whole."""

    async def scenario(store: AzureStore, proxy: FaultyProxy) -> None:
        await store.create("m", large(), content_type=MAIL)
        proxy.faults.append(Fault("GET", kind, 2))
        assert await store.read("m") == LARGE

    play(azurite, scenario)


@pytest.mark.usefixtures("copied_within")
@pytest.mark.parametrize("kind", ["lost", "dropped", "status"])
def test_a_copy_survives(azurite: Azurite, kind: Kind) -> None:
    """A copy within the service is verified as any other write."""

    async def scenario(store: AzureStore, proxy: FaultyProxy) -> None:
        await store.create("m", DATA, content_type=MAIL)
        proxy.seen.clear()
        proxy.faults.append(Fault("PUT", kind))
        copied = await store.copy("m", "ann/m", content_type=MAIL, metadata={"n": "1"}, sha256=SHA)
        assert copied == Stored("ann/m", len(DATA), SHA, created=kind != "lost")
        info = await store.stat("ann/m")
        assert info is not None
        assert (info.sha256, info.content_type, dict(info.metadata)) == (SHA, MAIL, {"n": "1"})
        assert "GET" not in proxy.seen

    play(azurite, scenario)


@pytest.mark.usefixtures("copied_within")
@pytest.mark.parametrize(("status", "code"), [(403, "CannotVerifyCopySource"), (501, "NotImplemented")])
def test_a_copy_that_the_service_refuses_goes_through_here(azurite: Azurite, status: int, code: str) -> None:
    """Where the service may not read the source, this process carries the bytes, and doesn't ask again."""

    async def scenario(store: AzureStore, proxy: FaultyProxy) -> None:
        await store.create("m", DATA, content_type=MAIL)
        proxy.faults.append(Fault("PUT", "status", status=status, code=code))
        for path in ("ann/m", "bob/m"):
            assert (await store.copy("m", path, content_type=MAIL, sha256=SHA)).created
        assert proxy.seen.count("GET") == 2

    play(azurite, scenario)


@pytest.mark.parametrize("kind", ["lost", "dropped", "status", None])
def test_a_small_mail_that_was_just_stored_is_sent_again(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch, kind: Kind | None
) -> None:
    """Its copies ask nothing of the service that a mail does not, and are verified as it is."""
    monkeypatch.delattr("stores.azure_upload.Upload.copy")

    async def scenario(store: AzureStore, proxy: FaultyProxy) -> None:
        await store.create("m", DATA, content_type=MAIL)
        proxy.seen.clear()
        if kind is not None:
            proxy.faults.append(Fault("PUT", kind))
        copied = await store.copy("m", "ann/m", content_type=MAIL, metadata={"n": "1"}, sha256=SHA)
        assert copied == Stored("ann/m", len(DATA), SHA, created=kind != "lost")
        assert "GET" not in proxy.seen
        info = await store.stat("ann/m")
        assert info is not None
        assert (info.sha256, info.content_type, dict(info.metadata)) == (SHA, MAIL, {"n": "1"})
        with pytest.raises(ChecksumError):
            await store.copy("m", "bob/m", content_type=MAIL, sha256="0" * 64)

    play(azurite, scenario)


def test_what_was_just_sent_is_kept_within_bounds() -> None:
    """The last bodies, none that is large, and each only for its path and hash."""
    recent = Recent(largest=60, total=100)
    recent.note("large", "l", bytes(61))
    for number in range(5):
        recent.note(f"m{number}", str(number), bytes(40))
    recent.note("m4", "new", bytes(41))
    assert [recent.of(f"m{number}", str(number)) for number in range(5)] == [
        None,
        None,
        None,
        bytes(40),
        None,
    ]
    assert (recent.of("m4", "new"), recent.of("large", "l"), recent.of("m3", "4")) == (bytes(41), None, None)


@pytest.mark.parametrize("kind", ["lost", "dropped", "status", None])
def test_a_very_large_blob_is_copied_within_the_service_too(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch, kind: Kind | None
) -> None:
    """In blocks that the service reads by itself: a mail of a gigabyte does not pass through here for each mailbox."""
    monkeypatch.setattr("stores.azure_upload.COPY_LIMIT", 1 << 20)
    monkeypatch.setattr("stores.azure_upload.COPIED_BLOCK", 1_500_000)

    async def scenario(store: AzureStore, proxy: FaultyProxy) -> None:
        proxy.keeps_host = True  # Azurite copies from its own address alone
        stored = await store.create("m", large(), content_type=MAIL)
        proxy.seen.clear()
        if kind is not None:
            proxy.faults.append(Fault("PUT", kind))
        copied = await store.copy("m", "ann/m", content_type=MAIL, sha256=stored.sha256)
        assert copied.created
        assert not (await store.copy("m", "ann/m", content_type=MAIL, sha256=stored.sha256)).created
        assert "GET" not in proxy.seen
        assert await store.read("ann/m") == LARGE

    play(azurite, scenario)


@pytest.mark.usefixtures("copied_within")
@pytest.mark.parametrize("limit", [1 << 30, 1])
def test_a_source_that_was_replaced_is_not_copied(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """A mail that somebody overwrote behind our back is found out before its copy is made, in one piece or in blocks."""
    monkeypatch.setattr("stores.azure_upload.COPY_LIMIT", limit)

    async def scenario(store: AzureStore, proxy: FaultyProxy) -> None:
        proxy.keeps_host = True
        await store.create("m", DATA, content_type=MAIL)
        raw = store._container.get_blob_client("m")
        await raw.upload_blob(b"forged", overwrite=True)
        with pytest.raises(ChecksumError):
            await store.copy("m", "ann/m", content_type=MAIL, sha256=SHA)
        assert await store.stat("ann/m") is None

    play(azurite, scenario)


def test_a_blob_without_a_noted_hash_is_read_to_compare(azurite: Azurite) -> None:
    """Bytes that another program stored are the same bytes, if they are."""

    async def scenario(store: AzureStore, proxy: FaultyProxy) -> None:
        await store._container.get_blob_client("m").upload_blob(DATA)
        stored = await store.create("m", DATA, content_type=MAIL)
        assert stored == Stored("m", len(DATA), SHA, created=False)
        with pytest.raises(StoreConflictError):
            await store.create("m", DATA[1:], content_type=MAIL)

    play(azurite, scenario)


def test_the_service_knows_type_metadata_and_md5(azurite: Azurite) -> None:
    """Somebody else's client sees what a mail is, and can check it."""

    async def scenario(store: AzureStore, proxy: FaultyProxy) -> None:
        await store.create("m", DATA, content_type=MAIL, metadata={"mail_id": "abc"})
        name = store._container.container_name
        with BlobServiceClient.from_connection_string(azurite.connection_string) as client:
            properties = client.get_blob_client(name, "m").get_blob_properties()
        assert properties.metadata == {"mail_id": "abc", "sha256": SHA}
        assert properties.content_settings.content_type == MAIL
        md5 = hashlib.md5(DATA, usedforsecurity=False).digest()
        assert bytes(properties.content_settings.content_md5 or b"") == md5

    play(azurite, scenario)


@pytest.mark.parametrize("as_address", [False, True])
def test_a_sas_that_may_create_and_read_is_enough(azurite: Azurite, *, as_address: bool) -> None:
    """Least privilege: mails need no right to overwrite, delete or make containers; uploads in blocks do."""
    name = new_container().container
    with BlobServiceClient.from_connection_string(azurite.connection_string) as client:
        client.create_container(name).close()
    token = generate_container_sas(
        ACCOUNT,
        name,
        account_key=ACCOUNT_KEY,
        permission=ContainerSasPermissions(read=True, create=True, list=True),
        expiry=dt.datetime.now(dt.UTC) + dt.timedelta(hours=1),
    )
    sas = f"{azurite.url}/{name}?{token}" if as_address else token

    async def scenario(store: AzureStore) -> None:
        await store.check()
        assert (await store.create("m", DATA, content_type=MAIL)).created
        assert not (await store.create("m", DATA, content_type=MAIL)).created
        with pytest.raises(StoreConflictError):
            await store.create("m", b"other", content_type=MAIL)
        assert (await store.copy("m", "ann/m", content_type=MAIL, sha256=SHA)).created
        assert [info.path async for info in store.list("")] == ["ann/m", "m"]
        with pytest.raises(StoreError, match="check the credential"):  # blocks need the right to write
            await store.create("large", large(), content_type=MAIL)
        with pytest.raises(HttpResponseError):
            await store._container.get_blob_client("m").delete_blob()

    open_and_close(lambda: AzureStore(by_sas(azurite.url, name, sas)), scenario)


def test_the_first_retry_comes_soon() -> None:
    """Within two seconds where the library's default would wait fifteen, and all waits within 25."""
    retry = client_options()["retry_policy"]
    waits = [retry.get_backoff_time({"count": count}) for count in range(4)]
    assert waits[0] <= 2
    assert sum(waits) < 25


def test_without_leave_to_create_it_a_missing_container_is_named(azurite: Azurite) -> None:
    """Where the container may not be made, the error says who has to make it."""
    access = (azurite.connection_string, new_container().container)

    async def scenario(store: AzureStore) -> None:
        with pytest.raises(StoreError, match="create the container"):
            await store.create("m", DATA, content_type=MAIL)
        assert await store.stat("m") is None

    open_and_close(lambda: AzureStore(by_connection_string(*access), create_container=False), scenario)
