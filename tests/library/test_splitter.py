"""The splitter: what comes in goes out in fixed shares, to the base unit."""

from pathlib import Path

import pytest

import accountant.library
from accountant.chain.errors import Refusal
from accountant.chain.footprint import Credit, Debit, Read
from accountant.sandbox import Chain, Contract, DeploymentFailed, Refused

LIBRARY = Path(accountant.library.__path__[0])


def deployed(chain: Chain, hundredths: int = 30) -> Contract:
    """A splitter between bob and carol."""
    alice, bob, carol = (chain.account(name) for name in ("alice", "bob", "carol"))
    return chain.deploy(LIBRARY / "splitter.py", bob, carol, hundredths, sender=alice)


@pytest.mark.parametrize(
    ("hundredths", "units", "to_first"),
    [(30, 1_000, 300), (30, 99, 29), (33, 10, 3), (0, 7, 0), (100, 7, 7), (50, 1, 0), (99, 2**60, 2**60 * 99 // 100)],
)
def test_both_parts_are_what_came(chain: Chain, hundredths: int, units: int, to_first: int) -> None:
    """The first gets the share, rounded down, the second the rest; nothing stays."""
    splitter = deployed(chain, hundredths)
    bob, carol = chain.account("bob"), chain.account("carol")
    result = splitter.forward(bob, carol, sender=chain.account("rich", units=2**61), value=units)
    assert result.events == [splitter.Split(units=units, to_first=to_first)]
    assert (chain.general_balance(bob), chain.general_balance(carol)) == (to_first, units - to_first)
    assert chain.balance(splitter) == 0


def test_what_is_declared_follows_from_the_call(chain: Chain) -> None:
    """Three reads that are surely made, both recipients, and what came as the cap."""
    splitter = deployed(chain)
    bob, carol = chain.account("bob"), chain.account("carol")
    declared = splitter.forward(bob, carol, sender=bob, value=10).transaction.footprint
    reads = {Read(splitter.id, slot) for slot in (b"first:", b"second:", b"share:")}
    assert set(declared) == reads | {Credit(bob.address), Credit(carol.address), Debit(splitter.id, 10)}


def test_money_that_came_without_a_call_is_passed_on_too(chain: Chain) -> None:
    """Transfers run no code; anyone releases what lies there, once."""
    splitter = deployed(chain)
    bob, carol, dave = (chain.account(name) for name in ("bob", "carol", "dave"))
    chain.transfer(splitter, 1_000, sender=dave)
    assert chain.balance(splitter) == 1_000
    assert splitter.release(bob, carol, 900, sender=dave).events == [splitter.Split(units=900, to_first=270)]
    assert (chain.general_balance(bob), chain.general_balance(carol), chain.balance(splitter)) == (270, 630, 100)
    with chain.fails("insufficient_contract_funds"):
        splitter.release(bob, carol, 101, sender=dave)
    assert chain.balance(splitter) == 100


def test_nobody_is_paid_but_the_recipients(chain: Chain) -> None:
    """Other accounts, also swapped ones, fail, and the money goes back."""
    splitter = deployed(chain)
    bob, carol, dave = (chain.account(name) for name in ("bob", "carol", "dave"))
    chain.transfer(splitter, 50, sender=dave)
    with chain.fails("the recipients are those of the deployment"):
        splitter.forward(dave, carol, sender=dave, value=10)
        splitter.forward(bob, dave, sender=dave, value=10)
        splitter.forward(carol, bob, sender=dave, value=10)
        splitter.release(dave, carol, 50, sender=dave)
        splitter.release(bob, dave, 50, sender=dave)
    assert chain.balance(splitter) == 50


def test_nothing_is_not_passed_on(chain: Chain) -> None:
    """No value, no units, less than none; value with `release` enters no block."""
    splitter = deployed(chain)
    bob, carol = chain.account("bob"), chain.account("carol")
    with chain.fails("nothing to pass on"):
        splitter.forward(bob, carol, sender=bob)
        splitter.release(bob, carol, 0, sender=bob)
        splitter.release(bob, carol, -5, sender=bob)
    with pytest.raises(Refused) as refused:
        splitter.release(bob, carol, 1, sender=bob, value=1)
    assert refused.value.kind is Refusal.NOT_PAYABLE


@pytest.mark.parametrize("hundredths", [-1, 101, 2**63 - 1])
def test_a_share_is_a_share(chain: Chain, hundredths: int) -> None:
    """A deployment with more than all, or less than nothing, fails."""
    with pytest.raises(DeploymentFailed) as failed:
        deployed(chain, hundredths)
    assert failed.value.result.reason == "a share is 0 to 100 hundredths"


def test_views_tell_wallets_whom_to_name(chain: Chain) -> None:
    """Recipients and share as they were deployed."""
    splitter = deployed(chain, 42)
    assert splitter.first_recipient() == chain.account("bob").address
    assert splitter.second_recipient() == chain.account("carol").address
    assert splitter.share_of_first() == 42


def test_one_recipient_may_stand_twice(chain: Chain) -> None:
    """Both shares of one account are all of it."""
    alice, bob = chain.account("alice"), chain.account("bob")
    splitter = chain.deploy(LIBRARY / "splitter.py", bob, bob, 40, sender=alice)
    assert splitter.forward(bob, bob, sender=alice, value=10).succeeded
    assert chain.general_balance(bob) == 10
