"""A small source for tests: chats as a function of a number, a clock that runs fast, events that show up late."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from producers.source import Captured, Finding, Refused, Slice, Window
from schemas.ids import event_id
from schemas.records import Event, event

DAY_MS = 86_400_000
BASE_MS = 1_772_323_200_000  # 2026-03-01 00:00 UTC
UID = "small-1"


def made_event(number: int, at_ms: int, size: int = 200) -> Event:
    """Event `number`, with about `size` bytes of text."""
    made = event(event_id(UID, str(number)), str(number), "message", at_ms)
    made["text"] = f"{number} " + "x" * size
    made["raw"] = f'{{"id": {number}}}'.encode()
    return made


def captured(number: int, at_ms: int, size: int = 200) -> Captured:
    """The same event with its slice: one of 17 conversations, a day of UTC."""
    start = at_ms - at_ms % DAY_MS
    place = Slice(f"chat-{number % 17}", str(start), start, start + DAY_MS)
    return Captured(place, [made_event(number, at_ms, size)])


@dataclass
class SmallSource:
    """Shows event n from `times[n]` on, up to `settle_ms` late and in no order; `now` can be moved by a test."""

    times: list[int]
    now: int
    sizes: dict[int, int] = field(default_factory=dict)
    refused: dict[int, bytes] = field(default_factory=dict)
    endless: int | None = None
    name: str = "webex"
    settle_ms: int = 60_000
    look_back_ms: int = 90 * DAY_MS
    troubles: list[Exception] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    confirmations: int = 0
    restored: str = ""
    trusts: bool = True
    recalls: bool = False
    on_disk: tuple[int, ...] | None = None
    vouched: list[tuple[int, ...]] = field(default_factory=list)
    told: list[bytes] = field(default_factory=list)

    def now_ms(self) -> int:
        """The clock of the source."""
        return self.now

    def poll(self, window: Window) -> Iterator[Captured | Refused]:
        """What is visible now; the trouble that comes next strikes in the middle."""
        self.windows.append(window)
        now = self.now_ms()
        found = [
            n
            for n, at in enumerate(self.times)
            if window.from_ms < at <= window.to_ms and self._shown(n, now)
        ]
        for place, number in enumerate(sorted(found, key=lambda n: n * 7919 % 1009)):
            if self.troubles and place == len(found) // 2:
                raise self.troubles.pop(0)
            yield self._captured(number)
            if number in self.refused:
                yield Refused("not a chat", "ValueError", f"small/{number}", self.refused[number])
        if self.troubles:
            raise self.troubles.pop(0)

    def _captured(self, number: int) -> Captured:
        made = captured(number, self.times[number], self.sizes.get(number, 200))
        if number != self.endless:
            return made
        return Captured(replace(made.slice, conversation="x" * 600_000), made.events)

    def _shown(self, number: int, now: int) -> bool:
        return self.times[number] + number * 31 % self.settle_ms <= now

    def confirmed(self) -> None:
        """Count the confirmations."""
        self.confirmations += 1

    def state(self) -> str:
        """Something to find again."""
        return f'{{"confirmations": {self.confirmations}}}'

    def restore(self, state: str) -> bool:
        """Keep what was handed over."""
        self.restored = state
        return self.trusts

    def recalled(self) -> tuple[int, ...] | None:
        """What a test says."""
        return self.on_disk

    def recall(self, earlier: Iterable[Captured], reached: Sequence[int]) -> None:
        """Keep the ids, if it wants them."""
        if self.recalls:
            for each in earlier:
                self.vouched.append(tuple(reached))
                self.told += [event["id"] for event in each.events]

    def check(self) -> list[Finding]:
        """Nothing can be wrong here."""
        return []

    def close(self) -> None:
        """Nothing to let go of."""
