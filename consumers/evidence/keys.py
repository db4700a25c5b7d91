"""Ed25519 keys: the private one in a file for its owner alone, public ones as 64 hexadecimal digits.

A change of keys leaves the new private key beside the old one until the manifest that introduces it is signed.
"""

import contextlib
import os
import stat
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from consumers.evidence.errors import EvidenceError
from stores.folder_places import sync_folder

ROTATION = b"chatledger evidence: the next key is "
"""What the old key signs before the 32 bytes of the new public key."""


class Signer:
    """A private key in memory."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = key.public_key().public_bytes_raw().hex()

    def sign(self, data: bytes) -> str:
        """The signature, 128 hexadecimal digits; the same for the same bytes."""
        return self._key.sign(data).hex()


def is_signed(data: bytes, signature: str, public: str) -> bool:
    """Whether this key made this signature; malformed ones did not."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), data)
    except (InvalidSignature, ValueError):
        return False
    return True


def new_key(path: Path) -> Signer:
    """Make a key in a file of its own, mode 0600; EvidenceError where one is already."""
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError as error:
        msg = f"{path} is there already; a key is never overwritten"
        raise EvidenceError(msg) from error
    except OSError as error:
        raise EvidenceError(f"{path}: {error.strerror}") from error
    with os.fdopen(handle, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(handle)
    # else a crash of the machine could take the name with the only key that may sign on
    sync_folder(path.parent)
    return Signer(key)


def put_in_force(path: Path) -> None:
    """Let the key that waits beside this file take its place, durable on return, unless another process was faster. OSError."""
    with contextlib.suppress(FileNotFoundError):
        next_path(path).replace(path)
    sync_folder(path.parent)


def load_key(path: Path) -> Signer:
    """The private key in this file; EvidenceError if it is not one, or others may read it."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            msg = f"{path} can be read by others than its owner; `chmod 600` it"
            raise EvidenceError(msg)
        key = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError as error:
        raise EvidenceError(f"{path} is missing; `chatledger evidence key new` makes a key") from error
    except (OSError, ValueError, TypeError) as error:
        raise EvidenceError(
            f"{path} holds no private key that can be read ({type(error).__name__})"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        msg = f"{path} holds a key of another kind; evidence is signed with Ed25519"
        raise EvidenceError(msg)
    return Signer(key)


def next_path(path: Path) -> Path:
    """Where the new key waits while keys change."""
    return path.with_name(f"{path.name}.next")


def key_for(path: Path, expected: str | None) -> Signer:
    """The key that has to sign: the expected one, which may still be waiting; any if none is expected.

    EvidenceError when neither file holds it.
    """
    waiting = next_path(path)
    if expected is not None and waiting.exists():
        found = load_key(waiting)
        if found.public == expected:
            put_in_force(path)
            return found
    found = load_key(path)
    if expected is not None and found.public != expected:
        msg = f"{path} holds key {found.public[:16]}…, but the chain goes on with {expected[:16]}…; put that one back"
        raise EvidenceError(msg)
    return found
