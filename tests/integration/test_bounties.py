"""Bounties between real services over loopback: the first right answer is paid, and a copy of it is not."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from accountant.chain.transaction import Transaction, decode_call, sign_transaction
from accountant.client import AccountantClient
from accountant.commands.beside import beside, join
from accountant.oath.bounty import Claim
from accountant.oath.bounty_calls import collect_transaction, commit_transaction, reveal_transaction
from accountant.oath.swear import Stamp
from accountant.primitives.addresses import contract_id_of, show
from accountant.primitives.types import UNITS_PER_TOKEN, Amount, ContractId, Hash, Seq
from accountant.processes.ports import free_port
from accountant.settings import Settings
from tests.support.chains import ALICE, BOB, CAROL, CHAIN_ID, transfer
from tests.support.command_line import CommandLine
from tests.support.processes import wait_until
from tests.support.running_services import PATIENCE_S, SIGNING, Service, hash_of, on_servers, running
from tests.support.whole_chain import begin_chain

REWARD, BOND = 2 * UNITS_PER_TOKEN, 3 * UNITS_PER_TOKEN
DEPOSIT = 20 * UNITS_PER_TOKEN
COMMIT_BLOCKS, REVEAL_BLOCKS = 60, 40


def test_a_bounty_is_answered_and_paid(
    data_dir: Path,
    make_database: Callable[[], str],
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Alice opens a bounty on the command line. Two accountants answer bounties: one wins, the other's claim, if it
    made one, gets its bond and no more. Carol copies the winner's commitment, answer and salt: she loses her bond,
    which Alice takes back. Executed by the other accountant, the winner's collecting paid bond and reward, though its
    publisher and its signer were killed on the way."""
    base = Settings(
        data_dir=data_dir / "data",
        api_port=0,
        node_port=free_port(),
        block_interval_s=0.2,
        heartbeat_s=0.3,
        worker_concurrency=1,
        oath_deposit=DEPOSIT,
        oath_alarm=DEPOSIT,
        bounties="all",
    )
    begin_chain(base.chain_folder)
    key = data_dir / "alice.pem"
    key.write_bytes(ALICE.to_pem())
    command = CommandLine(monkeypatch, capsys)
    with running(on_servers(base, make_database(), redis_url), SIGNING) as first:
        theirs = beside(base, "second", 0)
        join(theirs, base.chain_folder)
        with running(on_servers(theirs, make_database(), redis_url.removesuffix("/0") + "/1"), SIGNING) as second:
            paid = first.client.submit(transfer(BOB, 0, CAROL.address, zero=5))
            wait_until(lambda: first.has(paid) and second.has(paid), PATIENCE_S)
            options = ("--reward", str(REWARD), "--bond", str(BOND), "--key", str(key), *_at(first))
            blocks = ("--commit-blocks", str(COMMIT_BLOCKS), "--reveal-blocks", str(REVEAL_BLOCKS))
            opened = command("bounty", "open", "transaction-succeeded", paid, *options, *blocks)
            assert opened.status == 0, opened.err
            contract = opened.value("Contract")
            assert contract == show(contract_id_of(ALICE.address, 0))
            shown = command("bounty", "show", contract, *_at(first))
            assert (shown.status, shown.value("Reward")) == (0, f"{REWARD:,}")
            early = command("bounty", "refund", contract, "--key", str(key), *_at(first))
            assert early.status == 2 and "goes on until block" in early.err
            winner = _winner(first, second, contract)
            other = second if winner is first else first
            commit = winner.client.bounty(contract)["claim"]["commit"]
            wait_until(lambda: winner.has(commit), PATIENCE_S)
            for name in ("publisher", "signer", "publisher"):
                winner.kill(name)
            copied = _copy_commitment(winner, contract, commit)
            wait_until(lambda: winner.client.bounty(contract)["claim"]["reveal"] is not None, PATIENCE_S)
            reveal = winner.client.bounty(contract)["claim"]["reveal"]
            wait_until(lambda: winner.has(reveal), PATIENCE_S)
            stolen = _copy_revelation(winner, contract, reveal)
            for service in (winner, other):
                wait_until(partial(_ended, service.client, contract), 2 * PATIENCE_S)
            claim, theirs_of = (each.client.bounty(contract)["claim"] for each in (winner, other))
            assert (claim["state"], claim["due"]) == ("won", str(REWARD + BOND)), claim
            assert theirs_of["state"] in ("declined", "lost", "expired") and theirs_of["due"] in (None, str(BOND))
            wait_until(lambda: all(other.has(each) for each in (claim["collect"], copied, stolen)), PATIENCE_S)
            account = _account(other, claim["collect"])
            assert _calls_of(account, winner, contract) == ["commit", "reveal", "collect"]
            job = other.client.query("income", transaction=claim["collect"], account=account)
            assert int(other.client.result(job, PATIENCE_S)["answer"]) >= REWARD + BOND
            theft = other.client.result(other.client.outcome(stolen), PATIENCE_S)["outcome"]
            assert theft["failure"] == "assertion" and theft["detail"] == "something else was committed to"
            grab = _submitted(other, collect_transaction(_stamp(other, 2), _id(contract), CAROL.address, Amount(BOND)))
            nothing = other.client.result(other.client.outcome(grab), PATIENCE_S)["outcome"]
            assert nothing["detail"] == "nothing is due"
            back = command("bounty", "refund", contract, "--key", str(key), "--yes", *_at(other))
            assert back.status == 0, back.err
            refund = other.client.result(other.client.outcome(back.value("Transaction")), PATIENCE_S)["outcome"]
            assert refund["failure"] is None
            assert [int(each["units"]) for each in refund["debits"]] == [BOND]
            again = command("bounty", "refund", contract, "--key", str(key), *_at(other))
            assert again.status == 2 and "won or taken back" in again.err
            listed = command("bounty", "list", "--state", "won", *_at(winner))
            assert listed.status == 0 and contract in listed.out


def _at(service: Service) -> tuple[str, ...]:
    assert service.stack.api_key is not None
    return ("--api", service.stack.api_url, "--api-key", service.stack.api_key)


def _winner(first: Service, second: Service, contract: str) -> Service:
    """Whose commitment stands first on the chain."""

    def committed() -> list[Service]:
        seqs = []
        for service in (first, second):
            name = _claim(service.client, contract).get("commit")
            if name is not None and service.has(name):
                seqs.append((service.chain.seq_of(hash_of(name)), service))
        return [service for _, service in sorted(seqs, key=lambda pair: pair[0] or 0)]

    wait_until(lambda: bool(committed()), PATIENCE_S)
    wait_until(lambda: all(_settled(service, contract) for service in (first, second)), PATIENCE_S)
    return committed()[0]


def _settled(service: Service, contract: str) -> bool:
    """Whether an accountant has decided if it claims, and its commitment, if there is one, is in a block."""
    claim = _claim(service.client, contract)
    if claim.get("state") in (None, "open", "asked"):
        return False
    return claim["commit"] is None or service.has(claim["commit"])


def _claim(client: AccountantClient, contract: str) -> dict[str, str | None]:
    claim: dict[str, str | None] | None = client.bounty(contract)["claim"]
    return claim or {}


def _ended(client: AccountantClient, contract: str) -> bool:
    return _claim(client, contract).get("state") in ("won", "lost", "expired", "declined")


def _copy_commitment(service: Service, contract: str, commit: str) -> str:
    (commitment,) = _arguments(service, commit)
    return _submitted(
        service, commit_transaction(_stamp(service, 0), _id(contract), CAROL.address, Amount(BOND), Hash(commitment))
    )


def _copy_revelation(service: Service, contract: str, reveal: str) -> str:
    query, answer, salt = _arguments(service, reveal)
    claim = Claim(query, answer, Hash(salt))
    return _submitted(service, reveal_transaction(_stamp(service, 1), _id(contract), CAROL.address, claim))


def _arguments(service: Service, transaction: str) -> list[bytes]:
    seq = service.chain.seq_of(hash_of(transaction))
    assert seq is not None
    arguments = decode_call(service.chain.transaction(seq).transaction.payload).arguments
    return [each for each in arguments if isinstance(each, bytes)]


def _stamp(service: Service, nonce: int) -> Stamp:
    return Stamp(CHAIN_ID, nonce, service.chain.genesis.fees.gas_price_least)


def _submitted(service: Service, unsigned: Transaction) -> str:
    """Carol's transaction, in a block."""
    name = service.client.submit(sign_transaction(unsigned, CAROL))
    wait_until(lambda: service.has(name), PATIENCE_S)
    return name


def _account(service: Service, transaction: str) -> str:
    seq = service.chain.seq_of(hash_of(transaction))
    assert seq is not None
    return show(service.chain.transaction(seq).sender)


def _calls_of(account: str, service: Service, contract: str) -> list[str]:
    """The functions of the bounty that an account called, in order."""
    located = [service.chain.transaction(Seq(seq)) for seq in range(service.chain.head().next_seq)]
    theirs = [each.transaction for each in located if show(each.sender) == account]
    return [decode_call(each.payload).function for each in theirs if each.to == _id(contract)]


def _id(contract: str) -> ContractId:
    return ContractId(bytes.fromhex(contract[2:]))
