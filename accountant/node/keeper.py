"""The chain of one node: validated, stored, then applied, in that order. Plain calls for one thread at a time."""

from collections import OrderedDict
from collections.abc import Iterable

import structlog

from accountant.chain.admission import Deployed, ModuleCheck
from accountant.chain.envelope import Envelope
from accountant.chain.errors import BlockRefusal, ConflictingBlock, InvalidBlock, MempoolRefusal, NotPooled
from accountant.chain.genesis import Genesis
from accountant.chain.mempool import Mempool, Pending
from accountant.chain.proposer import propose
from accountant.chain.state import ChainState
from accountant.chain.transaction import transaction_hash
from accountant.chain.validator import ValidatedBlock, apply_block, validate_block
from accountant.node.blobs import BLOBS_FOLDER, UPLOADS_BYTES_MOST, BlobFolder
from accountant.node.store import BlockStore, Evidence
from accountant.node.waiting import waiting_of
from accountant.node.wire import AccountView, WaitingView
from accountant.primitives.addresses import show
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import Address, ContractId, Hash

REMEMBERED = 65_536
"""Included transactions whose hash is remembered, so that handing one in again gets the answer of the first time."""

log = structlog.get_logger(__name__)


class Keeper:
    """Validator, mempool, proposer and store as one. Whatever a method raises, chain and disk still agree."""

    def __init__(
        self,
        store: BlockStore,
        genesis: Genesis,
        check_module: ModuleCheck,
        key: PrivateKey | None,
        uploads_most: int = UPLOADS_BYTES_MOST,
    ) -> None:
        """Takes up the chain in `store`, or begins it there. `key`: proposes when it is its turn.

        `uploads_most`: bytes of blobs that wait for their publication. Raises `StoreMismatch` where the store holds
        another chain, `InvalidGenesis` where none can begin.
        """
        self.store = store
        self.state = _taken_up(store, genesis)
        self.blobs = BlobFolder(store.folder / BLOBS_FOLDER, self.state.blobs(), uploads_most)
        self.mempool = Mempool(self.state, check_module, holdings=self.blobs)
        self._check_module = check_module
        self._key = key
        self._included: OrderedDict[Hash, None] = OrderedDict()

    def submit(self, raw: bytes, now: float) -> Hash:
        """Puts a transaction that comes `now` into the mempool. Raises `InvalidTransaction` and `NotPooled`."""
        name = transaction_hash(raw)
        if name not in self._included:
            try:
                pending = self.mempool.add(raw, now)
                if pending.publishes is not None:
                    self.blobs.awaited(pending.publishes[0])
            except NotPooled as error:
                if error.kind is not MempoolRefusal.KNOWN:
                    raise
        return name

    def pending(self) -> list[Pending]:
        """What waits for a block, in the order to propose it."""
        return list(self.mempool.in_order())

    def waiting(self, now: float) -> WaitingView:
        """What waits for a block, in figures and the first of it."""
        return waiting_of(self.mempool, now)

    def take(self, raw: bytes) -> bool:
        """Imports the next block; False if the chain has it already.

        Raises `InvalidBlock`, and `ConflictingBlock` after keeping the evidence.
        """
        try:
            block = validate_block(raw, self.state, self._check_module, self.store.hash_of)
        except InvalidBlock as error:
            if error.kind is BlockRefusal.KNOWN:
                return False
            raise
        except ConflictingBlock as error:
            self.store.keep_evidence(Evidence(error.other, error.height, error.header, error.signature))
            log.error("conflicting block", height=error.height, known=error.known.hex(), other=error.other.hex())
            raise
        self._commit(block)
        return True

    def propose(self, time: int, empty: bool) -> bool:
        """Makes the next block if it is this node's turn and something waits for it (or `empty`)."""
        if self._key is None or self._key.address != self.state.proposer_of(self.state.head.height + 1):
            return False
        candidates = self.mempool.candidates()
        proposal = propose(candidates, self.state, self._key, time, self._check_module, self.blobs)
        for name, error in proposal.dropped:
            log.warning("transaction dropped", hash=name.hex(), kind=error.kind, detail=error.detail)
            self.mempool.drop(name)
        if not proposal.block.transactions and not empty:
            return False
        self._commit(proposal.block)
        return True

    def account(self, address: Address) -> AccountView:
        """What chain and mempool say of a user."""
        account = self.state.account(address)
        pending = self.mempool.pending_of(address)
        return AccountView(show(address), account.nonce, account.zero, account.nonce + pending, pending)

    def _commit(self, block: ValidatedBlock) -> None:
        contracts = _plain(block.contracts.items())
        self.store.append(block.head, block.raw, block.accounts.items(), contracts, block.blobs.items())
        apply_block(block, self.state)
        self.blobs.keep(block.blobs.items())
        self.mempool.advance(block)
        self._included.update((transaction.hash, None) for transaction in block.transactions)
        while len(self._included) > REMEMBERED:
            self._included.popitem(last=False)
        log.info("block", height=block.head.height, hash=block.hash.hex(), transactions=len(block.transactions))


def _taken_up(store: BlockStore, genesis: Genesis) -> ChainState:
    begun = ChainState.at_genesis(genesis)
    store.begin(genesis, begun.accounts().items(), _plain(begun.contracts().items()))
    head = store.head()
    if head is None:
        return begun
    return ChainState.restored(genesis, head, store.accounts(), store.contracts(), store.blobs())


def _plain(
    contracts: Iterable[tuple[ContractId, Deployed]],
) -> Iterable[tuple[ContractId, Address, Envelope]]:
    return ((contract, known.deployer, known.envelope) for contract, known in contracts)
