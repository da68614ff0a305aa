"""API keys: `anh_` ‖ 12 hex digits that name the key ‖ `_` ‖ 256 secret bits. Only a hash is stored."""

import hmac
import re
import secrets

import sqlalchemy as sa

from accountant.primitives.hashes import sha256
from accountant.storage.keys_store import Keys, StoredKey

_FORM = re.compile(r"anh_([0-9a-f]{12})_[A-Za-z0-9_-]{43}", re.ASCII)
_NOBODY = StoredKey("", sha256(secrets.token_bytes(32)))


def ensure_first_key(engine: sa.Engine) -> str | None:
    """Creates the first API key and returns it, this once; None if there was one before."""
    with engine.begin() as connection:
        keys = Keys(connection)
        keys.lock()
        if keys.any():
            return None
        prefix = secrets.token_hex(6)
        text = f"anh_{prefix}_{secrets.token_urlsafe(32)}"
        keys.add(StoredKey(prefix, sha256(text.encode())))
        return text


def authenticate(connection: sa.Connection, text: str) -> StoredKey | None:
    """The key that `text` is; None for every other text, in the same time whatever is wrong with its secret."""
    form = _FORM.fullmatch(text)
    if form is None:
        return None
    stored = Keys(connection).find(form[1]) or _NOBODY
    same = hmac.compare_digest(stored.secret_sha256, sha256(text.encode()))
    return stored if same and stored is not _NOBODY else None


def signature(key: StoredKey, message: bytes) -> bytes:
    """A MAC with the key's hash, which no client knows: binds a list cursor to the key that it was given to."""
    return hmac.digest(key.secret_sha256, b"anh/cursor\x00" + message, "sha256")[:16]


def is_signature(key: StoredKey, message: bytes, mac: bytes) -> bool:
    """Whether `mac` is the `signature` of the message, in constant time."""
    return hmac.compare_digest(signature(key, message), mac)
