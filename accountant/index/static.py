"""Static intervals: what the chain alone says of every general balance, folded once in chain order.

Nothing is executed. `StaticFold` keeps the interval [L, U] of each account and limits what a transaction can
move by what its payers can own right before it, so that caps of 2^62 on a poor contract inflate nobody's U
(DESIGN section 4). The semantics that the rules rest on are those of `execution.transition`.

**Funding.** An expense g of sender s with U(s) < g surely fails: s has zero_value and the unused gas, both
known to the unit, and nobody else gets anything. With L(s) ≥ g it surely leaves; then a transfer is settled on
both sides. A transfer to oneself brings zero_value and the unused gas either way.

**Payouts.** Let a funded run with value v and callee k succeed, and let m(x) be what x paid out less what it
was paid by contracts in it. Payments only move money, so Σ m = 0. Only a contract c with a declared debit pays:
m(c) ≤ cap(c), and G(c) + v·[c = k] − m(c) is its balance afterwards, which is not negative, so

    m(c) ≤ limit(c) = min(cap(c), U(c) + v·[c = k]),    and m(x) ≤ 0 for everyone else.

Hence x gains −m(x) = Σ over y ≠ x of m(y) ≤ Σ over c ≠ x of limit(c), and only if its credit is declared. What
a contract got in the same transaction and paid on is counted at the one who paid it first; v is counted at k.
What k loses, v included, is m(k) − v ≤ limit(k) − v. A run that fails moves nothing but v back to the sender, so
nobody's gain or loss is larger than in one that succeeds, and the sender has at most max(v, its gain) back,
besides the unused gas.

**Supply.** General money comes into being from zero_value and unused gas alone, so no U exceeds genesis' general
balances and these together. Contracts that lend to each other in circles raise no U above it.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from accountant.chain.fees import gas_refundable
from accountant.chain.footprint import Credit, Debit
from accountant.chain.genesis import Genesis
from accountant.chain.transaction import Transaction, TransactionKind, deployed_contract
from accountant.index.blocks import IndexedBlock
from accountant.index.posting import Posting, step_unknown
from accountant.primitives.types import ADDRESS_BYTES, AMOUNT_MAX, AccountId, Address, ContractId, Gas, Seq

EVERYONE = Address(b"")
"""No account's name: under it stands the supply of general money, where intervals are stored."""

_TRANSFER, _CALL, _PUBLISH = TransactionKind.TRANSFER, TransactionKind.CALL, TransactionKind.PUBLISH


class Running(NamedTuple):
    """An account between two transactions: lower ≤ G ≤ upper, and what its latest income may cost to show."""

    lower: int
    upper: int
    gas: Gas = Gas(0)


Moves = list[tuple[AccountId, Posting]]

NOTHING = Running(0, 0)
"""An account that general money never came near."""


def running_at_genesis(genesis: Genesis) -> dict[AccountId, Running]:
    """The accounts that have general money at genesis: contracts."""
    return {
        ContractId(c.contract): Running(c.general_balance, c.general_balance)
        for c in genesis.contracts
        if c.general_balance
    }


def supply_at_genesis(genesis: Genesis) -> int:
    """All general money at genesis, in base units."""
    return sum(contract.general_balance for contract in genesis.contracts)


class Payouts(NamedTuple):
    """What the contracts of a run can pay."""

    limits: dict[AccountId, int]
    """Of each contract with a declared debit: the most that it can pay out beyond what it is paid in the run."""
    credited: set[AccountId]
    """Who may be paid."""
    gas: Gas
    """About what it costs to show it."""


class StaticFold:
    """Folds transactions in chain order. `running` must hold every account that is touched and has a past."""

    def __init__(self, genesis: Genesis, running: dict[AccountId, Running], supply: int) -> None:
        """`supply`: the most general money that there is before the next transaction, in base units."""
        self._schedule = genesis.gas
        self.running = running
        self.supply = supply

    def step(self, seq: Seq, transaction: Transaction, sender: Address) -> list[tuple[AccountId, Posting]]:
        """The next transaction's postings, limited, each with the interval after it. Who surely gains nothing has none.

        Each account at most once.
        """
        general, zero = transaction.general_value, transaction.zero_value
        refund = transaction.gas_limit and gas_refundable(transaction, self._schedule)
        supply = self.supply + refund
        if general or transaction.kind is not _TRANSFER or len(transaction.to) != ADDRESS_BYTES:
            supply += zero
        self.supply = supply if supply < AMOUNT_MAX else AMOUNT_MAX
        moves: Moves = []
        if transaction.kind is _TRANSFER:
            self._transfer(moves, seq, transaction, sender, refund)
        elif transaction.kind is not _PUBLISH:
            self._run(moves, seq, transaction, sender, refund)
        return moves

    def _settle(self, moves: Moves, account: AccountId, seq: Seq, settled: int) -> None:
        """Keep a posting that is certain, if it says anything, with the interval that it leaves."""
        if settled:
            lower, upper, gas = self.running.get(account, NOTHING)
            lower, upper = lower + settled, min(upper + settled, self.supply)
            self.running[account] = Running(lower, upper, gas)
            moves.append((account, Posting(seq, 0, 0, 0, settled, 0, gas, lower, upper)))

    def _move(self, moves: Moves, account: AccountId, posting: Posting) -> None:
        """Keep a posting that may depend on execution, if it says anything, with the interval that it leaves."""
        seq, expense, debit, credit, settled, returned, gas, _, _ = posting
        if not (expense or debit or credit):
            self._settle(moves, account, seq, settled)
            return
        lower, upper, latest = self.running.get(account, NOTHING)
        lower, upper = step_unknown(posting, lower, upper)
        upper = min(upper, self.supply)
        gas = Gas(min(gas, AMOUNT_MAX)) if credit else latest
        self.running[account] = Running(lower, upper, gas)
        moves.append((account, Posting(seq, expense, debit, credit, settled, returned, gas, lower, upper)))

    def _transfer(self, moves: Moves, seq: Seq, transaction: Transaction, sender: Address, refund: int) -> None:
        zero, general = transaction.zero_value, transaction.general_value
        to: AccountId = transaction.to  # type: ignore[assignment]  # admission looks at its length
        back = refund
        if not general:
            if len(to) != ADDRESS_BYTES:
                self._settle(moves, to, seq, zero)
        elif to == sender:
            back += zero
        else:
            lower, upper, gas = self.running.get(sender, NOTHING)
            if upper < general:
                back += zero
            elif lower >= general:
                back -= general
                self._settle(moves, to, seq, zero + general)
            else:
                gas = Gas(gas + self._schedule.general_check)
                self._move(moves, to, Posting(seq, 0, 0, zero + general, 0, 0, gas))
                self._move(moves, sender, Posting(seq, general, 0, 0, refund, zero))
                return
        self._settle(moves, sender, seq, back)

    def _run(self, moves: Moves, seq: Seq, transaction: Transaction, sender: Address, refund: int) -> None:
        zero, general = transaction.zero_value, transaction.general_value
        value, back = zero + general, zero + refund
        if general and self.running.get(sender, NOTHING).upper < general:
            self._settle(moves, sender, seq, back)
            return
        called = transaction.to if transaction.kind is _CALL else deployed_contract(sender, transaction)
        callee: AccountId = called  # type: ignore[assignment]
        limits, credited, gas = self._payouts(transaction, callee)
        if not limits:  # most runs: nobody pays
            if value:
                self._move(moves, callee, Posting(seq, 0, 0, value, 0, 0, gas))
            if value or refund:
                self._move(moves, sender, Posting(seq, general, 0, value + refund, 0, back, gas))
            return
        paid = sum(limits.values())
        for account in sorted({callee, sender, *credited, *limits}):
            limit = limits.get(account, 0)
            gain = paid - limit if account in credited else 0
            loss = limit if credited - {account} else 0
            if account == sender:
                gain = max(gain, value) + refund
                self._move(moves, account, Posting(seq, general, 0, gain, 0, back, gas))
                continue
            if account == callee:
                gain, loss = gain + value, max(0, loss - value)
            self._move(moves, account, Posting(seq, 0, loss, gain, 0, 0, gas))

    def _payouts(self, transaction: Transaction, callee: AccountId) -> Payouts:
        limits: dict[AccountId, int] = {}
        credited: set[AccountId] = set()
        gas = transaction.gas_limit
        for entry in transaction.footprint:
            kind = type(entry)
            if kind is Debit:
                payer: AccountId = entry.contract  # type: ignore[union-attr, assignment]
                there = self.running.get(payer, NOTHING)
                own = transaction.value if payer == callee else 0
                limit = limits[payer] = min(entry.cap, there.upper + own)  # type: ignore[union-attr]
                if there.lower + own < limit:
                    gas += there.gas
            elif kind is Credit:
                credited.add(entry.account)  # type: ignore[union-attr, arg-type]
        return Payouts(limits, credited, Gas(gas))


def fold_blocks(folding: StaticFold, blocks: Iterable[IndexedBlock]) -> Iterator[tuple[AccountId, Posting]]:
    """The postings of the next blocks, and after each block that has any transaction the supply of general money."""
    for block in blocks:
        seq = block.first_seq
        for entry in block.transactions:
            yield from folding.step(seq, entry.transaction, entry.sender)
            seq = Seq(seq + 1)
        if block.transactions:
            yield EVERYONE, Posting(Seq(seq - 1), upper=folding.supply)
