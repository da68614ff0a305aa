"""`accountant bounty` against a running service: what is shown, and what is refused in one line."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from accountant.primitives.addresses import show
from accountant.primitives.encoding import encode
from accountant.storage.bounties import Bounties
from accountant.storage.embedded import EmbeddedServers
from tests.support.bounty_chain import BOND, REWARD, BountyChain, claim_of
from tests.support.chains import ALICE
from tests.support.command_line import CommandLine, Said
from tests.support.index_chain import RecordedIndex
from tests.support.oath_chain import CLIENT
from tests.support.servers import fresh_database
from tests.support.two_accountants import Accountant, running_accountant

CHAIN = BountyChain()
CHAIN.index = RECORDED = RecordedIndex(CHAIN.index.genesis)
QUERY = CHAIN.payment()
PAYMENT = "0x" + QUERY.transaction.hex()  # type: ignore[union-attr]
GOOD = CHAIN.open(QUERY)
BAD = CHAIN.place(CHAIN.opening(encode(QUERY), bond=REWARD - 1))
PURSE = CHAIN.deploy()
CHAIN.commit(GOOD, claim_of(QUERY, True))
ENDED = CHAIN.open(QUERY)
CHAIN.until(CHAIN.bounty(ENDED).reveals_until)
GOING = CHAIN.open(QUERY)

Bounty = Callable[..., Said]


@pytest.fixture(scope="module")
def service(servers: EmbeddedServers) -> Iterator[Accountant]:
    with fresh_database(servers) as url, running_accountant(url, RECORDED) as running:
        with running.engine.begin() as connection:
            Bounties(connection).search()
        yield running


@pytest.fixture
def bounty(
    service: Accountant, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Bounty:
    """`accountant bounty`, of the service."""
    monkeypatch.setenv("ANH_DATA_DIR", str(tmp_path))
    command = CommandLine(monkeypatch, capsys)
    return lambda *arguments: command("bounty", *arguments, "--api", service.url, "--api-key", service.key)


@pytest.fixture
def alice(tmp_path: Path) -> str:
    """Her key file."""
    path = tmp_path / "alice.pem"
    path.write_bytes(ALICE.to_pem())
    return str(path)


def test_what_is_shown(bounty: Bounty) -> None:
    """Query, money, heights and claims; status 0 where a right answer is surely paid, else 1 with the flaws."""
    good = bounty("show", show(GOOD))
    assert good.status == 0, good.err
    assert (good.value("Bounty"), good.value("Client")) == (show(GOOD), show(CLIENT))
    assert good.value("Query") == f"transaction_succeeded {PAYMENT}"
    assert (good.value("Reward"), good.value("Bond")) == (f"{REWARD:,}", f"{BOND:,}")
    ends = CHAIN.bounty(GOOD)
    assert good.value("Commit") == f"until block {ends.commits_until}; 1 claims so far"
    assert good.value("Reveal") == f"until block {ends.reveals_until}"
    bad = bounty("show", show(BAD))
    assert bad.status == 1 and bad.value("Flaw").startswith("bad_terms: the bond is")
    assert json.loads(bounty("show", show(GOOD), "--json").out)["reward"] == str(REWARD)


def test_the_list(bounty: Bounty) -> None:
    """A line each, the latest first; of one state, or so many."""
    said = bounty("list")
    names = [line.split()[0] for line in said.out.splitlines()]
    assert said.status == 0 and names == [show(each) for each in (GOING, ENDED, BAD, GOOD)]
    assert all(line.endswith("open") for line in said.out.splitlines())
    assert bounty("list", "--state", "won").out == ""
    assert len(json.loads(bounty("list", "--limit", "1", "--json").out)["items"]) == 1


def test_a_refund_by_somebody_else(bounty: Bounty, alice: str) -> None:
    """Only the client gets anything back: for others nothing is executed and nothing is signed."""
    said = bounty("refund", show(ENDED), "--key", alice, "--yes")
    assert said.status == 2 and f"only the client takes it back, {show(CLIENT)}" in said.err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("show", show(PURSE)), "not the audited bounty's"),
        (("show", "0x" + "00" * 32), "no transaction deploys"),
        (("show", "0x12"), "an account is 0x"),
        (("show", show(CLIENT)), "a hash is 0x and 64 hex digits"),
        (("refund", show(PURSE)), "not the audited bounty's"),
        (("open", "income", PAYMENT, "--reward", "5"), "income is asked with TRANSACTION ACCOUNT"),
        (("open", "transaction-succeeded", "0x12", "--reward", "5"), "argument transaction"),
        (("open", "transaction-succeeded", PAYMENT, "--reward", "5", "--bond", "4"), "guessing would pay"),
        (("open", "balance-at-least", show(CLIENT), "-5", "--reward", "5"), "No such option"),
        (("open", "balance-at-least", show(CLIENT), "x", "--reward", "5"), "argument units"),
        (("open", "balance-at-least", "0x12", "5", "--reward", "5"), "an account is 0x"),
        (("open", "storage", show(PURSE), "7", "--reward", "5"), "argument slot"),
        (("open", "view", show(GOOD), "nothing", "--reward", "5"), "no function 'nothing'"),
        (("open", "view", show(GOOD), "due_to", "--reward", "5"), "0 arguments came"),
        (("open", "income", PAYMENT, show(CLIENT), "--at", "x", "--reward", "0"), "Invalid value"),
        (("open", "storage", show(PURSE), "0x61", "--at", "tomorrow", "--reward", "5"), "is no place of the chain"),
        (("open", "transaction-succeeded", PAYMENT, "--reward", "5", "--key", "/nowhere"), "No such file"),
        (("open", "friendship", PAYMENT, "--reward", "5"), "Invalid value"),
        (("list", "--state", "rich"), "Invalid value"),
        (("list", "--limit", "101"), "Invalid value"),
    ],
)
def test_bad_input(bounty: Bounty, arguments: tuple[str, ...], why: str) -> None:
    """What is wrong is said, the status is 2, and nothing is signed."""
    said = bounty(*arguments)
    assert said.status == 2 and why in said.err, (said.status, said.err)


def test_too_poor_to_open(bounty: Bounty, alice: str) -> None:
    """What no block would take is not signed."""
    said = bounty("open", "transaction-succeeded", PAYMENT, "--reward", "5", "--key", alice)
    assert said.status == 2 and "no block would take this transaction now" in said.err
