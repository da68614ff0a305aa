"""Loan approval: a network that one transaction trains and every application asks, and what one decision rests on."""

from pathlib import Path

import pytest

import accountant.library
from accountant.accounting.certificate import Verdict
from accountant.chain.errors import Refusal
from accountant.chain.footprint import Blob, Credit, Debit, Read
from accountant.primitives.cid import cid_of
from accountant.sandbox import Chain, Contract, Refused, User, ViewFailed
from accountant.sandbox.result import Result
from tests.support.observing import newcomer, observed, viewed
from tests.support.real_data import breast_cancer

LIBRARY = Path(accountant.library.__path__[0])
LEARNT, ASKED = breast_cancer()
FACTS, REPAID = LEARNT.features_file(), LEARNT.labels_file()
GOOD, BAD = ASKED.labels.index(1), ASKED.labels.index(0)
TOKEN = 1_000_000_000
FUNDS = 10_000 * TOKEN
DAYS_90 = 90 * 24 * 60 * 60


@pytest.fixture
def loans(chain: Chain) -> Contract:
    """A lender of alice's that owns money and knows nothing."""
    alice = chain.account("alice")
    lender = chain.deploy(LIBRARY / "loan_approval.py", sender=alice)
    for data in (FACTS, REPAID):
        chain.publish(data, sender=alice)
    chain.transfer(lender, FUNDS, sender=alice)
    return lender


def trained(chain: Chain, loans: Contract) -> Result:
    """The training."""
    made = loans.train(cid_of(FACTS), cid_of(REPAID), sender=chain.account("alice"), gas=10**9)
    assert isinstance(made, Result)
    return made


def applicant(chain: Chain, loans: Contract, name: str, row: int) -> User:
    """Somebody of whom the facts of a row are attested."""
    user = chain.account(name)
    loans.attest(user, ASKED.row(row), sender=chain.account("alice"))
    return user


def test_who_would_repay_gets_the_loan(chain: Chain, loans: Contract) -> None:
    """The network decides of people that it never saw: 95 of 100 as it was with them."""
    made = trained(chain, loans)
    (event,) = made.events
    assert event == loans.Trained(weights=event.weights, loss_millionths=event.loss_millionths)
    loss = made.returned
    assert isinstance(loss, int) and event.loss_millionths == loss < 150_000
    good, bad = applicant(chain, loans, "good", GOOD), applicant(chain, loans, "bad", BAD)
    result = loans.apply(10 * TOKEN, sender=good)
    chance = loans.chance_of(ASKED.row(GOOD))
    assert result.events == [loans.Decided(applicant=good, units=10 * TOKEN, chance=chance, approved=True)]
    assert chain.general_balance(good) >= 10 * TOKEN and loans.approved(good) is True
    assert loans.apply(10 * TOKEN, sender=bad).returned is False
    assert loans.approved(bad) is False and loans.owed_by(bad) == 0
    decided = [loans.chance_of(ASKED.row(at)) >= 900 for at in range(0, 142, 2)]
    right = sum(said == (label == 1) for said, label in zip(decided, ASKED.labels[::2], strict=True))
    assert right >= 0.95 * len(decided)


def test_what_a_loan_declares_follows_from_the_call(chain: Chain, loans: Contract) -> None:
    """The applicant's own slots, the weights, the sum as the most that is paid; the training's published files."""
    good = applicant(chain, loans, "good", GOOD)
    made = trained(chain, loans)
    entries = loans.apply(7 * TOKEN, sender=good).transaction.footprint
    assert {one for one in entries if isinstance(one, Debit | Credit)} == {
        Debit(loans.id, 7 * TOKEN),
        Credit(good.address),
    }
    own = {Read(loans.id, name + bytes(good.address)) for name in (b"attested:", b"debts:")}
    assert {one for one in entries if isinstance(one, Read)} == own | {Read(loans.id, b"weights:")}
    assert {one for one in made.transaction.footprint if isinstance(one, Blob)} == {
        Blob(cid_of(data), len(data)) for data in (FACTS, REPAID)
    }


def test_one_applicant_observes_only_hers(chain: Chain, loans: Contract) -> None:
    """Of 40 applications in one block, a newcomer executes one, with the training and what was attested of her."""
    made = trained(chain, loans)
    users = [chain.account(f"applicant {at}") for at in range(40)]
    with chain.block():
        attested = [loans.attest(user, ASKED.row(at), sender=chain.account("alice")) for at, user in enumerate(users)]
    with chain.block():
        applied = [loans.apply(TOKEN, sender=user) for user in users]
    store = newcomer([FACTS, REPAID])
    found = observed(chain, store, applied[30])
    assert found.verdict is Verdict.ACCEPTED
    assert set(found.executed) == {made.hash, attested[30].hash, applied[30].hash}
    neighbour = observed(chain, store, applied[31])
    assert set(neighbour.executed) == {attested[31].hash, applied[31].hash}
    assert neighbour.gas_executed < found.gas_executed // 80
    bit = viewed(chain, newcomer([FACTS, REPAID]), loans, "approved", bytes(users[30].address))
    assert set(bit.executed) == set(found.executed)


def test_a_lender_that_cannot_pay_all_makes_decisions_rest_on_earlier_ones(chain: Chain, loans: Contract) -> None:
    """Where the sum of what may be paid exceeds what the lender owns, earlier applications have to be executed."""
    trained(chain, loans)
    users = [applicant(chain, loans, f"applicant {at}", GOOD) for at in range(12)]
    with chain.block():
        applied = [loans.apply(1_000 * TOKEN, sender=user) for user in users]
    assert len(observed(chain, newcomer([FACTS, REPAID]), applied[9]).executed) == 3
    last = observed(chain, newcomer([FACTS, REPAID]), applied[11])
    assert last.verdict is Verdict.REJECTED and applied[11].reason == "insufficient_contract_funds"
    assert {one.hash for one in applied} <= set(last.executed)


def test_strangers_cost_their_neighbours_a_failed_assertion_each(chain: Chain, loans: Contract) -> None:
    """Applications that nobody vouches for count as the most they may be paid, until they are executed, for little."""
    made = trained(chain, loans)
    user, stranger = applicant(chain, loans, "good", GOOD), chain.account("stranger")
    with chain.block():
        flood = [loans.apply(1_000 * TOKEN, sender=stranger) for _ in range(12)]
        applied = loans.apply(TOKEN, sender=user)
    found = observed(chain, newcomer([FACTS, REPAID]), applied)
    beside = set(found.executed) & {one.hash for one in flood}
    assert 3 <= len(beside) <= 12
    assert found.verdict is Verdict.ACCEPTED
    assert {one.reason for one in flood} == {"nobody vouches for you"}
    assert max(one.gas_used for one in flood) < made.gas_used // 500


def test_loans_come_back_once_and_with_interest(chain: Chain, loans: Contract) -> None:
    """A twentieth more, rounded up, exactly; until then there is no other loan."""
    trained(chain, loans)
    good = applicant(chain, loans, "good", GOOD)
    loans.apply(TOKEN + 1, sender=good)
    owed = TOKEN + 1 + TOKEN // 20 + 1
    assert loans.owed_by(good) == owed and loans.due_of(good) == chain.now + DAYS_90
    with chain.fails("one loan at a time"):
        loans.apply(1, sender=good)
    with chain.fails("exactly what is owed comes back"):
        loans.repay(sender=good, value=owed - 1)
    assert loans.repay(sender=good, value=owed).events == [loans.Repaid(applicant=good, units=owed)]
    with chain.fails("no loan"):
        loans.repay(sender=good, value=owed)
    assert loans.apply(5, sender=good).returned is True


def test_nobody_vouches_for_himself_or_trains(chain: Chain, loans: Contract) -> None:
    """Nor is anything decided before the training, of short facts, or beyond what a loan may be."""
    mallory = chain.account("mallory")
    with pytest.raises(Refused) as refused:
        loans.attest(mallory, ASKED.row(GOOD), sender=mallory)
    assert refused.value.kind is Refusal.CALLER
    with pytest.raises(Refused) as refused:
        loans.train(cid_of(FACTS), cid_of(REPAID), sender=mallory, gas=10**9)
    assert refused.value.kind is Refusal.CALLER
    with chain.fails("there are 30 facts"):
        loans.attest(mallory, ASKED.row(GOOD)[1:], sender=chain.account("alice"))
    with chain.fails("nobody vouches for you"):
        loans.apply(1, sender=mallory)
    good = applicant(chain, loans, "good", GOOD)
    with chain.fails("invalid_value"):
        loans.apply(1, sender=good)
    with pytest.raises(ViewFailed):
        loans.chance_of(ASKED.row(GOOD))
    trained(chain, loans)
    with chain.fails("a loan is above zero and at most 1,000 tokens"):
        for units in (0, -1, 1_000 * TOKEN + 1):
            loans.apply(units, sender=good)


def test_labels_that_do_not_fit_the_facts_train_nothing(chain: Chain, loans: Contract) -> None:
    """Nor do labels that are no whole numbers, or beyond the classes: the weights stay what they were."""
    alice = chain.account("alice")
    kept = trained(chain, loans).events[0].weights
    short = chain.publish(LEARNT.first(9).labels_file(), sender=alice)
    assert loans.train(cid_of(FACTS), short, sender=alice, gas=10**9).reason == "invalid_value"
    assert loans.train(cid_of(REPAID), cid_of(REPAID), sender=alice, gas=10**9).reason == "invalid_value"
    assert chain.slot(loans, b"weights:") == kept


def test_a_training_without_gas_enough_fails_and_is_paid(chain: Chain, loans: Contract) -> None:
    """Gas is charged before the work is done."""
    alice = chain.account("alice")
    result = loans.train(cid_of(FACTS), cid_of(REPAID), sender=alice, gas=5_000_000)
    assert result.reason == "out_of_gas" and chain.slot(loans, b"weights:") == b""
