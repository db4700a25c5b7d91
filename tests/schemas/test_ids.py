"""Identities: the same thing has the same id everywhere, and no two things share one."""

import json
import subprocess
import sys
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import ids
from streams.defaults import default_settings

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=12)  # lone surrogates included
PARTS = st.lists(st.one_of(ANY_TEXT, st.binary(max_size=12)), max_size=4)


def as_bytes(parts: list[str | bytes]) -> list[bytes]:
    """What the parts say; text and its bytes are the same."""
    return [one.encode("utf-8", "surrogatepass") if isinstance(one, str) else one for one in parts]


@given(st.lists(st.binary(min_size=ids.ID_BYTES, max_size=ids.ID_BYTES), max_size=5))
def test_packed_ids_come_back_as_they_were(each: list[bytes]) -> None:
    """In their order, repeats included."""
    assert ids.split(b"".join(each)) == each


@given(PARTS, PARTS)
def test_parts_never_run_together(one: list[str | bytes], other: list[str | bytes]) -> None:
    """("ab", "c") and ("a", "bc") are two things; any text has an id, lone surrogates included."""
    same = as_bytes(one) == as_bytes(other)

    assert (ids.digest("event", *one) == ids.digest("event", *other)) == same
    assert len(ids.digest("event", *one)) == ids.ID_BYTES


@pytest.mark.parametrize("cut", range(4))
def test_borders_count(cut: int) -> None:
    """The same letters, cut elsewhere."""
    whole = "abc"
    others = [n for n in range(4) if n != cut]
    found = ids.digest("x", whole[:cut], whole[cut:])

    assert all(found != ids.digest("x", whole[:n], whole[n:]) for n in others)
    assert found != ids.digest("x", whole)
    assert found != ids.digest("y", whole[:cut], whole[cut:])


@given(st.tuples(ANY_TEXT, ANY_TEXT, ANY_TEXT), st.tuples(ANY_TEXT, ANY_TEXT, ANY_TEXT))
def test_slices_have_names_of_their_own(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    """Whatever a source puts into its ids, quotation marks and brackets included."""
    assert (ids.slice_key(*one) == ids.slice_key(*other)) == (one == other)
    assert ids.slice_key(*one) == json.dumps(one, separators=(",", ":"))
    assert ids.slice_key(*one).isascii()


def test_names_of_any_length_do_not_stay_in_memory() -> None:
    """They are remembered, since each record asks for one; a source that makes them long shall not fill the memory."""
    tracemalloc.start()
    for number in range(64):
        assert len(ids.slice_key("uid", f"{number}" * 200_000, "all")) > 200_000
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 2_000_000


def test_content_and_source_make_an_event() -> None:
    """The same key with other content is another event; so is the same in another connector."""
    one = ids.event_id("uid", "key", b"text")

    assert one == ids.event_id("uid", "key", b"text")
    assert (
        len(
            {
                one,
                ids.event_id("uid", "key"),
                ids.event_id("uid2", "key", b"text"),
                ids.event_id("uid", "key2", b"text"),
            }
        )
        == 4
    )


@given(st.lists(st.binary(min_size=16, max_size=16), max_size=5), st.randoms())
def test_a_closing_is_named_by_its_events_in_any_order(events: list[bytes], chance: Any) -> None:
    """Format and settings are part of the name: other bytes, another mail."""
    shuffled = list(events)
    chance.shuffle(shuffled)
    one = ids.closing_id("k", events, 1, "v")

    assert one == ids.closing_id("k", shuffled, 1, "v")
    assert len({one, ids.closing_id("k", events, 2, "v"), ids.closing_id("k", events, 1, "w"),
                ids.closing_id("l", events, 1, "v")}) == 4  # fmt: skip


def test_parts_of_a_mail_have_names_of_their_own() -> None:
    """The first is the closing itself."""
    closing = bytes(16)

    assert ids.mail_id(closing, 1) == closing
    assert len({ids.mail_id(closing, number) for number in range(1, 100)}) == 99


def test_closings_are_keyed_by_position() -> None:
    """A repeat replaces itself in the compacted topic, and nothing else."""
    assert ids.closing_key("live", "k", 7) == b"live|k|00000000000000000007"
    assert ids.closing_key("replay", "k", 7) != ids.closing_key("live", "k", 7)


def test_settings_are_named_by_what_they_say() -> None:
    """Every field but the version itself, in any order of keys."""
    settings = default_settings("uid", "webex")
    turned: Any = dict(reversed(list(settings.items())))

    assert settings["version"] == ids.settings_version(settings) == ids.settings_version(turned)
    for name in settings.keys() - {"version"}:
        changed: Any = {**settings, name: "changed"}
        assert ids.with_version(changed)["version"] != settings["version"]


def test_mappings_are_named_by_what_they_say() -> None:
    """Rows, domains and catch-all; a row is not its neighbour's."""
    versions = {
        ids.mapping_version(rows, domains, catch)
        for rows in ([], [("a", "b")], [("a", "b"), ("c", "d")], [("ab", "")])
        for domains in ([], ["a"]) for catch in (None, "", "a")
    }  # fmt: skip
    assert len(versions) == 24


def test_ids_do_not_depend_on_the_process() -> None:
    """Another process with another hash seed gives the same ones."""
    code = (
        "import json,sys; from schemas import ids; from streams.defaults import default_settings as d; "
        "print(json.dumps([ids.event_id('u','k',b'p').hex(), ids.delivery_key(b'm','p').hex(), d('u','webex')['version']]))"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
                       capture_output=True, check=True, text=True).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    here = [
        ids.event_id("u", "k", b"p").hex(),
        ids.delivery_key(b"m", "p").hex(),
        default_settings("u", "webex")["version"],
    ]
    assert json.loads(runs[0]) == json.loads(runs[1]) == here
