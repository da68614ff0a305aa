"""A vault: everyone's own savings, locked until a time of their choice.

Only transactions deposit: their slots are the signer's own, so nobody can declare writes on another's savings.
"""

from accountant.language import Account, Event, Map, caller, direct, export, log, now, pay, payable, value, view

savings: Map[Account, int]
unlocks: Map[Account, int]


class Deposited(Event):
    """Money came in."""

    owner: Account
    units: int
    until: int


class Withdrawn(Event):
    """Money went out."""

    owner: Account
    units: int


@export
@payable
@direct
def deposit(until: int) -> None:
    """Keeps what comes with the call until then (Unix seconds). A lock can be extended, never shortened."""
    owner = caller()
    unlock = unlocks[owner]
    saved = savings[owner]
    assert value() > 0, "nothing to deposit"
    assert until >= unlock, "a lock is never shortened"
    savings[owner] = saved + value()
    unlocks[owner] = until
    log(Deposited(owner=owner, units=value(), until=until))


@export
@direct
def withdraw(units: int) -> None:
    """Pays the caller's own savings back."""
    owner = caller()
    saved = savings[owner]
    unlock = unlocks[owner]
    assert 0 < units <= saved, "savings too low"
    assert now() >= unlock, "still locked"
    savings[owner] = saved - units
    pay(owner, units)
    log(Withdrawn(owner=owner, units=units))


@view
def saved_by(owner: Account) -> int:
    """Base units."""
    return savings[owner]


@view
def unlocks_at(owner: Account) -> int:
    """Unix seconds."""
    return unlocks[owner]
