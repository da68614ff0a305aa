"""A lending pool: whoever deposits owns a share of it; a scorer decides who may borrow.

The scorer is linear. A network takes its place without another change: `score` is the only function that knows.
What it scores are facts that the deployer attests; a borrower who tells his own income would tell a good one.
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
    payable,
    value,
    view,
    zero_cost,
)

INTEREST = 5
"""Hundredths of a loan, whatever its length, rounded up."""
LOAN_SECONDS = 90 * 24 * 60 * 60
GRACE_SECONDS = 30 * 24 * 60 * 60
"""So long after it was due a loan may be written off."""
LOAN_LEAST = 1_000_000_000
"""Base units. Smaller loans would make a history for nothing."""
LOAN_MOST = 4
"""A loan is at most the yearly income divided by this."""
TOKEN = 1_000_000_000
"""Base units."""
FACT_MOST = 10**9
"""Tokens."""
LOCKED = 1000
"""Shares of the first lender that stay for ever, so that the pool never empties and no share becomes dear."""

THRESHOLD = 600
INCOME_WEIGHT = 4
DEBT_WEIGHT = -6
HISTORY_WEIGHT = 50
BIAS = 100

shares: Map[Account, int]
all_shares: int
assets: int
"""Base units that the pool owns: in hand, and lent (without interest) and not written off."""
in_hand: int
incomes: Map[Account, int]
"""Tokens a year, attested."""
obligations: Map[Account, int]
"""Debt elsewhere in tokens, attested."""
lent: Map[Account, int]
debts: Map[Account, int]
"""What was lent, and the interest."""
due: Map[Account, int]
lost: Map[Account, bool]
"""Written off."""
repaid: Map[Account, int]
"""Loans that an account has paid back in time."""


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


class Attested(Event):
    """The deployer vouches for facts, in tokens."""

    borrower: Account
    income: int
    debt: int


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


class WrittenOff(Event):
    """A loan no longer counts among what the pool owns."""

    borrower: Account
    units: int


@export
@zero_cost
@direct
def deposit(least: int) -> int:
    """Buys shares of the pool at what they are worth; how many: at least `least`, else it fails."""
    global all_shares, assets, in_hand
    units = value()
    if all_shares == 0:
        assert units > LOCKED, "too little to begin with"
        bought = units - LOCKED
        all_shares = LOCKED
    else:
        assert assets > 0, "all is lost"
        bought = portion(units, all_shares, assets)
    assert bought > 0 and bought >= least, "too few shares"
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
    assert 0 < units <= portion(sold, assets, all_shares), "the shares are worth less"
    assert units <= in_hand, "the money is lent"
    shares[caller()] = owned - sold
    all_shares -= sold
    assets -= units
    in_hand -= units
    pay(caller(), units)
    log(Withdrawn(lender=caller(), units=units, shares=sold))


@export
@direct
@only(deployer)
def attest(borrower: Account, income: int, debt: int) -> None:
    """What an account earns in a year and owes elsewhere, in tokens; replaces what was attested before."""
    assert 0 <= income <= FACT_MOST and 0 <= debt <= FACT_MOST, "a fact is 0 to 1,000,000,000 tokens"
    incomes[borrower] = income
    obligations[borrower] = debt
    log(Attested(borrower=borrower, income=income, debt=debt))


@export
@direct
def borrow(units: int) -> bool:
    """Asks for a loan. Whether it is granted and paid."""
    global in_hand
    income = incomes[caller()]
    points = score(income, obligations[caller()], repaid[caller()])
    assert units >= LOAN_LEAST, "a loan is a token or more"
    assert debts[caller()] == 0, "one loan at a time"
    approved = points >= THRESHOLD and units <= income * TOKEN // LOAN_MOST and units <= in_hand
    if approved:
        lent[caller()] = units
        debts[caller()] = units + interest_on(units)
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
    # A loan that was written off comes back as a whole, any other was counted but for its interest.
    assets += owed if lost[caller()] else owed - lent[caller()]
    in_hand += owed
    if now() <= due[caller()]:
        repaid[caller()] += 1
    lent[caller()] = 0
    debts[caller()] = 0
    lost[caller()] = False
    log(Repaid(borrower=caller(), units=owed))


@export
@direct
def write_off(borrower: Account) -> None:
    """Anyone lets the pool bear a loan that is long overdue: its shares are worth less from then on."""
    global assets
    assert debts[borrower] > 0 and not lost[borrower], "no loan"
    assert now() > due[borrower] + GRACE_SECONDS, "not overdue for so long"
    lost[borrower] = True
    assets -= lent[borrower]
    log(WrittenOff(borrower=borrower, units=lent[borrower]))


@view
def score(income: int, debt: int, loans_repaid: int) -> int:
    """What the pool thinks of a borrower; `THRESHOLD` or more is good."""
    history = min(loans_repaid, 10)
    return INCOME_WEIGHT * income + DEBT_WEIGHT * debt + HISTORY_WEIGHT * history + BIAS


@view
def score_of(borrower: Account) -> int:
    """What the pool thinks of an account."""
    return score(incomes[borrower], obligations[borrower], repaid[borrower])


@view
def owed_by(borrower: Account) -> int:
    """Base units, interest included."""
    return debts[borrower]


@view
def due_of(borrower: Account) -> int:
    """When the latest loan is or was due, Unix seconds; 0 for one who never borrowed."""
    return due[borrower]


@view
def shares_of(lender: Account) -> int:
    """Shares of the pool."""
    return shares[lender]


@view
def worth_of(sold: int) -> int:
    """Base units that so many shares are worth now."""
    return portion(sold, assets, all_shares)


@view
def total() -> int:
    """All shares, those included that stay for ever."""
    return all_shares


@view
def worth() -> int:
    """Base units that the pool owns: in hand and lent."""
    return assets


@view
def available() -> int:
    """Base units that can be borrowed or withdrawn."""
    return in_hand


def interest_on(units: int) -> int:
    """Rounded up, without leaving 64 bits when the result does not."""
    return units // 100 * INTEREST + (units % 100 * INTEREST + 99) // 100


def portion(part: int, whole: int, of: int) -> int:
    """Part × whole ÷ of, rounded down. The product may have 128 bits; 0 ≤ part, whole, and the result fits 64.

    Long division, bit by bit: `rest` stays below `of`, which stays below 2^63.
    """
    assert part >= 0 and whole >= 0 and of > 0, "a portion of nothing"
    result = part // of * whole
    rest = 0
    share = part % of
    low = 0
    bit = 63
    while bit > 0:
        bit -= 1
        # double what was found so far
        low = low * 2
        if rest >= of - rest:
            rest = rest - (of - rest)
            low += 1
        else:
            rest = rest + rest
        if whole >> bit & 1 == 1:
            if rest >= of - share:
                rest = rest - (of - share)
                low += 1
            else:
                rest = rest + share
    return result + low
