"""Downloads that are taken up where they broke off (RFC 9110, 13 to 15): which bytes an answer brings, and of which file."""

import re
from collections.abc import Mapping

_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)", re.ASCII)


def start_of(content_range: str | None) -> int | None:
    """Where a part begins, by its Content-Range (RFC 9110, 14.4); None if that is not said."""
    found = _RANGE.fullmatch((content_range or "").strip())
    return int(found[1]) if found else None


def version_of(headers: Mapping[str, str]) -> str | None:
    """The strong ETag of the file that an answer is of, which two versions never share; None without one."""
    etag = headers.get("ETag", "")
    return None if not etag or etag.startswith("W/") else etag


def range_from(start: int, version: str | None) -> dict[str, str]:
    """Header fields that ask for everything from there on, of this version alone; none at the beginning."""
    if not start:
        return {}
    return {"Range": f"bytes={start}-"} | ({"If-Range": version} if version else {})
