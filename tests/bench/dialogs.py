"""What people say in the bench: real service dialogs where a file of them lies beside the repository, generated ones elsewhere.

A line of that file is `{"id", "topic", "turns": [{"speaker": "user" or "assistant", "text"}]}`. Its text stays out of here.
"""

import gzip
import json
import random
from dataclasses import dataclass
from pathlib import Path

REAL = Path(__file__).parents[3] / "shared" / "data" / "support-dialogs.jsonl.gz"
GENERATED = 2_778
"""As many as there are real ones."""
TOPICS = ("Delivery", "Invoice", "Password", "Returns", "Table booking", "Warranty")
SAYING = """
please could you tell me when the order that I placed last week will be here it says delivered but
nothing came  thank you one moment I am looking at your account now do you have the number of the
invoice yes it is on the second  page sorry that was not clear we can send it again or pay back all
of it what would you like größer café naïve ok
"""


@dataclass(frozen=True)
class Dialog:
    """One conversation of a customer and an agent; each turn is (who: 0 the customer, 1 the agent; text)."""

    name: str
    topic: str
    turns: tuple[tuple[int, str], ...]


def dialogs(source: Path | None = REAL) -> tuple[str, list[Dialog]]:
    """("real" or "generated", all dialogs): the real ones if the file is there."""
    if source is not None and source.exists():
        return "real", _read(source)
    return "generated", [_generated(number) for number in range(GENERATED)]


def _read(source: Path) -> list[Dialog]:
    with gzip.open(source, "rt", encoding="utf-8") as lines:
        return [_dialog(json.loads(line)) for line in lines]


def _dialog(found: dict[str, list[dict[str, str]]]) -> Dialog:
    turns = tuple((int(turn["speaker"] != "user"), turn["text"]) for turn in found["turns"])
    return Dialog(str(found["id"])[-8:], str(found["topic"]), turns)


def _generated(number: int) -> Dialog:
    """Lengths as real service chats have them: 3.8 messages and 60 characters a message on average."""
    rng = random.Random(number)
    count = max(2, min(20, round(rng.lognormvariate(1.2, 0.5))))
    turns = tuple((turn % 2, _sentence(rng)) for turn in range(count))
    return Dialog(f"{number:08x}", rng.choice(TOPICS), turns)


def _sentence(rng: random.Random) -> str:
    return (
        " ".join(rng.choices(SAYING.split(), k=rng.randrange(2, 23))).capitalize()
        + rng.choice(".?! ").strip()
    )
