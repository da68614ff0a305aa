"""Tokens in files of the data folder: whoever may read the file may ask. Another one is another file's content."""

import os
import secrets
from pathlib import Path

_BYTES_MOST = 4_096


def keep_token(path: Path) -> None:
    """Makes a token once, for the file's owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(32) + "\n")


def read_token(path: Path) -> bytes:
    """What the file holds; nothing where there is none: then nobody is let in."""
    try:
        with path.open("rb") as file:
            return file.read(_BYTES_MOST).strip()
    except OSError:
        return b""


def bears(authorization: str | None, path: Path) -> bool:
    """Whether an `Authorization` header bears the token of a file; as long for a wrong one as for the right one."""
    scheme, _, given = (authorization or "").partition(" ")
    token = read_token(path)
    return bool(token) and scheme.lower() == "bearer" and secrets.compare_digest(given.strip().encode(), token)
