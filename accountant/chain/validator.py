"""The validator: a block's bytes against the state right before it, executing nothing (DESIGN section 2)."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from accountant.chain.admission import Deployed, ModuleCheck
from accountant.chain.block import BLOCK_BYTES_MAX, Block, Header, decode_block
from accountant.chain.errors import BlockRefusal, ConflictingBlock, InvalidBlock, InvalidTransaction
from accountant.chain.footprint_root import footprint_root
from accountant.chain.inclusion import CheckedBytes, Inclusion, ValidatedTransaction, check_bytes, signers
from accountant.chain.moment import Moment
from accountant.chain.state import Account, ChainHead, ChainState
from accountant.primitives import merkle
from accountant.primitives.encoding import encode
from accountant.primitives.errors import InvalidEncoding, InvalidSignature
from accountant.primitives.keys import recover
from accountant.primitives.types import Address, Cid, ContractId, Hash, Height, Seq

VERSION = 1

KnownBlocks = Callable[[Height], Hash | None]
"""The hash of the chain's own block at a height from 1 to the head's."""


class ValidatedBlock(NamedTuple):
    """A block that extends the chain, with everything that state and index keep of it."""

    raw: bytes
    header: Header
    hash: Hash
    signature: bytes
    first_seq: Seq
    transactions: tuple[ValidatedTransaction, ...]
    zero_changes: list[tuple[Address, Moment, int]]
    """(user, moment, Z from then on): ascending for each user, one for each user and moment."""
    expense_totals: list[tuple[Address, Seq, int]]
    """(user, transaction, sum of its general values up to and including it); one for each general_value > 0."""
    accounts: Mapping[Address, Account]
    """Every user that the block changed, as the block leaves it."""
    contracts: Mapping[ContractId, Deployed]
    """Every contract that the block deploys."""
    blobs: Mapping[Cid, int]
    """Every blob that the block publishes: its size in bytes."""
    burnt: int
    """Base units of fees that ceased to exist."""
    reward: int
    """Base units of zero-cost money that the block minted for its proposer."""

    @property
    def head(self) -> ChainHead:
        """The end of the chain with this block."""
        next_seq = Seq(self.first_seq + len(self.transactions))
        return ChainHead(Height(self.header.height), self.hash, self.header.time, next_seq)


def validate_block(
    raw: bytes, state: ChainState, check_module: ModuleCheck, known: KnownBlocks | None = None
) -> ValidatedBlock:
    """The next block after `state`, which is left as it is; `apply_block` takes the result in.

    Raises `InvalidBlock`, and `ConflictingBlock` for another block by the right proposer at a known height.
    `known` looks up heights below the head; without it only the head itself is told from a conflict.
    """
    block = _decoded(raw, state)
    header_bytes = encode(block.header)
    block_hash = block.header.hash
    _check_known(block, block_hash, header_bytes, state, known)
    _check_header(block.header, state)
    _check_signature(block, block_hash, state)
    if len(block.transactions) != block.header.transaction_count:
        raise InvalidBlock(
            BlockRefusal.TRANSACTION_COUNT,
            f"{len(block.transactions)} transactions, {block.header.transaction_count} are in the header",
        )
    if len(block.transactions) > (most := state.genesis.limits.block_transactions_most):
        raise InvalidBlock(BlockRefusal.TRANSACTION_COUNT, f"at most {most} transactions fit a block")
    return sealed(raw, block, block_hash, state, _included(block.transactions, state, check_module))


def validate_header(header: Header, signature: bytes, state: ChainState) -> Hash:
    """The hash of the next header after `state`, which says what a header alone can say. Raises `InvalidBlock`."""
    block_hash = header.hash
    _check_header(header, state)
    _check_signature(Block(header, signature, ()), block_hash, state)
    most = state.genesis.limits.block_transactions_most
    if not 0 <= header.transaction_count <= most:
        raise InvalidBlock(BlockRefusal.TRANSACTION_COUNT, f"at most {most} transactions fit a block")
    return block_hash


def _included(transactions: tuple[bytes, ...], state: ChainState, check_module: ModuleCheck) -> Inclusion:
    """All transactions, in order: first every form, then every signature, then every account.

    Signatures in a loop of their own keep libsecp256k1 in the processor's caches: 4 % of the whole.
    """
    inclusion = Inclusion(state, check_module)
    checked: list[CheckedBytes] = []
    senders: list[Address] = []
    try:
        for raw in transactions:
            checked.append(check_bytes(raw, state.genesis))
        for sender in signers(checked):
            senders.append(sender)
        for one, sender in zip(checked, senders, strict=True):
            inclusion.settle(one, sender)
    except InvalidTransaction as error:
        done = inclusion.transactions if len(senders) == len(transactions) else senders
        index = len(done if len(checked) == len(transactions) else checked)
        raise InvalidBlock(BlockRefusal.TRANSACTION, f"{index}: {error.detail}", index, error) from None
    return inclusion


def sealed(raw: bytes, block: Block, block_hash: Hash, state: ChainState, inclusion: Inclusion) -> ValidatedBlock:
    """The validated block of a finished inclusion. Raises `InvalidBlock` for a wrong root."""
    transactions = inclusion.transactions
    if merkle.root([t.hash for t in transactions]) != block.header.transaction_root:
        raise InvalidBlock(BlockRefusal.TRANSACTION_ROOT, "the header's is another one")
    if footprint_root([t.rows for t in transactions]) != block.header.footprint_root:
        raise InvalidBlock(BlockRefusal.FOOTPRINT_ROOT, "the header's is another one")
    reward = inclusion.finish()
    return ValidatedBlock(
        raw,
        block.header,
        block_hash,
        block.signature,
        state.head.next_seq,
        tuple(transactions),
        inclusion.zero_changes,
        inclusion.expense_totals,
        inclusion.accounts,
        inclusion.contracts,
        inclusion.blobs,
        inclusion.burnt,
        reward,
    )


def apply_block(block: ValidatedBlock, state: ChainState) -> None:
    """Take a block in that was validated against exactly this state."""
    assert block.header.previous_hash == state.head.hash
    state.apply(block.head, block.accounts, block.contracts, block.blobs)


def import_block(
    raw: bytes, state: ChainState, check_module: ModuleCheck, known: KnownBlocks | None = None
) -> ValidatedBlock:
    """Validate and apply. Raises as `validate_block`, and then `state` has not changed."""
    block = validate_block(raw, state, check_module, known)
    apply_block(block, state)
    return block


def _decoded(raw: bytes, state: ChainState) -> Block:
    most = min(state.genesis.limits.block_bytes_most, BLOCK_BYTES_MAX)
    if len(raw) > most:
        raise InvalidBlock(BlockRefusal.SIZE, f"{len(raw)} bytes, a block has at most {most}")
    try:
        return decode_block(raw)
    except InvalidEncoding as error:
        raise InvalidBlock(BlockRefusal.ENCODING, error.detail) from None


def _check_known(
    block: Block, block_hash: Hash, header_bytes: bytes, state: ChainState, known: KnownBlocks | None
) -> None:
    """Blocks are final: one at a known height is either the same again, or evidence."""
    height = block.header.height
    if not 0 < height <= state.head.height or block.header.chain_id != state.genesis.chain_id:
        return
    ours = state.head.hash if height == state.head.height else known(Height(height)) if known else None
    if ours is None:
        return
    if ours == block_hash:
        raise InvalidBlock(BlockRefusal.KNOWN, f"block {height} is on the chain already")
    _check_signature(block, block_hash, state)
    raise ConflictingBlock(height, ours, block_hash, header_bytes, block.signature)


def _check_header(header: Header, state: ChainState) -> None:
    head, genesis = state.head, state.genesis
    if header.version != VERSION:
        raise InvalidBlock(BlockRefusal.VERSION, f"version {header.version}, not {VERSION}")
    if header.chain_id != genesis.chain_id:
        raise InvalidBlock(BlockRefusal.CHAIN_ID, f"chain {header.chain_id}, not {genesis.chain_id}")
    if header.height != head.height + 1:
        raise InvalidBlock(BlockRefusal.HEIGHT, f"height {header.height}, the next one is {head.height + 1}")
    if header.previous_hash != head.hash:
        raise InvalidBlock(
            BlockRefusal.PREVIOUS_HASH, f"it follows {header.previous_hash.hex()}, not {head.hash.hex()}"
        )
    if not head.time <= header.time < 2**63:
        raise InvalidBlock(BlockRefusal.TIME, f"time {header.time} is before the previous block's, {head.time}")


def _check_signature(block: Block, block_hash: Hash, state: ChainState) -> None:
    turn = state.proposer_of(block.header.height)
    if block.header.proposer != turn:
        raise InvalidBlock(BlockRefusal.PROPOSER, f"it is 0x{turn.hex()}'s turn")
    try:
        signer = recover(block_hash, block.signature)
    except InvalidSignature as error:
        raise InvalidBlock(BlockRefusal.SIGNATURE, error.detail) from None
    if signer != turn:
        raise InvalidBlock(BlockRefusal.SIGNATURE, "somebody else signed")
