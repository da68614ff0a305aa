"""Queries that can be sworn: canonical encoding, hash, and canonical answers (DESIGN section 5)."""

from typing import Annotated

import msgspec

from accountant.chain.block import Position
from accountant.chain.footprint import QUERY_BYTES_MAX, SLOT_BYTES_MAX
from accountant.primitives.encoding import Decoder, encode
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.hashes import sha256
from accountant.primitives.types import ADDRESS_BYTES, HASH_BYTES, Hash

_Account = Annotated[bytes, msgspec.Meta(min_length=20, max_length=32)]
_Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Amount = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Slot = Annotated[bytes, msgspec.Meta(max_length=SLOT_BYTES_MAX)]


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


AccountingQuery = BalanceAtLeast | TransactionSucceeded | Income | Storage
Answer = bool | int | bytes

_queries: Decoder[AccountingQuery] = Decoder(AccountingQuery, QUERY_BYTES_MAX)  # type: ignore[arg-type]
_answers: Decoder[Answer] = Decoder(Answer, 16 * 1024 * 1024)  # type: ignore[arg-type]


def decode_query(raw: bytes) -> AccountingQuery:
    """The query that `raw` encodes. Raises `InvalidEncoding`."""
    query = _queries.decode(raw)
    if isinstance(query, BalanceAtLeast | Income) and len(query.account) not in (ADDRESS_BYTES, HASH_BYTES):
        raise InvalidEncoding("an account has 20 bytes (user) or 32 (contract)")
    return query


def decode_answer(raw: bytes) -> Answer:
    """The answer that `raw` encodes. Raises `InvalidEncoding`."""
    return _answers.decode(raw)


def query_hash(query: AccountingQuery) -> Hash:
    """What names a query."""
    return sha256(b"anh/query\x00" + encode(query))
