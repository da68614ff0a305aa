"""The signer's crash output: whatever is wrong with its key file or its password, neither of them is told."""

import base64
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from accountant.node.keystore import KeyFileError, read_key, write_key
from accountant.primitives.encoding import encode
from accountant.primitives.keys import PrivateKey
from tests.support.oath_node import oath_genesis
from tests.support.seeking_keys import forms_of, shown_by

KEY = PrivateKey.from_seed(b"a key that nobody may see")
PASSWORD = b"correct horse battery staple"
FORMS = [*forms_of(KEY.secret), *forms_of(PASSWORD), base64.b64encode(PASSWORD)]
BAD_FILES: dict[str, Callable[[], bytes]] = {
    "hex": lambda: KEY.secret.hex().encode(),
    "hex with 0x": lambda: b"0x" + KEY.secret.hex().encode(),
    "decimal": lambda: str(int.from_bytes(KEY.secret, "big")).encode(),
    "a JSON string": lambda: json.dumps(KEY.secret.hex()).encode(),
    "a JSON list": lambda: json.dumps(list(KEY.secret)).encode(),
    "another JSON": lambda: json.dumps({"private_key": KEY.secret.hex(), "version": 3}).encode(),
    "a JSON keystore without a cipher": lambda: json.dumps({"version": 3, "crypto": KEY.secret.hex()}).encode(),
    "half a PEM": lambda: KEY.to_pem()[: len(KEY.to_pem()) // 2],
    "a PEM of nothing but the key": lambda: b"-----BEGIN EC PRIVATE KEY-----\n" + base64.b64encode(KEY.secret),
    "the bytes": lambda: KEY.secret,
}


def test_the_forms_are_found() -> None:
    """What this looks for would be found: in hex, base64 and decimal, amid other text, and in the key's own PEM."""
    forms = forms_of(KEY.secret)
    number = int.from_bytes(KEY.secret, "big")
    texts = [
        f"key={KEY.secret.hex()}!",
        f"{KEY.secret!r}",
        f'{{"d": {number}}}',
        KEY.secret.hex().upper(),
        str([*KEY.secret]),
    ]
    texts += [base64.b64encode(b"x" * i + KEY.secret + b"y" * j).decode() for i in range(4) for j in range(4)]
    texts.append(KEY.to_pem().decode().replace("\n", ""))
    assert [text for text in texts if not shown_by(forms, text.encode())] == []
    assert shown_by(forms, b"\x00" + KEY.secret) and not shown_by(forms, KEY.address.hex().encode())


def signed_off(folder: Path, password: bytes) -> "subprocess.CompletedProcess[bytes]":
    """`accountant sign` until it ends by itself, as loud as it gets."""
    (folder / "password").write_bytes(password + b"\n")
    (folder / "chain").mkdir(exist_ok=True)
    (folder / "chain" / "genesis.bin").write_bytes(encode(oath_genesis()))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANH_")},
        "ANH_DATA_DIR": str(folder),
        "ANH_ACCOUNTANT_KEY": str(folder / "key"),
        "ANH_KEY_PASSWORD_FILE": str(folder / "password"),
        "ANH_LOG_LEVEL": "debug",
        "PYTHONFAULTHANDLER": "1",
        "PYTHONDEVMODE": "1",
    }
    argv = [sys.executable, "-m", "accountant.cli", "sign"]
    return subprocess.run(argv, env=environment, capture_output=True, timeout=120, check=False)


def shown(ended: "subprocess.CompletedProcess[bytes]", folder: Path) -> list[bytes]:
    """The forms of key and password in the output, and in whatever files are left beside the key's own."""
    left = [p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name not in ("key", "password")]
    return [form for text in (ended.stdout, ended.stderr, *left) for form in shown_by(FORMS, text)]


def test_a_wrong_password(tmp_path: Path) -> None:
    """One line that names the file, exit status 2: no key, no password, neither the wrong one nor the right one."""
    write_key(tmp_path / "key", KEY, PASSWORD, work=2**10)
    wrong = b"wrong " + PASSWORD[::-1]
    ended = signed_off(tmp_path, wrong)
    assert ended.returncode == 2 and b"does not open" in ended.stderr and str(tmp_path).encode() in ended.stderr
    assert shown(ended, tmp_path) == [] and wrong not in ended.stderr + ended.stdout
    assert b"Traceback" not in ended.stderr


@pytest.mark.parametrize("kind", BAD_FILES)
def test_key_files_that_are_none(tmp_path: Path, kind: str) -> None:
    """A file that holds the key in some other form is refused without repeating it: not even in the error's chain."""
    (tmp_path / "key").write_bytes(BAD_FILES[kind]())
    with pytest.raises(KeyFileError) as refused:
        read_key(tmp_path / "key", PASSWORD)
    told = "".join(traceback.format_exception(refused.value)) + str(refused.value) + repr(refused.value)
    assert shown_by(FORMS, told.encode()) == []


def test_a_signer_with_a_key_file_that_is_none(tmp_path: Path) -> None:
    """The process says it in one line, and ends with exit status 2."""
    (tmp_path / "key").write_bytes(BAD_FILES["a JSON keystore without a cipher"]())
    ended = signed_off(tmp_path, PASSWORD)
    assert ended.returncode == 2 and shown(ended, tmp_path) == [] and b"Traceback" not in ended.stderr
