"""Algorithm 3, Targeted-Exec-DoS, on the chain: the victim's exact balance is dear, and nobody needs it."""

from pathlib import Path

import pytest

import accountant.library
from accountant.accounting.bound import lower_bound
from accountant.accounting.certificate import Certificate, Verdict
from accountant.accounting.pay import verify_payment
from accountant.accounting.questions import LowerBoundQuestion, PaymentQuestion
from accountant.chain.block import Position
from accountant.chain.footprint import Credit, Debit
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.primitives.types import Hash
from accountant.sandbox import Chain, Contract, Result, User

LIBRARY = Path(accountant.library.__path__[0])
ROUNDS = 20_000
MOST = 100
SALARY = 1_000


@pytest.fixture
def dos(chain: Chain) -> Contract:
    """The attacker's contract, with money to give away."""
    attacker = chain.account("attacker")
    contract = chain.deploy(LIBRARY / "targeted_exec_dos.py", sender=attacker)
    chain.transfer(contract, 1_000_000, sender=attacker)
    return contract


def attack(chain: Chain, dos: Contract, rounds: int = ROUNDS, most: int = MOST) -> Result:
    """A Targeted-Exec-DoS on the victim."""
    made = dos.targeted_exec_dos(chain.account("victim"), rounds, most, sender=chain.account("attacker"))
    assert isinstance(made, Result)
    return made


def salary(chain: Chain) -> Result:
    """An honest income of the victim, of general money and cheap to execute."""
    victim, employer = chain.account("victim"), chain.account("employer")
    splitter = chain.deploy(LIBRARY / "splitter.py", victim, employer, 100, sender=employer)
    made = splitter.forward(victim, employer, sender=employer, value=SALARY)
    assert isinstance(made, Result)
    return made


def verified(chain: Chain, payment: Result, theta: tuple[Hash, ...] | None = None) -> Certificate:
    """Pay (Algorithm 4), by somebody who knows nothing yet."""
    return verify_payment(chain.ledger.index, MemoryOutcomes(), PaymentQuestion(payment.hash, theta))


def bounded(chain: Chain, account: User, theta: tuple[Hash, ...]) -> Certificate:
    """A lower bound at the end of the chain, by somebody who knows nothing yet."""
    position = Position(chain.ledger.index.head().hash, 0)
    question = LowerBoundQuestion(account.key.address, position, theta=theta)
    return lower_bound(chain.ledger.index, MemoryOutcomes(), question)


def test_the_victim_gets_a_random_little(chain: Chain, dos: Contract) -> None:
    """From nothing to one unit below the most, another amount in every place, out of the contract's money."""
    victim, amounts, before = chain.account("victim"), [], chain.balance(dos)
    for _ in range(6):
        had = chain.general_balance(victim)
        assert attack(chain, dos, rounds=5)
        amounts.append(chain.general_balance(victim) - had)
    assert all(0 <= amount < MOST for amount in amounts) and len(set(amounts)) > 1
    assert chain.balance(dos) == before - sum(amounts)


def test_the_attacker_pays_for_all_of_it_at_once(chain: Chain, dos: Contract) -> None:
    """Two entries, the cap by its magnitude, and the whole gas limit, out of zero-cost money."""
    attacker, fees = chain.account("attacker"), chain.genesis.fees
    zero, general = chain.zero_balance(attacker), chain.general_balance(attacker)
    made = attack(chain, dos, most=2**30)
    transaction = made.transaction
    victim = chain.account("victim")
    assert set(transaction.footprint) == {Credit(victim.key.address), Debit(dos.id, 2**30)}
    fee = fees.base + fees.per_byte * made.bytes_count + 2 * fees.per_entry + (2**30 >> fees.cap_shift)
    assert zero - chain.zero_balance(attacker) == fee + transaction.gas_limit * transaction.gas_price
    returned = (transaction.gas_limit - made.gas_used) * transaction.gas_price
    assert chain.general_balance(attacker) == general + returned


def test_the_exact_balance_needs_the_attack(chain: Chain, dos: Contract) -> None:
    """Whether the victim owns exactly what it owns is known only by doing all of the work."""
    victim = chain.account("victim")
    made = attack(chain, dos)
    exact = chain.general_balance(victim)
    session = Session(chain.ledger.index, MemoryOutcomes())
    seq = chain.ledger.index.seq_of(made.hash)
    assert 0 < exact < MOST - 1
    assert Selective(session).covers(victim.key.address, exact, chain.ledger.seq_now())
    assert seq in session.executed and session.gas_executed >= made.gas_used > ROUNDS * 300


def test_a_payment_of_the_victims_is_verified_without_it(chain: Chain, dos: Contract) -> None:
    """Pay accepts what honest income covers, executing that income and none of the attacks around it."""
    victim, shop = chain.account("victim"), chain.account("shop")
    attacks = [attack(chain, dos), attack(chain, dos)]
    earned = salary(chain)
    attacks.append(attack(chain, dos))
    payment = chain.transfer(shop, 0, sender=victim, general_value=SALARY)
    certificate = verified(chain, payment, (earned.hash,))
    assert certificate.verdict is Verdict.ACCEPTED
    assert earned.hash in certificate.executed
    assert not {made.hash for made in attacks} & set(certificate.executed)
    assert certificate.gas_executed < attacks[0].gas_used  # the deployment of the splitter is most of it


def test_without_a_theta_the_accountant_leaves_it_out_as_well(chain: Chain, dos: Contract) -> None:
    """The income with the most units for its gas comes first, and it is enough."""
    victim, shop = chain.account("victim"), chain.account("shop")
    earned, made = salary(chain), attack(chain, dos)
    certificate = verified(chain, chain.transfer(shop, 0, sender=victim, general_value=SALARY))
    assert certificate.verdict is Verdict.ACCEPTED
    assert earned.hash in certificate.executed and made.hash not in certificate.executed


def test_zero_cost_money_is_not_touched_by_it(chain: Chain, dos: Contract) -> None:
    """A victim that pays with zero-cost money is verified for nothing at all."""
    victim, shop = chain.account("victim"), chain.account("shop")
    attack(chain, dos)
    certificate = verified(chain, chain.transfer(shop, 500, sender=victim))
    assert certificate.verdict is Verdict.ACCEPTED
    assert (certificate.gas_executed, certificate.executed) == (0, ())


def test_a_lower_bound_costs_what_its_theta_costs(chain: Chain, dos: Contract) -> None:
    """Nothing without Θ; the salary alone; and the work, if whoever asks puts the attack into Θ."""
    victim = chain.account("victim")
    earned, made = salary(chain), attack(chain, dos)
    nothing, honest = bounded(chain, victim, ()), bounded(chain, victim, (earned.hash,))
    everything = bounded(chain, victim, (earned.hash, made.hash))
    assert (nothing.gas_executed, nothing.executed, nothing.lower) == (0, (), 0)
    assert honest.lower == SALARY and made.hash not in honest.executed
    assert made.hash in everything.executed
    assert everything.gas_executed >= honest.gas_executed + made.gas_used
    assert everything.lower == chain.general_balance(victim) == SALARY + made.outcome.credit_of(victim.key.address)


def test_a_quantity_below_nothing_fails(chain: Chain, dos: Contract) -> None:
    """The most is above zero; nothing is paid otherwise."""
    with chain.fails("the quantity is below `most`"):
        attack(chain, dos, most=0)
        attack(chain, dos, most=-1)
    assert attack(chain, dos, most=1)
    assert chain.general_balance(chain.account("victim")) == 0


def test_a_contract_without_money_pays_nothing(chain: Chain) -> None:
    """The quantity has to be there; what comes with the call counts."""
    attacker, victim = chain.account("attacker"), chain.account("victim")
    empty = chain.deploy(LIBRARY / "targeted_exec_dos.py", sender=attacker)
    with chain.fails("insufficient_contract_funds"):
        attack(chain, empty, rounds=5, most=10**12)
    assert empty.targeted_exec_dos(victim, 5, MOST, sender=attacker, value=MOST).succeeded
