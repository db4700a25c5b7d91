"""The rows of a large mapping in the content store."""

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.mappings import rows_from_csv, rows_to_csv

if TYPE_CHECKING:
    from schemas.records import MappingRow

cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


@given(st.lists(st.tuples(cells, cells)))
def test_rows_come_back_as_they_were(pairs: list[tuple[str, str]]) -> None:
    """Whatever stands in them: quotes, line ends of any kind, commas, nothing."""
    rows: list[MappingRow] = [{"external_user_id": user, "mailbox": mailbox} for user, mailbox in pairs]
    assert list(rows_from_csv(rows_to_csv(rows))) == rows


def test_the_bytes_are_fixed() -> None:
    """They are an original that is named by its hash."""
    assert rows_to_csv([{"external_user_id": "a,\r", "mailbox": "é@x"}]) == (
        b'"ExternalUserId","O365UserMailbox"\n"a,\r","\xc3\xa9@x"\n'
    )


def test_other_bytes_are_no_mapping() -> None:
    """Rather none than a mapping of nobody."""
    with pytest.raises(ValueError, match="begins with ExternalUserId"):
        list(rows_from_csv(b'"a","b"\n'))
