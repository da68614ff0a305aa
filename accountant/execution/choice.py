"""Which outcome to find next, so that an interval says yes or no: greedily, by what the chain alone says of the price.

A function of the walk and the amount: no clock, no order of arrival.
"""

from collections.abc import Iterable
from typing import NamedTuple

from accountant.execution.estimate import Estimates
from accountant.execution.timeline import Walk
from accountant.index.posting import Posting, step_unknown
from accountant.primitives.types import Gas, Seq

LOOKED_AT = 8
"""So many of the cheapest incomes are looked at together, what they rest on."""

LOOKED_AT_MOST = 64
"""In one choice."""

FAILING = 64
"""One call in so many fails, if its sender knows what it signs: what comes back then is little to count on."""

DOUBT = 4
"""Where both a yes and a no are open, a no is so much dearer: most incomes arrive."""

SMALL = 512
"""Up to so many postings the interval is walked again after every single execution, and own expenses wait."""


SPARING = 6
"""On long walks, what is not surely needed is found in batches that double from this round on."""


def reach(walk: Walk, own: bool) -> tuple[int, int]:
    """The highest L and the lowest U that finding the walk's open outcomes may lead to; with or without `own` ones.

    Incomes that arrive whole, while nothing is paid out, and the other way round.
    """
    lower, upper = walk.start
    for step in walk.steps:
        posting = step.posting
        if not step.open:
            lower, upper = lower + step.net, upper + step.net
        elif not posting.own:
            lower += posting.settled + posting.credit_most
            upper = max(0, upper + posting.settled - posting.debit_most)
        elif own:
            back = posting.returned or 0
            lower = posting.settled + max(lower - posting.expense + posting.credit_most, lower + back)
            upper = posting.settled + min(upper, posting.expense - 1) + back
        else:
            lower, upper = lower + step.net, step_unknown(posting, 0, upper)[1]
        lower, upper = max(lower, step.lower), min(upper, step.upper)
    return lower, upper


def next_to_execute(walk: Walk, amount: int, rounds: int, candidates: "list[Candidate]") -> list[Seq]:
    """Transactions whose outcomes narrow the interval most cheaply; never empty while the interval is open.

    Own expenses come last and in chain order: they look free and drag in everything (DESIGN section 4).
    `candidates`: the open incomes, cheapest first. On long walks several are found at once: as many as are surely
    needed, but at most twice as many every round, and at least a part of that, so that the walks stay O(n log n)
    together.
    """
    assert walk.unknown
    highest, lowest = reach(walk, own=False)
    own = [posting.seq for posting in walk.unknown if posting.own]
    incomes = [candidate.seq for candidate in candidates]
    chosen = incomes if highest >= amount or lowest < amount else own
    chosen = chosen or incomes
    if len(walk.unknown) <= SMALL:
        return chosen[:1]
    most = 1 << min(rounds, 20)
    needed = surely_needed(walk, amount, chosen[:most])
    return needed if len(needed) >= most >> SPARING else chosen[: most >> SPARING]


def surely_needed(walk: Walk, amount: int, order: Iterable[Seq]) -> list[Seq]:
    """The shortest prefix of `order` whose outcomes could decide whether the interval covers `amount`.

    No shorter one can, whatever its members did: an income or payout moves the lower end up, and the upper end down,
    by no more than the units that were open in its posting; where the lower end passes an own expense that nobody
    looked at, the upper end falls by less than that expense besides; where the upper end falls below one, what the
    funded run would have brought is gone, and what comes back lifts the lower end. An own expense can decide by itself:
    that it failed says that less than its value was there.
    """
    postings = {posting.seq: posting for posting in walk.unknown}
    own = sum(posting.expense + _lost(posting) for posting in walk.unknown)
    back = sum(posting.returned or posting.credit_most for posting in walk.unknown if posting.own)
    prefix: list[Seq] = []
    moved = 0
    for seq in order:
        prefix.append(seq)
        posting = postings.get(seq)
        if posting is None:
            continue
        moved += posting.credit_most + posting.debit_most
        if posting.expense or walk.lower + moved + back >= amount or walk.upper - moved - own < amount:
            break
    return prefix


def _lost(posting: Posting) -> int:
    """What an own expense may bring if it was funded, beyond what comes back of it if it was not."""
    return max(0, posting.credit_most - posting.returned) if posting.own and posting.returned is not None else 0


class Candidate(NamedTuple):
    """An open income or payout. Candidates sort by what they are worth trying first: cheap, then late."""

    price: int
    gas: Gas
    seq: Seq


def ranked(walk: Walk, amount: int) -> list[Candidate]:
    """The open incomes and payouts, cheapest first.

    The price is gas over the share of what is missing. A later L that restarts at zero swallows a part of what comes
    before it, so an income must bring that as well. To show a no, U must come down instead: the nearer of both counts.
    """
    highest, lowest = reach(walk, own=False)
    either = highest < amount <= lowest
    swallowed, lower, found = 0, walk.start[0], []
    for step in walk.steps:
        if step.open and not step.posting.own:
            found.append((step.posting, swallowed))
        swallowed += step.lower - lower - step.net
        lower = step.lower
    candidates = []
    for posting, before in found:
        needs = []
        if either or highest >= amount:
            needs.append(amount - walk.lower + swallowed - before)
        if either or lowest < amount:
            needs.append((walk.upper - amount + 1) * (DOUBT if highest >= amount else 1))
        need = min(needs)
        candidates.append(Candidate(_price(posting, need), posting.gas, posting.seq))
    return _sorted(candidates)


def cheapest(walk: Walk, amount: int, estimates: Estimates) -> list[Candidate]:
    """The open incomes and payouts, cheapest first, by what they rest on.

    The posting's own price is the least that it takes, so no more are looked at than could still be the cheapest.
    """
    order, looked = ranked(walk, amount), list[Candidate]()
    while order and len(looked) < LOOKED_AT_MOST and not (looked and looked[0].price <= order[0].price):
        some, order = order[:LOOKED_AT], order[LOOKED_AT:]
        estimates.look(candidate.seq for candidate in some)
        looked = _sorted([*looked, *(_repriced(one, estimates.gas(one.seq, one.gas)) for one in some)])
    return _sorted([*looked, *order])


def _sorted(candidates: list[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda candidate: (candidate.price, -candidate.seq))


def _repriced(candidate: Candidate, gas: Gas) -> Candidate:
    return Candidate(candidate.price * (gas + 1) // (candidate.gas + 1), gas, candidate.seq)


def _price(posting: Posting, need: int) -> int:
    """Gas for the whole need, in millionths, if the rest of it were to be had at this income's price."""
    useful = max(1, min(posting.credit_most + posting.debit_most, need))
    price = (posting.gas + 1) * need * 1_000_000 // useful
    return price * FAILING if posting.only_returned else price
