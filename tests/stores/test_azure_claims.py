"""Where the word "immutable" would claim too much: other connectors, former settings, what happens to keep the probe."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from stores.protection import Protection, Protections, Safeguard, Seen, lacks_now
from tests.stores.test_azure_guard import HELD, LOCKED, NOW, play, said

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.azurite import Azurite
    from stores.azure import AzureStore
    from tests.stores.worm_proxy import WormProxy

DAY = dt.timedelta(days=1)
INHERITED = Protection(days=30, mode="inherited")


@pytest.mark.azurite
@pytest.mark.parametrize(
    ("everybody", "bare"), [((), "mails of other connectors are"), (("lp", "wx"), "mails of wx are")]
)
def test_who_is_not_protected_is_named(azurite: Azurite, everybody: Iterable[str], bare: str) -> None:
    """Where one connector's mails are protected and another's can be deleted, the archive is immutable in part only."""

    async def scenario(store: AzureStore, _: WormProxy) -> None:
        await store.prove()
        found = said(store)
        assert found.startswith("partly immutable since ")
        assert f"{bare} not protected; lp: retention of 30 days; a deletion was tried and refused" in found

    play(azurite, scenario, Protections(None, {"lp": LOCKED}, everybody))


@pytest.mark.azurite
def test_each_connectors_own_protection_is_said_and_proved(azurite: Azurite) -> None:
    """That one kind is enforced says nothing of another."""

    async def scenario(store: AzureStore, proxy: WormProxy) -> None:
        await store.prove()
        found = said(store)
        assert found.startswith("immutable since ")
        assert (
            "lp: retention of 30 days; wx: legal hold, which an administrator can lift; a deletion" in found
        )
        assert sorted((kept.until is not None, kept.held) for kept in proxy.blobs.values()) == [
            (False, True), (True, False), (True, True),
        ]  # fmt: skip

    play(azurite, scenario, Protections(None, {"lp": LOCKED, "wx": HELD}, ("lp", "wx")))


@pytest.mark.azurite
def test_what_keeps_the_probe_has_to_be_what_is_wanted(azurite: Azurite) -> None:
    """Neither a hold that somebody set, nor the probe of former settings, proves a policy of the container that isn't there."""

    async def scenario(store: AzureStore, proxy: WormProxy) -> None:
        await store.prove()
        assert said(store).startswith("immutable since ")
        store._guard._protections = Protections(INHERITED, {})
        await store.prove()
        assert said(store).startswith(
            "not enforced: asked for retention of 30 days, inherited, but a blob could"
        )
        proxy.holds_all = True
        await store.prove()
        assert said(store).endswith(": no immutability policy; something else keeps it")

    play(azurite, scenario, Protections(HELD, {}))


@pytest.mark.parametrize(
    ("wanted", "seen", "lacking"),
    [
        (LOCKED, Seen(NOW, NOW + DAY, "locked"), None),
        (LOCKED, Seen(NOW, NOW + DAY, "unlocked"), "its policy is not locked"),
        (LOCKED, Seen(NOW - 2 * DAY, NOW - DAY, "locked", held=True), "its policy has ended"),
        (INHERITED, Seen(NOW - 2 * DAY, held=True), "no immutability policy"),
        (INHERITED, Seen(NOW, by_container=True), None),
        (HELD, Seen(NOW, NOW + DAY, "locked"), "no legal hold"),
    ],
)
def test_what_has_ended_keeps_nothing(wanted: Protection, seen: Seen, lacking: str | None) -> None:
    """A blob that stands there although its time is over is kept by something else."""
    assert lacks_now(wanted, seen, NOW) == lacking


def test_a_store_whose_connectors_all_have_their_own_is_protected_whole() -> None:
    """With all of them named nobody is left; a common protection leaves nobody either."""
    assert Protections(None, {"lp": LOCKED}, ["lp"]).bare == ""
    assert Protections(HELD, {"lp": LOCKED}, ["lp", "wx"]).bare == ""
    assert str(Safeguard("unproven", "why")) == "unproven: why"
