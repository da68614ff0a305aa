"""A fungible token: balances, transfers, approvals."""

from accountant.language import Account, Event, Map, caller, export, log, nested, view

supply: int
balances: Map[Account, int]
allowances: Map[Account, Map[Account, int]]


class Transfer(Event):
    """Units moved."""

    source: Account
    to: Account
    units: int


class Approval(Event):
    """An owner lets somebody move up to so many units."""

    owner: Account
    spender: Account
    units: int


def init(units: int) -> None:
    """All units belong to the deployer, and there will be no others: balances add up to them, so none overflows."""
    global supply
    assert units >= 0, "a supply is not negative"
    supply = units
    balances[caller()] = units


@export
@nested(2)
def transfer(to: Account, units: int) -> bool:
    """Moves units of the caller."""
    balance = balances[caller()]
    assert 0 <= units <= balance, "balance too low"
    balances[caller()] = balance - units
    balances[to] += units
    log(Transfer(source=caller(), to=to, units=units))
    return True


@export
def approve(spender: Account, units: int) -> bool:
    """Lets `spender` move up to so many units of the caller; replaces what stood there, used or not."""
    assert units >= 0, "an allowance is not negative"
    allowances[caller()][spender] = units
    log(Approval(owner=caller(), spender=spender, units=units))
    return True


@export
def adjust_allowance(spender: Account, units: int) -> int:
    """Raises (or, negative, lowers) what `spender` may move, from wherever it stands; where it stands then.

    An approval that replaces another can be used twice: before it, and after it. This one cannot.
    """
    allowance = allowances[caller()][spender] + units
    assert allowance >= 0, "allowance too low"
    allowances[caller()][spender] = allowance
    log(Approval(owner=caller(), spender=spender, units=allowance))
    return allowance


@export
@nested(2)
def transfer_from(owner: Account, to: Account, units: int) -> bool:
    """Moves units of `owner`, who approved the caller."""
    allowance = allowances[owner][caller()]
    balance = balances[owner]
    assert 0 <= units <= allowance, "allowance too low"
    assert units <= balance, "balance too low"
    allowances[owner][caller()] = allowance - units
    balances[owner] = balance - units
    balances[to] += units
    log(Transfer(source=owner, to=to, units=units))
    return True


@view
def total() -> int:
    """All units."""
    return supply


@view
def balance_of(account: Account) -> int:
    """Units of an account."""
    return balances[account]


@view
def allowance_of(owner: Account, spender: Account) -> int:
    """Units of `owner` that `spender` may still move."""
    return allowances[owner][spender]
