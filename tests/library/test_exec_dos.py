"""Algorithm 2, Exec-DoS, on the chain: what it costs its sender, and that it costs nobody else anything."""

from pathlib import Path

import pytest
from msgspec import structs

import accountant.library
from accountant.accounting.bound import lower_bound
from accountant.accounting.certificate import Certificate
from accountant.accounting.questions import LowerBoundQuestion
from accountant.chain.block import Position
from accountant.chain.errors import Refusal
from accountant.chain.footprint import Credit, Debit, Entry, canonical_footprint
from accountant.chain.transaction import sign_transaction, transaction_hash
from accountant.contracts.errors import FailureKind
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.outcome import Outcome
from accountant.primitives.types import Hash
from accountant.sandbox import Chain, Contract, Refused, Result, User

LIBRARY = Path(accountant.library.__path__[0])
ROUNDS = 20_000

ANYBODY = b'''"""Algorithm 2 to the letter: it pays whichever account the work's result names."""

from accountant.language import Address, credits, debits, direct, export, index, pay, payable, previous_hash, sha256
from accountant.language import touches


@export
@payable
@direct
@touches(credits(1), debits(1))
def exec_dos(rounds: int) -> None:
    seed: bytes = previous_hash() + index().to_bytes(8, "big", signed=True)
    for _ in range(rounds):
        seed = sha256(seed)
    pay(Address(seed[:20]), 1)
'''


@pytest.fixture
def dos(chain: Chain) -> Contract:
    """The attacker's contract, with ten units to give away."""
    attacker = chain.account("attacker")
    contract = chain.deploy(LIBRARY / "exec_dos.py", sender=attacker)
    chain.transfer(contract, 10, sender=attacker)
    return contract


def victims(chain: Chain) -> list[User]:
    """Four accounts."""
    return [chain.account(name) for name in ("ann", "ben", "cid", "dan")]


def attack(chain: Chain, dos: Contract, rounds: int = ROUNDS) -> Result:
    """An Exec-DoS on all four."""
    made = dos.exec_dos(rounds, *victims(chain), sender=chain.account("attacker"))
    assert isinstance(made, Result)
    return made


def test_one_of_four_is_paid_one_unit(chain: Chain, dos: Contract) -> None:
    """Who it is changes from place to place, and nobody else's balance moves."""
    paid = []
    for _ in range(8):
        before = [chain.general_balance(victim) for victim in victims(chain)]
        assert attack(chain, dos, rounds=5)
        after = [chain.general_balance(victim) for victim in victims(chain)]
        paid.append([b - a for a, b in zip(before, after, strict=True)])
    assert all(sorted(one) == [0, 0, 0, 1] for one in paid)
    assert len({tuple(one) for one in paid}) > 1
    assert chain.balance(dos) == 2


def test_every_account_is_declared_and_paid_for(chain: Chain, dos: Contract) -> None:
    """The fee rises with each account that may be paid; it and all gas leave zero-cost money at inclusion."""
    attacker, fees = chain.account("attacker"), chain.genesis.fees
    assert set(attack(chain, dos).transaction.footprint) == {
        *(Credit(victim.key.address) for victim in victims(chain)),
        Debit(dos.id, 1),
    }
    spent = []
    ann, ben = victims(chain)[:2]
    for named in ([ann] * 4, [ann, ann, ann, ben]):
        before = chain.zero_balance(attacker)
        made = dos.exec_dos(ROUNDS, *named, sender=attacker)
        transaction, entries = made.transaction, len(made.transaction.footprint)
        spent.append(before - chain.zero_balance(attacker) - fees.per_byte * made.bytes_count)
        assert spent[-1] == fees.base + fees.per_entry * entries + transaction.gas_limit * transaction.gas_price
    assert spent[1] - spent[0] == fees.per_entry


def test_unused_gas_returns_as_general_money_alone(chain: Chain, dos: Contract) -> None:
    """The whole gas limit leaves Z for good; what the work did not use is in G, where somebody has to execute it."""
    attacker = chain.account("attacker")
    zero, general = chain.zero_balance(attacker), chain.general_balance(attacker)
    made = attack(chain, dos)
    included = chain.zero_balance(attacker)
    assert made and made.gas_used > ROUNDS * 300
    returned = (made.transaction.gas_limit - made.gas_used) * made.transaction.gas_price
    assert chain.zero_balance(attacker) == included < zero - made.transaction.gas_limit
    assert chain.general_balance(attacker) == general + returned


def test_work_beyond_the_gas_limit_pays_nobody_and_returns_nothing(chain: Chain, dos: Contract) -> None:
    """The attacker buys the gas; with too little of it nothing happens but the payment."""
    attacker = chain.account("attacker")
    general = chain.general_balance(attacker)
    made = dos.exec_dos(ROUNDS, *victims(chain), sender=attacker, gas=1_000_000)
    assert made.reason == "out_of_gas" and made.gas_used == 1_000_000
    assert chain.general_balance(attacker) == general
    assert sum(chain.general_balance(victim) for victim in victims(chain)) == 0


def test_who_is_not_declared_is_not_paid(chain: Chain, dos: Contract) -> None:
    """Named in the arguments but not in the footprint: undeclared access, rolled back, and the value returns."""
    ann, *others = victims(chain)
    made = attack(chain, dos, rounds=5)
    declared = (Credit(ann.key.address), Debit(dos.id, 1))
    outcomes = [sent_again(chain, made, declared) for _ in range(12)]
    failed = [outcome for outcome in outcomes if not outcome.succeeded]
    assert {outcome.failure for outcome in failed} == {FailureKind.UNDECLARED_ACCESS}
    assert 0 < len(failed) < len(outcomes)
    for outcome in outcomes:
        assert outcome.credit_of(ann.key.address) == int(outcome.succeeded)
        assert all(outcome.credit_of(other.key.address) == 0 for other in others)


def sent_again(chain: Chain, made: Result, footprint: tuple[Entry, ...]) -> Outcome:
    """The attacker's call once more, with another footprint."""
    key = chain.account("attacker").key
    nonce = chain.ledger.next_nonce(key.address)
    raw = sign_transaction(structs.replace(made.transaction, nonce=nonce, footprint=footprint), key)
    chain.ledger.submit(raw)
    chain.ledger.append([raw], chain.now)
    return chain.outcome(transaction_hash(raw))


def test_nobody_else_can_be_declared(chain: Chain, dos: Contract) -> None:
    """The template admits the four arguments and no fifth account, and one unit at most."""
    made = attack(chain, dos, rounds=5)
    stranger = Credit(chain.account("stranger").key.address)
    for footprint in (canonical_footprint((*made.transaction.footprint, stranger)), (Debit(dos.id, 2),)):
        with pytest.raises(Refused) as refused:
            sent_again(chain, made, footprint)
        assert refused.value.kind is Refusal.NOT_ADMITTED


def test_an_attack_on_anybody_has_to_be_executed_by_the_attacker_first(chain: Chain, tmp_path: Path) -> None:
    """To the letter of Algorithm 2: the account has to be declared, so it must be known; in another place it is not."""
    attacker = chain.account("attacker")
    source = tmp_path / "anybody.py"
    source.write_bytes(ANYBODY)
    anybody = chain.deploy(source, sender=attacker)
    chain.transfer(anybody, 10, sender=attacker)
    tried_out = anybody.exec_dos(50, sender=attacker)
    assert tried_out.succeeded
    with chain.block():
        chain.transfer(attacker, 1, sender=attacker)
        elsewhere = anybody.exec_dos(50, sender=attacker)
    assert elsewhere.reason == "undeclared_access"
    assert chain.balance(anybody) == 9


def test_a_lower_bound_leaves_the_attack_out(chain: Chain, dos: Contract) -> None:
    """Lemma 1: without it in Θ nothing is executed; in Θ it costs all its gas, for one unit at most."""
    ann = victims(chain)[0]
    made = attack(chain, dos)
    without, exact = bound_of(chain, ann, ()), bound_of(chain, ann, (made.hash,))
    assert (without.gas_executed, without.executed, without.lower) == (0, (), 0)
    assert without.upper == 1
    assert made.hash in exact.executed and exact.gas_executed >= made.gas_used
    assert exact.lower == exact.upper == chain.general_balance(ann)


def bound_of(chain: Chain, account: User, theta: tuple[Hash, ...]) -> Certificate:
    """What somebody who knows nothing yet is told at the end of the chain."""
    position = Position(chain.ledger.index.head().hash, 0)
    return lower_bound(
        chain.ledger.index, MemoryOutcomes(), LowerBoundQuestion(account.key.address, position, theta=theta)
    )


def test_a_contract_without_money_pays_nobody(chain: Chain) -> None:
    """The little money is the attacker's as well."""
    attacker = chain.account("attacker")
    empty = chain.deploy(LIBRARY / "exec_dos.py", sender=attacker)
    with chain.fails("insufficient_contract_funds"):
        attack(chain, empty, rounds=5)
    assert empty.exec_dos(5, *victims(chain), sender=attacker, value=1).succeeded
