"""A network of a realistic size on a whole chain: published data, trained in one transaction, used in later ones."""

from pathlib import Path

import pytest
from sklearn.datasets import load_digits

from accountant.accounting.preparation import PreparationQuestion, Prepared
from accountant.accounting.prepare import prepare
from accountant.chain.footprint import Blob, Memory, Read
from accountant.chain.transaction import Argument, CallPayload, TransactionKind
from accountant.primitives.cid import cid_of
from accountant.primitives.encoding import encode
from accountant.sandbox import Chain, Contract
from accountant.tensors import Tensor
from accountant.tensors.files import write_file

FOLDER = Path(__file__).parent / "contracts"
DIGITS = load_digits()
TRAINED, ASKED = range(400), range(400, 500)
GAS = 10**14


@pytest.fixture
def chain() -> Chain:
    """A chain whose contracts are those beside this test."""
    return Chain(FOLDER)


def images(of: range) -> bytes:
    """A file with images."""
    rows = DIGITS.data[of.start : of.stop]
    return write_file([Tensor.of(rows.reshape(-1).tolist(), rows.shape)])


def labels(of: range) -> bytes:
    """A file with the digits."""
    numbers = DIGITS.target[of.start : of.stop]
    return write_file([Tensor.of(numbers.tolist(), numbers.shape)])


def test_digits_are_learnt_in_one_transaction_and_told_in_another(chain: Chain) -> None:
    """What was trained and saved is found through the slot that holds its CID, and recognises images it never saw."""
    alice, bob = chain.account("alice"), chain.account("bob")
    network = chain.deploy("digits.py", sender=alice)
    files = (images(TRAINED), labels(TRAINED), images(ASKED))
    seen, said, asked = (chain.publish(data, sender=alice) for data in files)
    trained = network.train(seen, said, 32, 40, 7, sender=alice, gas=GAS)
    assert trained.succeeded, trained
    entries = trained.transaction.footprint
    assert {entry for entry in entries if isinstance(entry, Blob)} == {
        Blob(seen, len(images(TRAINED))),
        Blob(said, len(labels(TRAINED))),
    }
    assert Memory(2**26) in entries
    (event,) = trained.events
    assert event == network.Trained(weights=event.weights, loss_millionths=event.loss_millionths)
    assert event.loss_millionths == trained.returned < 500_000
    told = network.predict(asked, sender=bob, gas=GAS)
    assert told.succeeded, told
    right = sum(digit == DIGITS.target[at] for digit, at in zip(told.returned, ASKED, strict=True))
    assert right >= 85
    assert network.digit(asked, 3) == told.returned[3]
    assert cid_of(chain.blob(event.weights)) == event.weights
    chain.check()


def test_a_published_blob_whose_identifier_lies_in_storage_is_declared(chain: Chain) -> None:
    """Functions that say `blobs(1)` may load it; others load what contracts saved alone, with nothing declared."""
    alice = chain.account("alice")
    contract = chain.deploy("kept.py", sender=alice)
    five = chain.publish(write_file([Tensor.of([5.0], (1,))]), sender=alice)
    assert contract.keep(five, sender=alice)
    found = contract.published(sender=alice)
    assert found.returned == 5, found
    assert [entry for entry in found.transaction.footprint if isinstance(entry, Blob)] == [
        Blob(five, len(chain.blob(five)))
    ]
    assert contract.saved(sender=alice).reason == "undeclared_access"
    assert contract.save(7, sender=alice)
    for function in (contract.saved, contract.published):
        found = function(sender=alice)
        assert found.returned == 7, found
        assert not any(isinstance(entry, Blob) for entry in found.transaction.footprint)


def test_tensors_beyond_the_free_memory_are_declared(chain: Chain) -> None:
    """Without an entry a run that holds more fails; where the template is complete nothing is guessed."""
    alice = chain.account("alice")
    contract = chain.deploy("kept.py", sender=alice)
    side = 2**12
    assert contract.large(8, sender=alice).returned == 3
    assert contract.large(side + 1, sender=alice, gas=GAS).reason == "memory_limit"


def test_a_blob_that_nobody_published_is_not_declared(chain: Chain) -> None:
    """The template names its identifier; a transaction that loads it fails, and one that need not load it does not."""
    alice = chain.account("alice")
    network = chain.deploy("digits.py", sender=alice)
    data = images(range(2))
    result = network.predict(cid_of(data), sender=alice)
    assert not any(isinstance(entry, Blob) for entry in result.transaction.footprint)
    assert result.reason == "undeclared_access"


def prepared(chain: Chain, contract: Contract, function: str, *arguments: Argument) -> Prepared:
    """What an accountant prepares for a wallet."""
    payload = encode(CallPayload(function, arguments))
    sender = chain.account("alice").key.address
    question = PreparationQuestion(sender, TransactionKind.CALL, contract.id, payload)
    return prepare(chain.ledger.index, chain.ledger.outcomes, question, chain.now)


def test_wallets_are_told_the_memory_and_the_blobs_of_a_call(chain: Chain) -> None:
    """What it takes is found by trying it out, though the template is complete; sizes are those of the publication."""
    alice = chain.account("alice")
    kept, network = chain.deploy("kept.py", sender=alice), chain.deploy("digits.py", sender=alice)
    side = 2**12 + 1
    ready = prepared(chain, kept, "large", side)
    (memory,) = (one.entry for one in ready.entries)
    assert isinstance(memory, Memory)
    assert 4 * side**2 < memory.bytes < 16 * side**2
    assert ready.refusal is None
    data = images(range(2))
    assert prepared(chain, network, "predict", cid_of(data)).refusal == "unpublished"
    published = chain.publish(data, sender=alice)
    assert Blob(published, len(data)) in [one.entry for one in prepared(chain, network, "predict", published).entries]


def test_an_identifier_that_the_call_says_may_be_that_of_a_saved_file(chain: Chain) -> None:
    """The template names it, and neither the sandbox nor an accountant declares it: the slot vouches for it."""
    alice = chain.account("alice")
    contract = chain.deploy("kept.py", sender=alice)
    saved = contract.save(9, sender=alice).returned
    ready = prepared(chain, contract, "announced", saved)
    assert ready.refusal is None
    assert [type(one.entry) for one in ready.entries] == [Read]
    assert contract.announced(saved, sender=alice).returned == 9
    assert contract.announced(cid_of(b"other"), sender=alice).reason == "not what is kept"
