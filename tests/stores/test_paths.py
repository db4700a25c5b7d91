"""Paths: readable, safe on every file system, and never the same for two things."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stores.interface import BadPathError
from stores.paths import LIMIT, check_path, content_path, copy_path, mail_path, safe_name

DAY = dt.date(2026, 11, 21)
UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
WEBEX = "Y2lzY29zcGFyazovL3VzL1JPT00vYmJjZWIxYWQtNDNmMS0zYjU4LTkxNDctZjE0YmIwYzRkMTU0"

# Texts that look alike to some file system, beside texts of any kind.
hostile = st.sampled_from(
    ["", ".", "..", "a", "A", "a-b", "b-c", "c", "con", "CON", "nul.txt", "a.", "a ", "a_", "a/", "a?", "~", "a~",
     "é", "e\u0301", "É", "ß", "ss", "ſ", "s", "K", "k", "\u212a", "ı", "I", "i", "İ", "\u200b", "\udc80", "🎉", "x" * 300,
     "ς", "σ", "Σ", "1", "2026-11-21", "a-2026-11-21", "a-1", "r0", "a-r0", UUID, WEBEX, WEBEX.lower(), "_mails"]
)  # fmt: skip
texts = hostile | st.text(max_size=40) | st.text(alphabet="aA-1._", max_size=12) | st.text(max_size=300)
numbers = st.integers(0, 11)


@st.composite
def copies(draw: st.DrawFn) -> tuple[str, str, dt.date, str, str, str, int, int, int]:
    """Draw the arguments of one copy."""
    parts = draw(st.integers(1, 3))
    day = draw(st.dates(dt.date(2025, 1, 1), dt.date(2026, 12, 31)))
    words = [draw(texts) for _ in range(5)]
    return (
        words[0],
        words[1],
        day,
        words[2],
        words[3],
        words[4],
        draw(numbers),
        draw(st.integers(1, parts)),
        parts,
    )


def path_of(copy: tuple[str, str, dt.date, str, str, str, int, int, int]) -> str:
    """Return the path of a drawn copy."""
    mailbox, folder, day, uid, conversation, label, revision, part, parts = copy
    return copy_path(
        mailbox, folder, day=day, connector_uid=uid, conversation=conversation, slice=label,
        revision=revision, part=part, parts=parts,
    )  # fmt: skip


def as_a_careless_file_system(path: str) -> str:
    """Return what is left of a name where case and Unicode form don't count."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).upper().casefold())
    return unicodedata.normalize("NFKC", folded.casefold())


def assert_safe(path: str) -> None:
    """Assert that a path can be held by Windows, macOS, Linux and Azure alike."""
    assert check_path(path) == path
    for part in path.split("/"):
        assert len(part.encode()) <= LIMIT
        assert not re.search(r'[<>:"\\|?*\x00-\x1f\x7f]', part)
        assert part[-1] not in ". "
        assert part[0] not in ". "
        assert not re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", part)
        assert all(unicodedata.category(char) not in ("Cc", "Cf", "Cs") for char in part)


def test_common_paths_are_plain() -> None:
    """What a person will mostly see has no hash in it."""
    path = copy_path(
        "anna.keller@example.com", "LivePerson Conversational Cloud DataParser", day=DAY,
        connector_uid="lp7f3a", conversation=UUID, slice="0", revision=0,
    )  # fmt: skip
    folder = "anna.keller@example.com/LivePerson Conversational Cloud DataParser/2026/11/21"
    assert path == f"{folder}/lp7f3a-{UUID}-0-r0.eml"


def test_a_long_id_is_shortened_with_a_hash() -> None:
    """A case-sensitive Webex id keeps its end and gets a hash; day, revision and part stay readable."""
    path = copy_path(
        "zoë@example.com", "Webex Teams", day=DAY, connector_uid=UUID, conversation=WEBEX, slice="2026-11-21",
        revision=2, part=1, parts=3,
    )  # fmt: skip
    shape = (
        rf"zoë@example.com/Webex Teams/2026/11/21/{UUID}-YmIwYzRkMTU0~[0-9a-f]{{20}}-2026-11-21-r2-p1of3.eml"
    )
    assert re.fullmatch(shape.replace("YmIwYzRkMTU0", WEBEX[-16:]), path)


def test_all_copies_of_a_mail_bear_one_name() -> None:
    """The same mail is found by its file name in every mailbox, also where a hash is part of it."""
    names = {
        copy_path(
            box,
            "Webex Teams",
            day=DAY,
            connector_uid="wx1",
            conversation=WEBEX,
            slice="2026-11-21",
            revision=0,
        ).rsplit("/", 1)[1]
        for box in ("a@example.com", "b@example.com")
    }
    assert len(names) == 1


@given(copies())
def test_any_copy_has_a_safe_path(copy: tuple[str, str, dt.date, str, str, str, int, int, int]) -> None:
    """Whatever stands in the fields, the path is safe, and of six components."""
    path = path_of(copy)
    assert_safe(path)
    assert path.count("/") == 5
    assert not path.startswith(("_mails/", "_content/"))


@given(copies(), copies())
@example(("a", "b", DAY, "u-v", "w", "1", 0, 1, 1), ("a", "b", DAY, "u", "v-w", "1", 0, 1, 1))
@example(("a", "b", DAY, "u", "c-2026-11", "21", 0, 1, 1), ("a", "b", DAY, "u", "c", "2026-11-21", 0, 1, 1))
@example(("A", "b", DAY, "u", "c", "1", 0, 1, 1), ("a", "b", DAY, "u", "c", "1", 0, 1, 1))
@example(("AB", "b", DAY, "u", "c", "1", 0, 1, 1), ("Ab", "b", DAY, "u", "c", "1", 0, 1, 1))
@example(("a", "BC", DAY, "u", "c", "1", 0, 1, 1), ("a", "Bc", DAY, "u", "c", "1", 0, 1, 1))
@example(("a", "b", DAY, "u", WEBEX, "1", 0, 1, 1), ("a", "b", DAY, "u", WEBEX.lower(), "1", 0, 1, 1))
@example(("a", "b", DAY, "u", "c", "1", 1, 1, 1), ("a", "b", DAY, "u", "c-1-r1", "1", 1, 1, 1))
def test_distinct_copies_have_distinct_paths(
    one: tuple[str, str, dt.date, str, str, str, int, int, int],
    other: tuple[str, str, dt.date, str, str, str, int, int, int],
) -> None:
    """Two copies never meet, not even on a file system that ignores case and Unicode forms."""
    same = as_a_careless_file_system(path_of(one)) == as_a_careless_file_system(path_of(other))
    assert same == (one == other)


@given(copies(), st.integers(0, 5), texts)
def test_changing_one_field_changes_the_path(
    copy: tuple[str, str, dt.date, str, str, str, int, int, int], field: int, text: str
) -> None:
    """Each field counts by itself."""
    if field == 2 or copy[field] == text:
        return
    changed = (*copy[:field], text, *copy[field + 1 :])
    assert as_a_careless_file_system(path_of(copy)) != as_a_careless_file_system(path_of(changed))  # type: ignore[arg-type] # a text for a text


@given(texts, texts)
def test_safe_names_never_meet(one: str, other: str) -> None:
    """A safe name stands for one text only, and a plain one stays as it is."""
    assert_safe(safe_name(one))
    same = as_a_careless_file_system(safe_name(one)) == as_a_careless_file_system(safe_name(other))
    assert same == (one == other)


@pytest.mark.parametrize("text", ["webex-1", "zoë müller", "日本語", "a.b@c.d", "o'brien+x@example.com"])
def test_a_plain_name_is_left_alone(text: str) -> None:
    """What is safe everywhere needs no hash."""
    assert safe_name(text) == text


@pytest.mark.parametrize(
    "text", ["", "..", "CON", "aux.eml", "a/b", "a~b", "ann ", "e\u0301", "\u202egnp", "_mails"]
)
def test_an_unsafe_name_gets_a_hash(text: str) -> None:
    """What some file system can't hold, or takes for something else, is marked."""
    assert re.search(r"~[0-9a-f]{20}$", safe_name(text))


def test_mails_and_contents_have_places_of_their_own() -> None:
    """Both are spread over folders by the first two characters."""
    assert mail_path("wx1", "0a1b2c3d") == "_mails/wx1/0a/0a1b2c3d.eml"
    assert content_path("ab" * 32) == f"_content/ab/{'ab' * 32}"


@given(texts)
def test_nothing_but_ids_makes_mail_or_content_paths(text: str) -> None:
    """An id that isn't one is refused rather than cleaned."""
    if not re.fullmatch("[0-9a-z]{4,64}", text):
        with pytest.raises(BadPathError):
            mail_path("wx1", text)
    with pytest.raises(BadPathError):
        content_path(text)
    assert_safe(mail_path(text, "0a1b"))


def test_there_is_no_part_beyond_the_last() -> None:
    """Revisions and parts that can't be are refused."""
    for revision, part, parts in ((-1, 1, 1), (0, 2, 1), (0, 0, 1)):
        with pytest.raises(BadPathError):
            path_of(("a", "b", DAY, "u", "c", "1", revision, part, parts))


COMPONENTS = [
    "",
    "a",
    "Z~",
    ".a",
    "a.",
    "a ",
    " a",
    "-.-",
    "\\",
    "[",
    "a\n",
    "\x7f",
    "é",
    "\x85",
    "a" * 255,
    "a" * 256,
]


@given(st.lists(st.sampled_from(COMPONENTS), max_size=4).map("/".join))
@example("/".join("a" * 600))
def test_plain_paths_are_judged_as_all_others(path: str) -> None:
    """The one look at a plain path lets nothing pass that the look at its components refuses, and refuses nothing for them."""
    fine = (
        len(path) <= 1024
        and not re.search(r"[\x00-\x1f\x7f-\x9f\\]", path)
        and all(
            0 < len(part.encode()) <= 255 and part[0] != "." and part[-1] not in ". "
            for part in path.split("/")
        )
    )
    if fine:
        assert check_path(path) == path
    else:
        with pytest.raises(BadPathError):
            check_path(path)
