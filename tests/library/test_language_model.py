"""The language model: trained in one transaction, asked by views; the same seed, the same text."""

from pathlib import Path

import pytest

import accountant.library
from accountant.chain.errors import Refusal
from accountant.chain.footprint import Memory, Write
from accountant.language.compiler import compile_file
from accountant.sandbox import Chain, Contract, Refused, User
from accountant.tensors.files import read_tensors

SOURCE = Path(accountant.library.__path__[0]) / "language_model.py"
GAS = 10**13
TEXT = b"a rose is a rose is a rose is a rose is a rose is a rose is a rose is a rose is a rose is a rose is a rose. "
NOTHING_KNOWN = 4_852_030
"""Millionths: ln 128, what a model loses by that knows nothing of 128 symbols."""


@pytest.fixture
def alice(chain: Chain) -> User:
    """Who deploys."""
    return chain.account("alice")


@pytest.fixture
def model(chain: Chain, alice: User) -> Contract:
    """One that nobody trained."""
    return chain.deploy(SOURCE, sender=alice)


def test_a_text_is_learnt_in_one_transaction(chain: Chain, model: Contract, alice: User) -> None:
    """The loss falls from step to step, the weights are kept, and the likeliest continuation is the text's."""
    trained = model.train(TEXT, 4, 7, sender=alice, gas=GAS)
    assert trained.succeeded, trained
    (event,) = trained.events
    assert event == model.Trained(weights=event.weights, losses=event.losses, loss=trained.returned)
    assert isinstance(event.losses, bytes) and isinstance(trained.returned, int)
    (losses,) = read_tensors(chain.blob(event.losses))
    assert losses.shape == (24,)
    assert trained.returned < NOTHING_KNOWN // 2, losses.to_bytes().hex()


def test_the_seed_decides_what_is_said(chain: Chain, model: Contract, alice: User) -> None:
    """Warm texts differ by seed and not by who asks; a cold one has no seed; all of it is ASCII behind the prompt."""
    assert model.train(TEXT, 1, 7, sender=alice, gas=GAS)
    one, same, other = (model.generate(b"a rose", 8, seed, 100) for seed in (1, 1, 2))
    assert one == same != other
    assert model.generate(b"a rose", 6, 1, 0) == model.generate(b"a rose", 6, 2, 0)
    for text in (one, other):
        assert isinstance(text, bytes) and len(text) == 14 and text.startswith(b"a rose") and text.isascii()
    long = TEXT[:40]
    assert len(long) > 24
    said = model.generate(long, 2, 1, 50)
    assert isinstance(said, bytes) and said.startswith(long) and len(said) == 42
    assert model.generate(b"x", 0, 1, 50) == b"x"


def test_another_text_replaces_the_model(chain: Chain, model: Contract, alice: User) -> None:
    """A training begins anew: what was learnt before leaves no trace, and the same training gives the same weights."""
    first = model.train(TEXT, 1, 7, sender=alice, gas=GAS)
    other = model.train(TEXT[::-1], 1, 7, sender=alice, gas=GAS)
    again = model.train(TEXT, 1, 7, sender=alice, gas=GAS)
    assert first.events == again.events != other.events


def test_nonsense_is_refused(chain: Chain, model: Contract, alice: User) -> None:
    """Texts that are too short or no ASCII, trainings of nothing, and too much of an answer."""
    with chain.fails("the text is shorter than what the model sees"):
        model.train(TEXT[:24], 1, 7, sender=alice, gas=GAS)
    assert model.train("ä".encode() * 20, 1, 7, sender=alice, gas=GAS).reason == "invalid_value"
    for epochs in (0, -1, 2**40):
        assert model.train(TEXT, epochs, 7, sender=alice, gas=GAS).reason == "invalid_value"
    assert model.train(TEXT, 100, 7, sender=alice).reason == "out_of_gas"
    assert model.train(TEXT, 1, 7, sender=alice, gas=GAS)
    with chain.fails("it goes on with something"):
        model.generate(b"", 1, 1, 50)
    for symbols, warmth in ((-1, 50), (513, 50), (1, -1), (1, 1_001)):
        with chain.fails("too much"):
            model.generate(b"a", symbols, 1, warmth)


def test_the_deployer_alone_trains(chain: Chain, model: Contract) -> None:
    """Else anyone would replace the model."""
    with pytest.raises(Refused) as refused:
        model.train(TEXT, 1, 7, sender=chain.account("bob"), gas=GAS)
    assert refused.value.kind is Refusal.CALLER


def test_the_footprint_is_one_slot_and_memory(model: Contract, alice: User) -> None:
    """What a training touches is known from the call: it reads nothing."""
    (train,) = (one for one in compile_file(SOURCE).interface.functions if not one.view)
    assert train.complete and train.direct
    footprint = model.train(TEXT, 1, 7, sender=alice, gas=GAS).transaction.footprint
    assert footprint == (Write(model.id, b"weights:"), Memory(2**27))
