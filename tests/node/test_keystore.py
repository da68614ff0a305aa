"""Key files and the development chain."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from accountant.chain.state import ChainState
from accountant.node.devnet import devnet_in, init_devnet, read_genesis
from accountant.node.keystore import KeyFileError, read_key, read_password, write_key
from accountant.primitives.addresses import show
from accountant.primitives.encoding import encode
from accountant.primitives.keys import PrivateKey

WORK = 2**12


def test_a_key_file_opens_with_its_password_and_no_other(tmp_path: Path) -> None:
    """A stored key comes back; a wrong password is a typed error; the file is scrypt and private."""
    key, path = PrivateKey.generate(), tmp_path / "key.json"
    write_key(path, key, b"right", WORK)
    assert read_key(path, b"right").secret == key.secret
    assert json.loads(path.read_bytes())["crypto"]["kdf"] == "scrypt"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(KeyFileError):
        read_key(path, b"wrong")


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    """Writing over a key file is refused, the key stays, and no temporary file is left."""
    key, path = PrivateKey.generate(), tmp_path / "key.json"
    write_key(path, key, b"pw", WORK)
    with pytest.raises(KeyFileError):
        write_key(path, PrivateKey.generate(), b"pw", WORK)
    assert read_key(path, b"pw").address == key.address
    assert [file.name for file in tmp_path.iterdir()] == ["key.json"]


def test_a_pem_file_is_a_key_file(tmp_path: Path) -> None:
    """A PEM key is read as such, whatever the password."""
    key, path = PrivateKey.generate(), tmp_path / "key.pem"
    path.write_bytes(key.to_pem())
    assert read_key(path, b"").address == key.address


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"7", b"\xff", b'{"version": 3}', b"-----BEGIN EC PRIVATE KEY-----"]
)
def test_malformed_key_files_are_typed_errors(tmp_path: Path, data: bytes) -> None:
    """No malformed file raises anything but `KeyFileError`."""
    path = tmp_path / "key.json"
    path.write_bytes(data)
    with pytest.raises(KeyFileError):
        read_key(path, b"pw")


def test_a_key_file_that_names_another_address_is_refused(tmp_path: Path) -> None:
    """The address in a key file must be that of the key inside."""
    path = tmp_path / "key.json"
    write_key(path, PrivateKey.generate(), b"pw", WORK)
    stored = json.loads(path.read_bytes()) | {"address": show(PrivateKey.generate().address)}
    path.write_text(json.dumps(stored))
    with pytest.raises(KeyFileError, match="names"):
        read_key(path, b"pw")


def test_a_development_chain_is_made_once(tmp_path: Path) -> None:
    """The second call changes nothing; the keys open with the stored password and stand in genesis."""
    places = devnet_in(tmp_path / "keys")
    init_devnet(places, "engine 1", work=WORK)
    raw, genesis = read_genesis(places.genesis)
    assert encode(genesis) == raw
    init_devnet(places, "engine 2", work=WORK)
    assert places.genesis.read_bytes() == raw
    password = read_password(places.password)
    assert genesis.proposers == (read_key(places.proposer_key, password).address,)
    paid = {read_key(path, password).address for path in (places.accountant_key, places.faucet_key)}
    assert {account.address for account in genesis.accounts} == paid
    assert ChainState.at_genesis(genesis).head.hash == genesis.hash


def test_a_development_chain_is_completed_after_a_crash(tmp_path: Path) -> None:
    """Keys that were made before a crash are used, those that were not are made."""
    places = devnet_in(tmp_path)
    init_devnet(places, "engine", work=WORK)
    password = read_password(places.password)
    kept = read_key(places.proposer_key, password).address
    places.genesis.unlink()
    places.faucet_key.unlink()
    init_devnet(places, "engine", work=WORK)
    genesis = read_genesis(places.genesis)[1]
    assert genesis.proposers == (kept,)
    assert read_key(places.faucet_key, password).address in {account.address for account in genesis.accounts}


def test_opening_key_files_leaves_the_recursion_limit_alone(tmp_path: Path) -> None:
    """A library behind key files raises it so far that nested input would overflow the native stack."""
    code = f"""if True:
        import sys
        from pathlib import Path
        from accountant.node.keystore import read_key, write_key
        from accountant.primitives.keys import PrivateKey
        path = Path({str(tmp_path / "key.json")!r})
        write_key(path, PrivateKey.generate(), b"secret", 16)
        read_key(path, b"secret")
        print(sys.getrecursionlimit())"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(run.stdout) == 1_000
