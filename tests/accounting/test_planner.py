"""Choosing Θ with what incomes share (paper, Section II-C): what is executed, and what the certificate says of it."""

import pytest

from accountant.accounting.certificate import Certificate, PlannedCertificate, Verdict, decode_certificate
from accountant.execution.memory import MemoryOutcomes
from accountant.primitives.encoding import encode
from accountant.primitives.types import Address
from tests.accounting.test_pay import ALICE, BOB, CAROL, DAVE, EVE, VAULT, Ledger
from tests.support.planning import always_plan
from tests.support.random_chain import Program

DEAR = 1_900_000
"""A gas limit; burning it all takes a moment."""


@pytest.fixture
def ledger() -> Ledger:
    """A fresh chain."""
    return Ledger()


def _burn(ledger: Ledger, slot: bytes) -> bytes:
    """A dear computation that a slot holds the result of."""
    program = Program()
    program.code += b"\x08\xff\xff"
    program.write(VAULT, slot)
    return ledger.call(CAROL, program, gas=DEAR)


def _paid_after(ledger: Ledger, to: Address, units: int, *slots: bytes, gas: int = 100_000) -> bytes:
    """A cheap-looking payout that reads what dear computations wrote."""
    program = Program()
    for slot in slots:
        program.read(VAULT, slot)
    program.pay(VAULT, to, units)
    return ledger.call(DAVE, program, gas=gas)


def _greedy(ledger: Ledger, payment: bytes, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    with monkeypatch.context() as patch:
        patch.setattr("accountant.accounting.planner.PLAN_ABOVE", 1 << 62)
        ledger.outcomes = MemoryOutcomes()
        return ledger.verify(payment)


def _planned(ledger: Ledger, payment: bytes, monkeypatch: pytest.MonkeyPatch) -> PlannedCertificate:
    with monkeypatch.context() as patch:
        always_plan(patch)
        ledger.outcomes = MemoryOutcomes()
        certificate = ledger.verify(payment)
    assert isinstance(certificate, PlannedCertificate)
    return certificate


def test_shared_ancestors_are_paid_once(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two incomes behind one dear computation cost less than two behind one each that look cheaper: a third of the
    gas that the greedy order executes is saved, and the certificate says so.
    """
    common, first, second = (_burn(ledger, slot) for slot in (b"a", b"b", b"c"))
    apart = [_paid_after(ledger, ALICE, 50, slot, gas=90_000) for slot in (b"b", b"c")]
    together = [_paid_after(ledger, ALICE, 50, b"a", gas=100_000) for _ in range(2)]
    payment = ledger.transfer(ALICE, BOB, general=100)
    planned = _planned(ledger, payment, monkeypatch)
    assert planned.verdict is Verdict.ACCEPTED
    assert {*planned.executed} == {common, *together}
    assert planned.choice.proved and planned.choice.cost == DEAR + 2 * 100_000
    greedy = _greedy(ledger, payment, monkeypatch)
    assert greedy.verdict is Verdict.ACCEPTED and type(greedy) is Certificate
    assert {*greedy.executed} == {first, second, *apart}
    assert planned.gas_executed < 0.6 * greedy.gas_executed


def test_what_is_observed_costs_nothing(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """An income behind a computation that an earlier payment needed is chosen over one that looks cheaper."""
    _burn(ledger, b"a")
    _burn(ledger, b"b")
    _paid_after(ledger, BOB, 70, b"a")
    known = ledger.transfer(BOB, EVE, general=70)
    mine, _ = _paid_after(ledger, ALICE, 50, b"a"), _paid_after(ledger, ALICE, 50, b"b", gas=90_000)
    payment = ledger.transfer(ALICE, BOB, general=50)
    assert ledger.verify(known).verdict is Verdict.ACCEPTED
    always_plan(monkeypatch)
    certificate = ledger.verify(payment)
    assert isinstance(certificate, PlannedCertificate)
    assert certificate.executed == (mine,) and certificate.choice.cost == 100_000


def test_an_income_that_disappoints_makes_a_new_plan(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan counts on a payout that fails; the next plan is made without it and answers."""
    failing = Program()
    failing.pay(VAULT, ALICE, 100)
    failing.code += b"\x09"
    ledger.call(EVE, failing, gas=60_000)
    _burn(ledger, b"a")
    rest = [_paid_after(ledger, ALICE, 50, b"a") for _ in range(2)]
    certificate = _planned(ledger, ledger.transfer(ALICE, BOB, general=100), monkeypatch)
    assert certificate.verdict is Verdict.ACCEPTED
    assert certificate.choice.plans == 2
    assert {*rest} < {*certificate.executed}
    assert [income.units for income in certificate.theta] == [0, 50, 50]


def test_a_hub_income_that_costs_a_training_run_is_avoided(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's transfer looks like the cheapest income, for the hub's latest one is cheap; what would fund it is a
    training run. It is left alone, planned or not.
    """
    ledger.transfer(CAROL, VAULT, zero=1_000)
    training = Program()
    training.code += b"\x08\xff\xff"
    training.pay(VAULT, BOB, 1_000)
    run = ledger.call(CAROL, training, gas=DEAR)
    ledger.payout(BOB, 1)
    hub = ledger.transfer(BOB, ALICE, general=100)
    wage = _paid_after(ledger, ALICE, 100, gas=1_000_500)
    payment = ledger.transfer(ALICE, EVE, general=100)
    planned = _planned(ledger, payment, monkeypatch)
    assert planned.verdict is Verdict.ACCEPTED and planned.executed == (wage,)
    assert run not in planned.executed and hub not in [income.transaction for income in planned.theta]
    assert _greedy(ledger, payment, monkeypatch).executed == (wage,)


def test_it_looks_further_back_before_it_pays_dearly(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """All incomes in the first window stand behind a dear computation, a cheap one lies before it."""
    cheap = ledger.payout(ALICE, 100)
    _burn(ledger, b"a")
    for _ in range(4):
        _paid_after(ledger, ALICE, 100, b"a", gas=30_000)
    payment = ledger.transfer(ALICE, BOB, general=100)
    monkeypatch.setattr("accountant.execution.session.WINDOW", 3)
    assert _planned(ledger, payment, monkeypatch).executed == (cheap,)


def test_own_failed_expenses_come_last(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """They look free and drag in everything: no plan names one while incomes can answer."""
    ledger.payout(ALICE, 40)
    ledger.transfer(ALICE, DAVE, general=60)
    incomes = [ledger.payout(ALICE, 100) for _ in range(2)]
    certificate = _planned(ledger, ledger.transfer(ALICE, BOB, general=200), monkeypatch)
    assert certificate.verdict is Verdict.ACCEPTED and {*certificate.executed} == {*incomes}


def test_a_cheap_question_is_not_planned(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the threshold no problem is made of it, and the certificate is what it always was."""

    def refuse(*_: object) -> None:
        raise AssertionError("nothing is planned")

    monkeypatch.setattr("accountant.accounting.slices.Slices.problem", refuse)
    for _ in range(3):
        _paid_after(ledger, ALICE, 50)
    assert type(ledger.verify(ledger.transfer(ALICE, BOB, general=100))) is Certificate


def test_both_kinds_of_certificates_decode(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the choice and without it, as stored before there was any."""
    ledger.payout(ALICE, 50)
    ledger.payout(ALICE, 50)
    payment = ledger.transfer(ALICE, BOB, general=50)
    for certificate in (_greedy(ledger, payment, monkeypatch), _planned(ledger, payment, monkeypatch)):
        again = decode_certificate(encode(certificate))
        assert again == certificate and type(again) is type(certificate)
