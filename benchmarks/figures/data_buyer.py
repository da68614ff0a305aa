"""What an income that costs a training run costs: `python -m benchmarks.figures.data_buyer` writes `data_buyer.svg`.

SELLERS sellers (6) sell to one buyer of data in one block, and each passes two tokens of the income on. Nobody executes
anything until merchants ask, one after the other, whether they were paid.
"""

import os

from accountant.accounting.cost import income_cost
from accountant.accounting.pay import verify_payment
from accountant.accounting.questions import PaymentQuestion
from accountant.primitives.types import Gas
from accountant.sandbox import Chain
from benchmarks.figures.drawing import FOLDER, Axes, Line, lines_svg
from tests.support.data_market import FUNDS, TOKEN, Market, some


def main() -> None:
    """Sells, pays, asks, draws."""
    count = int(os.environ.get("SELLERS", "6"))
    chain = Chain()
    market = Market(chain, FUNDS)
    shop = chain.account("shop")
    sellers = [chain.account(f"seller {i + 1}", 10 * TOKEN) for i in range(count)]
    for i, seller in enumerate(sellers):
        market.offer(seller, some(60 + 200 * i, 260 + 200 * i))
    market.end_offers()
    with chain.block():
        sales = [market.sell(seller, 2 * TOKEN) for seller in sellers]
        paid = [chain.transfer(shop, 0, general_value=2 * TOKEN, sender=seller) for seller in sellers]
    index, outcomes = chain.ledger.index, chain.ledger.outcomes
    seqs = [index.seq_of(sale.hash) for sale in sales]
    most: list[Gas] = []
    for seller, seq, transfer in zip(sellers, seqs, paid, strict=True):
        at = index.seq_of(transfer.hash)
        assert seq is not None and at is not None
        walk = chain.ledger.selective().interval(seller.key.address, at)
        bounds = income_cost(index, outcomes, seq, seller.key.address)
        most.append(bounds.cost.most)
        print(f"{seller}: G from {walk.lower:,} to {walk.upper:,}; cost {bounds.cost}", flush=True)
    exact, asked = [], []
    for seller, seq, transfer, bound in zip(sellers, seqs, paid, most, strict=True):
        certificate = verify_payment(index, outcomes, PaymentQuestion(transfer.hash))
        again = verify_payment(index, outcomes, PaymentQuestion(transfer.hash))
        assert seq is not None and again.gas_executed == 0
        known = income_cost(index, outcomes, seq, seller.key.address)
        exact.append(known.cost.most / 1e6)
        asked.append(certificate.gas_executed / 1e6)
        print(
            f"{seller}: {certificate.verdict}, {certificate.gas_executed:,} gas executed; {known}, bounded by {bound:,}"
        )
    for sale in sales:
        print(sale, sale.events[0])
    axes = Axes("What a seller's income costs", "seller, in the order of the block", "million gas")
    lines = (
        Line("cost of the income: every training before it, and its own", 1, exact),
        Line("what Pay executes once the sellers before were paid", 1, asked),
    )
    (FOLDER / "data_buyer.svg").write_text(lines_svg(axes, lines))


if __name__ == "__main__":
    main()
