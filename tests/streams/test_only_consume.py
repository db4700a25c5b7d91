"""A test over the source: streams are read in one place and one way, and know no clock and no chance.

Each ban stands for a way in which Faust loses or doubles records, or in which a replay would give other bytes. Streams
reach only the functions that `app.agent` decorates, so these are held to one single line.
"""

import ast
from pathlib import Path

import pytest

STREAMS = Path(__file__).parents[2] / "streams"
# What is said of a worker, and how long ago it asked for orders: nothing of a mail.
TIMED = frozenset({"reporting.py", "departed.py"})
TIMELESS = sorted(path for path in STREAMS.rglob("*.py") if path.name not in TIMED)
PURE = [STREAMS / "assembly.py", STREAMS / "routing.py", *sorted((STREAMS / "mail").glob("*.py"))]

READERS = frozenset({"noack", "ack"})
BANNED = {
    "take": "acknowledges before the effects are durable",
    "noack_take": "waits for a batch to fill; a pack is one",
    "events": "acknowledges what an exception left undone",
    "group_by": "sends without confirmation",
    "through": "sends without confirmation",
    "send_soon": "sends without confirmation",
    "cast": "sends without confirmation",
    "ask": "sends without confirmation",
    "Table": "its changelog is not committed together with our positions",
    "SetTable": "its changelog is not committed together with our positions",
    "GlobalTable": "its changelog is not committed together with our positions",
    "tumbling": "windows end by the clock, and what they held is deleted",
    "hopping": "windows end by the clock, and what they held is deleted",
}
WRONG_WORDS = {
    "exactly_once": "its transactions do not cover what the store has",
    "processing_guarantee": "its transactions do not cover what the store has",
}
SENDERS = frozenset({"outbox", "_producer", "producer"})
CLOCKS = frozenset({"time", "random", "secrets", "uuid"})
READS_CLOCK = frozenset({"now", "utcnow", "today", "hash", "urandom", "getpid"})
IMPURE_MODULES = CLOCKS | {"os", "locale"}
IMPURE_CALLS = READS_CLOCK | {"id"}


def faults(source: str) -> set[str]:
    """What a module of streams may not do, as `what: why`."""
    tree = ast.parse(source)
    found = set()
    for function in [tree, *(node for node in ast.walk(tree) if _is_function(node))]:
        name = getattr(function, "name", "")
        for node in _own(function):
            found |= {fault for fault in (_call(node, name), _word(node), _loop(node, name)) if fault}
    return found | _agents(tree)


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def _own(function: ast.AST) -> list[ast.AST]:
    """Everything in a function but what stands in functions inside it."""
    found, waiting = [], list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        found.append(node)
        if not _is_function(node):
            waiting += ast.iter_child_nodes(node)
    return found


def _call(node: ast.AST, function: str) -> str | None:
    if not isinstance(node, ast.Call):
        return None
    called = _last(node.func)
    fault = _method(called, node.func.value, function) if isinstance(node.func, ast.Attribute) else None
    return fault or next(filter(None, (_keyword(called, keyword) for keyword in node.keywords)), None)


def _method(called: str, owner: ast.expr, function: str) -> str | None:
    if called in BANNED:
        return f".{called}(): {BANNED[called]}"
    if called == "stream" and _last(owner) in {"app", "topic"}:
        return ".stream(): only agents.consume reads streams"
    if called in READERS and function != "consume":
        return f".{called}(): only agents.consume reads streams"
    if called == "send" and _last(owner) not in SENDERS:
        return ".send(): only an outbox sends, since it waits for confirmation"
    return None


def _keyword(called: str, keyword: ast.keyword) -> str | None:
    if keyword.arg == "sink":
        return "sink=: sends without confirmation"
    if called == "agent" and keyword.arg == "concurrency" and not _is_one(keyword.value):
        return "concurrency: more than one breaks the order within a partition"
    return None


def _word(node: ast.AST) -> str | None:
    words = [getattr(node, name, None) for name in ("id", "attr", "arg", "value")]
    found = next((word for word in WRONG_WORDS if word in words), None)
    return f"{found}: {WRONG_WORDS[found]}" if found else None


def _loop(node: ast.AST, function: str) -> str | None:
    if isinstance(node, ast.AsyncFor | ast.comprehension) and function != "consume":
        names = {_last(part) for part in ast.walk(node.iter)}
        if "stream" in names and not isinstance(node.iter, ast.Call):
            return "async for over a stream: only agents.consume reads streams"
    return None


def _agents(tree: ast.AST) -> set[str]:
    """A decorated agent may only hand its stream to `consume`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef) and any(_decorates(one) for one in node.decorator_list):
            lines = [ast.unparse(line) for line in node.body[1:]]
            if len(lines) != 1 or not lines[0].startswith("await consume("):
                return {f"agent {node.name}: does something else than consume"}
    return set()


def _decorates(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and _last(decorator.func) in {"_agent", "agent"}


def _last(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_one(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1


def impurities(
    source: str, modules: frozenset[str] = IMPURE_MODULES, calls: frozenset[str] = IMPURE_CALLS
) -> set[str]:
    """Clocks and chance in a module whose results must be functions of the log alone."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names} & modules
        elif isinstance(node, ast.ImportFrom):
            found |= {(node.module or "").partition(".")[0]} & modules
        elif isinstance(node, ast.Call):
            found |= {_last(node.func)} & calls
    return found


@pytest.mark.parametrize(
    "path", sorted(STREAMS.rglob("*.py")), ids=lambda path: str(path.relative_to(STREAMS))
)
def test_streams_are_read_in_one_place(path: Path) -> None:
    """And sent to in one way: no module has anything by which Faust acknowledges what is not durable."""
    assert faults(path.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize("path", TIMELESS, ids=lambda path: str(path.relative_to(STREAMS)))
def test_streams_read_no_clock_and_no_random_number(path: Path) -> None:
    """Time comes from the log: a clock, a random number or a hash seed would make a replay differ."""
    assert impurities(path.read_text(encoding="utf-8"), CLOCKS, READS_CLOCK) == set()


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(STREAMS)))
def test_pure_modules_know_no_clock_and_no_chance(path: Path) -> None:
    """What closes slices, routes and writes mails depends on its arguments alone."""
    assert impurities(path.read_text(encoding="utf-8")) == set()


def test_the_one_place_is_there() -> None:
    """`consume` reads, acknowledges by hand, and declares concurrency: else the bans would guard nothing."""
    text = (STREAMS / "agents.py").read_text(encoding="utf-8")
    for needed in ("async def consume(", ".noack(", ".ack(", "concurrency=1", "CrashingSupervisor"):
        assert needed in text


@pytest.mark.parametrize(
    "source",
    [
        "async for batch in stream.take(100, within=1): pass",
        "async def other(stream):\n  async for event in stream: pass",
        "async def other(stream):\n  return [event async for event in stream]",
        "async def other(stream):\n  async for event in stream.events(): pass",
        "async def other(stream):\n  async for batch in stream.noack_take(5): pass",
        "async def other(stream):\n  unacknowledged = stream.noack()",
        "async def consume(stream):\n  async for batch in stream.noack_take(5, within=1): pass",
        "async def other(event, stream):\n  await stream.ack(event)",
        "app.agent(topic, sink=[other])",
        "app.agent(topic, concurrency=4)",
        "app.agent(topic, concurrency=settings.many)",
        "async def other(topic):\n  await topic.send(value=b'')",
        "async def other(self):\n  await self.topic.send_soon(value=b'')",
        "table = app.Table('counts')",
        "async def other(app, topic):\n  return app.stream(topic)",
        "counts = table.tumbling(10)",
        "App('x', processing_guarantee=how)",
        "options = {'processing_guarantee': how}",
        "how = 'exactly_once'",
        "@app.agent(topic)\nasync def agent(stream):\n  '''Text.'''\n  await consume(app, a, stream)\n  print(1)",
    ],
)
def test_every_other_way_is_caught(source: str) -> None:
    """The bans see what they ban."""
    assert faults(source)


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from random import choice",
        "import os.path",
        "datetime.now(UTC)",
        "date.today()",
        "hash(name)",
    ],
)
def test_clocks_and_chance_are_caught(source: str) -> None:
    """The same for the pure modules."""
    assert impurities(source)
