"""The bounty: the first commitment among the right claims wins the reward, and nobody else is paid anything of it."""

from pathlib import Path
from random import Random

import pytest

import accountant.library
from accountant.chain.errors import Refusal
from accountant.chain.query import TransactionSucceeded
from accountant.primitives.encoding import encode
from accountant.primitives.hashes import sha256
from accountant.sandbox import Chain, Contract, DeploymentFailed, Refused, User

SOURCE = Path(accountant.library.__path__[0]) / "bounty.py"
REWARD, BOND = 500, 700
RIGHT, WRONG = encode(True), encode(False)
SALT = sha256(b"salt")
COMMIT_BLOCKS, REVEAL_BLOCKS = 6, 6


@pytest.fixture
def users(chain: Chain) -> dict[str, User]:
    """A client and three accountants."""
    return {name: chain.account(name) for name in ("client", "first", "second", "third")}


@pytest.fixture
def asked(chain: Chain, users: dict[str, User]) -> bytes:
    """Did a transfer settle? It did."""
    sent = chain.transfer(users["first"], 5, sender=users["client"])
    return encode(TransactionSucceeded(sent.hash))


@pytest.fixture
def bounty(chain: Chain, users: dict[str, User], asked: bytes) -> Contract:
    """A reward for the answer, with six blocks for commitments and six to reveal them."""
    return chain.deploy(SOURCE, asked, BOND, COMMIT_BLOCKS, REVEAL_BLOCKS, sender=users["client"], value=REWARD)


def commitment(bounty: Contract, user: User, answer: bytes, salt: bytes = SALT) -> bytes:
    """What a claimant commits to, computed as its documentation says."""
    return sha256(b"anh/bounty" + bounty.id + sha256(user.address) + sha256(answer) + salt)


def commit(bounty: Contract, user: User, answer: bytes) -> None:
    """Commits with the bond."""
    bounty.commit(commitment(bounty, user, answer), sender=user, value=BOND)


def until(chain: Chain, height: int) -> None:
    """Lets blocks pass, so that the next transaction's is above a height."""
    clock = chain.account("clock")
    while chain.height < height:
        chain.transfer(clock, 1, sender=clock)


def reveal_phase(chain: Chain, bounty: Contract) -> None:
    """The next block is the first in which claims may be revealed."""
    until(chain, bounty.ends() - REVEAL_BLOCKS)


def the_end(chain: Chain, bounty: Contract) -> None:
    """The next block is the first after the bounty."""
    until(chain, bounty.ends())


def paid(chain: Chain, bounty: Contract, user: User, units: int, function: str = "collect") -> None:
    """The call pays the user exactly this, and the contract has that much less."""
    before = chain.balance(bounty)
    result = bounty[function](units, sender=user)
    assert result, result.reason
    assert [(m.account, m.units) for m in result.outcome.debits] == [(bounty.id, units)]
    assert chain.balance(bounty) == before - units


def test_the_first_commitment_among_the_right_ones_wins(
    chain: Chain, users: dict[str, User], asked: bytes, bounty: Contract
) -> None:
    """In whatever order they are revealed, and though a wrong one was there before; right ones get their bonds back."""
    commit(bounty, users["third"], WRONG)
    commit(bounty, users["first"], RIGHT)
    commit(bounty, users["second"], RIGHT)
    reveal_phase(chain, bounty)
    assert bounty.reveal(asked, RIGHT, SALT, sender=users["second"]).returned is True
    assert (bounty.winner_place(), bounty.due_to(users["second"])) == (3, BOND + REWARD)
    assert bounty.reveal(asked, WRONG, SALT, sender=users["third"]).returned is False
    revealed = bounty.reveal(asked, RIGHT, SALT, sender=users["first"])
    assert revealed.events == [bounty.Revealed(claimant=users["first"], right=True)]
    assert bounty.winner_place() == 2
    dues = [bounty.due_to(users[name]) for name in ("first", "second", "third")]
    assert dues == [BOND + REWARD, BOND, 0]
    the_end(chain, bounty)
    with chain.fails("nothing is due"):
        bounty.collect(BOND, sender=users["third"])
    with chain.fails("exactly what is due is paid"):
        bounty.collect(BOND + REWARD, sender=users["second"])
    paid(chain, bounty, users["first"], BOND + REWARD)
    paid(chain, bounty, users["second"], BOND)
    with chain.fails("nothing is due"):
        bounty.collect(BOND + REWARD, sender=users["first"])
    with chain.fails("so much is not free"):
        bounty.reclaim(BOND + 1, sender=users["client"])
    paid(chain, bounty, users["client"], BOND, "reclaim")
    assert chain.balance(bounty) == 0


def test_the_reward_goes_out_only_after_the_end(
    chain: Chain, users: dict[str, User], asked: bytes, bounty: Contract
) -> None:
    """A right claim that was revealed waits, because an earlier commitment may still be revealed."""
    commit(bounty, users["first"], RIGHT)
    reveal_phase(chain, bounty)
    bounty.reveal(asked, RIGHT, SALT, sender=users["first"])
    with chain.fails("not before the bounty has ended"):
        bounty.collect(BOND + REWARD, sender=users["first"])
    with chain.fails("not before the bounty has ended"):
        bounty.reclaim(1, sender=users["client"])
    the_end(chain, bounty)
    paid(chain, bounty, users["first"], BOND + REWARD)


def test_expiry_returns_the_reward_and_what_was_forfeited(
    chain: Chain, users: dict[str, User], asked: bytes, bounty: Contract
) -> None:
    """Without a right claim the client gets the reward and all bonds: of a wrong claim, and of one never revealed."""
    commit(bounty, users["first"], WRONG)
    commit(bounty, users["second"], RIGHT)
    reveal_phase(chain, bounty)
    bounty.reveal(asked, WRONG, SALT, sender=users["first"])
    the_end(chain, bounty)
    with chain.fails("claims are revealed after commitments end, and before the bounty does"):
        bounty.reveal(asked, RIGHT, SALT, sender=users["second"])
    with chain.fails("only the client reclaims"):
        bounty.reclaim(REWARD, sender=users["first"])
    with chain.fails("only the client recovers"):
        bounty.recover(1, sender=users["first"])
    with chain.fails("money still waits"):
        bounty.recover(1, sender=users["client"])
    paid(chain, bounty, users["client"], REWARD + 2 * BOND, "reclaim")
    chain.transfer(bounty, 9, sender=users["first"])
    paid(chain, bounty, users["client"], 9, "recover")


def test_an_answer_cannot_be_copied(chain: Chain, users: dict[str, User], asked: bytes, bounty: Contract) -> None:
    """Neither another's commitment nor another's revealed answer is of use to anybody else."""
    bounty.commit(commitment(bounty, users["first"], RIGHT), sender=users["second"], value=BOND)  # copied, and earlier
    commit(bounty, users["first"], RIGHT)
    with chain.fails("claims are revealed after commitments end, and before the bounty does"):
        bounty.reveal(asked, RIGHT, SALT, sender=users["first"])
    reveal_phase(chain, bounty)
    bounty.reveal(asked, RIGHT, SALT, sender=users["first"])
    with chain.fails("something else was committed to"):
        bounty.reveal(asked, RIGHT, SALT, sender=users["second"])
    with chain.fails("too late to commit"):
        commit(bounty, users["third"], RIGHT)
    with chain.fails("nothing was committed to"):
        bounty.reveal(asked, RIGHT, SALT, sender=users["third"])
    assert bounty.winner_place() == 2


def test_every_answer_at_once_does_not_pay(
    chain: Chain, users: dict[str, User], asked: bytes, bounty: Contract
) -> None:
    """Who commits to both answers from two accounts loses a bond, which is no less than the reward."""
    commit(bounty, users["first"], RIGHT)
    commit(bounty, users["second"], WRONG)
    reveal_phase(chain, bounty)
    for name, answer in (("first", RIGHT), ("second", WRONG)):
        bounty.reveal(asked, answer, SALT, sender=users[name])
    assert bounty.due_to(users["first"]) + bounty.due_to(users["second"]) <= 2 * BOND
    with pytest.raises(DeploymentFailed, match="the bond is at least the reward"):
        chain.deploy(SOURCE, asked, REWARD - 1, 1, 1, sender=users["client"], value=REWARD)


def test_terms(chain: Chain, users: dict[str, User], asked: bytes, bounty: Contract) -> None:
    """A claimant reads all terms before; a bounty without a reward or without time is not deployed."""
    assert (bounty.reward_of(), bounty.bond_of(), bounty.question_of()) == (REWARD, BOND, sha256(asked))
    with pytest.raises(DeploymentFailed, match="a bounty has a reward"):
        chain.deploy(SOURCE, asked, BOND, 1, 1, sender=users["client"])
    for blocks in ((0, 1), (1, 0), (-3, 3)):
        with pytest.raises(DeploymentFailed, match="a block each at least"):
            chain.deploy(SOURCE, asked, BOND, *blocks, sender=users["client"], value=REWARD)


def test_claims_keep_to_the_terms(chain: Chain, users: dict[str, User], asked: bytes, bounty: Contract) -> None:
    """One claim an account, with exactly the bond, revealed once, for this query and this answer."""
    first = users["first"]
    for units in (BOND - 1, BOND + 1):
        with chain.fails("a claim comes with the bond"):
            bounty.commit(commitment(bounty, first, RIGHT), sender=first, value=units)
    commit(bounty, first, RIGHT)
    with chain.fails("one claim for each account"):
        commit(bounty, first, WRONG)
    reveal_phase(chain, bounty)
    with chain.fails("another query"):
        bounty.reveal(encode(TransactionSucceeded(sha256(b"other"))), RIGHT, SALT, sender=first)
    with chain.fails("something else was committed to"):
        bounty.reveal(asked, WRONG, SALT, sender=first)
    assert bounty.reveal(asked, RIGHT, SALT, sender=first)
    with chain.fails("something else was committed to"):
        bounty.reveal(asked, RIGHT, SALT, sender=first)
    with pytest.raises(Refused) as refused:
        bounty.reveal(asked, RIGHT, SALT, sender=first, value=1)
    assert refused.value.kind is Refusal.NOT_PAYABLE


@pytest.mark.parametrize("seed", range(6))
def test_money_is_conserved(chain: Chain, users: dict[str, User], asked: bytes, bounty: Contract, seed: int) -> None:
    """Whatever is committed, revealed and collected in whatever order: at the end everything can be taken, no more."""
    random = Random(seed)
    claimants = [users["first"], users["second"], users["third"], chain.account("fourth")]
    answers = {user: random.choice([RIGHT, WRONG]) for user in claimants}
    for user in random.sample(claimants, random.randrange(5)):
        commit(bounty, user, answers[user])
    reveal_phase(chain, bounty)
    for user in random.sample(claimants, random.randrange(5)):
        bounty.reveal(asked, answers[user], SALT, sender=user)
    the_end(chain, bounty)
    for user in random.sample(claimants, 4):
        due = bounty.due_to(user)
        if due:
            paid(chain, bounty, user, due)
    left = chain.balance(bounty)
    assert bounty.free_of() == left
    if left:
        paid(chain, bounty, users["client"], left, "reclaim")
    with chain.fails("so much is not free"):
        bounty.reclaim(1, sender=users["client"])
    assert chain.balance(bounty) == 0
