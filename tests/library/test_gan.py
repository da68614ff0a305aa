"""The artist: generator and critic learn within transactions, and who mints a number owns its image."""

from pathlib import Path

import pytest

import accountant.library
from accountant.chain.errors import Refusal
from accountant.chain.footprint import Blob, Read, Write
from accountant.language.compiler import compile_file
from accountant.primitives.types import Cid
from accountant.sandbox import Chain, Contract, Refused, User
from accountant.tensors import Tensor
from accountant.tensors.files import read_tensors, write_file
from tests.support.real_data import digits

SOURCE = Path(accountant.library.__path__[0]) / "gan.py"
GAS = 10**12
FEW = digits().learnt.first(128)


@pytest.fixture
def alice(chain: Chain) -> User:
    """Who deploys."""
    return chain.account("alice")


@pytest.fixture
def bob(chain: Chain) -> User:
    """Who mints."""
    return chain.account("bob")


@pytest.fixture
def gan(chain: Chain, alice: User) -> Contract:
    """Networks that nobody trained."""
    return chain.deploy(SOURCE, sender=alice)


@pytest.fixture
def data(chain: Chain, alice: User) -> tuple[Cid, Cid]:
    """Published images from 0 to 1, and their labels."""
    pixels = [pixel / 16 for image in FEW.features for pixel in image]
    images = chain.publish(write_file([Tensor.of(pixels, (len(FEW.labels), 64))]), sender=alice)
    return images, chain.publish(FEW.labels_file(), sender=alice)


def test_both_networks_learn_and_go_on_from_what_was_saved(gan: Contract, data: tuple[Cid, Cid], alice: User) -> None:
    """Two transactions train further than one; each keeps its weights as a file of eight tensors."""
    first = gan.train(*data, 2, 7, sender=alice, gas=GAS)
    assert first.succeeded, first
    assert gan.trained() == 4
    second = gan.train(*data, 1, 7, sender=alice, gas=GAS)
    assert gan.trained() == 6
    (before,), (after,) = first.events, second.events
    assert before.steps == 4 and after.steps == 6 and before.weights != after.weights
    assert isinstance(after.generator, int) and isinstance(second.returned, int)
    assert 0 < after.generator < 5_000_000 and 0 < second.returned < 5_000_000


def test_an_image_belongs_to_whoever_minted_its_number(
    chain: Chain, gan: Contract, data: tuple[Cid, Cid], alice: User, bob: User
) -> None:
    """The image is a file of 64 pixels from 0 to 1 that follows from the number; nobody mints the same number again."""
    assert gan.train(*data, 1, 7, sender=alice, gas=GAS)
    minted = gan.mint(17, sender=bob)
    assert minted.succeeded, minted
    image = minted.returned
    assert isinstance(image, bytes)
    assert minted.events == [gan.Transfer(token=17, to=bob, image=image)]
    assert gan.owner_of(17) == bob.address and gan.image_of(17) == image
    (pixels,) = read_tensors(chain.blob(image))
    assert pixels.shape == (1, 64)
    other = gan.mint(27, sender=alice).returned
    assert other != image
    with chain.fails("somebody owns it"):
        gan.mint(17, sender=alice)
    assert gan.train(*data, 1, 8, sender=alice, gas=GAS)
    assert gan.image_of(17) == image, "what was minted stays"
    with chain.fails("not yours"):
        gan.transfer(17, alice, sender=alice)
    assert gan.transfer(17, alice, sender=bob)
    assert gan.owner_of(17) == alice.address
    with chain.fails("not yours"):
        gan.transfer(17, bob, sender=bob)
    with chain.fails("not yours"):
        gan.transfer(99, bob, sender=bob)


def test_nothing_is_minted_before_there_is_a_generator(chain: Chain, gan: Contract, bob: User) -> None:
    """Nor numbers that are negative."""
    with chain.fails("there is no generator yet"):
        gan.mint(1, sender=bob)
    with chain.fails("somebody owns it"):
        gan.mint(-1, sender=bob)


def test_data_that_do_not_fit_are_refused(chain: Chain, gan: Contract, data: tuple[Cid, Cid], alice: User) -> None:
    """Too few images, none of an epoch, labels beyond the kinds; and a stranger trains nothing."""
    short = chain.publish(write_file([Tensor.of([0.0] * 64 * 63, (63, 64))]), sender=alice)
    for images, epochs in ((short, 1), (data[0], 0)):
        with chain.fails("nothing to learn from"):
            gan.train(images, data[1], epochs, 7, sender=alice, gas=GAS)
    assert gan.train(data[0], data[0], 1, 7, sender=alice, gas=GAS).reason == "invalid_value"
    with pytest.raises(Refused) as refused:
        gan.train(*data, 1, 7, sender=chain.account("bob"), gas=GAS)
    assert refused.value.kind is Refusal.CALLER
    assert gan.trained() == 0


def test_footprints_follow_from_the_calls(gan: Contract, data: tuple[Cid, Cid], alice: User, bob: User) -> None:
    """A minting touches its own number and the networks: no number that others mint."""
    functions = {one.name: one for one in compile_file(SOURCE).interface.functions if not one.view}
    assert functions.keys() == {"train", "mint", "transfer"}
    assert all(one.complete and one.direct for one in functions.values())
    trained = gan.train(*data, 1, 7, sender=alice, gas=GAS)
    assert {entry.cid for entry in trained.transaction.footprint if isinstance(entry, Blob)} == set(data)
    entries = gan.mint(5, sender=bob).transaction.footprint
    number = (5).to_bytes(8, "big")
    assert {entry.slot for entry in entries if isinstance(entry, Read)} == {b"owners:" + number, b"steps:", b"weights:"}
    assert {entry.slot for entry in entries if isinstance(entry, Write)} == {b"owners:" + number, b"images:" + number}
