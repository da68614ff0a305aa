"""Money leaves a purse only as far as no oath needs it, under the same nonces and the same signer as all else."""

from collections.abc import Iterator

import pytest

from accountant.chain.block import Position
from accountant.chain.query import BalanceAtLeast
from accountant.chain.transaction import Transaction, sign_transaction
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.oath.counts import counts
from accountant.oath.purse import withdrawn_by
from accountant.oath.signing import Purpose, SigningLimits
from accountant.oath.swear import Stamp, deposit_transaction, zero_cost_of
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.types import Amount, ContractId
from accountant.services.publish import OutOfFunds
from accountant.services.purse_withdrawal import AtStake, PurseState, UnknownPurse, Withdrawer
from accountant.services.signing import KeySigner
from accountant.services.submit import NodeDown
from tests.support.oath_node import ACCOUNTANT, CUSTOMER, oath_genesis
from tests.support.oath_office import POLICY, TOKEN, Office, opened_office

PURSE = contract_id_of(ACCOUNTANT.address, 0)


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    """An office with an empty database and a chain that only has its genesis."""
    with opened_office(database_url, oath_genesis()) as opened:
        yield opened


def withdrawer(office: Office, outcomes: MemoryOutcomes | None = None) -> Withdrawer:
    limits = SigningLimits(POLICY.penalty, POLICY.deposit)
    signer = KeySigner(ACCOUNTANT, office.node.index.genesis, limits, office.signatures.append)
    return Withdrawer(office.engine, office.node.index, office.node, signer, outcomes or MemoryOutcomes())


def sworn(office: Office, answers: int = 3) -> None:
    """So many answers are sworn, in a block, and one more is on its way."""
    publisher = office.settled()
    head = Position(office.node.index.head().hash, 0)
    for units in range(answers):
        office.finish_job(query=BalanceAtLeast(CUSTOMER.address, units + 1, head))
    publisher.round()
    office.node.make_block()
    publisher.round()
    office.finish_job(query=BalanceAtLeast(CUSTOMER.address, 77, head))
    publisher.round()


def test_what_is_free_goes(office: Office) -> None:
    """The bound less what is on its way: taken out under the next nonce, signed for what it is, and it succeeds."""
    sworn(office)
    taker = withdrawer(office)
    assert taker.state(PURSE) == PurseState(7 * TOKEN, 7 * TOKEN, TOKEN)
    done = taker.withdraw(PURSE)
    assert done.units == 6 * TOKEN and done.refusal is None
    assert office.signatures[-1].purpose is Purpose.WITHDRAW and office.signatures[-1].nonce == done.nonce
    assert taker.state(PURSE) == PurseState(7 * TOKEN, 7 * TOKEN, 7 * TOKEN)
    office.node.make_block()
    seq = office.node.index.seq_of(done.transaction)
    assert seq is not None and withdrawn_by(office.node.index.transaction(seq).transaction) == done.units
    outcome = Selective(Session(office.node.index, MemoryOutcomes())).outcome(seq)
    assert outcome.succeeded and outcome.credit_of(ACCOUNTANT.address) >= 6 * TOKEN
    office.publisher().round()
    assert taker.state(PURSE) == PurseState(0, 0, 0)
    assert all(counts(office.node.index, oath).counts for oath in office.oaths())


def test_knowing_more_frees_more(office: Office) -> None:
    """Oaths that somebody executed and found true give their penalties back; what is on its way stays."""
    sworn(office)
    outcomes = MemoryOutcomes()
    selective = Selective(Session(office.node.index, outcomes))
    for oath in office.oaths():
        selective.outcome(oath.seq)
    taker = withdrawer(office, outcomes)
    assert taker.state(PURSE) == PurseState(7 * TOKEN, 10 * TOKEN, TOKEN)
    assert taker.withdraw(PURSE, Amount(9 * TOKEN)).units == 9 * TOKEN


@pytest.mark.parametrize("units", [6 * TOKEN + 1, 10 * TOKEN, 2**62])
def test_more_than_is_free(office: Office, units: int) -> None:
    """It is refused with the numbers, and nothing is signed; forced it is signed, and fails where it is not there."""
    sworn(office)
    taker, before = withdrawer(office), len(office.signatures)
    with pytest.raises(AtStake, match=f"{6 * TOKEN} may be taken out, not {units}"):
        taker.withdraw(PURSE, Amount(units))
    assert len(office.signatures) == before
    done = taker.withdraw(PURSE, Amount(units), force=True)
    office.node.make_block()
    seq = office.node.index.seq_of(done.transaction)
    assert seq is not None
    outcome = Selective(Session(office.node.index, MemoryOutcomes())).outcome(seq)
    assert outcome.succeeded == (units <= 10 * TOKEN)
    assert all(counts(office.node.index, oath).counts for oath in office.oaths())


def test_nothing_is_sworn_on_what_is_on_its_way_out(office: Office) -> None:
    """A publisher takes what is on its way out for gone: the next oath goes on the next purse, and counts."""
    office.settled()
    head = Position(office.node.index.head().hash, 0)
    withdrawer(office).withdraw(PURSE)
    office.node.forget()
    job = office.finish_job(query=BalanceAtLeast(CUSTOMER.address, 1, head))
    for _ in range(6):
        office.publisher().round()
        office.node.make_block()
    (oath,) = office.oaths()
    assert oath.contract != PURSE and office.job(job).oath == oath.located.hash
    assert counts(office.node.index, oath).counts


def test_a_node_that_is_down(office: Office) -> None:
    """Before the signature nothing is signed; after it the publisher hands in the same bytes."""
    office.settled()
    office.node.down = True
    signed = len(office.signatures)
    with pytest.raises(NodeDown):
        withdrawer(office).withdraw(PURSE)
    assert len(office.signatures) == signed
    office.node.down = False

    def down(_raw: bytes) -> None:
        raise NodeDown("gone")

    office.node.before_submit = down
    done = withdrawer(office).withdraw(PURSE, Amount(TOKEN))
    assert done.refusal is not None
    office.node.before_submit = lambda _: None
    office.publisher().round()
    office.node.make_block()
    assert office.node.index.seq_of(done.transaction) is not None


def test_other_purses(office: Office) -> None:
    """Neither another's purse, nor one that is none."""
    office.settled()
    for contract in (contract_id_of(CUSTOMER.address, 0), ContractId(bytes(32))):
        with pytest.raises(UnknownPurse):
            withdrawer(office).withdraw(contract)
        with pytest.raises(UnknownPurse):
            withdrawer(office).state(contract)


def test_without_money_for_the_fee(office: Office) -> None:
    """Zero-cost money pays the fee; without it nothing is signed."""
    office.settled()
    account = office.node.state.account(ACCOUNTANT.address)

    def payment(units: int) -> Transaction:
        return deposit_transaction(Stamp(7, account.nonce), ContractId(CUSTOMER.address), Amount(units))

    fee = zero_cost_of(payment(account.zero), office.node.index.genesis.fees) - account.zero
    office.node.make_block(sign_transaction(payment(account.zero - fee), ACCOUNTANT))
    assert office.node.state.account(ACCOUNTANT.address).zero == 0
    signed = len(office.signatures)
    with pytest.raises(OutOfFunds):
        withdrawer(office).withdraw(PURSE)
    assert len(office.signatures) == signed
