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

from collections.abc import Iterable, Iterator, MutableMapping
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

_TRANSFER, _CALL = TransactionKind.TRANSFER, TransactionKind.CALL


class Running(NamedTuple):
    """An account between two transactions: lower ≤ G ≤ upper, and what its latest income may cost to show."""

    lower: int
    upper: int
    gas: Gas = Gas(0)


NOTHING = Running(0, 0)
"""An account that general money never came near."""


def running_at_genesis(genesis: Genesis) -> dict[AccountId, Running]:
    """The accounts that have general money at genesis: contracts. The supply stands under `EVERYONE`."""
    running: dict[AccountId, Running] = {
        ContractId(c.contract): Running(c.general_balance, c.general_balance)
        for c in genesis.contracts
        if c.general_balance
    }
    supply = sum(interval.upper for interval in running.values())
    running[EVERYONE] = Running(0, supply)
    return running


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

    def __init__(self, genesis: Genesis, running: MutableMapping[AccountId, Running]) -> None:
        self._schedule = genesis.gas
        self.running = running

    def step(self, seq: Seq, transaction: Transaction, sender: Address) -> list[tuple[AccountId, Posting]]:
        """The next transaction's postings, limited, each with the interval after it. Who surely gains nothing has none.

        Each account at most once.
        """
        refund = gas_refundable(transaction, self._schedule) if transaction.gas_limit else 0
        supply = self.running[EVERYONE].upper + refund
        if transaction.general_value or transaction.kind is not _TRANSFER or len(transaction.to) != ADDRESS_BYTES:
            supply += transaction.zero_value
        supply = min(supply, AMOUNT_MAX)
        self.running[EVERYONE] = Running(0, supply)
        if transaction.kind is _TRANSFER:
            moves = self._transfer(seq, transaction, sender, refund)
        else:
            moves = self._run(seq, transaction, sender, refund)
        return [(account, self._after(account, posting, supply)) for account, posting in moves]

    def supply(self, seq: Seq) -> Posting:
        """The supply of general money right after transaction `seq`, the latest one."""
        return Posting(seq, upper=self.running[EVERYONE].upper)

    def _after(self, account: AccountId, posting: Posting, supply: int) -> Posting:
        before = self.running.get(account, NOTHING)
        lower, upper = step_unknown(posting, before.lower, before.upper)
        gas = posting.gas if posting.credit_most else before.gas
        now = self.running[account] = Running(lower, min(upper, supply), gas)
        return posting._replace(gas=gas, lower=now.lower, upper=now.upper)

    def _transfer(
        self, seq: Seq, transaction: Transaction, sender: Address, refund: int
    ) -> list[tuple[AccountId, Posting]]:
        zero, general = transaction.zero_value, transaction.general_value
        to: AccountId = transaction.to  # type: ignore[assignment]  # admission looks at its length
        back = refund
        moves: list[tuple[AccountId, Posting]] = []
        if not general:
            if zero and len(to) != ADDRESS_BYTES:
                moves.append((to, Posting(seq, settled=zero)))
        elif to == sender:
            back += zero
        else:
            payer = self.running.get(sender, NOTHING)
            if payer.upper < general:
                back += zero
            elif payer.lower >= general:
                back -= general
                moves.append((to, Posting(seq, settled=zero + general)))
            else:
                check = self._schedule.general_check
                gas = Gas(min(check + payer.gas, AMOUNT_MAX))
                moves.append((to, Posting(seq, credit_most=zero + general, gas=gas)))
                moves.append((sender, Posting(seq, expense=general, settled=refund, returned=zero)))
                return moves
        if back:
            moves.append((sender, Posting(seq, settled=back)))
        return moves

    def _run(self, seq: Seq, transaction: Transaction, sender: Address, refund: int) -> list[tuple[AccountId, Posting]]:
        general, value = transaction.general_value, transaction.value
        if self.running.get(sender, NOTHING).upper < general:
            back = transaction.zero_value + refund
            return [(sender, Posting(seq, settled=back))] if back else []
        called = transaction.to if transaction.kind is _CALL else deployed_contract(sender, transaction)
        callee: AccountId = called  # type: ignore[assignment]
        limits, credited, gas = self._payouts(transaction, callee)
        paid = sum(limits.values())
        moves: list[tuple[AccountId, Posting]] = []
        for account in sorted({callee, sender, *credited, *limits}):
            limit = limits.get(account, 0)
            gain = paid - limit if account in credited else 0
            loss = limit if credited - {account} else 0
            if account == callee:
                gain, loss = gain + value, max(0, loss - value)
            if account == sender:
                gain = max(gain, value) + refund
                posting = Posting(
                    seq,
                    general,
                    credit_most=gain,
                    returned=transaction.zero_value + refund,
                    gas=gas,
                )
            else:
                posting = Posting(seq, debit_most=loss, credit_most=gain, gas=gas)
            if not posting.certain:
                moves.append((account, posting))
        return moves

    def _payouts(self, transaction: Transaction, callee: AccountId) -> Payouts:
        limits: dict[AccountId, int] = {}
        credited: set[AccountId] = set()
        gas = transaction.gas_limit
        for entry in transaction.footprint:
            if type(entry) is Debit:
                payer: AccountId = entry.contract  # type: ignore[assignment]
                there = self.running.get(payer, NOTHING)
                own = transaction.value if payer == callee else 0
                limits[payer] = min(entry.cap, there.upper + own)
                if there.lower + own < limits[payer]:
                    gas += there.gas
            elif type(entry) is Credit:
                credited.add(entry.account)  # type: ignore[arg-type]
        return Payouts(limits, credited, Gas(min(gas, AMOUNT_MAX)))


def fold_blocks(folding: StaticFold, blocks: Iterable[IndexedBlock]) -> Iterator[tuple[AccountId, Posting]]:
    """The postings of the next blocks, and after each block that has any transaction the supply of general money."""
    for block in blocks:
        seq = block.first_seq
        for entry in block.transactions:
            yield from folding.step(seq, entry.transaction, entry.sender)
            seq = Seq(seq + 1)
        if block.transactions:
            yield EVERYONE, folding.supply(Seq(seq - 1))
