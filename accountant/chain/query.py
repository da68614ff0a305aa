"""Queries that can be sworn: canonical encoding, hash, price, and canonical answers (DESIGN section 5)."""

from typing import Annotated

import msgspec

from accountant.chain.block import Position
from accountant.chain.envelope_rules import ARGUMENTS_MAX, NAME_BYTES_MAX
from accountant.chain.footprint import QUERY_BYTES_MAX, SLOT_BYTES_MAX
from accountant.primitives.encoding import Decoder, Record, encode
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.hashes import sha256
from accountant.primitives.types import ADDRESS_BYTES, HASH_BYTES, Gas, Hash

VIEW_GAS_MAX = 2**53
"""The largest gas limit of a view."""
PARTS_MOST = 16
"""Queries that one `Every` asks at most."""

_Account = Annotated[bytes, msgspec.Meta(min_length=20, max_length=32)]
_Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Amount = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Slot = Annotated[bytes, msgspec.Meta(max_length=SLOT_BYTES_MAX)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_BYTES_MAX)]
_Word = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_ViewGas = Annotated[int, msgspec.Meta(ge=0, le=VIEW_GAS_MAX)]


class _Query(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, gc=False, tag_field="kind"):
    """Base of the query kinds: encoded as [tag, fields…]."""


class BalanceAtLeast(_Query, frozen=True, tag=0):
    """Is Z + G of the account at least `amount` at the position? Answer: bool."""

    account: _Account
    amount: _Amount
    position: Position


class TransactionSucceeded(_Query, frozen=True, tag=1):
    """Was the transaction not rolled back? Answer: bool."""

    transaction: _Hash


class Income(_Query, frozen=True, tag=2):
    """The account's income from the transaction (Definition 2), in base units. Answer: int."""

    transaction: _Hash
    account: _Account


class Storage(_Query, frozen=True, tag=3):
    """The value of a contract's slot at the position. Answer: bytes, empty where nothing was written."""

    contract: _Hash
    slot: _Slot
    position: Position


class View(_Query, frozen=True, tag=4):
    """What a contract's function returns on the state at the position, with at most `gas_limit`. Answer: `ViewAnswer`.

    The application-defined minimal accounting query (paper, section II-B). Nobody signs such a call: sender and
    caller are address zero, and it carries no value. It may read everything and change nothing. The limit is part
    of the query, so that a view that uses it up has an answer too: that it failed.
    """

    contract: _Hash
    function: _Name
    arguments: Annotated[tuple[_Word | bytes, ...], msgspec.Meta(max_length=ARGUMENTS_MAX)]
    gas_limit: _ViewGas
    position: Position


class ViewAnswer(Record, frozen=True):
    """What a view returned, None where it returned nothing; or the kind of its failure, and no value."""

    failure: _Name | None
    value: _Word | bytes | None


PartQuery = BalanceAtLeast | TransactionSucceeded | Income | Storage
"""A query that may be asked together with others. A view is asked alone: its answer has no bound of its own."""
PartAnswer = bool | int | bytes


class Every(_Query, frozen=True, tag=7):
    """The answers of several queries, each wherever it points. Answer: a tuple of theirs, in their order.

    One oath on it stakes one penalty for all: it is false where any of them is. Kinds 5 and 6 are queries that
    nobody swears (`accounting.query`).
    """

    queries: Annotated[tuple[PartQuery, ...], msgspec.Meta(min_length=2, max_length=PARTS_MOST)]


AccountingQuery = PartQuery | View | Every
Answer = PartAnswer | ViewAnswer | tuple[PartAnswer, ...]

_ANSWER_BYTES_MAX = 16 * 1024 * 1024
_Parts = Annotated[tuple[PartAnswer, ...], msgspec.Meta(min_length=2, max_length=PARTS_MOST)]

_queries: Decoder[AccountingQuery] = Decoder(AccountingQuery, QUERY_BYTES_MAX)  # type: ignore[arg-type]
_answers: Decoder[PartAnswer | ViewAnswer] = Decoder(PartAnswer | ViewAnswer, _ANSWER_BYTES_MAX)  # type: ignore[arg-type]
_part_answers: Decoder[tuple[PartAnswer, ...]] = Decoder(_Parts, PARTS_MOST * _ANSWER_BYTES_MAX)


def decode_query(raw: bytes) -> AccountingQuery:
    """The query that `raw` encodes. Raises `InvalidEncoding`."""
    query = _queries.decode(raw)
    for part in query.queries if isinstance(query, Every) else (query,):
        if isinstance(part, BalanceAtLeast | Income) and len(part.account) not in (ADDRESS_BYTES, HASH_BYTES):
            raise InvalidEncoding("an account has 20 bytes (user) or 32 (contract)")
    return query


def decode_answer(raw: bytes) -> Answer:
    """The answer that `raw` encodes. Raises `InvalidEncoding`.

    Answers of several queries begin with a boolean, an integer or bytes, a view's with nil or text: both are arrays.
    """
    try:
        answer = _answers.decode(raw)
    except InvalidEncoding:
        return _part_answers.decode(raw)
    if isinstance(answer, ViewAnswer) and answer.failure is not None and answer.value is not None:
        raise InvalidEncoding("a view that failed returned nothing")
    return answer


def gas_beside(raw: bytes, flat: int) -> Gas:
    """Gas that asking the encoded query costs besides its flat price: a view's whole limit, whatever it uses, and the
    flat price of each further answer where several are asked. Nothing for other queries, and for bytes that are none.
    """
    try:
        query = decode_query(raw)
    except InvalidEncoding:
        return Gas(0)
    match query:
        case View():
            return Gas(query.gas_limit)
        case Every():
            return Gas((len(query.queries) - 1) * flat)
    return Gas(0)


def query_hash(query: AccountingQuery) -> Hash:
    """What names a query."""
    return sha256(b"anh/query\x00" + encode(query))
