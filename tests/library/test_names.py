"""The name registry: a name has one owner until its time is over, and finding out what it stands for stays cheap."""

from pathlib import Path

import pytest

import accountant.library
from accountant.accounting.certificate import Verdict
from accountant.accounting.questions import ViewQuestion
from accountant.accounting.view import view
from accountant.chain.block import Position
from accountant.chain.errors import Refusal
from accountant.execution.memory import MemoryOutcomes
from accountant.language.compiler import compile_file
from accountant.sandbox import Chain, Contract, Refused, User

LIBRARY = Path(accountant.library.__path__[0])
SOURCE = LIBRARY / "names.py"
FEE = 1_000_000_000
YEAR = 365 * 24 * 60 * 60


@pytest.fixture
def alice(chain: Chain) -> User:
    """Who runs the registry."""
    return chain.account("alice")


@pytest.fixture
def bob(chain: Chain) -> User:
    """Who has a shop."""
    return chain.account("bob")


@pytest.fixture
def carol(chain: Chain) -> User:
    """Who would like to have bob's name."""
    return chain.account("carol")


@pytest.fixture
def names(chain: Chain, alice: User) -> Contract:
    """A registry without names."""
    return chain.deploy(SOURCE, sender=alice)


def test_a_name_stands_for_its_owner_at_first(chain: Chain, names: Contract, bob: User) -> None:
    """One year for one token, from the block's time on."""
    result = names.register("shop", 1, sender=bob, value=FEE)
    until = chain.now + YEAR
    assert result.events == [names.Registered(name="shop", owner=bob, until=until)]
    assert (names.resolve("shop"), names.owner_of("shop"), names.expiry_of("shop")) == (bob.address, bob.address, until)
    assert chain.balance(names) == FEE


def test_a_free_name_stands_for_nobody(chain: Chain, names: Contract) -> None:
    """Asking fails: a payment to an account of zeros would be lost."""
    with chain.fails("the name is free"):
        names.resolve("shop")
    with chain.fails("the name is free"):
        names.owner_of("shop")
    assert names.expiry_of("shop") == 0


@pytest.mark.parametrize(
    "name", ["", "a" * 65, "Shop", "shop ", "sh\u043ep", "sho\u0440", "a.b", "a_b", "caf\u00e9", "{", "`"]
)
def test_names_that_look_like_others_are_refused(chain: Chain, names: Contract, bob: User, name: str) -> None:
    """Capitals, spaces and letters of other scripts would let one name pass for another; the fee comes back."""
    with chain.fails("a name has 1 to 64 of a-z, 0-9 and -"):
        names.register(name, 1, sender=bob, value=FEE)
    assert chain.balance(names) == 0


@pytest.mark.parametrize("name", ["a", "z" * 64, "0", "9", "-", "my-shop-24"])
def test_proper_names_are_registered(names: Contract, bob: User, name: str) -> None:
    """The first and the last of each kind of letter, and both lengths."""
    assert names.register(name, 1, sender=bob, value=FEE)
    assert names.resolve(name) == bob.address


@pytest.mark.parametrize(("years", "fee"), [(0, 0), (-1, 0), (101, 101 * FEE)])
def test_years_are_one_to_a_hundred(chain: Chain, names: Contract, bob: User, years: int, fee: int) -> None:
    """None is no registration, and far too many are a slip."""
    with chain.fails("1 to 100 years"):
        names.register("shop", years, sender=bob, value=fee)
    assert names.register("shop", 100, sender=bob, value=100 * FEE)


@pytest.mark.parametrize("fee", [0, FEE, 2 * FEE - 1, 2 * FEE + 1])
def test_the_fee_is_exact(chain: Chain, names: Contract, bob: User, fee: int) -> None:
    """Neither less nor more than a token for each year."""
    with chain.fails("the fee is one token a year"):
        names.register("shop", 2, sender=bob, value=fee)


def test_a_taken_name_is_extended_by_its_owner_alone(chain: Chain, names: Contract, bob: User, carol: User) -> None:
    """Years are added to what was paid for, and what the name stands for stays."""
    names.register("shop", 1, sender=bob, value=FEE)
    names.point("shop", carol, sender=bob)
    until = names.expiry_of("shop")
    chain.advance(100)
    with chain.fails("the name is taken"):
        names.register("shop", 1, sender=carol, value=FEE)
    assert names.register("shop", 2, sender=bob, value=2 * FEE)
    assert names.expiry_of("shop") == until + 2 * YEAR
    assert names.resolve("shop") == carol.address


def test_an_expired_name_is_free_in_its_very_second(chain: Chain, names: Contract, bob: User, carol: User) -> None:
    """Until the second before it is the owner's; then the first comer's, with nothing left of the owner before."""
    names.register("shop", 1, sender=bob, value=FEE)
    names.point("shop", bob, sender=bob)
    chain.advance(YEAR - 1)
    assert names.resolve("shop") == bob.address
    with chain.fails("the name is taken"):
        names.register("shop", 1, sender=carol, value=FEE)
    chain.advance(1)
    with chain.fails("the name is free"):
        names.resolve("shop")
    with chain.fails("not your name"):
        names.point("shop", bob, sender=bob)
        names.give("shop", carol, sender=bob)
    assert names.register("shop", 1, sender=carol, value=FEE)
    assert (names.resolve("shop"), names.owner_of("shop")) == (carol.address, carol.address)
    assert names.expiry_of("shop") == chain.now + YEAR


def test_of_two_in_one_block_the_first_has_the_name(chain: Chain, names: Contract, bob: User, carol: User) -> None:
    """The other's fee comes back."""
    with chain.block():
        first = names.register("shop", 1, sender=carol, value=FEE)
        second = names.register("shop", 1, sender=bob, value=FEE)
    assert first.succeeded and second.reason == "the name is taken"
    assert chain.balance(names) == FEE


def test_owners_point_their_names(chain: Chain, names: Contract, bob: User, carol: User) -> None:
    """To any account; nobody else does."""
    names.register("shop", 1, sender=bob, value=FEE)
    pointed = names.point("shop", names, sender=bob)
    assert pointed.events == [names.Pointed(name="shop", target=names)]
    assert (names.resolve("shop"), names.owner_of("shop")) == (names.address, bob.address)
    with chain.fails("not your name"):
        names.point("shop", carol, sender=carol)
        names.point("other", carol, sender=carol)


def test_a_name_given_away_stands_for_its_new_owner(chain: Chain, names: Contract, bob: User, carol: User) -> None:
    """Payments would otherwise go on to where the old owner pointed it, who has no say any more."""
    names.register("shop", 1, sender=bob, value=FEE)
    until = names.expiry_of("shop")
    with chain.fails("not your name"):
        names.give("shop", carol, sender=carol)
    given = names.give("shop", carol, sender=bob)
    assert given.events == [names.Registered(name="shop", owner=carol, until=until)]
    assert (names.resolve("shop"), names.owner_of("shop")) == (carol.address, carol.address)
    with chain.fails("not your name"):
        names.point("shop", bob, sender=bob)
    assert names.point("shop", bob, sender=carol)


def test_the_deployer_collects_fees(chain: Chain, names: Contract, alice: User, bob: User) -> None:
    """Nobody else's collection enters a block, and no more leaves than there is."""
    names.register("shop", 3, sender=bob, value=3 * FEE)
    with pytest.raises(Refused) as refused:
        names.collect(FEE, sender=bob)
    assert refused.value.kind is Refusal.CALLER
    with chain.fails("insufficient_contract_funds"):
        names.collect(3 * FEE + 1, sender=alice)
    before = chain.general_balance(alice)
    collected = names.collect(2 * FEE, sender=alice)
    refund = (collected.transaction.gas_limit - collected.gas_used) * collected.transaction.gas_price
    assert chain.general_balance(alice) == before + 2 * FEE + refund
    assert chain.balance(names) == FEE


def test_footprints_follow_from_the_calls() -> None:
    """All are complete and direct; money comes with a registration alone, and it is zero-cost."""
    functions = {one.name: one for one in compile_file(SOURCE).interface.functions if not one.view}
    assert functions.keys() == {"register", "point", "give", "collect"}
    assert all(one.complete and one.direct for one in functions.values())
    assert [one.name for one in functions.values() if one.payable] == ["register"]
    assert functions["register"].zero_cost


def test_resolving_executes_the_names_own_calls_alone(chain: Chain, names: Contract, bob: User, carol: User) -> None:
    """Costly money registers nothing, so what a name stands for never rests on where somebody's money came from."""
    expensive = chain.deploy(LIBRARY / "exec_dos.py", sender=carol)
    expensive["exec_dos"](500, carol, carol, carol, carol, sender=carol, value=FEE)
    with pytest.raises(Refused) as refused:
        names.register("shop", 1, sender=carol, general_value=FEE)
    assert refused.value.kind is Refusal.ZERO_COST
    names.register("other", 1, sender=carol, value=FEE)
    taken = names.register("shop", 1, sender=bob, value=FEE)
    tried = names.point("shop", carol, sender=carol)
    position = Position(chain.ledger.index.head().hash, 0)
    question = ViewQuestion(names.id, "resolve", (b"shop",), 100_000, position)
    found = view(chain.ledger.index, MemoryOutcomes(), question)
    assert found.verdict is Verdict.ACCEPTED
    assert set(found.executed) <= {names.deployment.hash, taken.hash, tried.hash}
    assert taken.hash in found.executed
