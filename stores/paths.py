"""Where things lie in a store: paths as pure functions, safe on every file system and in Azure.

Readable as long as possible, and never ambiguous: what had to be changed for a file system (characters,
length, or letters whose case a file system may ignore) is made up for by a hash of the exact original,
set off by `~`, which no unchanged name contains. Unicode rules are those of version 3.2 on purpose: the
tables of the running Python differ from release to release, but a path is for ever.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING
from unicodedata import ucd_3_2_0 as ucd

from schemas.slices import PLAIN
from schemas.text import USUAL
from stores.interface import BadPathError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

MAILS_ROOT = "_mails"
"""Below it each mail lies once, whoever gets a copy."""

PREFIX_ROOT = "_replay"
"""Below it stand the prefixes that replays write into, each a second archive."""

LIMIT = 120
"""Bytes of UTF-8 that one component of a path may have; file systems allow 255, some tools less."""

KNOWN_FOLDERS = frozenset({"LivePerson Conversational Cloud DataParser", "Webex Teams"})
"""Folder names with capitals that need no hash, because this spelling owns the name.

Part of every path that was ever written, so never to be added to, also not for a new product: somebody may have used its
folder name before, and the same copies would lie at two paths. File names below other folders just have a hash more.
"""

_HASH_DIGITS = 20
# The second half: invisible letters and marks, which some file systems skip when they compare names.
_UNSAFE = re.compile(
    r'[<>:"/\\|?*~#%\x00-\x1f\x7f'
    r"\u00ad\u034f\u06dd\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0]"
)
_PLAIN_PATH = re.compile(
    r"(?!\.)[ -.0-\[\]-~]{0,254}[!-,\-0-\[\]-~](?:/(?!\.)[ -.0-\[\]-~]{0,254}[!-,\-0-\[\]-~])*"
)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\\]")
_ASCII = re.compile(r"[ -~]*")
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(\..*)?", re.IGNORECASE)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAIL_ID = re.compile(r"[0-9a-z]{4,64}")
_SLICE = re.compile(PLAIN)
_PLAIN_STEM = re.compile(
    r"(?P<uid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-z]+)-(?P<conversation>[0-9a-z_.-]+?)"
    rf"-(?P<slice>{PLAIN})"
)


def content_path(sha256: str) -> str:
    """Return where the content with this SHA-256 (64 lower-case hexadecimal digits) lies."""
    if not _SHA256.fullmatch(sha256):
        message = f"not a SHA-256 in lower-case hexadecimal: {sha256!r}"
        raise BadPathError(message)
    return f"_content/{sha256[:2]}/{sha256}"


def disposed_path(sha256: str) -> str:
    """Return where it stands that the content with this SHA-256 left the store by an order."""
    return content_path(sha256).replace("_content/", "_disposed/", 1)


def disposed_paths(sha256: str) -> Iterator[str]:
    """Yield where that may stand, without end: for the first order, and for later ones after the file had come back."""
    first = disposed_path(sha256)
    return (f"{first}.{number}" if number else first for number in itertools.count())


def placeholders_path(closing_id: str) -> str:
    """Return where it stands which files of a closing's mails have a placeholder, since an order removed them before."""
    if not _MAIL_ID.fullmatch(closing_id):
        message = f"not a closing id (4 to 64 lower-case letters and digits): {closing_id!r}"
        raise BadPathError(message)
    return f"_disposed/mails/{closing_id}"


def mail_path(connector_uid: str, mail_id: str) -> str:
    """Return where a mail is kept once, whoever gets a copy; `mail_id` is lower-case letters and digits."""
    if not _MAIL_ID.fullmatch(mail_id):
        message = f"not a mail id (4 to 64 lower-case letters and digits): {mail_id!r}"
        raise BadPathError(message)
    return f"{MAILS_ROOT}/{safe_name(connector_uid)}/{mail_id[:2]}/{mail_id}.eml"


def copy_path(
    mailbox: str,
    folder: str,
    *,
    day: date,
    connector_uid: str,
    conversation: str,
    slice: str,  # noqa: A002 - the word of the trade, and only ever given by keyword
    revision: int,
    part: int = 1,
    parts: int = 1,
) -> str:
    """Return where a mailbox's copy of a mail lies, in a layout that a person can browse.

    `slice` is a date or a number as the producer stamped it, `revision` counts from 0, `part` from 1.
    Distinct arguments give distinct paths, also where a file system ignores case or Unicode forms.
    """
    if revision < 0 or not 1 <= part <= parts:
        message = f"no such revision or part: revision {revision}, part {part} of {parts}"
        raise BadPathError(message)
    (box, cased_box), (below, cased_folder) = _folder_name(mailbox), _folder_name(folder)
    stem = _stem(connector_uid, conversation, slice, (cased_box, cased_folder))
    pieces = f"-p{part}of{parts}" if parts > 1 else ""
    return f"{box}/{below}/{day:%Y/%m/%d}/{stem}-r{revision}{pieces}.eml"


def _folder_name(text: str) -> tuple[str, str | None]:
    """The name in a path, and the text itself where its letters' case matters."""
    return _usual_folder(text) if len(text) <= USUAL else _usual_folder.__wrapped__(text)


@lru_cache(maxsize=4096)  # a mailbox gets many mails
def _usual_folder(text: str) -> tuple[str, str | None]:
    return safe_name(text, keep_case=True), text if _has_case(text) else None


def safe_name(text: str, *, keep_case: bool = False) -> str:
    """Return `text` as one path component, unchanged when it is safe, else cleaned and with its hash.

    Text with capitals counts as unsafe unless `keep_case`: then the caller must tell case apart elsewhere.
    """
    cleaned = _cleaned(text)
    if cleaned == text and len(text.encode()) <= LIMIT and (keep_case or not _has_case(text)):
        return text
    return f"{_shortened(cleaned, LIMIT - _HASH_DIGITS - 1)}~{_hash(text)}"


def check_path(path: str) -> str:
    """Return `path` if every store can hold it, else raise `BadPathError`; no path leaves its store."""
    if len(path) <= 1024 and _PLAIN_PATH.fullmatch(path):  # nearly every path
        return path
    if len(path) > 1024 or _UNPRINTABLE.search(path) or not all(map(_is_component, path.split("/"))):
        message = f"not a path that every store can hold: {path!r}"
        raise BadPathError(message)
    return path


def is_hidden(name: str) -> bool:
    """Tell whether a component of a path belongs to the store's own housekeeping, not to its content."""
    return name.startswith(".")


def is_listed(path: str) -> bool:
    """Tell whether a listing shows this path: housekeeping, ours or of other programs, is hidden; no mail ever is."""
    *folders, _ = parts = path.split("/")
    if not any(map(is_hidden, parts)):
        return True
    return path.lower().endswith(".eml") and not (folders and is_hidden(folders[0]))


def _is_component(part: str) -> bool:
    if not part or is_hidden(part) or part[-1] in ". ":
        return False
    return len(part.encode()) <= 255


@lru_cache(maxsize=16)  # the copies of a mail follow each other
def _stem(uid: str, conversation: str, slice_key: str, cased: tuple[str | None, ...]) -> str:
    stem = f"{uid}-{conversation}-{slice_key}"
    match = _PLAIN_STEM.fullmatch(stem)
    exact = match is not None and match.group("uid", "conversation", "slice") == (
        uid,
        conversation,
        slice_key,
    )
    if exact and not any(cased) and len(stem) <= LIMIT - 30:
        return stem
    plain_slice = _SLICE.fullmatch(slice_key) is not None
    # The mailbox counts only where its case matters, so that all copies of a mail bear the same name.
    fingerprint = _hash(json.dumps([uid, conversation, None if plain_slice else slice_key, *cased]))
    # Long ids of one source begin alike; their ends are what a person can tell apart.
    tail = _cleaned(conversation[-16:]) if len(conversation) > 40 else _cleaned(conversation)
    end = slice_key if plain_slice else _shortened(_cleaned(slice_key), 12)
    return f"{_shortened(_cleaned(uid), 36)}-{_shortened(tail, 20)}~{fingerprint}-{end}"


def _cleaned(text: str) -> str:
    """Replace what some file system, Azure or a terminal can't take; changes nothing in a safe name."""
    safe = text  # printable ASCII is plain, and its own normal form
    if not _ASCII.fullmatch(text):
        safe = "".join(char if _is_plain(char) else "_" for char in ucd.normalize("NFC", text))
    safe = _UNSAFE.sub("_", safe)
    if not safe or safe[0] in "._ " or _RESERVED.fullmatch(safe):
        safe = f"-{safe}"
    return safe if safe[-1] not in ". " else f"{safe[:-1]}_"


def _is_plain(char: str) -> bool:
    """Tell whether a character prints and has a fixed place in Unicode: no controls, marks of direction."""
    return ucd.category(char)[0] != "C" and (char == " " or ucd.category(char)[0] != "Z")


def _has_case(text: str) -> bool:
    """Tell whether another spelling could name the same file where case or Unicode form is ignored.

    What isn't plain counts as such too: how its letters fold may differ from one Python to the next.
    """
    return text not in KNOWN_FOLDERS and (_cleaned(text) != text or _folded(text) != text)


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    once = ucd.normalize("NFKC", text).upper().casefold()
    return ucd.normalize("NFKC", ucd.normalize("NFKC", once).casefold())


def _shortened(text: str, limit: int) -> str:
    short = text.encode()[:limit].decode(errors="ignore")
    return short.rstrip(". ") or "-"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_HASH_DIGITS]
