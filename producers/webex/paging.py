"""The next page of a listing. Pure.

Followed as given (developer.webex.com, "REST API Basics", pagination), but for two faults that SDK authors met:
`max=null`, and filters that are missing from the link.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from requests.utils import parse_header_links

LEAST = 25
"""The smallest page that is asked for when large ones time out."""


def next_url(link: str | None, here: str, params: Mapping[str, str]) -> str | None:
    """The URL of the next page; None on the last. `here` is the page's own URL, `params` what was first asked."""
    for each in parse_header_links(link or ""):
        if "next" in each.get("rel", "").split() and each.get("url"):
            return _repaired(urljoin(here, each["url"]), params)
    return None


def _repaired(url: str, params: Mapping[str, str]) -> str:
    given = dict(_query(url))
    missing = {name: value for name, value in params.items() if name not in given or given[name] == "null"}
    return _with(url, missing) if missing else url


def smaller(url: str, least: int = LEAST) -> str | None:
    """The same page with half as many items; None where that is no way out."""
    size = dict(_query(url)).get("max", "")
    if not size.isdecimal() or int(size) // 2 < least:
        return None
    return _with(url, {"max": str(int(size) // 2)})


def larger(url: str, most: str | None) -> str:
    """The same page with twice as many items, up to `most`: out of the narrow place again."""
    size = dict(_query(url)).get("max", "")
    if most is None or not most.isdecimal() or not size.isdecimal() or int(size) >= int(most):
        return url
    return _with(url, {"max": str(min(int(most), 2 * int(size)))})


def _with(url: str, changed: Mapping[str, str]) -> str:
    kept = [(name, value) for name, value in _query(url) if name not in changed]
    return urlsplit(url)._replace(query=urlencode([*kept, *changed.items()])).geturl()


def _query(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query, keep_blank_values=True)
