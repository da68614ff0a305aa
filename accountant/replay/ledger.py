"""The money of one recorded block: which money pays for each transaction, and what must be minted for it.

Z is tracked exactly as a validator does, G from below (unused gas, which only execution tells, is left out).
"""

from collections import Counter
from collections.abc import Callable, Mapping

from accountant.chain.transaction import Transaction
from accountant.replay.recording import RecordedBlock, RecordedTransaction, wei

WEI_PER_UNIT = 10**9
ALLOCATION_MOST = 2**50
"""Base units: no recorded balance, value or payout counts for more."""

Made = tuple[Transaction, int]
"""An unsigned transaction and its fee."""


def units_of(text: str) -> int:
    """Base units for an amount of wei: rounded down, and capped."""
    return min(wei(text) // WEI_PER_UNIT, ALLOCATION_MOST)


def payouts_of(transaction: RecordedTransaction, coinbase: str) -> dict[str, int]:
    """What a call paid to others, in base units, sorted by account.

    The sender is left out, for its own fee hides what it received; so is the coinbase, for most of what
    it gains is the fee, and since EIP-1559 the recording cannot tell the rest.
    """
    gains = {
        account: units_of(delta)
        for account, delta in sorted(transaction.balance_deltas.items())
        if account not in (transaction.sender, coinbase) and wei(delta) > 0
    }
    return {account: units for account, units in gains.items() if units}


class Ledger:
    """Balances inside one recorded block, by recorded address."""

    def __init__(self, block: RecordedBlock) -> None:
        self._coinbase = block.coinbase
        self._zero = Counter({account: units_of(balance) for account, balance in block.pre_balances.items()})
        self._general: Counter[str] = Counter()
        self._nonces: Counter[str] = Counter()
        self.allocations: Mapping[str, int] = dict(self._zero)
        """Base units of each account before the block, without top-ups."""
        self.top_ups: Counter[str] = Counter()
        """Base units minted so that a sender can pay here what it paid on Ethereum."""

    def next_nonce(self, sender: str) -> int:
        """The nonce of the sender's next transaction."""
        self._nonces[sender] += 1
        return self._nonces[sender] - 1

    def fund(self, recorded: RecordedTransaction, make: Callable[[int, int], Made]) -> Transaction:
        """The transaction with its value in the money that can pay it; what it moves is booked.

        `make(zero_value, general_value)` builds it and tells its fee. Zero-cost money pays the value if it
        covers value and fee, else general money does. A fee that Z does not cover is topped up, and so is
        a value that neither covers. Top-ups are booked where they are needed: in genesis they are there
        earlier, so the validator's Z is never below this one.
        """
        sender, value = recorded.sender, units_of(recorded.value)
        transaction, fee = make(value, 0)
        if self._zero[sender] < value + fee and 0 < value <= self._general[sender]:
            transaction, fee = make(0, value)
        shortfall = fee + transaction.zero_value - self._zero[sender]
        if shortfall > 0:
            self.top_ups[sender] += shortfall
            self._zero[sender] += shortfall
        self._zero[sender] -= fee + transaction.zero_value
        self._general[sender] -= transaction.general_value
        self._credit(recorded, transaction)
        return transaction

    def _credit(self, recorded: RecordedTransaction, transaction: Transaction) -> None:
        if not recorded.contract_call:
            received = self._general if transaction.general_value else self._zero
            received[recorded.to] += transaction.value
        elif recorded.succeeded:
            self._general.update(payouts_of(recorded, self._coinbase))
        else:
            self._general[recorded.sender] += transaction.value
