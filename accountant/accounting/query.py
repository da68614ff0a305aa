"""Queries live in `accountant.chain.query`, since footprints declare them; this name is kept for accounting's readers."""

from accountant.chain.query import (
    AccountingQuery,
    Answer,
    BalanceAtLeast,
    Income,
    Storage,
    TransactionSucceeded,
    decode_answer,
    decode_query,
    query_hash,
)

__all__ = [
    "AccountingQuery",
    "Answer",
    "BalanceAtLeast",
    "Income",
    "Storage",
    "TransactionSucceeded",
    "decode_answer",
    "decode_query",
    "query_hash",
]
