"""The buyer of data: its model decides what is worth the price, and an income from it costs a training run."""

import pytest

from accountant.accounting.certificate import Verdict
from accountant.accounting.cost import NO_GAS, income_cost
from accountant.accounting.pay import verify_payment
from accountant.accounting.questions import PaymentQuestion
from accountant.chain.errors import MempoolRefusal, Refusal
from accountant.chain.footprint import Blob, Credit, Debit
from accountant.language.compiler import compile_file
from accountant.primitives.cid import cid_of
from accountant.primitives.types import Seq
from accountant.sandbox import Chain, DeploymentFailed, Refused, Result, User
from tests.support.data_market import FUNDS, GAS, SOURCE, TOKEN, Market, exam_of, known_model, some
from tests.support.real_data import Part

POOL = SOURCE.with_name("lending.py")


@pytest.fixture
def market(chain: Chain) -> Market:
    """A buyer with 100 tokens."""
    return Market(chain)


@pytest.fixture
def alice(chain: Chain) -> User:
    """Who has digits."""
    return chain.account("alice", 10 * TOKEN)


@pytest.fixture
def bob(chain: Chain) -> User:
    """Who has others."""
    return chain.account("bob", 10 * TOKEN)


def wrong(part: Part) -> Part:
    """The same images with labels that are not theirs."""
    return Part(part.features, tuple((label + 1) % 10 for label in part.labels))


def seq_of(chain: Chain, result: Result) -> Seq:
    """Where a transaction stands."""
    seq = chain.ledger.index.seq_of(result.hash)
    assert seq is not None
    return seq


def pay(chain: Chain, transfer: Result) -> tuple[Verdict, int]:
    """Whether a transfer settled (Algorithm 4), and the gas that was executed to know it."""
    certificate = verify_payment(chain.ledger.index, chain.ledger.outcomes, PaymentQuestion(transfer.hash))
    return certificate.verdict, certificate.gas_executed


def test_the_model_decides_what_is_worth_the_price(chain: Chain, market: Market, alice: User, bob: User) -> None:
    """Good data improve it and are paid for; wrong labels do not, are not, and leave the model as it was."""
    market.offer(alice, some(60, 260))
    market.offer(bob, wrong(some(300, 500)))
    market.end_offers()
    sold = market.sell(alice, 5 * TOKEN)
    assert sold.returned is True
    before, after = exam_of(sold)
    assert sold.events == [market.buyer.Decided(seller=alice, before=before, after=after, paid=5 * TOKEN)]
    assert market.buyer.recognised() == after > max(100, before + 5)
    assert chain.general_balance(alice) >= 5 * TOKEN + GAS - sold.gas_used
    refused = market.sell(bob, 5 * TOKEN)
    assert refused.returned is False
    worse = exam_of(refused)[1]
    assert refused.events == [market.buyer.Decided(seller=bob, before=after, after=worse, paid=0)] and worse < 100
    assert market.buyer.recognised() == after
    assert market.buyer.available() == FUNDS - 5 * TOKEN
    with chain.fails("another offer"):
        market.sell(alice, TOKEN)


def test_nobody_is_paid_more_than_the_gain_is_worth(chain: Chain, market: Market, alice: User) -> None:
    """A price of more than the exam has images is refused by the model, however good the data are."""
    market.buyer.fund(sender=market.owner, value=FUNDS)
    market.offer(alice, some(60, 260))
    market.end_offers()
    refused = market.sell(alice, 150 * TOKEN)
    assert refused.returned is False
    before, after = exam_of(refused)
    assert 0 < after - before < 150
    assert market.buyer.available() == 2 * FUNDS


def test_an_income_that_costs_a_training(chain: Chain, market: Market, alice: User, bob: User) -> None:
    """Its bounds are known without executing; to know it one trains, and after somebody did it costs nothing more."""
    carol, dave = chain.account("carol", 10 * TOKEN), chain.account("dave")
    for place, seller in enumerate((alice, bob, carol)):
        market.offer(seller, some(60 + 200 * place, 260 + 200 * place))
    market.end_offers()
    with chain.block():
        sales = [market.sell(seller, 5 * TOKEN) for seller in (alice, bob, carol)]
        cheap = chain.transfer(dave, TOKEN, sender=carol)
        dear = chain.transfer(dave, 0, general_value=TOKEN, sender=alice)
        dearest = chain.transfer(dave, 0, general_value=5 * TOKEN, sender=carol)
    index, outcomes = chain.ledger.index, chain.ledger.outcomes
    walk = chain.ledger.selective().interval(alice.key.address, seq_of(chain, dear))
    offers_most = GAS
    assert walk.lower <= offers_most and 5 * TOKEN <= walk.upper <= 5 * TOKEN + GAS + offers_most
    assert outcomes.get(seq_of(chain, sales[0])) is None, "nobody trained to know that much"
    assert pay(chain, cheap) == (Verdict.ACCEPTED, 0)
    assert outcomes.get(seq_of(chain, sales[0])) is None, "nor to be paid with zero-cost money"

    before = income_cost(index, outcomes, seq_of(chain, sales[2]), carol.key.address)
    assert before.cost.most >= before.remaining.most >= 3 * GAS

    verdict, spent = pay(chain, dear)
    assert verdict is Verdict.ACCEPTED and spent > 5_000_000
    one = income_cost(index, outcomes, seq_of(chain, sales[0]), alice.key.address)
    assert one.remaining == NO_GAS and one.cost.least == one.cost.most
    assert outcomes.get(seq_of(chain, sales[1])) is None

    verdict, rest = pay(chain, dearest)
    three = income_cost(index, outcomes, seq_of(chain, sales[2]), carol.key.address)
    assert (verdict is Verdict.ACCEPTED) == bool(sales[2].returned)
    assert three.remaining == NO_GAS and three.cost.least == three.cost.most
    trainings = [sale.gas_used for sale in sales]
    assert one.cost.most < trainings[0] + 5_000_000 and three.cost.most > sum(trainings)
    assert 0 < rest < three.cost.most
    assert pay(chain, dearest) == (verdict, 0)


def test_no_budget_no_verdict(chain: Chain, market: Market, alice: User) -> None:
    """A merchant with too little gas for the training is told that it is undecided; nothing is guessed."""
    market.offer(alice, some(60, 160))
    market.end_offers()
    with chain.block():
        market.sell(alice, 5 * TOKEN)
        dear = chain.transfer(market.owner, 0, general_value=TOKEN, sender=alice)
    question = PaymentQuestion(dear.hash, None, 1_000_000)
    certificate = verify_payment(chain.ledger.index, chain.ledger.outcomes, question)
    assert certificate.verdict is Verdict.UNDECIDED and certificate.gas_executed <= 1_000_000


def test_such_an_income_pays_no_fee_and_enters_no_pool(chain: Chain, market: Market) -> None:
    """Fees and functions that are `zero_cost` take no money that somebody has to train to know."""
    poor = chain.account("poor", TOKEN)
    market.offer(poor, some(60, 160))
    market.end_offers()
    assert market.sell(poor, 5 * TOKEN).returned is True
    pool = chain.deploy(POOL, sender=market.owner)
    with pytest.raises(Refused) as refused:
        pool.deposit(1, sender=poor, general_value=2_000)
    assert refused.value.kind is Refusal.ZERO_COST
    with pytest.raises(Refused) as refused:
        market.buyer.fund(sender=poor, general_value=2_000)
    assert refused.value.kind is Refusal.ZERO_COST
    with pytest.raises(Refused) as refused:
        chain.transfer(market.owner, 2 * TOKEN, sender=poor)
    assert refused.value.kind is MempoolRefusal.UNFUNDED
    assert chain.general_balance(poor) > 5 * TOKEN
    assert chain.transfer(market.owner, 0, general_value=2 * TOKEN, sender=poor).succeeded


def test_the_exam_is_fixed_before_offers_and_unknown_until_they_end(
    chain: Chain, market: Market, alice: User, bob: User
) -> None:
    """Nobody offers the exam itself, sells another offer than the own, or is examined with something else."""
    market.offer(alice, some(60, 160))
    assert market.sell(alice, TOKEN).reason == "undeclared_access", "what nobody published cannot be declared"
    market.end_offers()
    with chain.fails("offers have ended"):
        market.buyer.offer(*market.named, sender=bob)
    cids = market.offered["alice"]
    with chain.fails("another offer"):
        market.buyer.sell(*cids, *market.named, TOKEN, sender=bob)
    with chain.fails("another exam"):
        market.buyer.sell(*cids, *cids, TOKEN, sender=alice)
    for units in (0, -1, FUNDS + 1):
        with chain.fails("no such price"):
            market.sell(alice, units)


def test_data_that_do_not_fit_cost_their_seller_alone(chain: Chain, market: Market, alice: User, bob: User) -> None:
    """Labels beyond the classes, or fewer than images, fail the sale; the next one finds the model as it was."""
    part = some(60, 160)
    market.offer(alice, Part(part.features, (11, *part.labels[1:])))
    market.offer(bob, Part(part.features[:90], part.labels[:80]))
    market.end_offers()
    for seller in (alice, bob):
        assert market.sell(seller, TOKEN).reason == "invalid_value"
    assert (market.buyer.recognised(), market.buyer.available()) == (0, FUNDS)
    assert market.sell(alice, TOKEN, gas=1_000_000).reason in ("out_of_gas", "invalid_value")


def test_what_is_left_goes_back_to_the_deployer(chain: Chain, market: Market, alice: User) -> None:
    """Not before sellers had as long as there were blocks, and to nobody else."""
    with chain.fails("sellers may still come"):
        market.buyer.close(FUNDS, sender=market.owner)
    while chain.height <= 2 * market.last:
        chain.advance(1)
    with pytest.raises(Refused):
        market.buyer.close(FUNDS, sender=alice)
    with chain.fails("not so much"):
        market.buyer.close(FUNDS + 1, sender=market.owner)
    assert market.buyer.close(FUNDS, sender=market.owner)
    assert market.buyer.available() == chain.balance(market.buyer) == 0


def test_terms_make_sense(chain: Chain, market: Market) -> None:
    """A price, and a training that ends."""
    model = cid_of(known_model())
    for units, steps in ((0, 1), (-1, 1), (1, 0), (1, 1_001)):
        with pytest.raises(DeploymentFailed, match="no such terms"):
            chain.deploy(SOURCE, model, *market.named, 9, units, steps, sender=market.owner)


def test_footprints_follow_from_the_calls(market: Market, alice: User) -> None:
    """A sale names what it loads, whom it pays and how much at most, before anybody trains."""
    functions = {one.name: one for one in compile_file(SOURCE).interface.functions if not one.view}
    assert functions.keys() == {"fund", "offer", "sell", "close"}
    assert all(one.complete and one.direct for one in functions.values())
    market.offer(alice, some(60, 62))
    market.end_offers()
    entries = market.sell(alice, 3 * TOKEN, gas=0).transaction.footprint
    assert {entry.cid for entry in entries if isinstance(entry, Blob)} == {*market.offered["alice"], *market.named}
    assert [entry for entry in entries if isinstance(entry, (Credit, Debit))] == [
        Credit(alice.key.address),
        Debit(market.buyer.id, 3 * TOKEN),
    ]
