"""The proposer: the next block from candidate transactions (proof of authority: blocks are signed in turn)."""

from collections.abc import Iterable
from typing import NamedTuple

from accountant.chain.admission import ModuleCheck
from accountant.chain.block import BLOCK_BYTES_MAX, Block, Header
from accountant.chain.errors import BlockRefusal, InvalidBlock, InvalidTransaction, Refusal
from accountant.chain.footprint_root import footprint_root
from accountant.chain.holdings import NOTHING_HELD, Holdings
from accountant.chain.inclusion import CheckedBytes, Inclusion, check_bytes, signer
from accountant.chain.state import ChainState
from accountant.chain.transaction import PublishPayload
from accountant.chain.validator import VERSION, ValidatedBlock, sealed
from accountant.primitives import merkle
from accountant.primitives.encoding import encode
from accountant.primitives.hashes import sha256
from accountant.primitives.keys import SIGNATURE_BYTES, PrivateKey
from accountant.primitives.types import Cid, Hash

TRANSACTION_OVERHEAD_BYTES = 5
"""The most that the block's encoding puts around one transaction."""


class Proposal(NamedTuple):
    """A signed block, not yet applied to the state, and the candidates that cannot be in it."""

    block: ValidatedBlock
    dropped: tuple[tuple[Hash, InvalidTransaction], ...]


def propose(
    candidates: Iterable[bytes],
    state: ChainState,
    key: PrivateKey,
    time: int,
    check_module: ModuleCheck,
    holdings: Holdings = NOTHING_HELD,
) -> Proposal:
    """The block after `state`, of the candidates in their order, without those that fail or do not fit.

    A publication whose bytes are not held waits: whoever reads the block must be able to get them here.
    `time`: Unix seconds; an earlier one than the previous block's is lifted to it. Raises `InvalidBlock`
    (PROPOSER) if it is not the key's turn.
    """
    limits = state.genesis.limits
    height = state.head.height + 1
    turn = state.proposer_of(height)
    if key.address != turn:
        raise InvalidBlock(BlockRefusal.PROPOSER, f"it is 0x{turn.hex()}'s turn")
    inclusion = Inclusion(state, check_module)
    dropped = []
    passed_over = False
    bytes_left = min(limits.block_bytes_most, BLOCK_BYTES_MAX) - _empty_block_bytes(state)
    for raw in candidates:
        if len(inclusion.transactions) == limits.block_transactions_most:
            break
        size = len(raw) + TRANSACTION_OVERHEAD_BYTES
        if size > bytes_left:
            passed_over = True
            continue
        try:
            checked = check_bytes(raw, state.genesis)
            if _lacks_bytes(checked, holdings):
                passed_over = True
                continue
            inclusion.settle(checked, signer(checked))
        except InvalidTransaction as error:
            # What follows a transaction that was passed over lacks its nonce now, and will be valid later.
            if not (passed_over and error.kind is Refusal.NONCE):
                dropped.append((sha256(raw), error))
        else:
            bytes_left -= size
    header = Header(
        version=VERSION,
        chain_id=state.genesis.chain_id,
        height=height,
        previous_hash=state.head.hash,
        time=max(time, state.head.time),
        proposer=turn,
        transaction_count=len(inclusion.transactions),
        transaction_root=merkle.root([t.hash for t in inclusion.transactions]),
        footprint_root=footprint_root([t.rows for t in inclusion.transactions]),
    )
    block_hash = header.hash
    block = Block(header, key.sign(block_hash), tuple(t.raw for t in inclusion.transactions))
    return Proposal(sealed(encode(block), block, block_hash, state, inclusion), tuple(dropped))


def _lacks_bytes(checked: CheckedBytes, holdings: Holdings) -> bool:
    payload = checked.payload
    return isinstance(payload, PublishPayload) and not holdings.has(Cid(payload.cid), payload.size)


def _empty_block_bytes(state: ChainState) -> int:
    """The most bytes of a block beside its transactions."""
    widest = 2**63 - 1
    hash_bytes = bytes(32)
    header = Header(
        VERSION, state.genesis.chain_id, widest, hash_bytes, widest, bytes(20), widest, hash_bytes, hash_bytes
    )
    return len(encode(Block(header, bytes(SIGNATURE_BYTES), ()))) + TRANSACTION_OVERHEAD_BYTES
