"""The plain reference: execute every transaction in order, from genesis.

Nothing here is clever. Property tests hold the selective executor to it.
"""

from bisect import bisect_left

from accountant.chain.query import (
    AccountingQuery,
    Answer,
    BalanceAtLeast,
    Income,
    Storage,
    TransactionSucceeded,
    View,
    ViewAnswer,
    decode_query,
)
from accountant.chain.rows import RowKind, rows_of
from accountant.chain.transaction import TransactionKind, deployed_contract
from accountant.contracts.errors import ContractFailure, FailureKind
from accountant.contracts.world import ContractCode
from accountant.execution.genesis_state import genesis_state
from accountant.execution.income import income_of
from accountant.execution.memory import MemoryBlobs
from accountant.execution.needs import BlobUnavailable
from accountant.execution.outcome import Outcome
from accountant.execution.port import Blobs
from accountant.execution.queries import target_of
from accountant.execution.transition import code_deployed_by, transition, without_funds
from accountant.execution.view import answer_of, run_view
from accountant.execution.world_state import Leaf, SlotLeaf, UserLeaf, contract_leaf, exists, order
from accountant.index.port import ChainIndex, Located, moment_before
from accountant.index.position import Place, place_of
from accountant.primitives.addresses import account_of
from accountant.primitives.encoding import encode
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.types import (
    ADDRESS_BYTES,
    AMOUNT_MAX,
    AccountId,
    Address,
    Amount,
    Cid,
    ContractId,
    Gas,
    Hash,
    Height,
    Seq,
)


class EagerState:
    """The world state after executing transactions below some number, with its whole history."""

    def __init__(self, index: ChainIndex, blobs: Blobs | None = None) -> None:
        """`blobs`: where published files are; what contracts save is kept here."""
        self.index = index
        self.blobs = blobs or MemoryBlobs()
        self.saved: dict[Seq, dict[Cid, bytes]] = {}
        self.genesis = genesis_state(index.genesis)
        self.outcomes: list[Outcome] = []
        self.located: list[Located] = []
        self._general: dict[AccountId, list[tuple[Seq, int]]] = {}
        self._slots: dict[tuple[ContractId, bytes], list[tuple[Seq, bytes]]] = {}
        self._code: dict[ContractId, tuple[Seq, ContractCode]] = {}

    def general_before(self, account: AccountId, before: Seq) -> int:
        """G of the account right before transaction `before`."""
        history = self._general.get(account, [])
        position = bisect_left(history, (before, -1))
        return history[position - 1][1] if position else self.genesis.general(account)

    def slot_before(self, contract: ContractId, slot: bytes, before: Seq) -> bytes:
        """A slot's value right before transaction `before`."""
        history = self._slots.get((contract, slot), [])
        position = bisect_left(history, (before, b""))
        return history[position - 1][1] if position else self.genesis.slot(contract, slot)

    def source_before(self, contract: ContractId, slot: bytes, before: Seq) -> Seq | None:
        """Who saved the file whose CID the slot holds right before transaction `before`, as its writer knew."""
        history = self._slots.get((contract, slot), [])
        position = bisect_left(history, (before, b""))
        write = self.outcomes[history[position - 1][0]].write_of(contract, slot) if position else None
        return None if write is None or write.source is None else Seq(write.source)

    def code_before(self, contract: ContractId, before: Seq) -> ContractCode | None:
        """The contract's code right before transaction `before`."""
        deployed = self._code.get(contract)
        if deployed is not None and deployed[0] < before:
            return deployed[1]
        return self.genesis.code(contract)

    def world(self, height: Height) -> list[Leaf]:
        """The world state b.ws at the end of a block (paper, section II-A), all of whose transactions were executed."""
        block = self.index.block(height)
        assert block is not None
        before, moment = Seq(block.first_seq + block.count), moment_before(height + 1, 0)
        genesis = self.index.genesis
        executed = self.located[:before]
        accounts = {account_of(raw) for raw in (*genesis.proposers, *(a.address for a in genesis.accounts))}
        accounts |= {ContractId(contract.contract) for contract in genesis.contracts}
        accounts |= self._general.keys() | self._code.keys()
        accounts |= {t.sender for t in executed} | {account_of(t.transaction.to) for t in executed if t.transaction.to}
        leaves: list[Leaf] = []
        for account in accounts:
            general = self.general_before(account, before)
            if len(account) == ADDRESS_BYTES:
                user = Address(account)
                nonce = max((t.transaction.nonce + 1 for t in executed if t.sender == user), default=0)
                leaves.append(UserLeaf(user, self.index.zero_balance(user, moment), general, nonce))
            else:
                leaves.append(
                    contract_leaf(ContractId(account), self.code_before(ContractId(account), before), general)
                )
        slots = self._slots.keys() | {(ContractId(c.contract), slot) for c in genesis.contracts for slot, _ in c.slots}
        leaves += [SlotLeaf(contract, slot, self.slot_before(contract, slot, before)) for contract, slot in slots]
        return sorted(filter(exists, leaves), key=order)

    def answer(self, query: AccountingQuery) -> Answer | None:
        """The answer of a query about what was executed; None if it names nothing on the chain."""
        target = target_of(self.index, query)
        if target is None:
            return None
        match query:
            case BalanceAtLeast(account=account, amount=amount):
                assert target.place
                zero = self.index.zero_balance(Address(account), target.place.moment) if len(account) == 20 else 0
                return zero + self.general_before(account_of(account), target.place.seq) >= amount
            case Storage(contract=contract, slot=slot):
                assert target.place
                return self.slot_before(ContractId(contract), slot, target.place.seq)
            case View():
                return self._view(query)
            case TransactionSucceeded():
                assert target.seq is not None
                return self.outcomes[target.seq].succeeded
            case Income(account=account):
                assert target.seq is not None
                return income_of(self.located[target.seq], self.outcomes[target.seq], account_of(account))

    def _view(self, asked: View) -> ViewAnswer:
        """A view that asks another one stops and runs again: chains of them are longer than the native stack."""
        found: dict[View, ViewAnswer] = {}
        waiting = [asked]
        while waiting:
            view = waiting[-1]
            target = target_of(self.index, view)
            assert target is not None and target.place is not None
            world = EagerWorld(self, target.place, found)
            try:
                found[view] = answer_of(run_view(view, target.place, self.index, world, Gas(view.gas_limit)))
                waiting.pop()
            except _Asks as asks:
                waiting.append(asks.view)
        return found[asked]

    def step(self) -> Outcome:
        """Execute the next transaction."""
        seq = Seq(len(self.outcomes))
        located = self.index.transaction(seq)
        block = self.index.block(located.height)
        assert block is not None
        transaction = located.transaction
        sender = self.general_before(located.sender, seq)
        if sender < transaction.general_value:
            outcome = without_funds(located, self.index.genesis)
        else:
            saved: dict[Cid, bytes] = {}
            world = EagerWorld(self, place_of(located))
            outcome = transition(located, block, self.index.genesis, world, saved=saved)
            self.saved[seq] = saved
        self._apply(seq, located, outcome)
        return outcome

    def _apply(self, seq: Seq, located: Located, outcome: Outcome) -> None:
        transaction = located.transaction
        moved: dict[AccountId, int] = {}
        if outcome.funded and transaction.general_value:
            moved[located.sender] = -transaction.general_value
        for credit in outcome.credits:
            moved[account_of(credit.account)] = moved.get(account_of(credit.account), 0) + credit.units
        for debit in outcome.debits:
            moved[account_of(debit.account)] = moved.get(account_of(debit.account), 0) - debit.units
        for account, units in moved.items():
            balance = self.general_before(account, seq) + units
            assert balance >= 0
            self._general.setdefault(account, []).append((seq, balance))
        for write in outcome.writes:
            self._slots.setdefault((ContractId(write.contract), write.slot), []).append((seq, write.value))
        if transaction.kind == TransactionKind.DEPLOY and outcome.succeeded:
            self._code[deployed_contract(located.sender, transaction)] = seq, code_deployed_by(located)
        self.outcomes.append(outcome)
        self.located.append(located)


class _Asks(Exception):
    """A view asks another one, which has no answer yet."""

    def __init__(self, view: View) -> None:
        self.view = view


class EagerWorld:
    """The state at a place, all of it known. With `views` it is a view's, and raises `_Asks` for what is not there."""

    def __init__(self, state: EagerState, place: Place, views: dict[View, ViewAnswer] | None = None) -> None:
        self._state = state
        self._place = place
        self._views = views

    def slot(self, contract: ContractId, slot: bytes) -> bytes:
        return self._state.slot_before(contract, slot, self._place.seq)

    def source(self, contract: ContractId, slot: bytes) -> Seq | None:
        return self._state.source_before(contract, slot, self._place.seq)

    def published(self, cid: Cid) -> bool:
        publication = self._state.index.publication(cid)
        return publication is not None and publication.seq < self._place.seq

    def blob(self, cid: Cid, source: Seq | None) -> bytes:
        data = self._state.blobs.get(cid) if source is None else self._state.saved[source][cid]
        if data is None:
            raise BlobUnavailable(cid)
        return data

    def code(self, contract: ContractId) -> ContractCode | None:
        return self._state.code_before(contract, self._place.seq)

    def covers(self, contract: ContractId, amount: Amount) -> bool:
        return self._state.general_before(contract, self._place.seq) >= amount

    def lower_bound(self, account: AccountId, theta: tuple[Hash, ...]) -> Amount:
        """Lemma 1 spelt out: every earlier transaction counts at its worst unless it is in Θ."""
        state, seq = self._state, self._place.seq
        if len(set(theta)) != len(theta):
            raise ContractFailure(FailureKind.INVALID_THETA, "repeated")
        members = [state.index.seq_of(member) for member in theta]
        lower = state.genesis.general(account)
        concerned: set[Seq] = set()
        for earlier in range(seq):
            located, outcome = state.located[earlier], state.outcomes[earlier]
            rows = {
                row.kind: row.cap
                for row in rows_of(located.transaction, located.sender, state.index.genesis.gas)
                if row.key == b"g" + account
            }
            if rows.keys() & {RowKind.CREDIT, RowKind.DEBIT, RowKind.EXPENSE, RowKind.SETTLED}:
                concerned.add(Seq(earlier))
            if earlier in members:
                if outcome.funded:
                    lower = max(0, lower - rows.get(RowKind.EXPENSE, 0))
                lower = max(0, lower + outcome.credit_of(account) - outcome.debit_of(account))
            else:
                worst = rows.get(RowKind.EXPENSE, 0) + rows.get(RowKind.DEBIT, 0)
                lower = max(0, lower + rows.get(RowKind.SETTLED, 0) - worst)
        if any(member is None or member not in concerned for member in members):
            raise ContractFailure(FailureKind.INVALID_THETA, "not an earlier transaction of the account")
        if len(account) == ADDRESS_BYTES:
            lower += state.index.zero_balance(Address(account), self._place.moment)
        return Amount(min(lower, AMOUNT_MAX))

    def answer(self, query: bytes) -> bytes:
        try:
            decoded = decode_query(query)
        except InvalidEncoding:
            raise ContractFailure(FailureKind.INVALID_VALUE, "query") from None
        target = target_of(self._state.index, decoded)
        if target is None or target.height >= self._place.height:
            raise ContractFailure(FailureKind.QUERY_VOID)
        if self._views is not None and isinstance(decoded, View):
            if decoded not in self._views:
                raise _Asks(decoded)
            return encode(self._views[decoded])
        answer = self._state.answer(decoded)
        assert answer is not None
        return encode(answer)


def execute_everything(index: ChainIndex, upto: Seq | None = None, blobs: Blobs | None = None) -> EagerState:
    """The state after executing the transactions below `upto` (default: all). `blobs`: where published files are."""
    state = EagerState(index, blobs)
    for _ in range(index.head().next_seq if upto is None else upto):
        state.step()
    return state
