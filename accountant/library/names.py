"""A name registry: a name belongs, for a yearly fee, to the account that registered it first.

Only transactions call it, and only zero-cost money pays the fee: so what a name stands for depends on nothing but the
registry's own short calls, and nobody can make it expensive to find out.
"""

from accountant.language import (
    Account,
    Event,
    Map,
    caller,
    deployer,
    direct,
    export,
    log,
    now,
    only,
    pay,
    value,
    view,
    zero_cost,
)

FEE = 1_000_000_000
"""Base units a year."""
YEAR = 365 * 24 * 60 * 60
LENGTH_MOST = 64

owners: Map[str, Account]
expiries: Map[str, int]
targets: Map[str, Account]


class Registered(Event):
    """A name has an owner until a time (Unix seconds)."""

    name: str
    owner: Account
    until: int


class Pointed(Event):
    """A name stands for an account."""

    name: str
    target: Account


@export
@zero_cost
@direct
def register(name: str, years: int) -> None:
    """Registers a free or expired name, or extends one's own; it points to its owner at first."""
    assert proper(name), "a name has 1 to 64 of a-z, 0-9 and -"
    assert 0 < years <= 100, "1 to 100 years"
    assert value() == FEE * years, "the fee is one token a year"
    expiry = expiries[name]
    if expiry > now():
        assert owners[name] == caller(), "the name is taken"
        expiries[name] = expiry + years * YEAR
    else:
        owners[name] = caller()
        targets[name] = caller()
        expiries[name] = now() + years * YEAR
    log(Registered(name=name, owner=caller(), until=expiries[name]))


@export
@direct
def point(name: str, target: Account) -> None:
    """Lets one's own name stand for an account."""
    assert expiries[name] > now() and owners[name] == caller(), "not your name"
    targets[name] = target
    log(Pointed(name=name, target=target))


@export
@direct
def give(name: str, to: Account) -> None:
    """Gives one's own name away; it then stands for its new owner."""
    assert expiries[name] > now() and owners[name] == caller(), "not your name"
    owners[name] = to
    targets[name] = to
    log(Registered(name=name, owner=to, until=expiries[name]))


@export
@direct
@only(deployer)
def collect(units: int) -> None:
    """Pays fees to the deployer."""
    pay(caller(), units)


@view
def resolve(name: str) -> Account:
    """The account that a name stands for. Fails if the name is free."""
    assert expiries[name] > now(), "the name is free"
    return targets[name]


@view
def owner_of(name: str) -> Account:
    """The account that a name belongs to. Fails if the name is free."""
    assert expiries[name] > now(), "the name is free"
    return owners[name]


@view
def expiry_of(name: str) -> int:
    """Unix seconds; 0 for a name that was never registered."""
    return expiries[name]


def proper(name: str) -> bool:
    """Letters that look alike would let one name pass for another: so there are few."""
    letters = name.encode()
    if len(letters) == 0 or len(letters) > LENGTH_MOST:
        return False
    for i in range(len(letters)):
        letter = letters[i]
        if not (97 <= letter <= 122 or 48 <= letter <= 57 or letter == 45):
            return False
    return True
