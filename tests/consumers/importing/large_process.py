"""A process of its own that puts a small copy and then a large one into a mailbox, and prints by how much its memory grew, kB."""

import asyncio
import hashlib
import json
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from consumers.importing.items import Item
from consumers.importing.opening import open_attempts, open_target
from schemas.records import Receipt
from stores.folder import FolderStore
from tests.consumers.importing.office import mail_bytes, settings_of

EXAMPLE = Path(__file__).parents[3] / "schemas" / "examples" / "Receipt.json"
LINE = b"z" * 76 + b"\r\n"


def main() -> None:
    """Arguments: port, mailbox, folder for the archive, bytes, and the ceiling, 0 for none."""
    port, mailbox, folder, size, ceiling = sys.argv[1:]
    changes: dict[str, Any] = {"max_mail_bytes": int(ceiling)} if int(ceiling) else {}
    settings = settings_of(port=int(port), **changes)
    store = FolderStore(Path(folder), durable=False)
    session = open_target(settings).open(mailbox)
    copies, attempts = open_attempts(
        settings, lambda: FolderStore(Path(folder)), Path(folder).parent / "scratch"
    )
    with closing(copies):
        attempts.once(session, Item(filed(store, "small.eml", 100), 0))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        large = filed(store, "large.eml", int(size))
        landed = attempts.once(session, Item(large, 0))
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    session.close()
    print(
        json.dumps(
            {"grown_kb": grown, "size": landed.size, "copy": large["size"], "left_out": landed.left_out}
        )
    )


def filed(store: FolderStore, path: str, size: int) -> Receipt:
    """A copy in the archive with a file of about this size, and its blank receipt."""
    head, _, tail = mail_bytes(1, ("a.pdf", 0), message_id=f"<{path}@x>").rpartition(b"\r\n--")
    state, total = hashlib.sha256(), 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal total
        for chunk in chain([head], repeat(LINE * 10_000, size // 780_000), [b"\r\n--" + tail]):
            state.update(chunk)
            total += len(chunk)
            yield chunk

    asyncio.run(store.create(path, chunks(), content_type="message/rfc822"))
    one: Receipt = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    return {**one, "message_id": f"<{path}@x>", "path": path, "size": total, "sha256": state.digest()}


if __name__ == "__main__":
    main()
