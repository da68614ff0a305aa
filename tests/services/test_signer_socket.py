"""The signer's socket: who knows the token is answered, and whatever is lost is asked again."""

import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from pathlib import Path

import pytest

from accountant.chain.transaction import Transaction, decode_transaction, sender_of
from accountant.oath.signing import NotSigned, SigningLimits
from accountant.oath.swear import Stamp, deploy_transaction, deposit_transaction
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.encoding import encode
from accountant.primitives.types import Amount
from accountant.services.signer_socket import SignerServer, SocketSigner
from accountant.services.signing import KeySigner, Signature, SignerDown
from tests.support.oath_node import ACCOUNTANT, oath_genesis

GENESIS = oath_genesis()
STAMP = Stamp(GENESIS.chain_id, 5, GENESIS.fees.gas_price_least)
DEPLOY = deploy_transaction(STAMP, GENESIS.gas)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Deeper than a socket's path may be long."""
    return tmp_path / ("deep" * 30) / "signer"


@pytest.fixture
def signed() -> list[Signature]:
    return []


def serving(folder: Path, signed: list[Signature]) -> SignerServer:
    limits = SigningLimits(Amount(10), Amount(100))
    return SignerServer(folder, KeySigner(ACCOUNTANT, GENESIS, limits, signed.append))


@pytest.fixture
def server(folder: Path, signed: list[Signature]) -> Iterator[SignerServer]:
    opened = serving(folder, signed)
    yield opened
    opened.close()


def test_what_is_asked_for_is_signed_and_logged(server: SignerServer, folder: Path, signed: list[Signature]) -> None:
    """The bytes come back signed by the key, the same again when asked again; each time it is logged."""
    signer = SocketSigner(folder)
    assert signer.address() == ACCOUNTANT.address
    raw = signer.sign(DEPLOY, 0)
    assert signer.sign(DEPLOY, 0) == raw and len(signed) == 2
    transaction = decode_transaction(raw)
    assert sender_of(raw, transaction) == ACCOUNTANT.address and transaction.nonce == 5
    signer.close()


def test_refusals_come_with_their_reason(server: SignerServer, folder: Path, signed: list[Signature]) -> None:
    """What the key does not sign is refused, and the connection goes on."""
    signer = SocketSigner(folder)
    with pytest.raises(NotSigned, match="no purse that this key deployed"):
        signer.sign(deposit_transaction(STAMP, contract_id_of(ACCOUNTANT.address, 1), Amount(1)), 0)
    with pytest.raises(NotSigned, match="at most 100"):
        signer.sign(deposit_transaction(STAMP, contract_id_of(ACCOUNTANT.address, 1), Amount(101)), 1)
    signer.sign(DEPLOY, 0)
    assert len(signed) == 1
    signer.close()


def test_only_who_knows_the_token(server: SignerServer, folder: Path) -> None:
    """Folder, token and socket are their owner's alone, and a connection without the token is not answered."""
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE((folder / name).stat().st_mode) for name in ("token", "socket")] == [0o600, 0o600]
    link = folder.parents[1] / "s"
    link.symlink_to(folder)
    for key in (b"guess", bytes(32)):
        with pytest.raises((AuthenticationError, EOFError, OSError)):
            Client(str(link / "socket"), family="AF_UNIX", authkey=key)
    assert SocketSigner(folder).address() == ACCOUNTANT.address, "and others are answered as before"


def test_nonsense_is_refused(server: SignerServer, folder: Path) -> None:
    """Bytes that are no request get a refusal; too many of them end the connection, not the signer."""
    link = folder.parents[1] / "s"
    link.symlink_to(folder)
    token = (folder / "token").read_bytes()
    with Client(str(link / "socket"), family="AF_UNIX", authkey=token) as connection:
        for nonsense in (b"", b"\xff", encode([b"\x00", 1]), encode([b"", 1, 2])):
            connection.send_bytes(nonsense)
            assert connection.poll(5) and connection.recv_bytes()
        with suppress(OSError):  # it may hang up before all of it is sent
            connection.send_bytes(bytes(2**21))
        with pytest.raises((EOFError, OSError)):
            connection.recv_bytes()
    assert SocketSigner(folder).address() == ACCOUNTANT.address


def test_a_signer_that_starts_again(folder: Path, signed: list[Signature]) -> None:
    """While it is away that is said; a new one, with a new token, is found without a new client."""
    signer = SocketSigner(folder)
    with pytest.raises(SignerDown):
        signer.address()
    first = serving(folder, signed)
    assert signer.address() == ACCOUNTANT.address
    first.close()
    assert not (folder / "socket").exists()
    second = serving(folder, signed)
    assert signer.sign(DEPLOY, 0)
    second.close()


def test_one_signature_at_a_time(server: SignerServer, folder: Path, signed: list[Signature]) -> None:
    """Several publishers at once get what each asked for."""
    found: dict[int, Transaction] = {}

    def ask(nonce: int) -> None:
        signer = SocketSigner(folder)
        found[nonce] = decode_transaction(signer.sign(deploy_transaction(STAMP._replace(nonce=nonce), GENESIS.gas), 0))
        signer.close()

    threads = [threading.Thread(target=ask, args=(nonce,)) for nonce in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {nonce: t.nonce for nonce, t in found.items()} == {nonce: nonce for nonce in range(8)}
    assert len(signed) == 8
