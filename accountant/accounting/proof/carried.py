"""The facts that a certificate carries, each led to a root in a header. What is not carried is an error."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from accountant.accounting.proof.errors import CertificateRefused, NotCarried
from accountant.accounting.proof.facts import Facts
from accountant.accounting.proof.file import HashItem, Item, LeafItem, PathItem, TransactionItem
from accountant.chain.block import Header
from accountant.chain.footprint_root import Page, page_of
from accountant.chain.headers import Headers
from accountant.chain.transaction import (
    TransactionKind,
    decode_transaction,
    deployed_contract,
    sender_of,
    transaction_hash,
)
from accountant.index.blocks import genesis_info
from accountant.index.port import BlockInfo, Located
from accountant.primitives import merkle
from accountant.primitives.addresses import show
from accountant.primitives.errors import InvalidEncoding, InvalidSignature
from accountant.primitives.types import Address, ContractId, Hash, Height, Seq


class _Leaf(NamedTuple):
    key: bytes
    position: int
    page: Page


class _Pieces:
    """What is carried of one block."""

    def __init__(self) -> None:
        self.transactions: dict[int, TransactionItem] = {}
        self.hashes: dict[int, HashItem] = {}
        self.leaves: dict[int, LeafItem] = {}
        self.paths: PathItem | None = None

    def add(self, item: Item) -> None:
        match item:
            case TransactionItem():
                self.transactions[item.index] = item
            case HashItem():
                self.hashes[item.index] = item
            case LeafItem():
                self.leaves[item.index] = item
            case PathItem():
                self.paths = item


class _Shelf:
    """The footprint leaves of one block, proved."""

    def __init__(self, leaves: list[_Leaf], count: int) -> None:
        self._leaves, self._count = leaves, count
        self._keys = [leaf.key for leaf in leaves]

    def page(self, key: bytes) -> Page | None:
        """The page of a key, empty where neighbours leave no room for one; None where that is not shown."""
        place = bisect_left(self._keys, key)
        if place < len(self._leaves) and self._keys[place] == key:
            return self._leaves[place].page
        before = self._leaves[place - 1].position if place else -1
        after = self._leaves[place].position if place < len(self._leaves) else self._count
        return {} if after == before + 1 else None


class CarriedFacts(Facts):
    """`Facts` that lead to the roots of trusted headers."""

    def __init__(self, headers: Headers, horizon: Height, items: Iterable[Item]) -> None:
        """Raises `CertificateRefused` and names the piece that does not lead there."""
        super().__init__(headers.genesis, horizon)
        self._blocks = _infos(headers, horizon)
        self._first_seqs = headers.first_seqs[: horizon + 1]
        self._heights = {block.hash: block.height for block in self._blocks}
        self._located: dict[Seq, Located] = {}
        self._seqs: dict[Hash, Seq] = {}
        self._signed: dict[tuple[Address, int], Located] = {}
        self._deployers: dict[ContractId, Seq] = {}
        self._shelves: dict[Height, _Shelf] = {}
        self._hashes_known: dict[Height, int] = {}
        pieces: dict[int, _Pieces] = {}
        for item in items:
            if not 0 < item.height <= horizon:
                raise CertificateRefused(item.name, f"the answer rests on blocks 1 to {horizon} alone")
            pieces.setdefault(item.height, _Pieces()).add(item)
        for height, there in pieces.items():
            header = headers.headers[height - 1]
            self._take_transactions(Height(height), there, header)
            self._take_leaves(Height(height), there, header)

    def _take_transactions(self, height: Height, pieces: _Pieces, header: Header) -> None:
        both = pieces.transactions.keys() & pieces.hashes.keys()
        if both:
            raise CertificateRefused(pieces.hashes[min(both)].name, "the transaction itself is carried")
        hashes = {index: transaction_hash(item.raw) for index, item in pieces.transactions.items()}
        leaves: dict[int, bytes] = {**hashes, **{index: item.hash for index, item in pieces.hashes.items()}}
        nodes = pieces.paths.transaction_nodes if pieces.paths else ()
        if leaves or nodes:
            count, root = header.transaction_count, Hash(header.transaction_root)
            if not leaves or not merkle.verify_many(leaves, count, nodes, root):
                raise CertificateRefused(
                    f"transactions of block {height}", "its Merkle paths do not lead to the transaction root"
                )
        self._hashes_known[height] = len(leaves)
        first = self._first_seqs[height]
        self._seqs.update({Hash(leaf): Seq(first + index) for index, leaf in leaves.items()})
        for index, item in pieces.transactions.items():
            self._locate(item, hashes[index], Seq(first + index))

    def _locate(self, item: TransactionItem, name: Hash, seq: Seq) -> None:
        try:
            transaction = decode_transaction(item.raw)
            sender = sender_of(item.raw, transaction)
        except (InvalidEncoding, InvalidSignature) as error:
            raise CertificateRefused(item.name, error.detail) from None
        located = Located(seq, name, sender, Height(item.height), item.index, transaction)
        self._located[seq] = self._signed[sender, transaction.nonce] = located
        if transaction.kind is TransactionKind.DEPLOY:
            self._deployers[deployed_contract(sender, transaction)] = seq

    def _take_leaves(self, height: Height, pieces: _Pieces, header: Header) -> None:
        nodes, count = (pieces.paths.leaf_nodes, pieces.paths.leaf_count) if pieces.paths else ((), 0)
        leaves = {index: item.leaf for index, item in pieces.leaves.items()}
        if not leaves and not nodes and not count:
            return
        if not leaves or not merkle.verify_many(leaves, count, nodes, Hash(header.footprint_root)):
            raise CertificateRefused(
                f"footprint leaves of block {height}", "their Merkle paths do not lead to the footprint root"
            )
        shelf = []
        for index, item in sorted(pieces.leaves.items()):
            try:
                key, page = page_of(item.leaf)
            except InvalidEncoding as error:
                raise CertificateRefused(item.name, error.detail) from None
            shelf.append(_Leaf(key, index, page))
        self._shelves[height] = _Shelf(shelf, count)

    def carried(self, transaction_hash: Hash) -> Seq | None:
        """The number of a transaction whose bytes are carried."""
        seq = self._seqs.get(transaction_hash)
        return seq if seq in self._located else None

    def block_at(self, height: int) -> BlockInfo:
        return self._blocks[height]

    def block_by_hash(self, block_hash: Hash) -> BlockInfo | None:
        height = self._heights.get(block_hash)
        return None if height is None else self._blocks[height]

    def block_of(self, seq: Seq) -> BlockInfo:
        return self._blocks[max(0, bisect_right(self._first_seqs, seq) - 1)]

    # Facts

    def transaction(self, seq: Seq) -> Located:
        located = self._located.get(seq)
        if located is None:
            block = self.block_of(seq)
            raise NotCarried(
                f"transaction {seq - block.first_seq} of block {block.height}",
                "the answer rests on it, and it is missing",
            )
        return located

    def page(self, key: bytes, height: Height) -> Page:
        shelf = self._shelves.get(height)
        page = None if shelf is None else shelf.page(key)
        if page is None:
            raise NotCarried(f"footprint of block {height}", f"what it has under {_name_of(key)} is missing")
        return page

    def seq_of(self, transaction_hash: Hash) -> Seq | None:
        seq = self._seqs.get(transaction_hash)
        if seq is not None:
            return seq
        for block in self._blocks:
            if block.count != self._hashes_known.get(block.height, 0):
                raise NotCarried(
                    f"transaction 0x{transaction_hash.hex()}",
                    "neither it nor the hashes of all transactions are carried",
                )
        return None

    def signed(self, account: Address, nonce: int) -> Located:
        located = self._signed.get((account, nonce))
        if located is None:
            raise NotCarried(f"transaction {nonce} of {show(account)}", "the answer rests on it, and it is missing")
        return located

    def deployer(self, contract: ContractId) -> Seq | None:
        return self._deployers.get(contract)


def _infos(headers: Headers, horizon: Height) -> list[BlockInfo]:
    infos = [genesis_info(headers.genesis)]
    for height in range(1, horizon + 1):
        header = headers.headers[height - 1]
        infos.append(
            BlockInfo(
                Height(height),
                headers.hashes[height],
                Hash(header.previous_hash),
                header.time,
                Address(header.proposer),
                headers.first_seqs[height],
                header.transaction_count,
            )
        )
    return infos


def _name_of(key: bytes) -> str:
    match key[:1]:
        case b"g":
            return f"account 0x{key[1:].hex()}"
        case b"s":
            return f"slot 0x{key[33:].hex()} of contract 0x{key[1:33].hex()}"
        case b"c":
            return f"contract 0x{key[1:].hex()}"
    return f"key 0x{key.hex()}"
