"""Accounting queries as questions: the six that can be sworn, and two that cannot (DESIGN section 5).

Lower bounds depend on what was looked at, and exact balances are dear: nobody else should have to find out either.
"""

from typing import Annotated

import msgspec

from accountant.accounting.questions import InvalidQuestion, ViewQuestion, check_budget
from accountant.accounting.view import check_view
from accountant.chain.block import Position
from accountant.chain.footprint import QUERY_BYTES_MAX
from accountant.chain.query import (
    AccountingQuery,
    BalanceAtLeast,
    Every,
    Income,
    Storage,
    TransactionSucceeded,
    View,
    decode_query,
)
from accountant.index.directory import deployed_before
from accountant.index.port import ChainIndex
from accountant.index.position import Place, resolve
from accountant.primitives.addresses import show
from accountant.primitives.encoding import Decoder, Record, encode
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.hashes import sha256
from accountant.primitives.types import ADDRESS_BYTES, HASH_BYTES, ContractId, Hash, Seq

_Account = Annotated[bytes, msgspec.Meta(min_length=20, max_length=32)]


class _Unsworn(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, gc=False, tag_field="kind"):
    """Base of the queries that no contract and no oath knows: encoded as [tag, fields…] like the others."""


class LowerBound(_Unsworn, frozen=True, tag=5):
    """What does the account own at least at the position, by all that is known (Lemma 1)? Answer: int, Z included."""

    account: _Account
    position: Position


class ExactBalance(_Unsworn, frozen=True, tag=6):
    """What does the account own at the position, Z + G? Answer: int."""

    account: _Account
    position: Position


AnyQuery = AccountingQuery | LowerBound | ExactBalance

KINDS: dict[type[AnyQuery], str] = {
    BalanceAtLeast: "balance_at_least",
    TransactionSucceeded: "transaction_succeeded",
    Income: "income",
    Storage: "storage",
    View: "view",
    Every: "every",
    LowerBound: "lower_bound",
    ExactBalance: "exact_balance",
}
"""What each kind of query is called outside."""

_unsworn: Decoder[LowerBound | ExactBalance] = Decoder(LowerBound | ExactBalance, QUERY_BYTES_MAX)  # type: ignore[arg-type]


def decode_any_query(raw: bytes) -> AnyQuery:
    """The query that `raw` encodes, one that can be sworn or not. Raises `InvalidEncoding`."""
    try:
        return _unsworn.decode(raw)
    except InvalidEncoding:
        return decode_query(raw)


def can_be_sworn(query: AnyQuery) -> bool:
    """Whether the chain alone determines the answer, at a price that others may be asked to pay."""
    return not isinstance(query, LowerBound | ExactBalance)


def name_of(query: AnyQuery) -> Hash:
    """What names a query: as `chain.query.query_hash`, for all kinds."""
    return sha256(b"anh/query\x00" + encode(query))


class QueryQuestion(Record, frozen=True):
    """What is the answer of this query?"""

    query: bytes
    """Canonical encoding."""
    gas_budget: int | None = None


def check_query(index: ChainIndex, question: QueryQuestion) -> None:
    """Refuse what the chain's bytes alone show to be wrong. Raises `InvalidQuestion`; executes nothing."""
    checked_query(index, question)


def checked_query(index: ChainIndex, question: QueryQuestion) -> AnyQuery:
    """The query, once it is known to have an answer. Raises `InvalidQuestion`."""
    check_budget(question.gas_budget)
    try:
        query = decode_any_query(question.query)
    except InvalidEncoding as error:
        raise InvalidQuestion("invalid_query", error.detail) from None
    _check_on_chain(index, query, question.gas_budget)
    return query


def _check_on_chain(index: ChainIndex, query: AnyQuery, gas_budget: int | None) -> None:
    match query:
        case BalanceAtLeast() | LowerBound() | ExactBalance():
            _check_account(query.account)
            place_in(index, query.position)
        case TransactionSucceeded():
            seq_in(index, query.transaction)
        case Income():
            _check_account(query.account)
            seq_in(index, query.transaction)
        case Storage():
            contract = ContractId(query.contract)
            if deployed_before(index, contract, place_in(index, query.position).seq) is None:
                raise InvalidQuestion("unknown_contract", f"nothing before the position deploys {show(contract)}")
        case View():
            check_view(index, view_question(query, gas_budget))
        case Every(queries=queries):
            for part in queries:
                _check_on_chain(index, part, gas_budget)


def view_question(query: View, gas_budget: int | None) -> ViewQuestion:
    """The same as a question about a view."""
    return ViewQuestion(query.contract, query.function, query.arguments, query.gas_limit, query.position, gas_budget)


def _check_account(account: bytes) -> None:
    if len(account) not in (ADDRESS_BYTES, HASH_BYTES):
        raise InvalidQuestion("invalid_account", "an account has 20 bytes (user) or 32 (contract)")


def place_in(index: ChainIndex, position: Position) -> Place:
    """Where the position lies. Raises `InvalidQuestion`."""
    place = resolve(index, position)
    if place is None:
        raise InvalidQuestion("unknown_position", "its block is not on the chain, or its index is past the end")
    return place


def seq_in(index: ChainIndex, transaction: bytes) -> Seq:
    """The number of the transaction. Raises `InvalidQuestion`."""
    seq = index.seq_of(Hash(transaction))
    if seq is None:
        raise InvalidQuestion("unknown_transaction", "no such transaction on the chain")
    return seq
