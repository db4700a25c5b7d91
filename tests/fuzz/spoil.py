"""Spoils JSON objects in every way that a source, a proxy or a bug could: pure, and the same for the same dice."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

LARGE = 300_000
HUGE = 10_000_000
"""Characters of a body, as the worst that is promised to arrive."""
TIMES = ("created", "timeL", "time", "startTimeL", "endTimeL", "fullDialogEndTimeL", "conversationEndTimeL")
FOREIGN: list[Any] = [None, True, 0, -1, 1.5, "", "text", [], {}, [[]], {"a": {"b": []}}, ["x", 1, None]]
ODD_NAMES = ["", "\x00", "__proto__", "x" * 5000, "\u202e", "a\r\nb", "id ", "ıd"]
PAST = ["0001-01-01T00:00:00.000Z", "1969-12-31T23:59:59Z", -1, 1, -(2**62), "1600-02-30T00:00:00Z", 0]
FUTURE = ["9999-12-31T23:59:59.999Z", "2999-01-01T00:00:00.000Z", 253_402_300_799_999, 2**53, 2**63, 10**30]
CONTROLS = "".join(map(chr, range(32))) + "\x7f\u2028\u2029\ufeff\uffff"


@dataclass(frozen=True)
class Spoiled:
    """What stands in an item's place in the answer: usually one item, two for twins; and what was done."""

    kind: str
    items: tuple[bytes, ...]


class Verbatim(str):
    """JSON as it is to be written, whatever it is."""

    __slots__ = ()


Spoil = Callable[[Random, dict[str, Any]], None]


def spoiled(dice: Random, item: dict[str, Any], token: str, *, huge: bool = False) -> Spoiled:
    """The item after one accident, with the token in it wherever it can be; `huge` allows 10 MB."""
    kind = dice.choice(KINDS) if not huge else "huge"
    if kind == "no_object":
        return Spoiled(
            kind, (dice.choice([f'"{token}"', f'["{token}"]', f'[[{{"fuzz":"{token}"}}]]']).encode(),)
        )
    if kind == "twin":
        return Spoiled(
            kind, (written(marked(item, token)), written(marked(_other(item, token), token + "t")))
        )
    if kind == "duplicate_key":
        return Spoiled(kind, (_doubled(dice, marked(item, token)),))
    made = marked(item, token)
    if kind == "huge":
        _text(dice, made, lambda text: text + "é" * (HUGE if huge else LARGE))
    else:
        SPOILS[kind](dice, made)
    body = written(made)
    if kind == "utf8":
        body = body.replace(
            b"@utf8@", dice.choice([b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\x80"])
        )
    return Spoiled(kind, (body,))


def marked(item: dict[str, Any], token: str) -> dict[str, Any]:
    """A copy with the token in it: at the top, and in the parts that a collector may keep without the top."""
    made = copy.deepcopy(item) | {"fuzz": token}
    for part in ("data", "info"):
        if isinstance(made.get(part), dict):
            made[part]["fuzz"] = token
    return made


def written(value: object) -> bytes:
    """As JSON; verbatim parts as they are, lone surrogates escaped."""
    parts: list[str] = []

    def held(node: Any) -> Any:
        if isinstance(node, Verbatim):
            parts.append(node)
            return f"@verbatim{len(parts) - 1}@"
        if isinstance(node, dict):
            return {key: held(each) for key, each in node.items()}
        return [held(each) for each in node] if isinstance(node, list) else node

    shown = held(value)
    try:
        text = json.dumps(shown, ensure_ascii=False)
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(shown)
    for number, part in enumerate(parts):
        text = text.replace(f'"@verbatim{number}@"', part)
    return text.encode("utf-8")


def _place(dice: Random, item: dict[str, Any]) -> tuple[Any, Any]:
    """A container somewhere in the item and a key in it; never the token's own."""
    node: Any = item
    while True:
        keys = [key for key in node if key != "fuzz"] if isinstance(node, dict) else list(range(len(node)))
        key = dice.choice(keys)
        child = node[key]
        inner = isinstance(child, dict | list) and any(name != "fuzz" for name in child)
        if not inner or dice.random() < 0.25:
            return node, key
        node = child


def _set(make: Callable[[Random, Any], Any]) -> Spoil:
    def spoil(dice: Random, item: dict[str, Any]) -> None:
        node, key = _place(dice, item)
        node[key] = make(dice, node[key])

    return spoil


def _drop(dice: Random, item: dict[str, Any]) -> None:
    node, key = _place(dice, item)
    del node[key]


def _add(dice: Random, item: dict[str, Any]) -> None:
    node, _ = _place(dice, item)
    if isinstance(node, dict):
        node[dice.choice(ODD_NAMES)] = dice.choice(FOREIGN)
    else:
        node.append(dice.choice(FOREIGN))


def _text(dice: Random, item: dict[str, Any], change: Callable[[str], str]) -> None:
    """Change one of the texts, preferably one that people read."""
    texts = list(_texts(item))
    liked = [place for place in texts if place[1] in {"text", "html", "title", "displayName", "closeReason"}]
    node, key = dice.choice(liked if liked and dice.random() < 0.7 else texts)
    node[key] = change(node[key])


def _texts(node: Any) -> list[tuple[Any, Any]]:
    pairs = node.items() if isinstance(node, dict) else enumerate(node)
    found = []
    for key, child in pairs:
        if isinstance(child, str) and key != "fuzz":
            found.append((node, key))
        elif isinstance(child, dict | list):
            found += _texts(child)
    return found


def _in_text(make: Callable[[Random], str]) -> Spoil:
    def spoil(dice: Random, item: dict[str, Any]) -> None:
        part = make(dice)
        _text(dice, item, lambda text: text[: len(text) // 2] + part + text[len(text) // 2 :])

    return spoil


def _moved(moments: list[Any]) -> Spoil:
    def spoil(dice: Random, item: dict[str, Any]) -> None:
        places = [place for place in _all(item) if place[1] in TIMES]
        node, key = dice.choice(places) if places else _place(dice, item)
        node[key] = dice.choice(moments)

    return spoil


def _all(node: Any) -> list[tuple[Any, Any]]:
    pairs = list(node.items()) if isinstance(node, dict) else list(enumerate(node))
    inner = [place for _, child in pairs if isinstance(child, dict | list) for place in _all(child)]
    return [(node, key) for key, _ in pairs if key != "fuzz"] + inner


def _deep(dice: Random, _: Any) -> Verbatim:
    depth = dice.choice([60, 300, 900, 980, 1_500, 20_000, 200_000])
    begin, end = dice.choice([("[", "]"), ('{"a":', "}")])
    return Verbatim(begin * depth + "1" + end * depth)


def _number(dice: Random, _: Any) -> Verbatim:
    return Verbatim(dice.choice(["NaN", "Infinity", "-Infinity", "1e999", "-0", "1E400", "0.1e-999"]))


def _big(dice: Random, _: Any) -> Verbatim:
    return Verbatim(
        dice.choice([str(2**63), str(-(2**63)), "9" * 400, "1" + "0" * 5_000, "-" + "7" * 20_000])
    )


def _doubled(dice: Random, item: dict[str, Any]) -> bytes:
    """The same name twice in one object, the second time with something else."""
    names = [name for name in item if name != "fuzz"]
    name = dice.choice(names)
    again = json.dumps({name: dice.choice([*FOREIGN, item[dice.choice(names)]])})[1:-1]
    return written(item)[:-1] + b", " + again.encode() + b"}"


def _other(item: dict[str, Any], token: str) -> dict[str, Any]:
    """The same item with other words, the token beside them: one id with two bodies."""
    made = copy.deepcopy(item)
    for node, key in _texts(made):
        if key in {"text", "closeReason"}:
            node[key] += " (or not)"
            node["fuzz"] = token
    return made


SPOILS: dict[str, Spoil] = {
    "wrong_type": _set(lambda dice, _: dice.choice(FOREIGN)),
    "null": _set(lambda _dice, _old: None),
    "missing": _drop,
    "extra": _add,
    "control": _in_text(lambda _: CONTROLS),
    "surrogate": _in_text(lambda dice: dice.choice(["\ud800", "\udfff", "\udc80x", "\ud83d"])),
    "utf8": _in_text(lambda _: "@utf8@"),
    "past": _moved(PAST),
    "future": _moved(FUTURE),
    "deep": _set(_deep),
    "not_a_number": _set(_number),
    "big_number": _set(_big),
    "markup": _in_text(lambda _: "\r\nBcc: x@evil.example\r\n\r\n<script>alert(1)</script>=?utf-8?q?x?=\r\n.\r\n"),
}  # fmt: skip
KINDS = [*SPOILS, "huge", "twin", "duplicate_key", "no_object"]
