"""Which money pays for a recorded transaction, and what is minted for it."""

from functools import partial

from msgspec import structs

from accountant.chain.transaction import VERSION, Transaction, TransactionKind
from accountant.primitives.keys import SIGNATURE_BYTES
from accountant.replay.ledger import ALLOCATION_MOST, Ledger, Made, payouts_of, units_of
from accountant.replay.recording import RecordedTransaction
from tests.support.recordings import COINBASE, account, block, call, transfer

FEE = 10
BLANK = Transaction(VERSION, 1, 0, TransactionKind.TRANSFER, bytes(20), 0, 0, 0, 1, 0, b"", (), bytes(SIGNATURE_BYTES))


def _make(extra: int, zero_value: int, general_value: int) -> Made:
    fee = FEE + (extra if general_value else 0)
    return structs.replace(BLANK, zero_value=zero_value, general_value=general_value), fee


def _values(ledger: Ledger, *recorded: RecordedTransaction) -> list[tuple[int, int]]:
    made = [ledger.fund(transaction, partial(_make, 5)) for transaction in recorded]
    return [(transaction.zero_value, transaction.general_value) for transaction in made]


def test_zero_cost_money_pays_while_it_covers_value_and_fee() -> None:
    """Down to the last unit; and zero-cost income inside the block counts from the next transaction on."""
    first, second = transfer("a", "b", 90), transfer("b", "a", 80)
    ledger = Ledger(block(first, second, balances={"a": 100, "b": 0}))
    assert _values(ledger, first, second) == [(90, 0), (80, 0)]
    assert not ledger.top_ups


def test_general_money_pays_where_zero_cost_money_does_not() -> None:
    """What a contract paid is general money: it pays the value, and a top-up pays what of the fee Z lacks."""
    paid, spent = call("a", pays={"b": 50}), transfer("b", "d", 50)
    ledger = Ledger(block(paid, spent, balances={"b": 12}))
    assert _values(ledger, paid, spent) == [(0, 0), (0, 50)]
    assert ledger.top_ups == {account("b"): FEE + 5 - 12}


def test_a_transfer_of_general_money_arrives_as_general_money() -> None:
    """Money that was general once stays so: the recipient pays with it as general_value."""
    paid, spent, again = call("a", pays={"b": 50}), transfer("b", "d", 50), transfer("d", "b", 40)
    ledger = Ledger(block(paid, spent, again, balances={"b": 20, "d": 20}))
    assert _values(ledger, paid, spent, again) == [(0, 0), (0, 50), (0, 40)]
    assert not ledger.top_ups


def test_value_of_a_failed_call_comes_back_as_general_money() -> None:
    """The rolled-back value is spendable, but no longer free of cost."""
    failed, spent = call("a", units=80, succeeded=False), transfer("a", "b", 80)
    ledger = Ledger(block(failed, spent, balances={"a": 110}))
    assert _values(ledger, failed, spent) == [(80, 0), (0, 80)]


def test_what_neither_money_covers_is_minted() -> None:
    """The smallest top-up with which zero-cost money covers value and fee."""
    sent = transfer("a", "b", 100)
    ledger = Ledger(block(sent, balances={"a": 30}))
    assert _values(ledger, sent) == [(100, 0)]
    assert ledger.top_ups == {account("a"): 100 + FEE - 30}


def test_nonces_count_the_senders_own_transactions() -> None:
    """From 0, for each sender."""
    ledger = Ledger(block())
    assert [ledger.next_nonce(sender) for sender in "aabab"] == [0, 1, 0, 2, 1]


def test_amounts_round_down_and_are_capped() -> None:
    """10^9 wei are one unit; the rest is dropped; nobody has more than 2^50 units."""
    assert [units_of(text) for text in ("0", "999999999", "1999999999", str(2**200))] == [0, 0, 1, ALLOCATION_MOST]


def test_payouts_leave_out_the_sender_the_coinbase_and_losses() -> None:
    """Only gains of at least one unit of other accounts are paid, in the order of their addresses."""
    gains = {COINBASE: "7000000000", account("a"): "9000000000", account("b"): "-5", account("d"): "999"}
    gains |= {account("f"): "2000000001", account("e"): "3000000000"}
    assert payouts_of(structs.replace(call("a"), balance_deltas=gains), COINBASE) == {account("e"): 3, account("f"): 2}
