"""Queries that can be sworn: canonical encoding, hash, and canonical answers (DESIGN section 5)."""

import msgspec

from accountant.chain.block import Position
from accountant.chain.footprint import QUERY_BYTES_MAX
from accountant.primitives.encoding import Decoder, encode
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Hash


class _Query(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, gc=False, tag_field="kind"):
    """Base of the query kinds: encoded as [tag, fields…]."""


class BalanceAtLeast(_Query, tag=0):
    """Is Z + G of the account at least `amount` at the position? Answer: bool."""

    account: bytes
    amount: int
    position: Position


class TransactionSucceeded(_Query, tag=1):
    """Was the transaction not rolled back? Answer: bool."""

    transaction: bytes


class Income(_Query, tag=2):
    """The account's income from the transaction (Definition 2), in base units. Answer: int."""

    transaction: bytes
    account: bytes


class Storage(_Query, tag=3):
    """The value of a contract's slot at the position. Answer: bytes, empty where nothing was written."""

    contract: bytes
    slot: bytes
    position: Position


AccountingQuery = BalanceAtLeast | TransactionSucceeded | Income | Storage
Answer = bool | int | bytes

_queries: Decoder[AccountingQuery] = Decoder(AccountingQuery, QUERY_BYTES_MAX)  # type: ignore[arg-type]
_answers: Decoder[Answer] = Decoder(Answer, 16 * 1024 * 1024)  # type: ignore[arg-type]


def decode_query(raw: bytes) -> AccountingQuery:
    """The query that `raw` encodes. Raises `InvalidEncoding`."""
    return _queries.decode(raw)


def decode_answer(raw: bytes) -> Answer:
    """The answer that `raw` encodes. Raises `InvalidEncoding`."""
    return _answers.decode(raw)


def query_hash(query: AccountingQuery) -> Hash:
    """What names a query."""
    return sha256(b"anh/query\x00" + encode(query))
