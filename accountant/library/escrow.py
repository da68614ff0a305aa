"""An escrow: a buyer's money waits until it goes to the seller, or back.

Who is paid and how much stands in the arguments and is checked against the state: so the whole footprint
of a call follows from the call.
"""

from accountant.language import Account, Address, Event, caller, direct, export, log, now, pay, payable, value, view

buyer: Account
seller: Account
arbiter: Address
deadline: int
"""Unix seconds; after it the buyer may take the money back."""
held: int
"""Base units that came at deployment and wait."""


class Released(Event):
    """The money went to the seller."""

    seller: Account
    units: int


class Refunded(Event):
    """The money went back to the buyer."""

    buyer: Account
    units: int


@payable
def init(to: Account, judge: Address, until: int) -> None:
    """The deployer is the buyer, and what comes with the deployment is held. `until`: Unix seconds."""
    global buyer, seller, arbiter, deadline, held
    assert value() > 0, "an escrow holds money"
    assert until > now(), "the deadline has passed"
    buyer = caller()
    seller = to
    arbiter = judge
    deadline = until
    held = value()


@export
@direct
def release(to: Account, units: int) -> None:
    """The buyer or the arbiter lets the seller have all of it."""
    global held
    assert caller() == buyer or caller() == arbiter, "only the buyer or the arbiter releases"
    assert to == seller, "the money goes to the seller"
    assert 0 < units == held, "exactly what is held is paid"
    held = 0
    pay(to, units)
    log(Released(seller=to, units=units))


@export
@direct
def refund(to: Account, units: int) -> None:
    """The seller or the arbiter gives it back; after the deadline the buyer takes it back."""
    global held
    late = caller() == buyer and now() > deadline
    assert late or caller() == seller or caller() == arbiter, "not before the deadline"
    assert to == buyer, "the money goes back to the buyer"
    assert 0 < units == held, "exactly what is held is paid"
    held = 0
    pay(to, units)
    log(Refunded(buyer=to, units=units))


@export
@direct
def recover(units: int) -> None:
    """After the end the buyer takes what came by plain transfers, which no one promised to anyone."""
    assert caller() == buyer, "only the buyer recovers"
    assert held == 0, "the money still waits"
    pay(caller(), units)


@view
def waiting() -> int:
    """Base units that are still held."""
    return held


@view
def buyer_of() -> Account:
    """Who deployed it, and is refunded."""
    return buyer


@view
def seller_of() -> Account:
    """Who is paid."""
    return seller


@view
def arbiter_of() -> Address:
    """Who may release and refund at any time."""
    return arbiter


@view
def deadline_of() -> int:
    """Unix seconds; after it the buyer may take the money back."""
    return deadline
