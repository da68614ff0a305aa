"""Quotes: what a question would cost, from what is observed and what workers measured."""

from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa

from accountant.accounting.outstanding import ObservedBefore
from accountant.accounting.query import QueryQuestion
from accountant.accounting.questions import PaymentQuestion
from accountant.accounting.quote import Quote, Used, quote_payment, quote_query
from accountant.execution.port import OutcomeStore
from accountant.index.port import ChainIndex
from accountant.storage.observed_gas import read_speed


class SpeedFrom(StrEnum):
    """Where a worker's speed is known from."""

    MEASURED = "measured"
    SETTING = "setting"


class TimedQuote(NamedTuple):
    """A quote, and how long a worker probably takes once it has begun."""

    quote: Quote
    expected_s: float
    speed_from: SpeedFrom


def quote(
    connection: sa.Connection,
    index: ChainIndex,
    outcomes: OutcomeStore,
    observed_before: ObservedBefore,
    question: QueryQuestion | PaymentQuestion,
    gas_per_second: int,
) -> TimedQuote:
    """The quote of a question. Raises `InvalidQuestion`; executes nothing, stores nothing."""
    seen = observed_before(index.head().next_seq)
    used = Used(seen.gas_used, seen.gas_limits)
    if isinstance(question, PaymentQuestion):
        found = quote_payment(index, outcomes, question, used)
    else:
        found = quote_query(index, outcomes, question, used)
    measured = read_speed(connection)
    besides_s = measured.small_seconds / measured.small_jobs if measured and measured.small_jobs else 0.0
    if measured is None or not measured.gas:
        return TimedQuote(found, besides_s + found.gas_expected / gas_per_second, SpeedFrom.SETTING)
    executing_s = found.gas_expected * measured.seconds / measured.gas
    return TimedQuote(found, besides_s + executing_s, SpeedFrom.MEASURED)
