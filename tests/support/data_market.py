"""A buyer of data with its exam, for tests and figures of `library/data_buyer.py`."""

from pathlib import Path

import accountant.library
from accountant.language import nn
from accountant.primitives.cid import cid_of
from accountant.primitives.types import Cid
from accountant.sandbox import Chain, Result, User
from accountant.tensors.files import write_file
from tests.support.real_data import Part, digits

SOURCE = Path(accountant.library.__path__[0]) / "data_buyer.py"
TOKEN = 10**9
GAS = 10**8
LAST, STEPS, PRICE, FUNDS = 30, 12, TOKEN, 100 * TOKEN
LEARNT, EXAM = digits().learnt, digits().asked.first(200)


def some(start: int, end: int) -> Part:
    """Samples of the digits."""
    return Part(LEARNT.features[start:end], LEARNT.labels[start:end])


def known_model() -> bytes:
    """A published model, of elsewhere: a little was learnt of a few digits."""
    few = some(0, 60)
    pixels = nn.of_ints((60, 64), b"".join(few.row(at) for at in range(60))) * 0.0625
    labels = nn.indices_of_ints(60, bytes(few.labels))
    layers = "linear 64 16; relu; linear 16 10"
    settings = "epochs 8; batch 20; optimiser sgd rate 0.1; loss cross_entropy; seed 7"
    return write_file(
        [one.exact for one in nn.fit(layers, nn.init_model(layers, 7), pixels, labels, settings=settings)[:-1]]
    )


class Market:
    """A buyer with money, an exam that will be published, and sellers."""

    def __init__(self, chain: Chain, funds: int = FUNDS) -> None:
        self.chain = chain
        self.owner = chain.account("owner")
        self.exam = (EXAM.features_file(), EXAM.labels_file())
        self.named = (cid_of(self.exam[0]), cid_of(self.exam[1]))
        model = chain.publish(known_model(), sender=self.owner)
        self.last = chain.height + LAST
        self.buyer = chain.deploy(SOURCE, model, *self.named, self.last, PRICE, STEPS, sender=self.owner)
        self.buyer.fund(sender=self.owner, value=funds)
        self.offered: dict[str, tuple[Cid, Cid]] = {}

    def offer(self, seller: User, part: Part) -> None:
        """Publishes data and offers them."""
        files = part.features_file(), part.labels_file()
        cids = self.offered[seller.name] = (
            self.chain.publish(files[0], sender=self.owner),
            self.chain.publish(files[1], sender=self.owner),
        )
        assert self.buyer.offer(*cids, sender=seller)

    def end_offers(self) -> None:
        """Lets blocks pass, and publishes the exam."""
        while self.chain.height < self.last:
            self.chain.advance(1)
        for data in self.exam:
            self.chain.publish(data, sender=self.owner)

    def sell(self, seller: User, units: int, gas: int = GAS) -> Result:
        """Asks a price."""
        result: Result = self.buyer.sell(*self.offered[seller.name], *self.named, units, sender=seller, gas=gas)
        return result


def exam_of(sale: Result) -> tuple[int, int]:
    """Images of the exam that were recognised before a sale, and by the model that it tuned."""
    (event,) = sale.events
    before, after = event.before, event.after
    assert isinstance(before, int) and isinstance(after, int)
    return before, after
