"""Faults of the configuration in words: which key, what is wrong, what is expected. Never shows a value: it may be a secret."""

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from schemas.broker import Secret

Model = type[BaseModel]
REFERENCE = "{ env = NAME } or { file = PATH }; secrets never stand in this file"

PLAIN = {"path_type": "expected a path"}  # where pydantic's own words are for programmers


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
            return f"is missing; expected: {wanted}"
        case "extra_forbidden":
            known = sorted({name for one in within for name in one.model_fields})
            return f"unknown key; expected one of {', '.join(known)}"
        case "union_tag_not_found" | "union_tag_invalid":
            name = str(fault["ctx"]["discriminator"]).strip("'")
            tags = [tag for one in _models(field) for tag in _literals(one.model_fields.get(name))]
            return f"expected {name} = {' or '.join(map(repr, tags))}"
        case "value_error":
            return str(fault["msg"]).removeprefix("Value error, ")
        case _ if Secret in _models(field):
            return f"expected {REFERENCE}"
        case _:
            said = PLAIN.get(fault["type"]) or str(fault["msg"]).replace(
                "Input should be", "expected"
            ).replace("String should", "must")
            return f"{said} ({wanted})" if wanted else said


def _wanted(field: FieldInfo | None) -> str:
    if field is None:
        return ""
    tables = [one.__name__ for one in _models(field)]
    described = field.description or (
        "a table, see `chatledger config example`" if tables else _type_name(field.annotation)
    )
    return f"{REFERENCE} ({described})" if Secret in _models(field) else described


def _type_name(annotation: Any) -> str:
    return str(getattr(annotation, "__name__", annotation))


def _place(model: Model, loc: tuple[int | str, ...]) -> tuple[str, FieldInfo | None, list[Model]]:
    """The key as it stands in the file, its field, and the tables that may hold it."""
    key, field, within, at = "", None, list[Model](), [model]
    for part in loc:
        if isinstance(part, int):
            key += f"[{part}]"
            continue
        tagged = [one for one in at if any(part in _literals(each) for each in one.model_fields.values())]
        if tagged and not any(part in one.model_fields for one in at):
            at = tagged  # pydantic's way to say which kind of table it is: no key of the file
            continue
        key += f".{part}" if key else part
        within, field = at, next((one.model_fields[part] for one in at if part in one.model_fields), None)
        at = list(_models(field))
    return key, field, within


def _models(field: FieldInfo | None) -> list[Model]:
    return [] if field is None else list(_within(field.annotation))


def _within(annotation: Any) -> Iterator[Model]:
    if isinstance(annotation, type) and get_origin(annotation) is None and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _within(part)


def _literals(field: FieldInfo | None) -> tuple[Any, ...]:
    wanted = None if field is None else field.annotation
    return get_args(wanted) if get_origin(wanted) is Literal else ()
