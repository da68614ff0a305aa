"""Random and hostile chains whose blocks and transactions are signed and whose headers commit to them.

What they are made of is what `random_chain` draws, which no proposer would let in; roots and signatures are real.
"""

from random import Random

import msgspec

from accountant.chain.block import Header
from accountant.chain.footprint_root import footprint_root
from accountant.chain.genesis import Genesis
from accountant.chain.headers import Headers, SignedHeader, validate_headers
from accountant.chain.transaction import Transaction, decode_transaction, sign_transaction, transaction_hash
from accountant.index.blocks import RunningValues, UnsignedBlock, UnsignedTransaction, unsigned_block
from accountant.index.memory import MemoryIndex
from accountant.primitives import merkle
from accountant.primitives.types import Address
from tests.support.index_chain import RecordedIndex
from tests.support.network_chain import NetworkChain
from tests.support.random_chain import KEYS, RandomChain


class SignedBlocks:
    """Signed blocks on an index, and their headers."""

    def __init__(self, genesis: Genesis, index: MemoryIndex) -> None:
        self.genesis = genesis
        self.index = index
        self.signed: list[SignedHeader] = []
        self._values = RunningValues(genesis)

    def append(self, transactions: list) -> None:  # type: ignore[type-arg]
        """Sign a block of (sender, transaction), and add it."""
        block = unsigned_block(self._values, self.index.head(), transactions)
        made = [self._signed(one) for one in block.transactions]
        header: Header = msgspec.structs.replace(
            block.header,
            transaction_root=merkle.root([one.hash for one in made]),
            footprint_root=footprint_root([one.rows for one in made]),
        )
        signature = KEYS[header.proposer].sign(header.hash)  # type: ignore[index]
        self.signed.append(SignedHeader(header, signature))
        self.index.append(
            UnsignedBlock(
                header, header.hash, signature, block.first_seq, tuple(made), block.zero_changes, block.expense_totals
            )
        )

    def _signed(self, one: UnsignedTransaction) -> UnsignedTransaction:
        raw = sign_transaction(one.transaction, KEYS[one.sender])
        return one._replace(raw=raw, hash=transaction_hash(raw), transaction=decode_transaction(raw))

    def headers(self) -> Headers:
        """What a verifier trusts."""
        return validate_headers(self.genesis, self.signed)


class SignedChain(RandomChain):
    """A `RandomChain` of signed blocks."""

    def __init__(self, random: Random, calm: bool | None = None) -> None:
        super().__init__(random, calm)
        self.blocks = SignedBlocks(self.genesis, self.index)

    def grow(self, blocks: int, transactions_most: int = 6) -> None:
        for _ in range(blocks):
            count = self.random.randrange(transactions_most + 1)
            self.blocks.append([self._transaction() for _ in range(count)])


class SignedNetworkChain(NetworkChain):
    """A `NetworkChain` of signed blocks."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.index = self.recorded = RecordedIndex(self.genesis)
        self.blocks = SignedBlocks(self.genesis, self.index)

    def append(self, transactions: list[tuple[Address, Transaction]]) -> None:
        self.blocks.append(transactions)
