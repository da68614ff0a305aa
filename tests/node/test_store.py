"""The node's disk."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from accountant.chain.envelope import Envelope
from accountant.chain.genesis import Genesis
from accountant.chain.state import Account, ChainHead
from accountant.node.store import EVIDENCE_MAX, BlockStore, Evidence, StoreMismatch
from accountant.primitives.cid import cid_of
from accountant.primitives.encoding import encode
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Address, Cid, ContractId, Height, Seq
from accountant.processes.lock import FolderInUse

GENESIS = Genesis(chain_id=1, time=0, engine="none", proposers=(), accounts=())
ALICE = Address(b"a" * 20)
RICH = Account(3, 2**62, 2**80)
CONTRACT = (ContractId(b"c" * 32), ALICE, Envelope(()))


def head(height: int) -> ChainHead:
    """The end of a chain of `height` blocks with two transactions each."""
    return ChainHead(Height(height), sha256(height.to_bytes(4, "big")), 10 * height, Seq(2 * height))


def blob(height: int) -> Cid:
    """What the block at a height publishes."""
    return cid_of(height.to_bytes(2, "big"))


def filled(folder: Path, count: int) -> BlockStore:
    """A store with `count` blocks of 10 bytes, each of which moves one nonce."""
    store = BlockStore(folder)
    store.begin(GENESIS, [(ALICE, RICH)], [CONTRACT])
    for height in range(1, count + 1):
        blobs = [(blob(height), height)]
        store.append(head(height), height.to_bytes(2, "big") * 5, [(ALICE, RICH._replace(nonce=height))], [], blobs)
    return store


def test_what_was_stored_is_there_after_reopening(tmp_path: Path) -> None:
    """Genesis, blocks, wide totals, contracts and publications survive a close, the state is that of the last block."""
    filled(tmp_path, 3).close()
    with BlockStore(tmp_path) as store:
        assert store.genesis() == encode(GENESIS)
        assert store.head() == head(3)
        assert store.hash_of(2) == head(2).hash
        assert store.block(2) == b"\x00\x02" * 5
        assert store.block(4) is None
        assert list(store.accounts()) == [(ALICE, RICH._replace(nonce=3))]
        assert list(store.contracts()) == [CONTRACT]
        assert dict(store.blobs()) == {blob(height): height for height in (1, 2, 3)}


def test_genesis_is_no_block(tmp_path: Path) -> None:
    """A new store has no tip; genesis is known by its hash at height 0 but not served as a block."""
    with filled(tmp_path, 0) as store:
        assert store.head() is None
        assert store.hash_of(0) == GENESIS.hash
        assert store.hash_of(1) is None
        assert store.block(0) is None


def test_a_folder_has_one_writer(tmp_path: Path) -> None:
    """A second store on the folder is refused while the first is open, and not after it."""
    with filled(tmp_path, 0), pytest.raises(FolderInUse):
        BlockStore(tmp_path)
    BlockStore(tmp_path).close()


def test_a_folder_holds_one_chain(tmp_path: Path) -> None:
    """Another genesis is refused; the same again changes nothing, not even the state."""
    with filled(tmp_path, 2) as store:
        with pytest.raises(StoreMismatch):
            store.begin(Genesis(chain_id=2, time=0, engine="none", proposers=(), accounts=()), [], [])
        store.begin(GENESIS, [(ALICE, RICH)], [CONTRACT])
        assert list(store.accounts()) == [(ALICE, RICH._replace(nonce=2))]


def test_a_list_of_blocks_is_bounded_by_count_and_bytes(tmp_path: Path) -> None:
    """Neither limit is passed, but one block always comes however large it is."""
    with filled(tmp_path, 5) as store:
        assert [raw[1] for raw in store.blocks(2, 2, 1_000)] == [2, 3]
        assert [raw[1] for raw in store.blocks(1, 100, 35)] == [1, 2, 3]
        assert [raw[1] for raw in store.blocks(4, 100, 1)] == [4]
        assert store.blocks(6, 100, 1_000) == []
        assert store.blocks(2**64, 100, 1_000) == []


def test_a_block_that_fails_halfway_leaves_nothing(tmp_path: Path) -> None:
    """Block and state are one transaction: an error in the state keeps the block out."""
    with filled(tmp_path, 1) as store:
        with pytest.raises(OverflowError):
            store.append(head(2), b"raw", [(ALICE, RICH._replace(zero=2**64))], [], [])
        assert store.head() == head(1)
        store.append(head(2), b"raw", [(ALICE, RICH)], [], [])
        assert store.head() == head(2)


def test_evidence_is_kept_once_and_bounded(tmp_path: Path) -> None:
    """The same conflicting block is kept once, and a proposer that signs many fills no disk."""
    with filled(tmp_path, 0) as store:
        first = Evidence(sha256(b"x"), 7, b"header", b"signature")
        store.keep_evidence(first)
        store.keep_evidence(first)
        assert store.evidence() == [first]
        for number in range(EVIDENCE_MAX + 5):
            store.keep_evidence(Evidence(sha256(number.to_bytes(4, "big")), 8, b"header", b"signature"))
        assert len(store.evidence()) == EVIDENCE_MAX


_WRITER = """
import sys
from pathlib import Path
from accountant.chain.genesis import Genesis
from accountant.chain.state import Account, ChainHead
from accountant.node.store import BlockStore
store = BlockStore(Path(sys.argv[1]))
store.begin(Genesis(chain_id=1, time=0, engine="none", proposers=(), accounts=()), [], [])
for height in range(1, 100_000):
    raw = height.to_bytes(4, "big") * 20_000
    accounts = [(bytes([i]) * 20, Account(height, height, height)) for i in range(50)]
    store.append(ChainHead(height, bytes(32), height, height), raw, accounts, [], [])
    print(height, flush=True)
"""


@pytest.mark.parametrize("blocks", [1, 7, 40])
def test_a_killed_writer_leaves_the_last_complete_block(tmp_path: Path, blocks: int) -> None:
    """After SIGKILL in mid-write every acknowledged block is there, whole, with the state right after it."""
    with subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        for _ in range(blocks):
            acknowledged = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
    with BlockStore(tmp_path) as store:
        last = store.head()
        assert last is not None
        height = last.height
        assert height >= acknowledged
        assert len(store.blocks(1, 1_000, 10**9)) == height
        assert store.block(height) == height.to_bytes(4, "big") * 20_000
        assert {account.nonce for _, account in store.accounts()} == {height}
