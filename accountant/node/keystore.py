"""Key files: Web3 Secret Storage (scrypt) as Ethereum's wallets write it, or PEM.

Files are created with mode 0600 and never overwritten; a key that exists is money that exists.
"""

import json
import os
import secrets
import sys
import tempfile
from pathlib import Path

from accountant.primitives.addresses import show
from accountant.primitives.errors import AccountantError, InvalidKey
from accountant.primitives.keys import PrivateKey

# What eth_keyfile imports raises the recursion limit to 100,000, for the whole process: a request with deeply nested
# JSON would then overflow the native stack and end the process. So the limit is set back.
_LIMIT = sys.getrecursionlimit()
from eth_keyfile.keyfile import create_keyfile_json, decode_keyfile_json  # noqa: E402

sys.setrecursionlimit(_LIMIT)

SCRYPT_WORK = 2**18
"""scrypt's n of new key files: about a second and 256 MiB to open one (the default of Ethereum's clients)."""


class KeyFileError(AccountantError):
    """A key file that is missing, malformed, exists already, or does not open with the password."""

    code = "key_file"


def write_private(path: Path, data: bytes) -> None:
    """Writes a new file that only its owner may read: whole and on the disk, or not there. Raises `KeyFileError`."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(unfinished, path)
    except FileExistsError:
        raise KeyFileError(f"{path} exists already and is not overwritten") from None
    finally:
        os.unlink(unfinished)


def write_key(path: Path, key: PrivateKey, password: bytes, work: int = SCRYPT_WORK) -> None:
    """Stores `key` under `password`; `work` is scrypt's n. Raises `KeyFileError` where a file exists."""
    stored = create_keyfile_json(key.secret, password, kdf="scrypt", iterations=work)
    write_private(path, json.dumps(stored).encode())


def read_key(path: Path, password: bytes) -> PrivateKey:
    """The key in a key file, or in a PEM file (which the password does not protect). Raises `KeyFileError`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}") from None
    try:
        if data.lstrip().startswith(b"-----BEGIN"):
            return PrivateKey.from_pem(data)
        key = PrivateKey(decode_keyfile_json(json.loads(data), password))
    except InvalidKey as error:
        raise KeyFileError(f"{path}: {error.detail}") from None
    except (ValueError, KeyError, TypeError, AttributeError, NotImplementedError) as error:
        raise KeyFileError(f"{path} does not open: {error}") from None
    claimed = json.loads(data).get("address")
    if isinstance(claimed, str) and claimed.lower().removeprefix("0x") != key.address.hex():
        raise KeyFileError(f"{path} names {claimed} but holds the key of {show(key.address)}")
    return key


def read_password(path: Path) -> bytes:
    """The password in a file: its first line, without the line end. Raises `KeyFileError`."""
    try:
        return path.read_bytes().split(b"\n", 1)[0].rstrip(b"\r")
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}") from None


def ensure_password(path: Path) -> bytes:
    """The password in a file, which is made with 256 random bits if it is not there."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32).encode() + b"\n")
    return read_password(path)
