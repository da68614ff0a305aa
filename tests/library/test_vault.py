"""The vault: savings of one's own, locked until a time of one's choice."""

from pathlib import Path

import pytest

import accountant.library
from accountant.chain.errors import Refusal
from accountant.primitives.types import Hash
from accountant.sandbox import Chain, Contract, Refused, Result

LIBRARY = Path(accountant.library.__path__[0])


@pytest.fixture
def vault(chain: Chain) -> Contract:
    """An empty vault."""
    return chain.deploy(LIBRARY / "vault.py", sender=chain.account("alice"))


def test_savings_come_back_when_their_time_has_come(chain: Chain, vault: Contract) -> None:
    """A deposit is kept under its owner, and paid back to the unit once it is unlocked; until then it fails."""
    bob = chain.account("bob")
    until = chain.now + 100
    assert vault.deposit(until, sender=bob, value=500).events == [vault.Deposited(owner=bob, units=500, until=until)]
    assert (vault.saved_by(bob), vault.unlocks_at(bob), chain.balance(vault)) == (500, until, 500)
    chain.advance(99)
    with chain.fails("still locked"):
        vault.withdraw(500, sender=bob)
    chain.advance(1)
    before = chain.general_balance(bob)
    taken = vault.withdraw(200, sender=bob)
    assert taken.events == [vault.Withdrawn(owner=bob, units=200)]
    refund = (taken.transaction.gas_limit - taken.gas_used) * taken.transaction.gas_price
    assert chain.general_balance(bob) == before + 200 + refund
    assert (vault.saved_by(bob), chain.balance(vault)) == (300, 300)


def test_deposits_add_up_and_a_lock_is_never_shortened(chain: Chain, vault: Contract) -> None:
    """A second deposit may lock for longer, for all; an earlier time fails, and its money goes back."""
    bob, now = chain.account("bob"), chain.now
    vault.deposit(now + 50, sender=bob, value=5)
    vault.deposit(now + 60, sender=bob, value=6)
    assert (vault.saved_by(bob), vault.unlocks_at(bob)) == (11, now + 60)
    before = chain.balance(vault)
    with chain.fails("a lock is never shortened"):
        vault.deposit(now + 59, sender=bob, value=7)
    assert (vault.saved_by(bob), vault.unlocks_at(bob), chain.balance(vault)) == (11, now + 60, before)


def test_general_money_is_saved_as_zero_cost_money_is(chain: Chain, vault: Contract) -> None:
    """What gas gave back can be saved: both kinds of money count as one value."""
    bob = chain.account("bob")
    vault.deposit(0, sender=bob, value=5)
    result = vault.deposit(0, sender=bob, value=5, general_value=1_000)
    assert result.succeeded and vault.saved_by(bob) == 1_010


@pytest.mark.parametrize("units", [0, -1, 501, 2**63 - 1])
def test_nobody_takes_more_than_there_is(chain: Chain, vault: Contract, units: int) -> None:
    """Nothing, less than nothing, and more than one's own savings are refused, though others' money lies there."""
    bob = chain.account("bob", units=2**61)
    vault.deposit(0, sender=chain.account("carol"), value=10_000)
    vault.deposit(0, sender=bob, value=500)
    if units == 2**63 - 1:  # a phantom cap has its price: value, caps and gas stay below 2^63
        with pytest.raises(Refused) as refused:
            vault.withdraw(units, sender=bob)
        assert refused.value.kind is Refusal.AMOUNT_SUM
        return
    with chain.fails("savings too low"):
        vault.withdraw(units, sender=bob)
    assert chain.balance(vault) == 10_500


def test_a_deposit_brings_money_and_a_withdrawal_none(chain: Chain, vault: Contract) -> None:
    """An empty deposit fails; value with a withdrawal enters no block."""
    bob = chain.account("bob")
    with chain.fails("nothing to deposit"):
        vault.deposit(0, sender=bob)
    with pytest.raises(Refused) as refused:
        vault.withdraw(1, sender=bob, value=1)
    assert refused.value.kind is Refusal.NOT_PAYABLE


def test_a_withdrawal_rests_on_its_owners_calls(chain: Chain, vault: Contract) -> None:
    """Deposits of others stay unexecuted until others take out; then one deposit that makes up for what they took out
    at most is enough, since all of it lies in one purse: their withdrawal itself need not be executed.
    """
    bob, carol = chain.account("bob"), chain.account("carol")
    mine = vault.deposit(0, sender=bob, value=500)
    other = vault.deposit(0, sender=carol, value=700)
    taken = vault.withdraw(200, sender=bob)
    assert _executed(chain, taken) == {mine.hash, taken.hash}
    vault.withdraw(700, sender=carol)
    rest = vault.withdraw(300, sender=bob)
    assert _executed(chain, rest) == {other.hash, rest.hash}


def _executed(chain: Chain, result: Result) -> set[Hash]:
    """What a look at the result executes now."""
    index, selective = chain.ledger.index, chain.ledger.selective()
    seq = index.seq_of(result.hash)
    assert seq is not None and selective.outcome(seq).succeeded
    return {index.transaction(one).hash for one in selective.session.executed}
