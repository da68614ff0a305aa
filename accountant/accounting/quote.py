"""Quotes: what answering would execute, before anything is executed (DESIGN section 4, Definition 3)."""

from typing import NamedTuple

from accountant.accounting.query import (
    AnyQuery,
    ExactBalance,
    LowerBound,
    QueryQuestion,
    checked_query,
    place_in,
    seq_in,
)
from accountant.accounting.questions import PaymentQuestion, check_budget, check_theta
from accountant.accounting.quote_facts import Facts, need_of
from accountant.accounting.quote_walk import Exactly, LeastWalk, LikelyWalk, MostWalk, Wanted
from accountant.chain.query import AccountingQuery, Every, Income, TransactionSucceeded, View
from accountant.execution.needs import AnswerOf, OutcomeOf
from accountant.execution.port import OutcomeStore
from accountant.index.port import ChainIndex
from accountant.primitives.addresses import account_of
from accountant.primitives.types import AMOUNT_MAX, Gas, Seq

LOOK_UPS_MOST = 2_000
"""Look-ups of one walk: bounded work, whatever is asked."""


class Used(NamedTuple):
    """How much gas observed transactions used, of the limits that they named: what an estimate goes by."""

    gas_used: int
    gas_limits: int


UNKNOWN_USE = Used(0, 0)


class Quote(NamedTuple):
    """What deciding a question executes, if nobody else executes meanwhile and no budget ends it.

    gas_least ≤ gas executed ≤ gas_most. `gas_most` holds whatever the walk was worth: where it was cut off, it is
    the gas limits of everything before, which is `gas_everything`; `gas_least` then counts what was seen.
    """

    gas_least: Gas
    gas_most: Gas
    gas_expected: Gas
    gas_cached: Gas
    """Gas of the outcomes that would be consulted and are known already: not executed again."""
    gas_everything: Gas
    transactions_most: int
    """Transactions that may be executed. Those below a view's place are not counted."""
    cut_off: bool
    """Whether a walk met its limit of work: then the bounds are as wide as they are for want of looking."""


def quote_query(
    index: ChainIndex,
    outcomes: OutcomeStore,
    question: QueryQuestion,
    used: Used = UNKNOWN_USE,
    look_ups: int = LOOK_UPS_MOST,
) -> Quote:
    """The quote of an accounting query. Raises `InvalidQuestion`; executes nothing, changes nothing."""
    query = checked_query(index, question)
    if isinstance(query, LowerBound):
        return _quote_bound(index, outcomes, query, question.gas_budget, used, look_ups)
    return _quote(index, outcomes, _roots(index, query), _end(index, query), _own_gas(query), used, look_ups)


def quote_payment(
    index: ChainIndex,
    outcomes: OutcomeStore,
    question: PaymentQuestion,
    used: Used = UNKNOWN_USE,
    look_ups: int = LOOK_UPS_MOST,
) -> Quote:
    """The quote of Pay (Algorithm 4). Raises `InvalidQuestion`; executes nothing, changes nothing.

    With Θ its members may all be executed, besides the payment, which is not executed where they do not suffice.
    """
    seq = seq_in(index, question.transaction)
    located = index.transaction(seq)
    check_budget(question.gas_budget)
    theta = check_theta(index, located.sender, question.theta, seq)
    roots: list[Wanted] = [OutcomeOf(seq)]
    quote = _quote(index, outcomes, roots, Seq(seq + 1), 0, used, look_ups)
    if theta is None:
        return quote
    roots += [OutcomeOf(member) for member in theta]
    both = _quote(index, outcomes, roots, Seq(seq + 1), 0, used, look_ups)
    return both._replace(gas_least=Gas(0), cut_off=both.cut_off or quote.cut_off)


def quote_outcome(
    index: ChainIndex, outcomes: OutcomeStore, seq: Seq, from_nothing: bool, look_ups: int = LOOK_UPS_MOST
) -> Quote:
    """The quote of finding one outcome; `from_nothing`: for somebody who knows nothing yet."""
    return _quote(index, outcomes, [OutcomeOf(seq)], Seq(seq + 1), 0, UNKNOWN_USE, look_ups, from_nothing)


def _quote(
    index: ChainIndex,
    outcomes: OutcomeStore,
    roots: list[Wanted],
    end: Seq,
    own_gas: int,
    used: Used,
    look_ups: int,
    from_nothing: bool = False,
) -> Quote:
    """`end`: nothing from here on matters. `own_gas`: the most that a view takes itself."""
    everything = index.gas_limits(end) + own_gas
    most = MostWalk(Facts(index, outcomes, look_ups, from_nothing))
    least = LeastWalk(Facts(index, outcomes, look_ups, from_nothing))
    likely = LikelyWalk(Facts(index, outcomes, look_ups, from_nothing), *used)
    for walk in (most, least, likely):
        walk.run(list(roots))
    gas_most = everything if most.cut_off else min(most.total() + own_gas, everything)
    gas_least = least.total()
    assert gas_least <= gas_most
    expected = sum(likely.gas.values()) + likely.scaled(own_gas)
    return Quote(
        gas_least=_gas(gas_least),
        gas_most=_gas(gas_most),
        gas_expected=_gas(min(max(expected, gas_least), gas_most)),
        gas_cached=_gas(sum(likely.cached.values())),
        gas_everything=_gas(everything),
        transactions_most=len(most.gas),
        cut_off=most.cut_off or least.cut_off or likely.cut_off,
    )


def _quote_bound(
    index: ChainIndex, outcomes: OutcomeStore, query: LowerBound, budget: int | None, used: Used, look_ups: int
) -> Quote:
    """Without a budget a bound is what is known; with one it ends where the balance is exact or the budget spent."""
    end = place_in(index, query.position).seq
    if budget is None:
        return Quote(Gas(0), Gas(0), Gas(0), Gas(0), _gas(index.gas_limits(end)), 0, False)
    roots = _roots(index, ExactBalance(query.account, query.position))
    quote = _quote(index, outcomes, roots, end, 0, used, look_ups)
    return quote._replace(
        gas_least=Gas(0), gas_most=_gas(min(quote.gas_most, budget)), gas_expected=_gas(min(quote.gas_expected, budget))
    )


def _roots(index: ChainIndex, query: AnyQuery) -> list[Wanted]:
    if isinstance(query, ExactBalance | LowerBound):
        return [Exactly(account_of(query.account), place_in(index, query.position).seq)]
    if isinstance(query, View | Every):
        return [AnswerOf(query, paid=False)]
    need, _ = need_of(index, query)
    assert need is not None
    return [need]


def _end(index: ChainIndex, query: AnyQuery) -> Seq:
    if isinstance(query, Every):
        return max(_end(index, part) for part in query.queries)
    if isinstance(query, TransactionSucceeded | Income):
        return Seq(seq_in(index, query.transaction) + 1)
    return place_in(index, query.position).seq


def _own_gas(query: AccountingQuery | ExactBalance) -> int:
    return query.gas_limit if isinstance(query, View) else 0


def _gas(value: int) -> Gas:
    return Gas(min(value, AMOUNT_MAX))
