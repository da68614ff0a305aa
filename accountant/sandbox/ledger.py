"""The chain under a contract's tests: proposer, mempool, validator, index and executor of one process, all real."""

from collections.abc import Iterable, Sequence

from accountant.chain.errors import InvalidTransaction, NotPooled
from accountant.chain.genesis import Genesis
from accountant.chain.mempool import Mempool, MempoolLimits
from accountant.chain.proposer import propose
from accountant.chain.query import Answer
from accountant.chain.state import ChainState
from accountant.chain.transaction import transaction_hash
from accountant.chain.validator import ValidatedBlock, import_block
from accountant.contracts.module import check_module
from accountant.execution.memory import MemoryBlobs, MemoryOutcomes
from accountant.execution.needs import AnswerOf, BlobOf, BoundUnder, CoversBefore, Need, OutcomeOf, SlotBefore, SourceOf
from accountant.execution.outcome import Outcome
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.index.memory import MemoryIndex
from accountant.primitives.addresses import is_contract
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import AccountId, Address, Cid, ContractId, Hash, Seq
from accountant.sandbox.errors import Refused, SandboxError

_POOL = MempoolLimits(per_sender_most=10_000)
"""One author's test may send from one account what on a network comes from many."""


class Ledger:
    """Blocks, and what they did."""

    def __init__(self, genesis: Genesis, proposer: PrivateKey) -> None:
        self.state = ChainState.at_genesis(genesis)
        self.index = MemoryIndex(genesis)
        self.blobs = MemoryBlobs()
        self.outcomes = MemoryOutcomes(self.blobs)
        self._proposer = proposer
        self._pool = Mempool(self.state, check_module, _POOL, holdings=self)

    def has(self, cid: Cid, size: int) -> bool:
        """Whether a blob is there to be published (`chain.holdings.Holdings`)."""
        held = self.blobs.get(cid)
        return held is not None and len(held) == size

    def submit(self, raw: bytes) -> Hash:
        """Let a transaction wait for the next block. Raises `Refused`."""
        try:
            return self._pool.add(raw).hash
        except (InvalidTransaction, NotPooled) as error:
            raise Refused(error) from None

    def withdraw(self, transactions: Iterable[bytes]) -> None:
        """Forget transactions that wait."""
        for raw in transactions:
            self._pool.drop(transaction_hash(raw))

    def next_nonce(self, sender: Address) -> int:
        """The nonce of the sender's next transaction, those that wait counted in."""
        return self._pool.next_nonce(sender)

    def append(self, transactions: Sequence[bytes], time: int) -> ValidatedBlock:
        """The next block, of exactly these waiting transactions in this order: proposed, then validated from its bytes.

        Raises `Refused`, and `SandboxError` where they do not fit one block.
        """
        proposal = propose(transactions, self.state, self._proposer, time, check_module, self)
        included = len(proposal.block.transactions)
        if included < len(transactions):
            for dropped, _ in proposal.dropped:
                self._pool.drop(dropped)
            if proposal.dropped:
                raise Refused(proposal.dropped[0][1])
            raise SandboxError(f"{included} of {len(transactions)} transactions fit one block")
        block = import_block(proposal.block.raw, self.state, check_module)
        self.index.append(block)
        self._pool.advance(block)
        return block

    def selective(self) -> Selective:
        """An executor over the chain as it is now, which shares what others observed."""
        return Selective(Session(self.index, self.outcomes))

    def outcome(self, transaction: Hash) -> Outcome:
        """What a transaction of the chain did."""
        seq = self.index.seq_of(transaction)
        assert seq is not None
        return self.selective().outcome(seq)

    def general(self, account: AccountId) -> int:
        """G of the account now: everything that may have moved it is executed."""
        selective, before = self.selective(), self.index.head().next_seq
        walk = selective.interval(account, before)
        for posting in walk.unknown:
            selective.outcome(posting.seq)
        walk = selective.interval(account, before)
        assert walk.lower == walk.upper
        return walk.lower

    def zero(self, account: AccountId) -> int:
        """Z of the account now; contracts have none."""
        return 0 if is_contract(account) else self.state.account(Address(account)).zero

    def slot(self, contract: ContractId, slot: bytes) -> bytes:
        """A slot's value now."""
        return self.selective().slot(contract, slot, self.index.head().next_seq)

    def resolve(self, need: Need) -> Outcome | Answer:
        """What a run at the end of the chain asks for."""
        selective = self.selective()
        match need:
            case OutcomeOf(seq):
                return selective.outcome(seq)
            case SlotBefore(contract, slot, before):
                return selective.slot(contract, slot, before)
            case CoversBefore(account, amount, before):
                return selective.covers(account, amount, before)
            case BoundUnder(account, theta, before):
                return selective.bound(account, theta, before)
            case AnswerOf(query=query):
                answer = selective.answer(query)
                assert answer is not None, "whoever asks looked up first whether the query names something"
                return answer
            case SourceOf() | BlobOf():
                return selective.find(need)

    def seq_now(self) -> Seq:
        """The number of the next transaction."""
        return self.index.head().next_seq
