"""A bounty: the client's twin of the oath (end of Section II-C). It pays an accountant only for the right answer.

Claimants commit to an answer before anybody reveals one, so that no answer is copied, and each puts up a bond, so that
nobody commits to every answer there is. The first commitment among the right ones wins. What a call pays stands in its
arguments and is checked against the state, so all footprints are complete.
"""

from accountant.language import (
    Account,
    Event,
    Hash,
    Map,
    caller,
    direct,
    export,
    height,
    log,
    pay,
    payable,
    query,
    self_id,
    sha256,
    value,
    view,
)

client: Account
question: Hash
"""SHA-256 of the query's canonical bytes."""
reward: int
"""Base units that came at deployment and wait for the winner."""
bond: int
"""Base units that each claim puts up; a wrong claim, and one that is not revealed, loses them to the client."""
commits_until: int
"""The last height at which a commitment is taken."""
reveals_until: int
"""The last height at which a claim may be revealed; afterwards the winner is known."""

commitments: Map[Account, Hash]
places: Map[Account, int]
"""The place of an account's commitment in their order: 1, 2, …; 0 for none."""
due: Map[Account, bool]
"""Whether an account's claim was right and its bond is still here."""
committed: int
best: int
"""The first place among the right claims that were revealed; 0 for none."""
winner: Account
owed: int
"""Base units that right claims are still to be paid."""
free: int
"""Base units that are the client's once the bounty has ended: bonds of claims that were not right, and a reward that
nobody won."""


class Committed(Event):
    """Somebody claims to know the answer."""

    claimant: Account
    place: int


class Revealed(Event):
    """A claim was revealed, and the query asked."""

    claimant: Account
    right: bool


class Paid(Event):
    """A right claim got its bond back, the winner's with the reward."""

    claimant: Account
    units: int


class Returned(Event):
    """The client took back what nobody won."""

    units: int


@payable
def init(asked: bytes, stake: int, commit_blocks: int, reveal_blocks: int) -> None:
    """The deployer is the client, and what comes with the deployment is the reward.

    `asked`: the query's canonical bytes, which stand in the deployment, so whoever may answer reads them there.
    `stake`: the bond of each claim, at least the reward, or guessing would pay. The blocks are counted from here.
    """
    global client, question, reward, bond, commits_until, reveals_until, free
    assert value() > 0, "a bounty has a reward"
    assert stake >= value(), "the bond is at least the reward"
    assert commit_blocks > 0 and reveal_blocks > 0, "committing and revealing take a block each at least"
    client = caller()
    question = sha256(asked)
    reward = value()
    bond = stake
    commits_until = height() + commit_blocks
    reveals_until = height() + commit_blocks + reveal_blocks
    free = value()


def commitment_of(claimant: Account, answer: bytes, salt: Hash) -> Hash:
    """What a claimant commits to: nobody can reveal it for another account or another bounty."""
    return sha256(b"anh/bounty" + self_id() + sha256(claimant) + sha256(answer) + salt)


@export
@payable
@direct
def commit(commitment: Hash) -> int:
    """Claims to know the answer, with the bond. Returns the claim's place."""
    global committed, free
    assert height() <= commits_until, "too late to commit"
    assert value() == bond, "a claim comes with the bond"
    assert places[caller()] == 0, "one claim for each account"
    committed += 1
    commitments[caller()] = commitment
    places[caller()] = committed
    free += bond
    log(Committed(claimant=caller(), place=committed))
    return committed


@export
@direct
def reveal(asked: bytes, answer: bytes, salt: Hash) -> bool:
    """Reveals the caller's claim. Whoever executes this finds whether it is right: which it returns."""
    global best, winner, owed, free
    place = places[caller()]
    assert commits_until < height() <= reveals_until, (
        "claims are revealed after commitments end, and before the bounty does"
    )
    assert place > 0, "nothing was committed to"
    assert commitments[caller()] == commitment_of(caller(), answer, salt), "something else was committed to"
    assert sha256(asked) == question, "another query"
    del commitments[caller()]
    right = query(asked) == answer
    if right:
        due[caller()] = True
        owed += bond
        free -= bond
        if best == 0:
            owed += reward
            free -= reward
        if best == 0 or place < best:
            best = place
            winner = caller()
    log(Revealed(claimant=caller(), right=right))
    return right


@export
@direct
def collect(units: int) -> None:
    """A right claim takes its bond, once the bounty has ended; the winner's takes the reward as well."""
    global owed
    claimant = caller()
    assert height() > reveals_until, "not before the bounty has ended"
    assert due[claimant], "nothing is due"
    assert units == (bond + reward if winner == claimant else bond), "exactly what is due is paid"
    due[claimant] = False
    owed -= units
    pay(claimant, units)
    log(Paid(claimant=claimant, units=units))


@export
@direct
def reclaim(units: int) -> None:
    """The client takes back what nobody won, once the bounty has ended."""
    global free
    assert caller() == client, "only the client reclaims"
    assert height() > reveals_until, "not before the bounty has ended"
    assert 0 < units <= free, "so much is not free"
    free -= units
    pay(caller(), units)
    log(Returned(units=units))


@export
@direct
def recover(units: int) -> None:
    """When all is paid the client takes what came by plain transfers, which no one promised to anyone."""
    assert caller() == client, "only the client recovers"
    assert height() > reveals_until and owed == 0 and free == 0, "money still waits"
    pay(caller(), units)


@view
def reward_of() -> int:
    """Base units for the first right claim."""
    return reward


@view
def bond_of() -> int:
    """Base units that a claim must bring."""
    return bond


@view
def question_of() -> Hash:
    """SHA-256 of the query's canonical bytes."""
    return question


@view
def ends() -> int:
    """The last height at which claims may be revealed."""
    return reveals_until


@view
def winner_place() -> int:
    """The first place among the right claims revealed so far; 0 while there is none."""
    return best


@view
def due_to(claimant: Account) -> int:
    """Base units that an account may collect once the bounty has ended."""
    if not due[claimant]:
        return 0
    return bond + reward if winner == claimant else bond


@view
def free_of() -> int:
    """Base units that the client may take back once the bounty has ended."""
    return free
