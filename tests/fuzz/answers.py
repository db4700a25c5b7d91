"""Spoils whole answers on the wire: what a proxy, a full disk or a bug behind the API makes of a good one."""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random


@dataclass(frozen=True)
class Sent:
    """An answer as it goes out; `length` is what it claims to have, where that is not the truth."""

    body: bytes
    headers: dict[str, str] = field(
        default_factory=lambda: {"Content-Type": "application/json;charset=utf-8"}
    )
    length: int | None = None


PAGE = b"<html><head><title>Sign in</title></head><body>Please sign in to the proxy.</body></html>"
JSON = {"Content-Type": "application/json;charset=utf-8"}


def _cut(dice: Random, body: bytes) -> Sent:
    return Sent(body[: dice.randrange(len(body))])


def _middle(dice: Random, body: bytes) -> Sent:
    at = dice.randrange(len(body))
    junk = dice.choice([b"\xff\xfe\xfd", b"\x00", b"}", b"]", b'"', b",", b"\xed\xa0\x80", b"null"])
    return Sent(body[:at] + junk + body[at:])


def _other_json(dice: Random, body: bytes) -> Sent:
    made = [
        "null",
        "[]",
        "{}",
        "7",
        '"text"',
        '{"items": {}}',
        '{"items": null}',
        '{"_metadata": {"count": 5}}',
    ]
    return Sent(dice.choice(made).encode() if body else b"")


def _typed(dice: Random, body: bytes) -> Sent:
    kinds = [
        "text/html",
        "text/plain",
        "application/octet-stream",
        "application/json;charset=utf-16",
        "",
        "x" * 300,
    ]
    return Sent(body, {"Content-Type": dice.choice(kinds)})


def _encoded(dice: Random, body: bytes) -> Sent:
    sent, said = dice.choice(
        [(body, "gzip"), (gzip.compress(body)[:-9], "gzip"), (body, "br"), (body, "deflate")]
    )
    return Sent(sent, {**JSON, "Content-Encoding": said})


def _recoded(dice: Random, body: bytes) -> Sent:
    text = body.decode("utf-8", "replace")
    return Sent(text.encode(dice.choice(["utf-16", "utf-32", "utf-8-sig"]), "replace"))


WAYS: dict[str, Callable[[Random, bytes], Sent]] = {
    "truncated": _cut,
    "junk_inside": _middle,
    "other_json": _other_json,
    "html": lambda _dice, _body: Sent(PAGE, {"Content-Type": "text/html"}),
    "html_as_json": lambda _dice, _body: Sent(PAGE),
    "empty": lambda _dice, _body: Sent(b""),
    "content_type": _typed,
    "content_encoding": _encoded,
    "charset": _recoded,
    "too_long": lambda dice, body: Sent(body, length=len(body) + dice.randrange(1, 5000)),
    "too_short": lambda dice, body: Sent(body, length=dice.randrange(len(body))),
    "twice": lambda _dice, body: Sent(body + body),
    "nested": lambda dice, _body: Sent(b'{"items":' + b"[" * dice.choice([900, 5_000, 300_000])),
    "many_names": lambda _dice, _body: Sent(json.dumps({f"k{n}": n for n in range(20_000)}).encode()),
}  # fmt: skip
