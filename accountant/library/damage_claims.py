"""An insurance whose claims a network decides and pays (paper, Sections II-B and II-E).

A garage takes an image of the damage, the holder claims, the network reads a grade of damage from the image, and the
contract pays for it at once. How much is known by executing; how much at most is written in the claim, so until then
the holder's balance is known from below as if nothing were paid, and the insurer's as if that most were.
"""

from accountant.language import (
    Account,
    Cid,
    Event,
    Map,
    Tensor,
    Tensors,
    caller,
    debits,
    deployer,
    direct,
    export,
    log,
    nn,
    now,
    only,
    pay,
    payable,
    touches,
    value,
    view,
)

PIXELS = 64
MODEL = "linear 64 32; relu; linear 32 10"
SETTINGS = "epochs 5; batch 50; optimiser adam rate 0.03; loss cross_entropy; seed 3"
BRIGHTEST = 0.0625
"""Pixels are 0 to 16."""
SURE = 700
"""Thousandths of probability without which no claim is decided."""
GRADE_UNITS = 20_000_000_000
"""Base units for each grade of damage, 0 to 9."""
PREMIUM = 5_000_000_000
"""Base units for a year of cover."""
YEAR = 365 * 24 * 60 * 60

weights: Cid
garage: Account
covered_until: Map[Account, int]
images: Map[Account, Map[int, bytes]]
"""Of each holder's damages by number; empty once a claim is decided."""
grades: Map[Account, Map[int, int]]
"""Of decided claims: the grade, and one more."""


class Trained(Event):
    """The network learnt to read grades."""

    weights: Cid
    loss_millionths: int


class Claimed(Event):
    """A claim was decided and paid, or the network was not sure enough and it can be repeated with another image."""

    holder: Account
    number: int
    grade: int
    chance: int
    units: int
    decided: bool


def init(takes_images: Account) -> None:
    """Who takes the images: a holder who sent his own would send the worst."""
    global garage
    garage = takes_images


@export
@direct
@only(deployer)
def train(photos: Cid, graded: Cid) -> int:
    """Trains on published images [N, 64] and their grades [N]. The last step's loss × 1,000,000."""
    global weights
    answers = nn.indices(nn.load(graded))
    trained = nn.fit(MODEL, nn.init_model(MODEL, 3), nn.load(photos) * BRIGHTEST, answers, settings=SETTINGS)
    millionths = nn.item(trained[-1], nn.count(trained[-1]) - 1, scale=1e6)
    kept: Tensors = []
    for i in range(len(trained) - 1):
        kept = nn.append(kept, trained[i])
    weights = nn.save_all(kept)
    log(Trained(weights=weights, loss_millionths=millionths))
    return millionths


@export
@payable
@direct
def insure() -> None:
    """A year of cover for the premium."""
    until = covered_until[caller()]
    assert value() == PREMIUM, "the premium is 5 tokens"
    covered_until[caller()] = (until if until > now() else now()) + YEAR


@export
@direct
def photograph(holder: Account, number: int, image: bytes) -> None:
    """The garage's image of a damage, under a number that the holder has not claimed under."""
    decided = grades[holder][number]
    assert caller() == garage, "only the garage takes images"
    assert decided == 0, "the claim is decided"
    assert len(image) == PIXELS, "an image has 64 pixels"
    images[holder][number] = image


@export
@direct
@touches(debits("most"))
def claim(number: int, most: int) -> int:
    """Claims a damage, for `most` base units at most. What was paid: the grade's units, up to that."""
    holder = caller()
    image = images[holder][number]
    until = covered_until[holder]
    assert until > now(), "not covered"
    assert 0 < most <= 9 * GRADE_UNITS, "at most what the worst damage costs"
    assert len(image) == PIXELS, "no image, or decided already"
    seen = nn.softmax(nn.predict(MODEL, nn.load_all(weights), pixels(image)))
    grade = nn.index(nn.argmax(seen), 0)
    chance = nn.item(seen, grade, scale=1000)
    decided = chance >= SURE
    units = 0
    del images[holder][number]
    if decided:
        units = min(grade * GRADE_UNITS, most)
        grades[holder][number] = grade + 1
        pay(holder, units)
    log(Claimed(holder=holder, number=number, grade=grade, chance=chance, units=units, decided=decided))
    return units


@view
def grade_of(holder: Account, number: int) -> int:
    """The grade that a claim was paid for; −1 if none was decided."""
    return grades[holder][number] - 1


@view
def covers_until(holder: Account) -> int:
    """Unix seconds; 0 for who was never insured."""
    return covered_until[holder]


def pixels(image: bytes) -> Tensor:
    """An image as the network takes it. Fails at a pixel that is none."""
    seen = nn.of_ints((1, PIXELS), image)
    assert nn.item(nn.max(nn.reshape(seen, PIXELS))) <= 16 and nn.item(nn.max(nn.reshape(-seen, PIXELS))) <= 0, (
        "pixels are 0 to 16"
    )
    return seen * BRIGHTEST
