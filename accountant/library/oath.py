"""The purse of an accountant: Algorithm 5, Oath-of-Correctness.

It has no storage and no constructor, and no state but its general balance. Deposits are plain transfers to its id.
Nobody but its deployer can call it, and only directly: that makes its deposit a fact of the chain's bytes.
"""

from accountant.language import (
    Address,
    Event,
    debits,
    deployer,
    direct,
    export,
    log,
    only,
    pay,
    query,
    sender,
    touches,
)

BLACKHOLE = Address("0x0000000000000000000000000000000000000000")


class Kept(Event):
    """The sworn answer is right."""

    query: bytes


class Slashed(Event):
    """The sworn answer is wrong, and the penalty is gone."""

    query: bytes
    penalty: int


class Withdrawn(Event):
    """The owner took money out."""

    units: int


@export
@direct
@only(deployer)
@touches(debits("penalty"))
def swear(asked: bytes, answer: bytes, penalty: int, beneficiary: Address) -> bool:
    """Whether the answer is right. If not, the smaller half of the penalty goes to the beneficiary, the rest is burnt.

    With the blackhole as the beneficiary all of it is burnt. That a part always is prices accusing oneself.
    """
    assert penalty > 0, "penalty must be positive"
    if query(asked) == answer:  # line 1: is r the result of Q?
        log(Kept(query=asked))
        return True
    paid = 0 if beneficiary == BLACKHOLE else penalty // 2
    if paid > 0:
        pay(beneficiary, paid)
    pay(BLACKHOLE, penalty - paid)  # line 2: slash
    log(Slashed(query=asked, penalty=penalty))
    return False


@export
@direct
@only(deployer)
def withdraw(units: int) -> None:
    """Pays the owner."""
    pay(sender(), units)
    log(Withdrawn(units=units))
