"""Loans that a network approves (paper, Section II-A): trained in one transaction, asked in thousands of others.

No application writes what another one reads: neither a counter nor a sum of what is lent. So whoever observes one
decision executes the training, what was attested of that applicant, and that application. It rests on no other one as
long as the contract owns what all of them together may be paid at most.
"""

from accountant.language import (
    Account,
    Cid,
    Event,
    Map,
    Tensor,
    Tensors,
    caller,
    deployer,
    direct,
    export,
    log,
    nn,
    now,
    only,
    pay,
    payable,
    value,
    view,
)

FACTS = 30
MODEL = "linear 30 16; relu; linear 16 2"
SETTINGS = "epochs 5; batch 64; optimiser adam rate 0.02; loss cross_entropy; seed 7"
SCALE = 0.0625
"""Facts are sixteenths of a deviation."""
CERTAIN = 900
"""Thousandths of probability that a loan comes back; below it, no loan."""
LOAN_MOST = 1_000_000_000_000
"""Base units."""
INTEREST = 20
"""One unit for so many that were lent."""
LOAN_SECONDS = 90 * 24 * 60 * 60

weights: Cid
attested: Map[Account, bytes]
"""An applicant's facts, a signed byte each."""
debts: Map[Account, int]
due: Map[Account, int]
decisions: Map[Account, int]
"""The latest chance that a loan comes back, in thousandths, and one more; 0: never asked."""


class Trained(Event):
    """The network was trained."""

    weights: Cid
    loss_millionths: int


class Decided(Event):
    """A loan was asked for."""

    applicant: Account
    units: int
    chance: int
    approved: bool


class Repaid(Event):
    """A loan came back."""

    applicant: Account
    units: int


@export
@direct
@only(deployer)
def train(facts: Cid, repaid: Cid) -> int:
    """Trains from the beginning on what is published: facts [N, 30] and whether each loan came back [N], 1 or 0.

    Returns the last step's loss × 1,000,000.
    """
    global weights
    answers = nn.indices(nn.load(repaid))
    trained = nn.fit(MODEL, nn.init_model(MODEL, 7), nn.load(facts) * SCALE, answers, settings=SETTINGS)
    losses = trained[-1]
    millionths = nn.item(losses, losses.shape[0] - 1, scale=1e6)
    kept: Tensors = []
    for i in range(len(trained) - 1):
        kept = nn.append(kept, trained[i])
    weights = nn.save_all(kept)
    log(Trained(weights=weights, loss_millionths=millionths))
    return millionths


@export
@direct
@only(deployer)
def attest(applicant: Account, facts: bytes) -> None:
    """Vouches for an applicant's facts. Applicants who told their own would tell good ones."""
    assert len(facts) == FACTS, "there are 30 facts"
    attested[applicant] = facts


@export
@direct
def apply(units: int) -> bool:
    """Asks for a loan, which is paid at once if the network is certain enough."""
    applicant = caller()
    facts = attested[applicant]
    assert 0 < units <= LOAN_MOST, "a loan is above zero and at most 1,000 tokens"
    assert len(facts) == FACTS, "nobody vouches for you"
    assert debts[applicant] == 0, "one loan at a time"
    chance = thousandths(facts)
    approved = chance >= CERTAIN
    decisions[applicant] = chance + 1
    if approved:
        debts[applicant] = units + (units + INTEREST - 1) // INTEREST
        due[applicant] = now() + LOAN_SECONDS
        pay(applicant, units)
    log(Decided(applicant=applicant, units=units, chance=chance, approved=approved))
    return approved


@export
@payable
@direct
def repay() -> None:
    """Pays the whole loan back with what comes with the call. Who is late is for the deployer's next attestation."""
    owed = debts[caller()]
    assert owed > 0, "no loan"
    assert value() == owed, "exactly what is owed comes back"
    debts[caller()] = 0
    log(Repaid(applicant=caller(), units=owed))


@view
def approved(applicant: Account) -> bool:
    """Was the latest loan that the account asked for granted?"""
    return decisions[applicant] > CERTAIN


@view
def owed_by(applicant: Account) -> int:
    """Base units, interest included."""
    return debts[applicant]


@view
def due_of(applicant: Account) -> int:
    """When the latest loan is or was due, Unix seconds; 0 for one who never borrowed."""
    return due[applicant]


@view
def chance_of(facts: bytes) -> int:
    """What the network thinks of facts, in thousandths."""
    return thousandths(facts)


def thousandths(facts: bytes) -> int:
    """The chance that a loan comes back. Fails before the first training."""
    found: Tensor = nn.predict(MODEL, nn.load_all(weights), nn.of_ints((1, FACTS), facts) * SCALE)
    return nn.item(nn.softmax(found), 1, scale=1000)
