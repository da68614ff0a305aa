"""A splitter: forwards at once what it receives, in fixed shares."""

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
    assert one == first and two == second, "the recipients are those of the deployment"
    part = value() // 100 * share + value() % 100 * share // 100
    pay(one, part)
    pay(two, value() - part)
    log(Split(units=value(), to_first=part))


@view
def share_of_first() -> int:
    """Hundredths."""
    return share
