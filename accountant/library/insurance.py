"""A vehicle insurance. An approved claim makes a garage repair the car, outside the chain (Section II-B of the paper).

The garage needs one bit, `approved(number)`: the application-defined minimal accounting query. What it costs to know is
what the approval itself depends on, and nothing else that happens to the contract.
"""

from accountant.language import (
    Account,
    Cid,
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
    payable,
    value,
    view,
)

PREMIUM = 50_000_000_000
"""Base units for a year of cover."""
YEAR = 365 * 24 * 60 * 60
COVER_MOST = 2_000_000_000_000
"""Base units that one repair may cost."""

DAMAGE_WEIGHT = 7
SPEED_WEIGHT = -3
EARLIER_WEIGHT = -120
BIAS = 50

covered_until: Map[Account, int]
claims_made: Map[Account, int]
claimants: Map[int, Account]
estimates: Map[int, int]
reports: Map[int, Cid]
approvals: Map[int, bool]
paid: Map[int, bool]


class Insured(Event):
    """A holder is covered until a time (Unix seconds)."""

    holder: Account
    until: int


class Claimed(Event):
    """A claim was decided."""

    number: int
    holder: Account
    approved: bool


class Settled(Event):
    """A garage was paid for a repair."""

    number: int
    garage: Account
    units: int


@export
@payable
@direct
def insure() -> None:
    """A year of cover for the premium."""
    assert value() == PREMIUM, "the premium is 50 tokens"
    until = covered_until[caller()]
    start = until if until > now() else now()
    covered_until[caller()] = start + YEAR
    log(Insured(holder=caller(), until=start + YEAR))


@export
@direct
def claim(number: int, report: Cid, damage: int, speed: int, estimate: int) -> bool:
    """Claims a repair under a number that nobody used: damage 0 to 100, speed in km/h, estimate in base units."""
    assert covered_until[caller()] > now(), "not covered"
    assert number not in claimants, "the number is taken"
    assert 0 <= damage <= 100 and 0 <= speed <= 500, "damage is 0 to 100, speed 0 to 500"
    assert 0 < estimate <= COVER_MOST, "more than the cover"
    earlier = claims_made[caller()]
    approved = DAMAGE_WEIGHT * damage + SPEED_WEIGHT * speed + EARLIER_WEIGHT * earlier + BIAS > 0
    claims_made[caller()] = earlier + 1
    claimants[number] = caller()
    estimates[number] = estimate
    reports[number] = report
    approvals[number] = approved
    log(Claimed(number=number, holder=caller(), approved=approved))
    return approved


@export
@direct
@only(deployer)
def settle(number: int, garage: Account, units: int) -> None:
    """The insurer pays the garage for an approved repair, once, at most the estimate."""
    assert approvals[number], "the claim is not approved"
    assert not paid[number], "the repair is paid"
    assert 0 < units <= estimates[number], "more than the estimate"
    paid[number] = True
    pay(garage, units)
    log(Settled(number=number, garage=garage, units=units))


@view
def approved(number: int) -> bool:
    """May the garage start?"""
    return approvals[number]


@view
def estimate_of(number: int) -> int:
    """Base units."""
    return estimates[number]
