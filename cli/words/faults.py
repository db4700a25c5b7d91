"""Faults of the configuration in words: which key, what is wrong, what is expected. Never shows a value: it may be a secret."""

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from schemas.broker import PLACE, Secret

Model = type[BaseModel]
REFERENCE = "{ env = NAME } or { file = PATH }; secrets never stand in this file"

PLAIN = {
    "string_type": "text in quotes", "path_type": "a path in quotes", "bool_type": "true or false",
    "bool_parsing": "true or false", "int_type": "a whole number", "int_parsing": "a whole number",
    "int_from_float": "a whole number", "float_type": "a number", "float_parsing": "a number",
    "finite_number": "a number", "date_type": "a date like 2026-01-31", "date_parsing": "a date like 2026-01-31",
    "date_from_datetime_parsing": "a date like 2026-01-31", "date_from_datetime_inexact": "a date like 2026-01-31",
    "url_type": "an address like https://host", "url_parsing": "an address like https://host",
    "url_scheme": "an address that begins with https://", "url_too_long": "a shorter address",
    "list_type": "a list in brackets", "tuple_type": "a list in brackets", "frozen_set_type": "a list in brackets",
    "dict_type": "a table", "model_type": "a table", "model_attributes_type": "a table",
}  # fmt: skip
"""What is expected, by pydantic's name of the fault: its own words are for programmers."""

LIMITS = {
    "literal_error": "{expected}", "greater_than": "a number above {gt:g}", "less_than": "a number below {lt:g}",
    "greater_than_equal": "a number, {ge:g} at least", "less_than_equal": "a number, {le:g} at most",
    "too_short": "{min_length} of them at least", "too_long": "{max_length} of them at most",
    "string_too_short": "text, {min_length} characters at least", "string_too_long": "text, {max_length} characters at most",
}  # fmt: skip
"""The same with the fault's own figures."""

PATTERNS = {
    rf"^{PLACE}(,{PLACE})*$": "host:port",
    r"^[a-zA-Z0-9_-]*$": "letters, digits, _ and - only",
    r"^[a-zA-Z0-9_-]+$": "letters, digits, _ and - only, and not empty",
    "^[a-z0-9]+(-[a-z0-9]+)*$": "a-z, 0-9 and single hyphens only",
    r"^[A-Za-z0-9_-]{1,64}$": "letters, digits, _ and - only, 64 characters at most",
    r"^https?://[A-Za-z0-9.\-:\[\]]+/?$": "an address like https://host, without a path",
    r"^[A-Za-z0-9.-]+$": "letters, digits, dots and hyphens only",
    r"^https?://\S+$": "an address like https://host/path",
    r"^[A-Za-z0-9{}][A-Za-z0-9:._{}-]{0,199}$": "text like urn:content-class:custom.webex",
    r"^[a-z0-9][a-z0-9-]{0,39}$": "a-z, 0-9 and hyphens only, 40 characters at most",
}
"""What a pattern means; a test keeps it whole."""


def faults(model: Model, error: ValidationError) -> list[str]:
    """One sentence for each fault: `key: what is wrong; expected ...`."""
    return [_sentence(model, fault) for fault in error.errors(include_url=False, include_input=False)]


def _sentence(model: Model, fault: Any) -> str:  # pydantic_core.ErrorDetails
    key, field, within = _place(model, fault["loc"])
    return f"{key or 'the file'}: {_wrong(fault, field, within)}"


def _wrong(fault: Any, field: FieldInfo | None, within: list[Model]) -> str:
    wanted = _wanted(field)
    match fault["type"]:
        case "missing":
            return f"is missing; expected: {wanted}" if wanted else "is missing"
        case "extra_forbidden":
            known = sorted({name for one in within for name in keys_of(one)})
            return f"unknown key; expected one of {', '.join(known)}"
        case "union_tag_not_found" | "union_tag_invalid":
            name = str(fault["ctx"]["discriminator"]).strip("'")
            tags = [tag for one in tables_of(field) for tag in _literals(one.model_fields.get(name))]
            return f"expected {name} = {' or '.join(map(repr, tags))}"
        case "value_error":
            return str(fault["msg"]).removeprefix("Value error, ")
        case _ if Secret in tables_of(field):
            return f"expected {REFERENCE}"
        case _:
            said = expected(fault)
            both = bool(said and wanted) and not wanted.startswith(said)
            return f"expected {said} ({wanted})" if both else f"expected {wanted or said or 'something else'}"


def expected(fault: Any) -> str:
    """What would be right, from the kind of fault alone; empty where that says nothing."""
    figures = fault.get("ctx", {})
    if fault["type"] == "string_too_short" and figures["min_length"] == 1:
        return "text that is not empty"
    if fault["type"] in LIMITS:
        return LIMITS[fault["type"]].format(**figures)
    if fault["type"] == "string_pattern_mismatch":
        return PATTERNS.get(figures["pattern"], "")
    return PLAIN.get(fault["type"], "")


def _wanted(field: FieldInfo | None) -> str:
    if field is None:
        return ""
    tables = [one.__name__ for one in tables_of(field)]
    described = field.description or ("a table, see `chatledger config example`" if tables else "")
    return f"{REFERENCE} ({described})" if Secret in tables_of(field) else described


def _place(model: Model, loc: tuple[int | str, ...]) -> tuple[str, FieldInfo | None, list[Model]]:
    """The key as it stands in the file, its field, and the tables that may hold it."""
    key, field, within, at = "", None, list[Model](), [model]
    for part in loc:
        if isinstance(part, int):
            key += f"[{part}]"
            continue
        tagged = [one for one in at if any(part in _literals(each) for each in one.model_fields.values())]
        if tagged and not any(part in keys_of(one) for one in at):
            at = tagged  # pydantic's way to say which kind of table it is: no key of the file
            continue
        key += f".{part}" if key else part
        within, field = at, next((keys_of(one)[part] for one in at if part in keys_of(one)), None)
        at = list(tables_of(field))
    return key, field, within


def keys_of(model: Model) -> dict[str, FieldInfo]:
    """The fields of a table by the keys that stand in the file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def tables_of(field: FieldInfo | None) -> list[Model]:
    """The kinds of table that may stand at this key."""
    return [] if field is None else list(_within(field.annotation))


def _within(annotation: Any) -> Iterator[Model]:
    if isinstance(annotation, type) and get_origin(annotation) is None and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _within(part)


def _literals(field: FieldInfo | None) -> tuple[Any, ...]:
    wanted = None if field is None else field.annotation
    return get_args(wanted) if get_origin(wanted) is Literal else ()
