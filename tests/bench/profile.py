"""What the stacks of a profile say: `python -m tests.bench.profile FILE`.

FILE is what `py-spy record --gil --format raw --rate 200 --pid PID --output FILE` writes of a worker: a line for each stack, its
frames from the outermost to the innermost with `;` between them, and how often it was seen. Two tables: shares by part of the
job (each stack counts for the innermost frame that has a name here), and the functions that were on most stacks.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

PARTS = (
    ("Avro, read", "decode (schemas/codec.py"),
    ("Avro, written", "encode (schemas/codec.py"),
    ("events.json", "streams/mail/events_json.py"),
    ("transfer encodings", "streams/mail/encode.py"),
    ("header of the mail", "head (streams/mail/fields.py"),
    ("renderer, the rest", "render (streams/mail/render.py"),
    ("routing", "streams/routing.py"),
    ("store, folder", "stores/folder"),
    ("store, Azure", "stores/azure"),
    ("records handed to Kafka's client", "send (streams/outbox.py"),
    ("confirmations", "confirm (streams/outbox.py"),
    ("fold: bytes and facts kept of a record", "streams/kept.py"),
    ("fold: open slices", "streams/assembly.py"),
    ("memory of closings", "streams/memory.py"),
    ("archive stage, the rest", "streams/archive.py"),
    ("assemble stage, the rest", "streams/assemble.py"),
    ("both stages: batches, acknowledgement", "streams/agents.py"),
    ("Kafka's client: reading", "streams/fetching.py"),
    ("Kafka's client: the rest", "aiokafka/"),
    ("Faust and mode", "faust/"),
    ("Faust and mode", "mode/"),
)
LINE = re.compile(r":\d+\)")
FUNCTIONS = 40


def summary(lines: Iterable[str]) -> str:
    """Both tables."""
    parts, functions, total = Counter[str](), Counter[str](), 0
    for line in lines:
        stack, _, seen = line.rpartition(" ")
        frames = [LINE.sub(")", frame) for frame in stack.split(";")]
        total += int(seen)
        parts[part_of(frames)] += int(seen)
        for frame in set(frames):
            functions[frame] += int(seen)
    ours = (
        (name, seen) for name, seen in functions.most_common() if "(streams/" in name or "(stores/" in name
    )
    told = [f"{seen / total:6.1%}  {name}" for name, seen in parts.most_common()]
    told += ["", "on the stack:"]
    told += [f"{seen / total:6.1%}  {name}" for name, seen in list(ours)[:FUNCTIONS]]
    return "\n".join([f"{total} samples", "", *told])


def part_of(frames: list[str]) -> str:
    """The part of the job that the innermost frame with a name belongs to."""
    for frame in reversed(frames):
        for name, sign in PARTS:
            if sign in frame:
                return name
    return "event loop, threads, everything else"


def main() -> None:
    """Print the tables."""
    print(summary(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()))


if __name__ == "__main__":
    main()
