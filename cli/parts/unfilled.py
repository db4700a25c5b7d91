"""What nobody has filled in: values that stand in the configuration as the example has them."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

PLACEHOLDERS = frozenset({"ACCOUNT_ID", "CLIENT_ID", "FILE_USER", "INTEGRATION_ID"})
HOSTS = ("https://account.",)  # as it is read: letter case of a host does not count


def unfilled(section: BaseModel) -> list[str]:
    """The keys of this section, dotted, that still hold the example's values: nothing can be reached with them."""
    return list(_placeholders(section.model_dump(mode="json"), ""))


def _placeholders(node: Any, key: str) -> Iterator[str]:  # a TOML table or one of its values
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _placeholders(value, f"{key}.{name}" if key else str(name))
    elif isinstance(node, str) and (node in PLACEHOLDERS or node.startswith(HOSTS)):
        yield key
