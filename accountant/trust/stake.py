"""What a lie may be worth to its swearer, as far as the chain shows it."""

from accountant.chain.query import (
    AccountingQuery,
    Answer,
    BalanceAtLeast,
    Every,
    Income,
    TransactionSucceeded,
    decode_answer,
    decode_query,
)
from accountant.index.port import ChainIndex
from accountant.oath.oath import SwornTerms
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.types import AMOUNT_MAX, Hash


def query_of(terms: SwornTerms) -> AccountingQuery | None:
    """The query that an oath is about; None where its bytes are none."""
    try:
        return decode_query(terms.query)
    except InvalidEncoding:
        return None


def stake_of(index: ChainIndex, query: AccountingQuery | None, terms: SwornTerms) -> int:
    """Base units that depend on the answer: the balance or the payment asked about, the income told; 0 if unknown.

    Of several queries under one penalty all together.
    """
    match query:
        case Every(queries=queries):
            said = _said(terms.answer)
            answers: tuple[Answer | None, ...] = said if isinstance(said, tuple) else ()
            answers += (None,) * (len(queries) - len(answers))
            return sum(_stake(index, part, answer) for part, answer in zip(queries, answers, strict=False))
    return _stake(index, query, _said(terms.answer))


def _stake(index: ChainIndex, query: AccountingQuery | None, answer: Answer | None) -> int:
    match query:
        case BalanceAtLeast(amount=amount):
            return max(0, amount)
        case TransactionSucceeded(transaction=transaction):
            seq = index.seq_of(Hash(transaction))
            return 0 if seq is None else index.transaction(seq).transaction.value
        case Income():
            return max(0, answer) if isinstance(answer, int) else 0
    return 0


def gain_of(stake: int, penalty: int) -> int:
    """What a lie is taken to be worth: what depends on it; where that is unknown, as much as it costs.

    Somebody who gains more by a lie about a slot or a view than the penalty is not kept from it by the floor.
    """
    return min(stake or max(0, penalty), AMOUNT_MAX)


def _said(answer: bytes) -> Answer | None:
    try:
        return decode_answer(answer)
    except InvalidEncoding:
        return None
