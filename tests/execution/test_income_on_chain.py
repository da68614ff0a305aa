"""Income (Definition 2) of a chain whose numbers were worked out by hand, each case as real execution leaves it."""

from collections.abc import Mapping
from functools import cache

import msgspec
from wasmtime import wat2wasm

from accountant.chain.envelope import ArgumentKind, FunctionEnvelope
from accountant.chain.footprint import Credit, Debit, Entry
from accountant.chain.genesis import Genesis
from accountant.chain.state import ChainState
from accountant.contracts.engine import ENGINE
from accountant.contracts.errors import FailureKind
from accountant.execution.eager import EagerState, execute_everything
from accountant.execution.income import income_of
from accountant.index.memory import MemoryIndex
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import AccountId, Seq
from tests.support.chains import ALICE, BOB, CAROL, call, contract_id, extend, genesis, genesis_contract, open_envelope
from tests.support.chains import transfer as signed
from tests.support.wat import imports

TILL = contract_id("till")
TILL_FUNDS = 5_000
GAS = 100_000

_CODE = f"""
(module
  {imports(["arg_bytes", "arg_int", "transfer"])}
  (func (export "pay")
    (call $transfer (call $arg_bytes (i64.const 0)) (call $arg_int (i64.const 1))))
  (func (export "spoil") unreachable))
"""


@cache
def begun() -> Genesis:
    envelope = open_envelope(
        FunctionEnvelope("pay", (ArgumentKind.BYTES, ArgumentKind.INT), (), complete=False),
        FunctionEnvelope("spoil", (), (), complete=False),
    )
    till = genesis_contract("till", envelope, TILL_FUNDS, code=bytes(wat2wasm(_CODE)))
    return msgspec.structs.replace(genesis(contracts=[till]), engine=ENGINE)


def pay(sender: PrivateKey, nonce: int, to: PrivateKey, units: int, general: int = 0) -> bytes:
    """A call that makes the till pay somebody."""
    entries: list[Entry] = [Credit(to.address), Debit(TILL, units)]
    return call(sender, nonce, TILL, "pay", (to.address, units), entries, general_value=general)


@cache
def executed() -> EagerState:
    state = ChainState.at_genesis(begun())
    transactions = [
        signed(ALICE, 0, BOB.address, zero=5_000_000, gas_limit=50_000),  # 0: settles; 50,000 gas come back
        signed(BOB, 0, CAROL.address, zero=7, general=99),  # 1: Bob has no general money
        signed(ALICE, 1, BOB.address, general=10_000),  # 2: from the gas that came back
        call(ALICE, 2, TILL, "spoil", zero_value=300, general_value=200),  # 3: rolled back, all gas used
        pay(CAROL, 0, BOB, 700),  # 4: Bob is paid by a contract that he did not call
        pay(ALICE, 3, ALICE, 600, general=400),  # 5: an expense and an income at once
        signed(ALICE, 4, ALICE.address, zero=1, general=40),  # 6: to herself
        signed(CAROL, 1, TILL, zero=11),  # 7: a deposit
    ]
    index = MemoryIndex(begun())
    index.append(extend(state, transactions))
    return execute_everything(index)


def incomes(seq: int) -> Mapping[str, int]:
    """Income of everybody from a transaction, of those who have any."""
    done = executed()
    named: dict[str, AccountId] = {"Alice": ALICE.address, "Bob": BOB.address, "Carol": CAROL.address, "till": TILL}
    units = {name: income_of(done.located[seq], done.outcomes[seq], account) for name, account in named.items()}
    return {name: amount for name, amount in units.items() if amount}


def unused(seq: int) -> int:
    gas = executed().outcomes[seq].gas_used
    assert 0 < gas < GAS
    return GAS - gas


def test_a_settled_transfer_and_its_unused_gas() -> None:
    """The recipient has the whole value, from its place in the block on; the sender has its gas again."""
    assert incomes(0) == {"Alice": 50_000, "Bob": 5_000_000}


def test_an_expense_without_funds() -> None:
    """The expense's full value and the zero-cost part are the sender's; the recipient gets nothing."""
    assert executed().outcomes[1].failure is FailureKind.INSUFFICIENT_FUNDS
    assert incomes(1) == {"Bob": 99 + 7}


def test_a_funded_expense() -> None:
    """It is the recipient's, and no income of its sender, who used all the gas."""
    assert incomes(2) == {"Bob": 10_000}


def test_a_call_that_was_rolled_back() -> None:
    """Both parts of the value return to the sender in general money; a trap uses all gas."""
    assert executed().outcomes[3].failure is FailureKind.TRAP
    assert incomes(3) == {"Alice": 300 + 200}


def test_a_payout_of_a_contract_that_somebody_else_called() -> None:
    """Who is paid has an income without having signed anything; the caller has the unused gas alone."""
    assert incomes(4) == {"Bob": 700, "Carol": unused(4)}


def test_an_expense_and_an_income_at_once() -> None:
    """The income is gross: what comes back by the same transaction is not set off against what went out."""
    assert incomes(5) == {"Alice": 600 + unused(5), "till": 400}
    assert incomes(6) == {"Alice": 40 + 1}
    index = executed().index
    assert index.expenses(ALICE.address, Seq(7)) == 10_000 + 200 + 400 + 40


def test_a_deposit() -> None:
    """A zero-cost transfer to a contract is the contract's income, once."""
    assert incomes(7) == {"till": 11}


def test_incomes_less_expenses_are_the_balance() -> None:
    """Of each user all incomes that did not settle, less all expenses, are the general balance at the end."""
    done, end = executed(), Seq(8)
    by_name = [("Alice", ALICE, 0), ("Bob", BOB, 5_000_000), ("Carol", CAROL, 0)]
    for name, user, settled in by_name:
        total = sum(incomes(seq).get(name, 0) for seq in range(end)) - settled
        assert done.general_before(user.address, end) == total - done.index.expenses(user.address, end)
    paid = TILL_FUNDS + 400 + 11 - 700 - 600
    assert done.general_before(TILL, end) == paid
