"""The attacks of `benchmarks.attack` at a small size: admitted by real validators, and answered rightly."""

from itertools import islice

import pytest

from accountant.accounting.certificate import Certificate, Verdict
from accountant.chain.errors import Refusal
from accountant.chain.proposer import propose
from accountant.chain.state import ChainState
from accountant.chain.transaction import sign_transaction
from accountant.chain.validator import import_block
from accountant.contracts.module import check_module
from accountant.execution.eager import execute_everything
from accountant.primitives.types import AMOUNT_MAX, Gas, Seq
from benchmarks.admitted import BEGAN, KEYS, PROPOSER, SECONDS_PER_BLOCK
from benchmarks.attack import QUESTIONS, WANTED, cost, costs, exact, figures, price
from benchmarks.attack_kinds import Attack, Sizes, attacks
from benchmarks.attack_street import OWNED, VICTIM, Street, street

SIZES = Sizes(transactions=24, dust=40, depth=20, rounds=5, trainings=4, training_rounds=50, attackers=5)
ATTACKS = attacks(SIZES)


@pytest.fixture(scope="module", params=ATTACKS, ids=lambda attack: attack.name)
def attacked(request: pytest.FixtureRequest) -> tuple[Attack, Street]:
    """Each attack, and the chain that it is on."""
    attack: Attack = request.param
    return attack, street(attack.half, SIZES.attackers)


def test_real_validators_take_every_transaction_with_its_signature(attacked: tuple[Attack, Street]) -> None:
    """Signed by their senders' keys and proposed in the same order, none is dropped, and the blocks are valid."""
    _, there = attacked
    index, state = there.index, ChainState.at_genesis(there.index.genesis)
    head = index.head()
    located = iter(index.transactions([Seq(seq) for seq in range(head.next_seq)]))
    for height in range(1, head.height + 1):
        block = index.block(height)  # type: ignore[arg-type]
        assert block is not None
        signed = [sign_transaction(one.transaction, KEYS[one.sender]) for one in islice(located, block.count)]
        time = BEGAN + SECONDS_PER_BLOCK * height
        proposal = propose(signed, state, KEYS[PROPOSER], time, check_module)
        assert not proposal.dropped, proposal.dropped[0]
        import_block(proposal.block.raw, state, check_module)
    assert state.head.next_seq == head.next_seq


def test_the_victim_gets_the_right_answers(attacked: tuple[Attack, Street]) -> None:
    """Under every attack: it owns what it earned, no more than it can, its payment settled, and views return."""
    _, there = attacked
    answers = costs(there, seconds_most=60)
    assert {name: one.answer for name, one in answers.items()} == WANTED
    assert price(there).fees >= sum(made.transaction.gas_limit for _, made in there.hostile)


def test_its_exact_balance_is_the_eager_one(attacked: tuple[Attack, Street]) -> None:
    """Whatever the attack gave it is in the balance that nobody has to ask for."""
    _, there = attacked
    certificate = exact(there, lambda _gas: None)
    assert isinstance(certificate, Certificate)
    eager = execute_everything(there.index).general_before(VICTIM, there.payment)
    assert certificate.lower == certificate.upper == eager >= OWNED


def test_a_calm_street_has_no_attack() -> None:
    """Without an attack there is nothing to pay for, and the same questions have the same answers."""
    calm = street(None, SIZES.attackers)
    assert not calm.hostile and not calm.refused
    assert all(one.answer is WANTED[name] for name, one in costs(calm, seconds_most=60).items())


def test_what_envelopes_do_not_admit_is_no_attack_that_worked() -> None:
    """Foreign writes and debits are refused as not admitted; a cap near 2^63 as long as nobody can pay for it."""
    attack = next(one for one in ATTACKS if one.name == "undeclarable")
    there = street(attack.half, SIZES.attackers)
    assert there.refused[Refusal.NOT_ADMITTED] == 3 * 2 * (SIZES.transactions // 2 // 4)
    assert {made.transaction.footprint[-1].cap for _, made in there.hostile} == {AMOUNT_MAX - 90_000}  # type: ignore[union-attr]
    assert all(made.fee > 2**42 for _, made in there.hostile)


def test_all_other_attacks_are_admitted_whole() -> None:
    """Only the attack that is meant to be refused is."""
    for attack in ATTACKS:
        there = street(attack.half, SIZES.attackers)
        assert there.hostile and bool(there.refused) == (attack.name == "undeclarable"), attack.name


def test_an_answer_that_takes_too_long_is_given_up() -> None:
    """At the first progress after the time is over, and it is said so."""

    def endless(_street: Street, heartbeat: object) -> Certificate:
        assert callable(heartbeat)
        while True:
            heartbeat(Gas(7))

    assert cost(endless, street(None, 1), seconds_most=0.0)[::2] == (7, "given up")


def test_figures_say_what_the_attack_added() -> None:
    """Gas with and without it by question, and its price without the unused gas that comes back."""
    attack = next(one for one in ATTACKS if one.name == "declared_writes")
    calm, there = street(None, SIZES.attackers), street(attack.half, SIZES.attackers)
    without, under, paid = costs(calm, 60), costs(there, 60), price(there)
    row = figures(there, under, without, paid)
    assert row["transactions"] == SIZES.transactions and row["given_up"] == []
    more = under["view_token"].gas - without["view_token"].gas
    assert row["gas_more"] == more > 0
    assert row["fees_lost"] == paid.fees - paid.returned > more
    assert set(QUESTIONS) == set(under) and under["payment"].answer is Verdict.ACCEPTED
