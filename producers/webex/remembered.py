"""A small cache: values expire, and their number is bounded."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


class Remembered(Generic[_Value]):
    """Values by name for so many seconds, at most `most` of them, the oldest out first."""

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds, self._most = seconds, most
        self._kept: OrderedDict[str, tuple[float, _Value]] = OrderedDict()

    def __contains__(self, key: str) -> bool:
        kept = self._kept.get(key)
        return kept is not None and time.monotonic() - kept[0] < self._seconds

    def __getitem__(self, key: str) -> _Value:
        return self._kept[key][1]

    def put(self, key: str, value: _Value) -> _Value:
        """Remember and return a value."""
        self._kept.pop(key, None)
        self._kept[key] = (time.monotonic(), value)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return value

    def forget(self, key: str) -> None:
        """Have it asked for again."""
        self._kept.pop(key, None)

    def get(self, key: str, ask: Callable[[], _Value]) -> _Value:
        """The value; asked for if it is not known or too old."""
        return self[key] if key in self else self.put(key, ask())
