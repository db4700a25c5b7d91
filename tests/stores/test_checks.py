"""What is checked before a write, in every store."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stores.checks import checked_metadata
from stores.interface import StoreError

KEYS = st.text(alphabet="aZ_1-=\n", max_size=4) | st.sampled_from(["sha256", "k" * 128, "k" * 129])
VALUES = st.text(alphabet="a =\n~\x7f\xe9", max_size=6) | st.sampled_from(["v" * 200, "v" * 4000])
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz_")


def fine(key: str, value: str) -> bool:
    """Whether a header of HTTP can carry it: a C# identifier in lower case; printable ASCII without blanks around it."""
    name = (
        0 < len(key) <= 128
        and key != "sha256"
        and key[0] in LETTERS
        and set(key) <= LETTERS | set("0123456789")
    )
    return name and bool(value) and value == value.strip(" ") and all(" " <= char <= "~" for char in value)


@given(st.dictionaries(KEYS, VALUES, max_size=10))
@example({"a\nb": "c"})
@example({"a": "b\nc\nd"})
@example({"a=b": "c"})
def test_metadata_is_what_a_header_can_carry(metadata: dict[str, str]) -> None:
    """Whatever is few and short is judged as everything else: by each key, each value, and the sum."""
    size = sum(len(key) + len(value) for key, value in metadata.items())
    if all(fine(key, value) for key, value in metadata.items()) and size <= 7 << 10:
        assert checked_metadata(metadata) == metadata
    else:
        with pytest.raises(StoreError):
            checked_metadata(metadata)
