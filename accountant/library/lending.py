"""A lending pool: whoever deposits owns a share of it; a scorer decides who may borrow.

The scorer is linear. A network takes its place without another change: `score` is the only function that knows.
"""

from accountant.language import Account, Event, Map, caller, direct, export, log, now, pay, payable, value, view

INTEREST = 5
"""Hundredths of a loan, whatever its length."""
LOAN_SECONDS = 90 * 24 * 60 * 60
THRESHOLD = 600

INCOME_WEIGHT = 4
DEBT_WEIGHT = -6
HISTORY_WEIGHT = 50
BIAS = 100

shares: Map[Account, int]
all_shares: int
assets: int
"""Base units that the pool owns: in hand and lent."""
in_hand: int
debts: Map[Account, int]
due: Map[Account, int]
repaid: Map[Account, int]
"""Loans that an account has paid back."""


class Deposited(Event):
    """A lender's money came in."""

    lender: Account
    units: int
    shares: int


class Withdrawn(Event):
    """A lender took money out."""

    lender: Account
    units: int
    shares: int


class Decided(Event):
    """A loan was asked for."""

    borrower: Account
    units: int
    score: int
    approved: bool


class Repaid(Event):
    """A loan came back."""

    borrower: Account
    units: int


@export
@payable
@direct
def deposit() -> int:
    """Buys shares of the pool at what they are worth; how many."""
    global all_shares, assets, in_hand
    units = value()
    assert units > 0, "nothing to deposit"
    bought = units if all_shares == 0 else share_of(units, all_shares, assets)
    assert bought > 0, "too little for one share"
    shares[caller()] += bought
    all_shares += bought
    assets += units
    in_hand += units
    log(Deposited(lender=caller(), units=units, shares=bought))
    return bought


@export
@direct
def withdraw(sold: int, units: int) -> None:
    """Sells shares for exactly `units`, which is at most what they are worth."""
    global all_shares, assets, in_hand
    owned = shares[caller()]
    assert 0 < sold <= owned, "not so many shares"
    assert 0 < units <= share_of(sold, assets, all_shares), "the shares are worth less"
    assert units <= in_hand, "the money is lent"
    shares[caller()] = owned - sold
    all_shares -= sold
    assets -= units
    in_hand -= units
    pay(caller(), units)
    log(Withdrawn(lender=caller(), units=units, shares=sold))


@export
@direct
def borrow(units: int, income: int, debt: int) -> bool:
    """Asks for a loan, with yearly income and other debt in tokens. Whether it is granted and paid."""
    global in_hand
    assert units > 0, "nothing to borrow"
    assert debts[caller()] == 0, "one loan at a time"
    points = score(income, debt, repaid[caller()])
    approved = points >= THRESHOLD and units <= in_hand
    if approved:
        debts[caller()] = units + units // 100 * INTEREST
        due[caller()] = now() + LOAN_SECONDS
        in_hand -= units
        pay(caller(), units)
    log(Decided(borrower=caller(), units=units, score=points, approved=approved))
    return approved


@export
@payable
@direct
def repay() -> None:
    """Pays the whole loan back with what comes with the call; in time it counts for the next one."""
    global assets, in_hand
    owed = debts[caller()]
    assert owed > 0, "no loan"
    assert value() == owed, "exactly what is owed comes back"
    lent = owed * 100 // (100 + INTEREST)
    assets += owed - lent
    in_hand += owed
    debts[caller()] = 0
    if now() <= due[caller()]:
        repaid[caller()] += 1
    log(Repaid(borrower=caller(), units=owed))


@view
def score(income: int, debt: int, loans_repaid: int) -> int:
    """What the pool thinks of a borrower; `THRESHOLD` or more is good."""
    history = min(loans_repaid, 10)
    return INCOME_WEIGHT * income + DEBT_WEIGHT * debt + HISTORY_WEIGHT * history + BIAS


@view
def owed_by(borrower: Account) -> int:
    """Base units, interest included."""
    return debts[borrower]


@view
def shares_of(lender: Account) -> int:
    """Shares of the pool."""
    return shares[lender]


def share_of(part: int, whole: int, of: int) -> int:
    """Part × whole ÷ of, rounded down, without leaving 64 bits when the result does not."""
    return part // of * whole + part % of * whole // of
