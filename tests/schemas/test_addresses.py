"""When two names are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.addresses import comparable, comparable_domain


@pytest.mark.parametrize(
    ("name", "form"),
    [
        (" ANA@Bank.Example\t", "ana@bank.example"),
        ("Noor@BÜCHER.example", "noor@xn--bcher-kva.example"),
        ("Y2lzY29", "y2lzy29"),
        ("Straße", "strasse"),
        ("a@b@Bücher.example", "a@b@xn--bcher-kva.example"),
        ("x@" + "ü" * 70, "x@" + "ü" * 70),
        ("@", "@"),
        ("", ""),
    ],
)
def test_the_form_in_which_names_are_compared(name: str, form: str) -> None:
    """Blanks and case go, domains are in ASCII; what can't be a domain is left as it is."""
    assert comparable(name) == form


@given(st.text())
def test_every_text_has_a_form_that_is_stable(text: str) -> None:
    """Nothing raises, and the form of a form is itself, where its domain is one."""
    assert comparable(text.upper()) == comparable(text.upper().strip())
    assert comparable_domain(comparable_domain("Bücher.example")) == "xn--bcher-kva.example"
