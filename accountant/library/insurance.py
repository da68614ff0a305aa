"""A vehicle insurance. An approved claim makes a garage repair the car, outside the chain (Section II-B of the paper).

The garage needs one bit, `approved(holder, number)`: the application-defined minimal accounting query. Every slot that
it depends on is keyed by the holder, who signs all that writes there: so nobody else can make the answer expensive.
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
estimates: Map[Account, Map[int, int]]
reports: Map[Account, Map[int, Cid]]
approvals: Map[Account, Map[int, bool]]
paid: Map[Account, Map[int, bool]]


class Insured(Event):
    """A holder is covered until a time (Unix seconds)."""

    holder: Account
    until: int


class Claimed(Event):
    """A claim was decided."""

    holder: Account
    number: int
    approved: bool


class Settled(Event):
    """A garage was paid for a repair."""

    holder: Account
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
    """Claims a repair under a number that the holder did not use.

    Damage is 0 to 100, speed in km/h, estimate in base units. Every claim counts against the next one, also one that
    is not approved.
    """
    holder = caller()
    until = covered_until[holder]
    earlier = claims_made[holder]
    assert until > now(), "not covered"
    assert estimates[holder][number] == 0, "the number is taken"
    assert 0 <= damage <= 100 and 0 <= speed <= 500, "damage is 0 to 100, speed 0 to 500"
    assert 0 < estimate <= COVER_MOST, "an estimate is above zero and within the cover"
    approved = DAMAGE_WEIGHT * damage + SPEED_WEIGHT * speed + EARLIER_WEIGHT * earlier + BIAS > 0
    claims_made[holder] = earlier + 1
    estimates[holder][number] = estimate
    reports[holder][number] = report
    approvals[holder][number] = approved
    log(Claimed(holder=holder, number=number, approved=approved))
    return approved


@export
@direct
@only(deployer)
def settle(holder: Account, number: int, garage: Account, units: int) -> None:
    """The insurer pays the garage for an approved repair, once, at most the estimate."""
    estimate = estimates[holder][number]
    approval = approvals[holder][number]
    done = paid[holder][number]
    assert approval, "the claim is not approved"
    assert not done, "the repair is paid"
    assert 0 < units <= estimate, "a repair costs something, and at most the estimate"
    paid[holder][number] = True
    pay(garage, units)
    log(Settled(holder=holder, number=number, garage=garage, units=units))


@view
def approved(holder: Account, number: int) -> bool:
    """May the garage start?"""
    return approvals[holder][number]


@view
def estimate_of(holder: Account, number: int) -> int:
    """Base units; 0 for a claim that was never made."""
    return estimates[holder][number]


@view
def report_of(holder: Account, number: int) -> Cid:
    """Where the report of the damage is."""
    return reports[holder][number]


@view
def is_paid(holder: Account, number: int) -> bool:
    """Was the garage paid?"""
    return paid[holder][number]


@view
def covers_until(holder: Account) -> int:
    """Unix seconds; 0 for who was never insured."""
    return covered_until[holder]
