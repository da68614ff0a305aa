"""The token: nobody moves what is not his, and the balances always add up to the supply."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import accountant.library
from accountant.chain.errors import Refusal
from accountant.language.compiler import compile_file
from accountant.sandbox import Chain, Contract, DeploymentFailed, Refused, User

LIBRARY = Path(accountant.library.__path__[0])
SOURCE = LIBRARY / "token.py"
INT_MOST = 2**63 - 1


@pytest.fixture
def alice(chain: Chain) -> User:
    """Who deploys."""
    return chain.account("alice")


@pytest.fixture
def bob(chain: Chain) -> User:
    """Somebody else."""
    return chain.account("bob")


@pytest.fixture
def token(chain: Chain, alice: User) -> Contract:
    """A token of which alice has all 1,000 units."""
    return chain.deploy(SOURCE, 1_000, sender=alice)


def test_all_units_belong_to_the_deployer(token: Contract, alice: User, bob: User) -> None:
    """The supply is the constructor's argument."""
    assert (token.total(), token.balance_of(alice), token.balance_of(bob)) == (1_000, 1_000, 0)


def test_a_supply_is_not_negative(chain: Chain, alice: User) -> None:
    """Nothing is no supply worth having, but it is one."""
    with pytest.raises(DeploymentFailed, match="a supply is not negative"):
        chain.deploy(SOURCE, -1, sender=alice)
    assert chain.deploy(SOURCE, 0, sender=alice).total() == 0


def test_a_transfer_moves_units(token: Contract, alice: User, bob: User) -> None:
    """What leaves one arrives at the other, and is logged."""
    result = token.transfer(bob, 10, sender=alice)
    assert result.returned is True
    assert result.events == [token.Transfer(source=alice, to=bob, units=10)]
    assert (token.balance_of(alice), token.balance_of(bob), token.total()) == (990, 10, 1_000)


@pytest.mark.parametrize("units", [-1, 1_001, INT_MOST, -INT_MOST - 1])
def test_nobody_moves_more_than_there_is_or_less_than_nothing(
    chain: Chain, token: Contract, alice: User, bob: User, units: int
) -> None:
    """A negative transfer would take from the other."""
    token.approve(bob, INT_MOST, sender=alice)
    with chain.fails("balance too low"):
        token.transfer(bob, units, sender=alice)
    with chain.fails("balance too low" if units > 0 else "allowance too low"):
        token.transfer_from(alice, bob, units, sender=bob)
    assert (token.balance_of(alice), token.balance_of(bob)) == (1_000, 0)


def test_a_transfer_to_oneself_changes_nothing(token: Contract, alice: User) -> None:
    """Sender's and recipient's balances are one slot: it is read again before units are added."""
    assert token.transfer(alice, 1_000, sender=alice)
    assert token.balance_of(alice) == 1_000
    token.approve(alice, 400, sender=alice)
    assert token.transfer_from(alice, alice, 300, sender=alice)
    assert (token.balance_of(alice), token.allowance_of(alice, alice)) == (1_000, 100)


def test_nothing_can_be_moved_by_anyone(token: Contract, alice: User, bob: User) -> None:
    """Zero units move without a balance, as in other tokens."""
    assert token.transfer(alice, 0, sender=bob)
    assert token.balance_of(alice) == 1_000


def test_an_approval_is_used_up(chain: Chain, token: Contract, alice: User, bob: User) -> None:
    """Whoever was approved moves units to anyone until the allowance is spent; nobody else does."""
    carol = chain.account("carol")
    approved = token.approve(bob, 15, sender=alice)
    assert approved.returned is True
    assert approved.events == [token.Approval(owner=alice, spender=bob, units=15)]
    with chain.fails("allowance too low"):
        token.transfer_from(alice, carol, 1, sender=carol)
    moved = token.transfer_from(alice, carol, 10, sender=bob)
    assert moved.returned is True
    assert moved.events == [token.Transfer(source=alice, to=carol, units=10)]
    assert (token.balance_of(carol), token.allowance_of(alice, bob)) == (10, 5)
    with chain.fails("allowance too low"):
        token.transfer_from(alice, carol, 6, sender=bob)


def test_an_allowance_may_pass_the_balance_and_is_not_negative(
    chain: Chain, token: Contract, alice: User, bob: User
) -> None:
    """It is a limit, not money; a later approval replaces it."""
    token.approve(bob, 5_000, sender=alice)
    with chain.fails("balance too low"):
        token.transfer_from(alice, bob, 1_001, sender=bob)
    with chain.fails("an allowance is not negative"):
        token.approve(bob, -1, sender=alice)
    token.approve(bob, 3, sender=alice)
    assert token.allowance_of(alice, bob) == 3


def test_an_adjusted_allowance_cannot_be_used_twice(chain: Chain, token: Contract, alice: User, bob: User) -> None:
    """Lowered in a race with the spender it fails, where a second approval would give anew."""
    raised = token.adjust_allowance(bob, 100, sender=alice)
    assert raised.returned == 100
    assert raised.events == [token.Approval(owner=alice, spender=bob, units=100)]
    with chain.block():
        spent = token.transfer_from(alice, bob, 100, sender=bob)
        lowered = token.adjust_allowance(bob, -50, sender=alice)
    assert spent.succeeded and lowered.reason == "allowance too low"
    assert token.allowance_of(alice, bob) == 0
    with chain.block():
        token.approve(bob, 100, sender=alice)
        token.transfer_from(alice, bob, 100, sender=bob)
        token.approve(bob, 50, sender=alice)
        token.transfer_from(alice, bob, 50, sender=bob)
    assert token.balance_of(bob) == 250
    token.approve(bob, INT_MOST, sender=alice)
    with chain.fails("integer overflow"):
        token.adjust_allowance(bob, 1, sender=alice)


def test_no_balance_overflows(chain: Chain, alice: User, bob: User) -> None:
    """The largest supply moves as a whole and back."""
    token = chain.deploy(SOURCE, INT_MOST, sender=alice)
    assert token.transfer(bob, INT_MOST, sender=alice)
    assert token.transfer(alice, INT_MOST, sender=bob)
    assert token.balance_of(alice) == INT_MOST


def test_no_money_comes_with_a_call(token: Contract, alice: User, bob: User) -> None:
    """The token has no use for it: it would stay there."""
    for call in (token.transfer, token.approve, token.adjust_allowance):
        with pytest.raises(Refused) as refused:
            call(bob, 1, sender=alice, value=1)
        assert refused.value.kind is Refusal.NOT_PAYABLE
    with pytest.raises(Refused) as refused:
        token.transfer_from(alice, bob, 0, sender=alice, value=1)
    assert refused.value.kind is Refusal.NOT_PAYABLE


def test_footprints_follow_from_the_calls() -> None:
    """Every function is complete: nobody guesses or executes anything to make a transaction."""
    functions = {one.name: one for one in compile_file(SOURCE).interface.functions if not one.view}
    assert functions.keys() == {"transfer", "approve", "adjust_allowance", "transfer_from"}
    assert all(one.complete and not one.direct and not one.payable for one in functions.values())


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_balances_add_up_to_the_supply_whatever_is_sent(data: st.DataObject) -> None:
    """Random calls, right and wrong, do what a ledger of Python integers does, and lose or make no unit."""
    chain = Chain()
    users = [chain.account(name) for name in "abc"]
    token = chain.deploy(SOURCE, 100, sender=users[0])
    who, units = st.sampled_from(users), st.sampled_from([0, 1, 30, 70, 100, 101, -1, INT_MOST])
    balances, allowances = Counter({"a": 100}), Counter[tuple[str, str]]()
    for _ in range(12):
        caller, owner, to, amount = data.draw(who), data.draw(who), data.draw(who), data.draw(units)
        match data.draw(st.sampled_from(["transfer", "approve", "adjust", "from", "from"])):
            case "transfer":
                right = 0 <= amount <= balances[caller.name]
                result = token.transfer(to, amount, sender=caller)
                if right:
                    balances[caller.name] -= amount
                    balances[to.name] += amount
            case "approve":
                right = amount >= 0
                result = token.approve(to, amount, sender=caller)
                if right:
                    allowances[caller.name, to.name] = amount
            case "adjust":
                right = 0 <= allowances[caller.name, to.name] + amount <= INT_MOST
                result = token.adjust_allowance(to, amount, sender=caller)
                if right:
                    allowances[caller.name, to.name] += amount
            case _:
                right = 0 <= amount <= min(allowances[owner.name, caller.name], balances[owner.name])
                result = token.transfer_from(owner, to, amount, sender=caller)
                if right:
                    allowances[owner.name, caller.name] -= amount
                    balances[owner.name] -= amount
                    balances[to.name] += amount
        assert result.succeeded is right
    assert [token.balance_of(user) for user in users] == [balances[user.name] for user in users]
    assert sum(token.balance_of(user) for user in users) == token.total() == 100
    for owner in users:
        for spender in users:
            assert token.allowance_of(owner, spender) == allowances[owner.name, spender.name]
    chain.check()
