"""A splitter: passes on what it receives, in fixed shares."""

from accountant.language import Account, Event, debits, direct, export, log, pay, payable, touches, value, view

first: Account
second: Account
share: int
"""Hundredths that go to the first."""


class Split(Event):
    """Money was passed on."""

    units: int
    to_first: int


def init(one: Account, two: Account, hundredths: int) -> None:
    """Who gets how much; it never changes."""
    global first, second, share
    assert 0 <= hundredths <= 100, "a share is 0 to 100 hundredths"
    first = one
    second = two
    share = hundredths


@export
@payable
@direct
@touches(debits("value"))
def forward(one: Account, two: Account) -> None:
    """Passes on what comes with the call. The recipients are named so that wallets can declare them."""
    split(one, two, value())


@export
@direct
@touches(debits("units"))
def release(one: Account, two: Account, units: int) -> None:
    """Passes on what lies here: transfers and payouts of contracts arrive without running any code."""
    split(one, two, units)


def split(one: Account, two: Account, units: int) -> None:
    """Both parts together are `units`; what the hundredths do not divide goes to the second."""
    right = one == first
    right_too = two == second
    hundredths = share
    assert right and right_too, "the recipients are those of the deployment"
    assert units > 0, "nothing to pass on"
    part = units // 100 * hundredths + units % 100 * hundredths // 100
    pay(one, part)
    pay(two, units - part)
    log(Split(units=units, to_first=part))


@view
def first_recipient() -> Account:
    """Who gets the share."""
    return first


@view
def second_recipient() -> Account:
    """Who gets the rest."""
    return second


@view
def share_of_first() -> int:
    """Hundredths."""
    return share
