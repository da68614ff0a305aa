"""What is sworn: whether a query can be answered where it is asked, and whether an answer is one to it."""

from enum import StrEnum
from typing import NamedTuple

from accountant.chain.query import (
    AccountingQuery,
    Answer,
    BalanceAtLeast,
    Every,
    Income,
    Storage,
    TransactionSucceeded,
    View,
    ViewAnswer,
    decode_answer,
    decode_query,
)
from accountant.execution.queries import target_of
from accountant.index.port import ChainIndex
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.types import Height

SWORN_ANSWER_BYTES_MAX = 4096
"""Longer answers do not count: the published gas is measured for answers up to this length."""

_ANSWERS: dict[type[AccountingQuery], type] = {
    BalanceAtLeast: bool,
    TransactionSucceeded: bool,
    Income: int,
    Storage: bytes,
    View: ViewAnswer,
    Every: tuple,
}


class QueryFlawKind(StrEnum):
    """Why a query has no answer where it is asked."""

    MALFORMED = "malformed"
    UNKNOWN = "unknown"
    """It names a block, an index or a transaction that is not on the chain."""
    NOT_EARLIER = "not_earlier"
    """It lies in the asking transaction's own block or later."""


class QueryFlaw(NamedTuple):
    """Why executing `swear` would answer no query. Unknown and not earlier: void, the slash rolls back."""

    kind: QueryFlawKind
    detail: str


def query_flaw(index: ChainIndex, query: bytes, height: Height) -> QueryFlaw | None:
    """Why a query asked by a transaction of block `height` has no answer; None if it has one.

    It may only name what lies in strictly earlier blocks, so an oath is never about itself or the
    future; a block that is not on the chain makes it void, not false, so nobody is slashed for a fork.
    """
    try:
        decoded = decode_query(query)
    except InvalidEncoding as error:
        return QueryFlaw(QueryFlawKind.MALFORMED, error.detail)
    target = target_of(index, decoded)
    if target is None:
        return QueryFlaw(QueryFlawKind.UNKNOWN, "the query names a block, an index or a transaction not on the chain")
    if target.height >= height:
        return QueryFlaw(
            QueryFlawKind.NOT_EARLIER,
            f"the query is about block {target.height}, an oath in block {height} only about earlier",
        )
    return None


def answer_flaw(query: bytes, answer: bytes) -> str | None:
    """Why bytes are no answer to a well-formed query; None if they are one, true or false."""
    if len(answer) > SWORN_ANSWER_BYTES_MAX:
        return f"the answer has {len(answer)} bytes, at most {SWORN_ANSWER_BYTES_MAX} can be sworn"
    try:
        decoded = decode_answer(answer)
    except InvalidEncoding as error:
        return error.detail
    asked = decode_query(query)
    why_not = _type_flaw(asked, decoded)
    if why_not is not None or not isinstance(asked, Every):
        return why_not
    assert isinstance(decoded, tuple)
    if len(decoded) != len(asked.queries):
        return f"the answer has {len(decoded)} parts, the query asks {len(asked.queries)}"
    flaws = (_type_flaw(part, said) for part, said in zip(asked.queries, decoded, strict=True))
    return next((flaw for flaw in flaws if flaw is not None), None)


def _type_flaw(query: AccountingQuery, answer: Answer) -> str | None:
    expected = _ANSWERS[type(query)]
    if type(answer) is expected:
        return None
    return f"the answer is a {type(answer).__name__}, the query asks for a {expected.__name__}"
