"""The insurance: cover for a premium, claims that a formula decides, and one bit that a garage asks for."""

from pathlib import Path

import pytest

import accountant.library
from accountant.accounting.certificate import Verdict, ViewCertificate
from accountant.accounting.questions import ViewQuestion
from accountant.accounting.view import view
from accountant.chain.block import Position
from accountant.chain.errors import Refusal
from accountant.chain.query import ViewAnswer
from accountant.execution.memory import MemoryOutcomes
from accountant.primitives.cid import cid_of
from accountant.primitives.encoding import encode
from accountant.sandbox import Chain, Contract, Refused, User
from accountant.sandbox.result import Result

LIBRARY = Path(accountant.library.__path__[0])
PREMIUM = 50_000_000_000
COVER = 2_000_000_000_000
YEAR = 365 * 24 * 60 * 60
DENT = cid_of(b"a dent")


@pytest.fixture
def insurance(chain: Chain) -> Contract:
    """An insurance of alice's."""
    return chain.deploy(LIBRARY / "insurance.py", sender=chain.account("alice"))


def covered(chain: Chain, insurance: Contract, name: str = "holder") -> User:
    """Somebody who paid the premium."""
    holder = chain.account(name)
    assert insurance.insure(sender=holder, value=PREMIUM)
    return holder


def claim(insurance: Contract, holder: User, number: int = 1, damage: int = 50, estimate: int = 1_000) -> Result:
    """A claim that is approved unless something is changed."""
    made = insurance.claim(number, DENT, damage, 20, estimate, sender=holder)
    assert isinstance(made, Result)
    return made


def asked(chain: Chain, insurance: Contract, holder: User, number: int = 1) -> ViewCertificate:
    """What a garage that never executed anything is told, and what finding out took."""
    position = Position(chain.ledger.index.head().hash, 0)
    question = ViewQuestion(insurance.id, "approved", (bytes(holder.address), number), 100_000, position)
    return view(chain.ledger.index, MemoryOutcomes(), question)


def answer(value: bool) -> bytes:
    """The canonical answer of a view that returned this."""
    return encode(ViewAnswer(None, int(value)))


def test_a_year_of_cover_for_the_premium(chain: Chain, insurance: Contract) -> None:
    """Cover begins now; a second premium adds a year, and after a gap it begins anew."""
    holder, now = chain.account("holder"), chain.now
    result = insurance.insure(sender=holder, value=PREMIUM)
    assert result.events == [insurance.Insured(holder=holder, until=now + YEAR)]
    insurance.insure(sender=holder, value=PREMIUM)
    assert insurance.covers_until(holder) == now + 2 * YEAR
    chain.advance(3 * YEAR)
    insurance.insure(sender=holder, value=PREMIUM)
    assert insurance.covers_until(holder) == now + 4 * YEAR
    assert chain.balance(insurance) == 3 * PREMIUM


@pytest.mark.parametrize("units", [0, PREMIUM - 1, PREMIUM + 1])
def test_the_premium_is_exact(chain: Chain, insurance: Contract, units: int) -> None:
    """Less or more fails, and comes back."""
    holder = chain.account("holder")
    with chain.fails("the premium is 50 tokens"):
        insurance.insure(sender=holder, value=units)
    assert chain.balance(insurance) == insurance.covers_until(holder) == 0


def test_a_formula_decides_and_earlier_claims_count(chain: Chain, insurance: Contract) -> None:
    """7 × damage − 3 × speed − 120 × earlier claims + 50 is above zero, or the claim is refused."""
    holder = covered(chain, insurance)
    first, second, third, fourth = (claim(insurance, holder, number, damage=20) for number in range(1, 5))
    assert (first.returned, second.returned, third.returned, fourth.returned) == (True, True, False, False)
    assert third.events == [insurance.Claimed(holder=holder, number=3, approved=False)]
    assert insurance.approved(holder, 1) is True and insurance.approved(holder, 3) is False
    assert (insurance.estimate_of(holder, 3), insurance.estimate_of(holder, 5)) == (1_000, 0)
    assert insurance.report_of(holder, 1) == DENT
    assert insurance.approved(chain.account("other"), 1) is False


def test_who_is_not_covered_claims_nothing(chain: Chain, insurance: Contract) -> None:
    """Neither without a premium nor when the year is over, to the second."""
    with chain.fails("not covered"):
        claim(insurance, chain.account("stranger"))
    holder = covered(chain, insurance)
    chain.advance(YEAR)
    with chain.fails("not covered"):
        claim(insurance, holder)


def test_claims_out_of_range_fail(chain: Chain, insurance: Contract) -> None:
    """Each with its reason, and nothing is kept of them."""
    holder = covered(chain, insurance)
    with chain.fails("damage is 0 to 100, speed 0 to 500"):
        for damage, speed in ((-1, 0), (101, 0), (50, -1), (50, 501), (2**62, 0)):
            insurance.claim(1, DENT, damage, speed, 5, sender=holder)
    with chain.fails("an estimate is above zero and within the cover"):
        for estimate in (0, -1, COVER + 1):
            claim(insurance, holder, estimate=estimate)
    assert claim(insurance, holder, estimate=COVER).returned is True


def test_numbers_are_the_holders_own(chain: Chain, insurance: Contract) -> None:
    """A number is used once by each holder, and nobody takes another's."""
    holder, other = covered(chain, insurance), covered(chain, insurance, "other")
    assert claim(insurance, other).returned is True
    assert claim(insurance, holder).returned is True
    with chain.fails("the number is taken"):
        claim(insurance, holder)


def test_the_insurer_pays_a_repair_once(chain: Chain, insurance: Contract) -> None:
    """To the garage, at most the estimate."""
    insurer, garage, holder = chain.account("alice"), chain.account("garage"), covered(chain, insurance)
    claim(insurance, holder)
    result = insurance.settle(holder, 1, garage, 900, sender=insurer)
    assert result.events == [insurance.Settled(holder=holder, number=1, garage=garage, units=900)]
    assert chain.general_balance(garage) == 900 and chain.balance(insurance) == PREMIUM - 900
    assert insurance.is_paid(holder, 1) is True and insurance.is_paid(holder, 2) is False
    with chain.fails("the repair is paid"):
        insurance.settle(holder, 1, garage, 100, sender=insurer)


def test_what_is_not_approved_is_not_paid(chain: Chain, insurance: Contract) -> None:
    """Refused claims, claims that were never made, too much and nothing."""
    insurer, garage, holder = chain.account("alice"), chain.account("garage"), covered(chain, insurance)
    claim(insurance, holder, 1)
    claim(insurance, holder, 2, damage=0)
    with chain.fails("the claim is not approved"):
        insurance.settle(holder, 2, garage, 1, sender=insurer)
        insurance.settle(holder, 3, garage, 1, sender=insurer)
        insurance.settle(garage, 1, garage, 1, sender=insurer)
    with chain.fails("a repair costs something, and at most the estimate"):
        for units in (0, -1, 1_001):
            insurance.settle(holder, 1, garage, units, sender=insurer)
    assert chain.general_balance(garage) == 0


def test_an_insurance_without_money_pays_later(chain: Chain, insurance: Contract) -> None:
    """A settlement beyond what lies there rolls back, and works once the insurer brought the money."""
    insurer, garage, holder = chain.account("alice"), chain.account("garage"), covered(chain, insurance)
    claim(insurance, holder, estimate=COVER)
    with chain.fails("insufficient_contract_funds"):
        insurance.settle(holder, 1, garage, COVER, sender=insurer)
    assert insurance.is_paid(holder, 1) is False
    chain.transfer(insurance, COVER, sender=insurer)
    assert insurance.settle(holder, 1, garage, COVER, sender=insurer)
    assert chain.general_balance(garage) == COVER


def test_only_the_insurer_settles(chain: Chain, insurance: Contract) -> None:
    """Anybody else's settlement enters no block; nor does value with a claim or a settlement."""
    holder = covered(chain, insurance)
    claim(insurance, holder)
    with pytest.raises(Refused) as refused:
        insurance.settle(holder, 1, holder, 1, sender=holder)
    assert refused.value.kind is Refusal.CALLER
    with pytest.raises(Refused) as refused:
        insurance.settle(holder, 1, holder, 1, sender=chain.account("alice"), value=1)
    assert refused.value.kind is Refusal.NOT_PAYABLE
    with pytest.raises(Refused) as refused:
        insurance.claim(2, DENT, 50, 20, 1, sender=holder, value=1)
    assert refused.value.kind is Refusal.NOT_PAYABLE


def test_the_garages_bit_costs_the_claim_and_what_it_rests_on(chain: Chain, insurance: Contract) -> None:
    """Section II-B: an Exec-DoS, other holders and other contracts beside it are not executed."""
    holder, other, attacker = (chain.account(name) for name in ("holder", "other", "attacker"))
    dos = chain.deploy(LIBRARY / "exec_dos.py", sender=attacker)
    with chain.block():
        theirs = insurance.insure(sender=other, value=PREMIUM)
        insured = insurance.insure(sender=holder, value=PREMIUM)
        dos.exec_dos(20_000, holder, other, insurance, attacker, sender=attacker, value=1)
        squatting = insurance.claim(1, DENT, 100, 0, COVER, sender=other)
    claimed = claim(insurance, holder)
    later = claim(insurance, holder, 2)
    certificate = asked(chain, insurance, holder)
    assert certificate.verdict is Verdict.ACCEPTED and certificate.answer == answer(True)
    assert set(certificate.executed) == {insured.hash, claimed.hash}
    assert not set(certificate.executed) & {theirs.hash, squatting.hash, later.hash}
    assert certificate.gas_executed < certificate.gas_everything // 10


def test_an_earlier_claim_is_part_of_the_answer(chain: Chain, insurance: Contract) -> None:
    """Claims count against later ones, so the second bit rests on the first claim; on failed ones as well."""
    holder = covered(chain, insurance)
    first = claim(insurance, holder)
    failed = claim(insurance, holder, estimate=0)
    second = claim(insurance, holder, 2, damage=10)
    certificate = asked(chain, insurance, holder, 2)
    assert certificate.verdict is Verdict.ACCEPTED and certificate.answer == answer(False)
    assert {first.hash, failed.hash, second.hash} <= set(certificate.executed)


def test_nobody_can_make_the_answer_expensive(chain: Chain, insurance: Contract) -> None:
    """Claims of strangers under the same number declare writes on their own slots alone: none is executed."""
    holder = covered(chain, insurance)
    claimed = claim(insurance, holder)
    strangers = {claim(insurance, chain.account(f"stranger {number}")).hash for number in range(5)}
    certificate = asked(chain, insurance, holder)
    assert certificate.answer == answer(True) and claimed.hash in certificate.executed
    assert not strangers & set(certificate.executed)


def test_a_claim_that_was_never_made_costs_nothing(chain: Chain, insurance: Contract) -> None:
    """Nothing declares the slot, so nothing is executed but the view."""
    certificate = asked(chain, insurance, covered(chain, insurance), 7)
    assert certificate.answer == answer(False) and certificate.executed == ()
