"""A change of keys: the old key vouches for the new one in the chain itself, so that verifiers follow without being told."""

import time
import uuid
from pathlib import Path

from consumers.evidence.close import Closer
from consumers.evidence.errors import EvidenceError
from consumers.evidence.keys import ROTATION, Signer, load_key, new_key, next_path, put_in_force
from consumers.evidence.statement import Manifest
from consumers.orders import audit, say
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.records import Audit

CLOSINGS = 2
"""Another process may have planned a manifest before the order, which is then in the one after it."""


async def rotate(
    closer: Closer, kafka: KafkaSettings, codec: Codec, key_file: Path, by: str, reason: str
) -> Manifest:
    """Let a new key follow on the present one, and close the manifest that says so; that is the last of the old key.

    Killed in the middle, the next call goes on: the new key waits beside the old one until the chain knows it. Whichever process
    closes the manifest, the chain says whether the new key is in it.
    """
    waiting = next_path(key_file)
    begun = load_key(waiting) if waiting.exists() else None
    await closer.close()  # what was begun is finished, and signed, before anything changes
    new = begun or new_key(waiting)
    if await closer.introducing(new.public) is None:
        say(kafka, codec, [_record(load_key(key_file), new, by, reason)])
    made = await _introduced(closer, new.public)
    put_in_force(key_file)  # unless a later closing did it
    return made


async def _introduced(closer: Closer, public: str) -> Manifest:
    for _ in range(CLOSINGS):
        await closer.close()
        made = await closer.introducing(public)
        if made is not None:
            return made
    raise EvidenceError("the new key did not get into the chain; give the command again")


def _record(old: Signer, new: Signer, by: str, reason: str) -> Audit:
    signature = old.sign(ROTATION + bytes.fromhex(new.public))
    return audit(
        uuid.uuid4().hex, "key", at_ms=int(time.time() * 1000), by=by, reason=reason,
        details={"public_key": new.public, "signature": signature, "former": old.public},
    )  # fmt: skip
