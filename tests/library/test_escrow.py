"""The escrow: a buyer's money goes to the seller or back, as a whole, once, and to nobody else."""

from pathlib import Path

import pytest

import accountant.library
from accountant.chain.errors import Refusal
from accountant.chain.footprint import Debit
from accountant.language.compiler import compile_file
from accountant.sandbox import Chain, Contract, DeploymentFailed, Refused, Result, User

LIBRARY = Path(accountant.library.__path__[0])
SOURCE = LIBRARY / "escrow.py"
PRICE = 500
PERIOD = 1_000


@pytest.fixture
def users(chain: Chain) -> dict[str, User]:
    """The three, and somebody who has no part in it."""
    return {name: chain.account(name) for name in ("buyer", "seller", "arbiter", "stranger")}


@pytest.fixture
def escrow(chain: Chain, users: dict[str, User]) -> Contract:
    """500 units wait for a thousand seconds."""
    terms = (users["seller"], users["arbiter"], chain.now + PERIOD)
    return chain.deploy(SOURCE, *terms, sender=users["buyer"], value=PRICE)


def refund_of(result: Result) -> int:
    """What the gas that a transaction left over gives back to its sender's general balance."""
    return (result.transaction.gas_limit - result.gas_used) * result.transaction.gas_price


def test_the_terms_can_be_read(chain: Chain, users: dict[str, User], escrow: Contract) -> None:
    """A seller looks at all of them before delivering anything."""
    assert escrow.waiting() == chain.balance(escrow) == PRICE
    parties = (escrow.buyer_of(), escrow.seller_of(), escrow.arbiter_of())
    assert parties == tuple(users[name].address for name in ("buyer", "seller", "arbiter"))
    assert escrow.deadline_of() == chain.now + PERIOD


def test_an_escrow_has_money_and_a_deadline_to_come(chain: Chain, users: dict[str, User]) -> None:
    """Without money there is nothing to hold; with a deadline behind it the buyer could take it back at once."""
    parties = (users["seller"], users["arbiter"])
    with pytest.raises(DeploymentFailed, match="an escrow holds money"):
        chain.deploy(SOURCE, *parties, chain.now + 1, sender=users["buyer"])
    with pytest.raises(DeploymentFailed, match="the deadline has passed"):
        chain.deploy(SOURCE, *parties, chain.now, sender=users["buyer"], value=PRICE)


@pytest.mark.parametrize("who", ["buyer", "arbiter"])
def test_buyer_or_arbiter_release(chain: Chain, users: dict[str, User], escrow: Contract, who: str) -> None:
    """The seller gets all of it, also after the deadline, and nothing waits any more."""
    chain.advance(PERIOD + 1)
    before = chain.general_balance(users["seller"])
    released = escrow.release(users["seller"], PRICE, sender=users[who])
    assert released.events == [escrow.Released(seller=users["seller"], units=PRICE)]
    assert chain.general_balance(users["seller"]) == before + PRICE
    assert (escrow.waiting(), chain.balance(escrow)) == (0, 0)


@pytest.mark.parametrize("who", ["seller", "arbiter"])
def test_seller_or_arbiter_refund_at_any_time(chain: Chain, users: dict[str, User], escrow: Contract, who: str) -> None:
    """The buyer gets all of it back."""
    before = chain.general_balance(users["buyer"])
    refunded = escrow.refund(users["buyer"], PRICE, sender=users[who])
    assert refunded.events == [escrow.Refunded(buyer=users["buyer"], units=PRICE)]
    assert chain.general_balance(users["buyer"]) == before + PRICE
    assert (escrow.waiting(), chain.balance(escrow)) == (0, 0)


def test_the_buyer_takes_it_back_after_the_deadline(chain: Chain, users: dict[str, User], escrow: Contract) -> None:
    """Not before it, and not in its very second."""
    buyer = users["buyer"]
    chain.advance(PERIOD)
    with chain.fails("not before the deadline"):
        escrow.refund(buyer, PRICE, sender=buyer)
    chain.advance(1)
    before = chain.general_balance(buyer)
    refunded = escrow.refund(buyer, PRICE, sender=buyer)
    assert chain.general_balance(buyer) == before + PRICE + refund_of(refunded)


def test_nobody_else_decides(chain: Chain, users: dict[str, User], escrow: Contract) -> None:
    """The seller does not release, a stranger does nothing, whatever the time."""
    for _ in range(2):
        for who in ("seller", "stranger"):
            with chain.fails("only the buyer or the arbiter releases"):
                escrow.release(users["seller"], PRICE, sender=users[who])
        with chain.fails("not before the deadline"):
            escrow.refund(users["buyer"], PRICE, sender=users["stranger"])
        chain.advance(PERIOD + 1)


def test_the_arbiter_chooses_between_two(chain: Chain, users: dict[str, User], escrow: Contract) -> None:
    """Money goes to the seller by a release and to the buyer by a refund, to nobody else."""
    arbiter = users["arbiter"]
    with chain.fails("the money goes to the seller"):
        escrow.release(arbiter, PRICE, sender=arbiter)
    with chain.fails("the money goes back to the buyer"):
        escrow.refund(arbiter, PRICE, sender=arbiter)


@pytest.mark.parametrize("units", [0, -1, PRICE - 1, PRICE + 1, 2**62])
def test_exactly_what_is_held_is_paid(chain: Chain, users: dict[str, User], escrow: Contract, units: int) -> None:
    """The amount is the call's, so that everybody knows it; any other fails."""
    with chain.fails("exactly what is held is paid"):
        escrow.release(users["seller"], units, sender=users["arbiter"])
        escrow.refund(users["buyer"], units, sender=users["arbiter"])


def test_it_ends_once(chain: Chain, users: dict[str, User], escrow: Contract) -> None:
    """Of a release and a refund in one block the first counts; nothing more leaves, not even for zero units."""
    with chain.block():
        first = escrow.release(users["seller"], PRICE, sender=users["buyer"])
        second = escrow.refund(users["buyer"], PRICE, sender=users["seller"])
    assert first.succeeded and second.reason == "exactly what is held is paid"
    with chain.fails("exactly what is held is paid"):
        escrow.release(users["seller"], 0, sender=users["buyer"])


def test_what_came_by_plain_transfers_is_recovered_after_the_end(
    chain: Chain, users: dict[str, User], escrow: Contract
) -> None:
    """It never counts as held; the buyer takes it when nothing waits, and no more than there is."""
    buyer = users["buyer"]
    chain.transfer(escrow, 70, sender=users["stranger"])
    assert (escrow.waiting(), chain.balance(escrow)) == (PRICE, PRICE + 70)
    with chain.fails("the money still waits"):
        escrow.recover(70, sender=buyer)
    escrow.release(users["seller"], PRICE, sender=buyer)
    with chain.fails("only the buyer recovers"):
        escrow.recover(70, sender=users["seller"])
    with chain.fails("insufficient_contract_funds"):
        escrow.recover(71, sender=buyer)
    before = chain.general_balance(buyer)
    recovered = escrow.recover(70, sender=buyer)
    assert chain.general_balance(buyer) == before + 70 + refund_of(recovered)
    assert chain.balance(escrow) == 0


def test_a_contract_may_be_the_seller(chain: Chain, users: dict[str, User]) -> None:
    """It is paid like anyone; a contract that was the arbiter could never decide, so it is refused."""
    shop = chain.deploy(LIBRARY / "vault.py", sender=users["seller"])
    terms = (shop, users["arbiter"], chain.now + PERIOD)
    escrow = chain.deploy(SOURCE, *terms, sender=users["buyer"], value=PRICE)
    assert escrow.release(shop, PRICE, sender=users["buyer"])
    assert chain.balance(shop) == PRICE
    constructor = compile_file(SOURCE).interface.constructor
    assert constructor is not None and constructor.payable
    assert [one.type for one in constructor.parameters] == ["Account", "Address", "int"]


def test_footprints_follow_from_the_calls(users: dict[str, User], escrow: Contract) -> None:
    """Who is paid and how much is declared by the call, payable is the constructor alone, and only users call."""
    functions = {one.name: one for one in compile_file(SOURCE).interface.functions if not one.view}
    assert functions.keys() == {"release", "refund", "recover"}
    assert all(one.complete and one.direct and not one.payable for one in functions.values())
    released = escrow.release(users["seller"], PRICE, sender=users["buyer"])
    assert Debit(escrow.id, PRICE) in released.transaction.footprint
    with pytest.raises(Refused) as refused:
        escrow.release(users["seller"], PRICE, sender=users["buyer"], value=1)
    assert refused.value.kind is Refusal.NOT_PAYABLE
