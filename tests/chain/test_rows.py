"""The rows of a transaction: static facts, at most one for each key and kind."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accountant.chain.envelope import Envelope
from accountant.chain.footprint import (
    Blob,
    Bound,
    Call,
    Credit,
    Debit,
    Entry,
    Memory,
    Query,
    Read,
    Write,
    account_key,
    code_key,
    query_key,
    slot_key,
)
from accountant.chain.genesis import GasSchedule
from accountant.chain.rows import Row, RowKind, rows_of
from accountant.chain.transaction import TransactionKind, decode_transaction, deployed_contract
from accountant.primitives.cid import cid_of
from tests.support.chains import ALICE, BOB, call, contract_id, deploy, transfer, unsigned

GAS = GasSchedule()
ONE, TWO = contract_id("one"), contract_id("two")
ME, YOU = account_key(ALICE.address), account_key(BOB.address)


def rows(raw: bytes) -> set[tuple[bytes, RowKind, int]]:
    made = rows_of(decode_transaction(raw), ALICE.address, GAS)
    assert len({(row.key, row.kind) for row in made}) == len(made)
    return {(row.key, RowKind(row.kind), row.cap) for row in made}


def test_zero_cost_transfers() -> None:
    """To a user: settled zero-cost money. To a contract: settled general money. Gas left over returns as income."""
    assert rows(transfer(ALICE, 0, BOB.address, zero=5)) == {(ME, RowKind.EXPENSE, 0), (YOU, RowKind.ZERO, 5)}
    assert rows(transfer(ALICE, 0, ONE, zero=5, gas_limit=3, gas_price=2)) == {
        (ME, RowKind.EXPENSE, 0),
        (ME, RowKind.CREDIT, 6),
        (account_key(ONE), RowKind.SETTLED, 5),
    }


def test_general_transfers() -> None:
    """The recipient may get the value; the sender may get it back, and whatever gas the check does not use."""
    raw = transfer(ALICE, 0, BOB.address, zero=5, general=7, gas_limit=2_010, gas_price=3)
    assert rows(raw) == {(ME, RowKind.EXPENSE, 7), (YOU, RowKind.CREDIT, 12), (ME, RowKind.CREDIT, 12 + 30)}


def test_a_transfer_to_oneself_arrives_once() -> None:
    """Paid or failed, the value comes to the sender, so it counts once."""
    assert rows(transfer(ALICE, 0, ALICE.address, zero=5, general=7)) == {
        (ME, RowKind.EXPENSE, 7),
        (ME, RowKind.CREDIT, 12),
    }
    assert rows(transfer(ALICE, 0, ALICE.address, zero=5)) == {(ME, RowKind.EXPENSE, 0), (ME, RowKind.ZERO, 5)}


def test_calls() -> None:
    """Every credited account may get the sum of all caps, the callee the value on top; the sender value or payouts."""
    entries: list[Entry] = [
        Read(ONE, b"r"), Write(ONE, b"r"), Credit(BOB.address), Credit(ALICE.address), Credit(ONE),
        Debit(ONE, 100), Debit(TWO, 11), Call(ONE), Call(TWO), Bound(BOB.address), Query(b"q"),
    ]  # fmt: skip
    raw = call(ALICE, 0, ONE, "f", (), entries, zero_value=3, general_value=4, gas_limit=9_000)
    assert rows(raw) == {
        (ME, RowKind.EXPENSE, 4),
        (slot_key(ONE, b"r"), RowKind.READ, 0),
        (slot_key(ONE, b"r"), RowKind.WRITE, 0),
        (account_key(ONE), RowKind.DEBIT, 100),
        (account_key(TWO), RowKind.DEBIT, 11),
        (code_key(ONE), RowKind.CALL, 0),
        (code_key(TWO), RowKind.CALL, 0),
        (YOU, RowKind.BOUND, 0),
        (query_key(b"q"), RowKind.QUERY, 0),
        (YOU, RowKind.CREDIT, 111),
        (account_key(ONE), RowKind.CREDIT, 111 + 7),
        (ME, RowKind.CREDIT, 111 + 7_000),
    }


def test_a_call_that_pays_nobody_still_returns_its_value() -> None:
    """Without payouts the sender's income is its own value and unused gas; the callee's the value."""
    raw = call(ALICE, 0, ONE, "f", (), (), zero_value=9, gas_limit=5_000)
    assert rows(raw) == {
        (ME, RowKind.EXPENSE, 0),
        (code_key(ONE), RowKind.CALL, 0),
        (account_key(ONE), RowKind.CREDIT, 9),
        (ME, RowKind.CREDIT, 5_009),
    }


def test_deployments() -> None:
    """A deployment stands under the code it deploys, which its value is for."""
    raw = deploy(ALICE, 3, b"wasm", Envelope(()), zero_value=2, gas_limit=30_000)
    contract = deployed_contract(ALICE.address, decode_transaction(raw))
    assert rows(raw) == {
        (ME, RowKind.EXPENSE, 0),
        (code_key(contract), RowKind.DEPLOY, 0),
        (account_key(contract), RowKind.CREDIT, 2),
        (ME, RowKind.CREDIT, 30_002),
    }


contracts = st.sampled_from([ONE, TWO])
accounts = st.sampled_from([ONE, TWO, ALICE.address, BOB.address])
slots = st.binary(max_size=2)
entries = st.one_of(
    st.builds(Read, contracts, slots),
    st.builds(Write, contracts, slots),
    st.builds(Credit, accounts),
    st.builds(Debit, contracts, st.integers(0, 2**40)),
    st.builds(Call, contracts),
    st.builds(Bound, accounts),
    st.builds(Query, slots),
    st.builds(lambda data: Blob(cid_of(data), 1 + len(data)), slots),
    st.builds(Memory, st.integers(1, 9)),
)


@given(st.lists(entries, max_size=12), st.integers(0, 2**40), st.integers(0, 2**40), st.integers(9_000, 2**40))
def test_at_most_one_row_for_each_key_and_kind(declared: Iterable[Entry], zero: int, general: int, gas: int) -> None:
    """Whatever is declared, keys with their kinds are unique, and every entry of a touch has its row."""
    raw = call(ALICE, 0, ONE, "f", (), declared, zero_value=zero, general_value=general, gas_limit=gas)
    made = rows(raw)
    for entry in decode_transaction(raw).footprint:
        if not isinstance(entry, Credit | Memory):
            assert any(key == entry.key for key, _, _ in made)


@pytest.mark.parametrize("kind", [TransactionKind.TRANSFER, TransactionKind.CALL])
def test_caps_of_admitted_transactions_fit_an_amount(kind: TransactionKind) -> None:
    """At the edge of what admission lets through (value + caps + gas cost = 2^63 − 1) every cap is an amount."""
    price, limit = 2**10, 2**40
    value = 2**62 - 1
    footprint = (Credit(ALICE.address), Credit(ONE), Debit(ONE, 2**62 - price * limit))
    transaction = unsigned(
        kind,
        0,
        ONE if kind is TransactionKind.CALL else ALICE.address,
        general_value=value,
        gas_limit=limit,
        gas_price=price,
        footprint=footprint if kind is TransactionKind.CALL else (),
    )
    made: list[Row] = rows_of(transaction, ALICE.address, GAS)
    assert all(0 <= row.cap < 2**63 for row in made)
