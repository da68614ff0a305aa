"""Damage claims: a network reads the damage from an image and pays; what is known before and after that is executed."""

from pathlib import Path

import pytest

import accountant.library
from accountant.chain.errors import Refusal
from accountant.chain.footprint import Blob, Credit, Debit, Read, Write
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.primitives.cid import cid_of
from accountant.primitives.types import AccountId, Address
from accountant.sandbox import Chain, Contract, Refused, User
from accountant.sandbox.result import Result
from tests.support.observing import newcomer, observed
from tests.support.real_data import digits

LIBRARY = Path(accountant.library.__path__[0])
LEARNT, ASKED = digits()
PHOTOS, GRADED = LEARNT.first(600).features_file(), LEARNT.first(600).labels_file()
TOKEN = 1_000_000_000
GRADE = 20 * TOKEN
FUNDS = 2_000 * TOKEN
PREMIUM = 5 * TOKEN
NINE, ONE = 34, 11
"""Rows of these digits, of which the network is sure."""
YEAR = 365 * 24 * 60 * 60


@pytest.fixture
def insurer(chain: Chain) -> Contract:
    """Alice's insurance, with money and a garage, and not yet trained."""
    alice = chain.account("alice")
    contract = chain.deploy(LIBRARY / "damage_claims.py", chain.account("garage"), sender=alice)
    for data in (PHOTOS, GRADED):
        chain.publish(data, sender=alice)
    chain.transfer(contract, FUNDS, sender=alice)
    return contract


def trained(chain: Chain, insurer: Contract) -> Result:
    """The training."""
    made = insurer.train(cid_of(PHOTOS), cid_of(GRADED), sender=chain.account("alice"), gas=10**9)
    assert isinstance(made, Result)
    return made


def insured(chain: Chain, insurer: Contract, name: str = "holder") -> User:
    """Somebody who is covered."""
    holder = chain.account(name)
    insurer.insure(sender=holder, value=PREMIUM)
    return holder


def photographed(chain: Chain, insurer: Contract, holder: User, number: int, row: int) -> Result:
    """The garage's image of a damage: a digit that the network never saw."""
    made = insurer.photograph(holder, number, ASKED.row(row), sender=chain.account("garage"))
    assert isinstance(made, Result)
    return made


def test_the_network_reads_the_damage_and_pays(chain: Chain, insurer: Contract) -> None:
    """Each grade is 20 tokens; at least 85 of 100 claims are decided, and 90 of 100 of these as a person would."""
    made, holder = trained(chain, insurer), insured(chain, insurer)
    loss = made.returned
    assert isinstance(loss, int) and made.events[0].loss_millionths == loss < 400_000
    decided = right = paid = 0
    for number in range(24):
        photographed(chain, insurer, holder, number, number)
        result = insurer.claim(number, 9 * GRADE, sender=holder)
        (event,) = result.events
        assert result.returned == event.units == (event.grade * GRADE if event.decided else 0)
        assert event.decided is (event.chance >= 700)
        assert insurer.grade_of(holder, number) == (event.grade if event.decided else -1)
        decided += event.decided
        right += event.decided and event.grade == ASKED.labels[number]
        paid += event.units
        if paid > FUNDS - 9 * GRADE:
            break
    assert decided >= 0.85 * (number + 1) and right >= 0.9 * decided
    assert chain.general_balance(insurer) == FUNDS + PREMIUM - paid


def test_a_claim_declares_the_most_that_it_pays(chain: Chain, insurer: Contract) -> None:
    """The cap is the holder's to choose, and binds; all else follows from the call."""
    trained(chain, insurer)
    holder = insured(chain, insurer)
    photographed(chain, insurer, holder, 1, NINE)
    result = insurer.claim(1, 50 * TOKEN, sender=holder)
    assert result.returned == 50 * TOKEN and insurer.grade_of(holder, 1) == 9
    entries = result.transaction.footprint
    key = b"\x00" * 7 + b"\x01"
    assert {one for one in entries if isinstance(one, Debit | Credit)} == {
        Debit(insurer.id, 50 * TOKEN),
        Credit(holder.address),
    }
    reads = {one.slot[: one.slot.index(b":") + 1] for one in entries if isinstance(one, Read)}
    writes = {one.slot[: one.slot.index(b":") + 1] for one in entries if isinstance(one, Write)}
    assert reads == {b"covered_until:", b"images:", b"weights:"} and writes == {b"images:", b"grades:"}
    assert Read(insurer.id, b"covered_until:" + bytes(holder.address)) in entries
    assert all(one.slot.endswith(key) for one in entries if isinstance(one, Write))
    assert not any(isinstance(one, Blob) for one in entries)


def test_bounds_before_and_after_a_claim_is_executed(chain: Chain, insurer: Contract) -> None:
    """Until then the holder counts nothing of it and the insurer all that was declared; both bounds are true."""
    trained(chain, insurer)
    holder = insured(chain, insurer)
    photographed(chain, insurer, holder, 1, NINE)
    before = chain.general_balance(holder)
    store = newcomer([PHOTOS, GRADED])
    claimed = insurer.claim(1, 8 * GRADE, sender=holder)
    head = chain.ledger.index.head().next_seq

    def bounds(of: AccountId) -> tuple[int, int]:
        walk = Selective(Session(chain.ledger.index, store)).interval(of, head)
        return walk.lower, walk.upper

    mine, theirs = bounds(Address(bytes(holder.address))), bounds(insurer.id)
    assert mine[0] < mine[1] and mine[1] >= 8 * GRADE
    assert theirs == (FUNDS - 8 * GRADE, FUNDS + PREMIUM)
    found = observed(chain, store, claimed)
    assert len(found.executed) == 5
    after, theirs = bounds(Address(bytes(holder.address))), bounds(insurer.id)
    assert after[0] >= mine[0] + 8 * GRADE and after[1] <= mine[1]
    assert theirs[0] <= FUNDS + PREMIUM - 8 * GRADE <= theirs[1] < FUNDS + PREMIUM
    assert chain.general_balance(holder) > before + 8 * GRADE


def test_a_cap_is_what_other_holders_wait_for(chain: Chain, insurer: Contract) -> None:
    """Ten claims of other holders that are declared high leave a small insurer's money in doubt; low ones do not."""
    trained(chain, insurer)
    holder, others = insured(chain, insurer), [insured(chain, insurer, f"other {at}") for at in range(12)]
    for user in [holder, *others]:
        photographed(chain, insurer, user, 1, ONE)
        photographed(chain, insurer, user, 2, ONE)
    executed = []
    for number, most in ((1, GRADE), (2, 9 * GRADE)):
        with chain.block():
            for user in others:
                insurer.claim(number, most, sender=user)
            mine = insurer.claim(number, GRADE, sender=holder)
        executed.append(len(observed(chain, newcomer([PHOTOS, GRADED]), mine).executed))
        assert mine.returned == GRADE
    assert executed[0] == 5 < executed[1]


def test_a_damage_is_claimed_once_and_with_an_image(chain: Chain, insurer: Contract) -> None:
    """Not without one, not without cover, not again, and not for more than the worst damage."""
    trained(chain, insurer)
    holder = insured(chain, insurer)
    with chain.fails("no image, or decided already"):
        insurer.claim(1, GRADE, sender=holder)
    photographed(chain, insurer, holder, 1, NINE)
    with chain.fails("at most what the worst damage costs"):
        for most in (0, -1, 9 * GRADE + 1):
            insurer.claim(1, most, sender=holder)
    with chain.fails("not covered"):
        insurer.claim(1, GRADE, sender=chain.account("stranger"))
    assert insurer.claim(1, GRADE, sender=holder).returned == GRADE
    with chain.fails("no image, or decided already"):
        insurer.claim(1, 9 * GRADE, sender=holder)
    with chain.fails("the claim is decided"):
        photographed(chain, insurer, holder, 1, NINE)
    photographed(chain, insurer, holder, 2, NINE)
    chain.advance(YEAR)
    with chain.fails("not covered"):
        insurer.claim(2, GRADE, sender=holder)


def test_images_are_the_garages_and_have_pixels(chain: Chain, insurer: Contract) -> None:
    """A holder sends none; what is no image is refused when it is taken or when it is claimed; grey decides nothing."""
    trained(chain, insurer)
    holder, garage = insured(chain, insurer), chain.account("garage")
    with chain.fails("only the garage takes images"):
        insurer.photograph(holder, 1, ASKED.row(NINE), sender=holder)
    with chain.fails("an image has 64 pixels"):
        for size in (0, 63, 65, 4096):
            insurer.photograph(holder, 1, bytes(size), sender=garage)
    for wrong in (bytes([17]) + bytes(63), bytes([255]) + bytes(63), bytes([128]) * 64):
        insurer.photograph(holder, 1, wrong, sender=garage)
        with chain.fails("pixels are 0 to 16"):
            insurer.claim(1, GRADE, sender=holder)
    insurer.photograph(holder, 1, bytes(64), sender=garage)
    result = insurer.claim(1, GRADE, sender=holder)
    assert result.returned == 0 and result.events[0].decided is False
    photographed(chain, insurer, holder, 1, NINE)
    assert insurer.claim(1, GRADE, sender=holder).returned == GRADE


def test_an_insurer_without_money_pays_nothing_and_loses_no_claim(chain: Chain, insurer: Contract) -> None:
    """The claim rolls back and can be made again; only the deployer trains; the premium is exact."""
    trained(chain, insurer)
    holder = chain.account("holder")
    with chain.fails("the premium is 5 tokens"):
        insurer.insure(sender=holder, value=PREMIUM + 1)
    poor = chain.deploy(LIBRARY / "damage_claims.py", chain.account("garage"), sender=chain.account("bob"))
    assert poor.train(cid_of(PHOTOS), cid_of(GRADED), sender=chain.account("bob"), gas=10**9)
    poor.insure(sender=holder, value=PREMIUM)
    photographed(chain, poor, holder, 1, NINE)
    with chain.fails("insufficient_contract_funds"):
        poor.claim(1, 9 * GRADE, sender=holder)
    assert poor.claim(1, PREMIUM, sender=holder).returned == PREMIUM
    with pytest.raises(Refused) as refused:
        poor.train(cid_of(PHOTOS), cid_of(GRADED), sender=holder)
    assert refused.value.kind is Refusal.CALLER
