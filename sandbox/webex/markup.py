"""From what a writer typed, with @{mentions}, to the plain text and HTML that Webex keeps."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

_MENTION = re.compile(r"@\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message's text as the API gives it; `html` is empty where a client would send none."""

    text: str
    html: str
    people: tuple[str, ...]
    groups: tuple[str, ...]


def render(source: str, names: Mapping[str, tuple[str, str]], given_html: str = "") -> Rendered:
    """Resolve the mentions of a text; `names` gives (person id, display name) of each key."""
    keys = _MENTION.findall(source)
    plain = _MENTION.sub(lambda found: "All" if found[1] == "all" else names[found[1]][1], source)
    marked = given_html or (html.escape(source, quote=False) if keys else "")
    return Rendered(
        text=plain,
        html=_MENTION.sub(lambda found: _tag(found[1], names), f"<p>{marked}</p>" if marked else ""),
        people=tuple(dict.fromkeys(names[key][0] for key in keys if key != "all")),
        groups=("all",) if "all" in keys else (),
    )


def _tag(key: str, names: Mapping[str, tuple[str, str]]) -> str:
    if key == "all":
        return '<spark-mention data-object-type="groupMention" data-group-type="all">All</spark-mention>'
    person_id, name = names[key]
    attributes = f'data-object-type="person" data-object-id="{person_id}"'
    return f"<spark-mention {attributes}>{html.escape(name)}</spark-mention>"
