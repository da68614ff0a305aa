"""What rests on a network from a published file, checked without an accountant: with that file, and without it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

import msgspec
import pytest

from accountant.chain.query import TransactionSucceeded
from accountant.chain.transaction import Transaction
from accountant.client.client import AccountantClient
from accountant.oath.swear import Stamp, deploy_transaction, deposit_transaction, swear_transaction
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.cid import show_cid
from accountant.primitives.types import Amount, ContractId, Seq
from accountant.storage.embedded import EmbeddedServers
from tests.support.command_line import CommandLine, Said
from tests.support.oath_chain import TOKEN, terms
from tests.support.random_chain import USERS
from tests.support.servers import fresh_database
from tests.support.signed_chain import SignedNetworkChain
from tests.support.two_accountants import Accountant, running_accountant

Check = Callable[..., Said]
SWEARER, OTHER = USERS[:2]


class Sworn(NamedTuple):
    """A payment of what a network paid out, and an oath that it did not succeed."""

    chain: SignedNetworkChain
    payment: str
    lie: str
    network: bytes
    """The published file's bytes."""


def _sworn() -> Sworn:
    chain = SignedNetworkChain(Random(0))
    chain.random.random = lambda: 0.5  # type: ignore[method-assign]
    index = chain.index

    def add(build: Callable[[Stamp], Transaction]) -> bytes:
        stamp = Stamp(7, chain.nonces[SWEARER])
        chain.nonces[SWEARER] += 1
        chain.append([(SWEARER, build(stamp))])
        return index.transaction(Seq(index.head().next_seq - 1)).hash

    purse = contract_id_of(SWEARER, chain.nonces[SWEARER])
    add(lambda stamp: deploy_transaction(stamp, index.genesis.gas))
    add(lambda stamp: deposit_transaction(stamp, purse, Amount(2 * TOKEN)))
    chain.append([chain.publication(0.05)])
    chain.append([chain.call("tune", chain.cids[0], b"a", 0)])
    chain.append([chain.call("pay", b"a", SWEARER, 0)])
    payment = add(lambda stamp: _paying(stamp, 20))
    lie = add(lambda stamp: swear_transaction(stamp, purse, terms(TransactionSucceeded(payment), False)))
    network = chain.blobs.get(chain.cids[0])
    assert network is not None
    return Sworn(chain, "0x" + payment.hex(), "0x" + lie.hex(), network)


def _paying(stamp: Stamp, units: int) -> Transaction:
    plain = deposit_transaction(stamp, ContractId(OTHER), Amount(0))
    return msgspec.structs.replace(plain, general_value=units, gas_limit=2_000)


@pytest.fixture(scope="module")
def sworn() -> Sworn:
    return _sworn()


@pytest.fixture(scope="module")
def service(servers: EmbeddedServers, sworn: Sworn) -> Iterator[Accountant]:
    with fresh_database(servers) as url, running_accountant(url, sworn.chain.recorded, sworn.chain.blobs) as running:
        yield running


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    return CommandLine(monkeypatch, capsys)


@pytest.fixture(params=["certificate", "conviction"])
def check(request: pytest.FixtureRequest, service: Accountant, sworn: Sworn, command: CommandLine) -> Check:
    """Has the accountant make the proof; the rest is offline: checks it with the files that it is given."""
    reach = ("--api", service.url, "--api-key", service.key)
    assert command("chain", "headers", "--out", "chain.headers", *reach).status == 0
    if request.param == "conviction":
        made = command("oath", "prosecute", sworn.lie, "--out", "proof", *reach)
        assert made.status == 0, made.err
        name = ("oath", "convict")
    else:
        with AccountantClient(service.url, service.key) as client:
            job = client.verify_payment(sworn.payment)
            assert client.result(job)["verdict"] == "accepted"
        made = command("certificate", "fetch", job["id"], "--out", "proof", *reach)
        assert made.status == 0, made.err
        name = ("certificate", "verify")
    genesis = "0x" + sworn.chain.genesis.hash.hex()
    return lambda *given: command(*name, "proof", "--headers", "chain.headers", "--genesis", genesis, *given)


def test_with_the_file(check: Check, sworn: Sworn, tmp_path: Path) -> None:
    """Given by itself, under any name, or in a folder of many: what is proved with the accountant is proved alone."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "more").mkdir()
    for path in (tmp_path / "weights", folder / "one of them"):
        path.write_bytes(sworn.network)
    (folder / "another").write_bytes(b"another")
    named = tmp_path / "store"
    named.mkdir()
    (named / show_cid(sworn.chain.cids[0])).write_bytes(sworn.network)
    other = str(folder / "another")
    for given in (
        ("--blob", "weights"),
        ("--blob", other, "--blob", "weights"),
        ("--blobs", str(folder)),
        ("--blobs", str(named)),
        ("--blobs", str(folder), "--blob", other),
    ):
        said = check(*given)
        assert said.status == 0, said
        assert said.out.startswith(("valid: ", "a lie: ")) and said.err == ""


def test_without_it(check: Check, sworn: Sworn, tmp_path: Path) -> None:
    """Neither proved nor refused: one line with the CID, and exit status 2; so too with a file of other bytes."""
    cid = show_cid(sworn.chain.cids[0])
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    (wrong / cid).write_bytes(sworn.network[:-1] + bytes([sworn.network[-1] ^ 1]))
    for given in ((), ("--blob", str(wrong / cid)), ("--blobs", str(wrong))):
        said = check(*given)
        assert (said.status, said.out) == (2, ""), said
        assert said.err.startswith("accountant: blob_unavailable: ") and cid in said.err
        assert len(said.err.splitlines()) == 1


def test_files_that_are_none(check: Check, tmp_path: Path) -> None:
    """One line, exit status 2, before anything is executed."""
    (tmp_path / "file").touch()
    for given in (("--blob", "nowhere"), ("--blobs", "nowhere"), ("--blob", str(tmp_path)), ("--blobs", "file")):
        said = check(*given)
        assert (said.status, said.out, len(said.err.splitlines())) == (2, "", 1), said
