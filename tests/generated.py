"""Pages that are made from the code: `python -m tests.generated` writes them, `--check` fails if they are stale."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from schemas import codec
from schemas.topics import CATALOGUE, Topic

ROOT = Path(__file__).parent.parent


def topics_page() -> str:
    """docs/topics.md from the catalogue and the schemas."""
    lines = [
        "# Topics", "",
        "Made from `schemas/topics.py` and `schemas/avro/` by `make docs`; `make check` fails when it is stale.", "",
        "Values are Avro in single-object encoding (`C3 01`, fingerprint, body), or in the Confluent wire format when",
        "`kafka.schema_registry_url` is set; `connector-status` is JSON. *Partitioned* topics have `kafka.partitions`",
        "partitions, fixed at creation; a record stays in the partition number of the record that caused it.", "",
        "| topic | purpose | key | records | partitions | cleanup | retention | written by | read by |",
        "|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    lines += [_row(topic) for topic in CATALOGUE]
    lines += ["", "## Records", ""]
    for name in dict.fromkeys(
        name for topic in CATALOGUE for name in topic.records if not name.startswith("JSON")
    ):
        lines += _record(name)
    return "\n".join([*lines, *_unread()])


def _unread() -> list[str]:
    """Fields by whose name no code reads anything: somebody may otherwise take them for what the product goes by."""
    read = {name for path in _sources() for name in _names_read(ast.parse(path.read_text(encoding="utf-8")))}
    names = dict.fromkeys(
        name for topic in CATALOGUE for name in topic.records if not name.startswith("JSON")
    )
    unread = [
        f"`{name}.{field['name']}`"
        for name in names
        for field in codec.schema(name)["fields"]
        if field["name"] not in read
    ]
    return [
        "### For people and later versions",
        "",
        f"Written, and read by no code: {', '.join(unread)}.",
        "",
    ]


def _sources() -> Iterator[Path]:
    for room in ("schemas", "stores", "producers", "streams", "consumers", "cli"):
        yield from (ROOT / room).rglob("*.py")


def _names_read(tree: ast.AST) -> Iterator[str]:
    """Constant keys that something is asked for: `record["name"]`, `record.get("name")`."""
    for node in ast.walk(tree):
        key: ast.expr | None = None
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            key = node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            key = node.args[0] if node.args else None
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.value


def _row(topic: Topic) -> str:
    configs = topic.configs()
    kept = configs.get("retention.ms")
    retention = "for ever" if kept == "-1" else f"{int(kept or 0) // 86_400_000} days"
    cells = (
        f"`{topic.name}`", topic.purpose, topic.key.replace("|", "\\|"), ", ".join(topic.records),
        "partitioned" if topic.partitioned else "1", topic.cleanup, retention, ", ".join(topic.writers),
        ", ".join(topic.readers),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _record(name: str) -> list[str]:
    parsed = codec.schema(name)
    lines = [f"### {name}", "", parsed["doc"], "", "| field | type | meaning |", "|---|---|---|"]
    lines += [
        f"| `{field['name']}` | {_type(field['type'])} | {field['doc']} |" for field in parsed["fields"]
    ]
    return [*lines, ""]


def _type(node: object) -> str:
    if isinstance(node, list):
        return " or ".join(_type(item) for item in node)
    if isinstance(node, dict):
        if node["type"] == "array":
            return f"list of {_type(node['items'])}"
        return f"map of {_type(node['values'])}" if node["type"] == "map" else _type(node["name"])
    return str(node).removeprefix("chatledger.")


PAGES = {ROOT / "docs" / "topics.md": topics_page}


def main() -> int:
    """Write or check all pages."""
    stale = []
    for path, make in PAGES.items():
        text = make() + "\n"
        if "--check" in sys.argv:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(path.relative_to(ROOT))
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for path in stale:
        sys.stderr.write(f"{path} is stale; run `make docs`\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
