"""The node's disk."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from accountant.node.store import (
    EVIDENCE_MAX,
    BlockStore,
    Evidence,
    StoredAccount,
    StoredContract,
    StoredHead,
    StoreMismatch,
)
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Height
from accountant.processes.lock import FolderInUse

GENESIS = sha256(b"genesis")
ALICE = StoredAccount(b"a" * 20, 3, 2**62, 2**80)
CONTRACT = StoredContract(b"c" * 32, b"a" * 20, b"envelope")


def filled(folder: Path, count: int, size: int = 10) -> BlockStore:
    """A store with `count` blocks of `size` bytes."""
    store = BlockStore(folder)
    store.begin(GENESIS, b"raw genesis", [ALICE], [CONTRACT])
    for height in range(1, count + 1):
        raw = height.to_bytes(2, "big") * (size // 2)
        store.append(Height(height), sha256(raw), raw, [ALICE._replace(nonce=height)], [])
    return store


def test_what_was_stored_is_there_after_reopening(tmp_path: Path) -> None:
    """Genesis, blocks, wide totals and contracts survive a close, and the state is that of the last block."""
    filled(tmp_path, 3).close()
    with BlockStore(tmp_path) as store:
        assert store.genesis() == b"raw genesis"
        assert store.head() == StoredHead(Height(3), sha256(b"\x00\x03" * 5))
        assert store.block(2) == b"\x00\x02" * 5
        assert store.block(4) is None
        assert list(store.accounts()) == [ALICE._replace(nonce=3)]
        assert list(store.contracts()) == [CONTRACT]


def test_genesis_is_the_head_of_a_new_store(tmp_path: Path) -> None:
    """Height 0 is genesis, which is not served as a block."""
    with filled(tmp_path, 0) as store:
        assert store.head() == StoredHead(Height(0), GENESIS)
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
            store.begin(sha256(b"other"), b"", [], [])
        store.begin(GENESIS, b"raw genesis", [ALICE], [CONTRACT])
        assert list(store.accounts()) == [ALICE._replace(nonce=2)]


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
            store.append(Height(2), GENESIS, b"raw", [ALICE._replace(zero_balance=2**64)], [])
        assert store.head().height == 1
        store.append(Height(2), GENESIS, b"raw", [ALICE], [])
        assert store.head().height == 2


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
from accountant.node.store import BlockStore, StoredAccount
from accountant.primitives.hashes import sha256
store = BlockStore(Path(sys.argv[1]))
store.begin(sha256(b"genesis"), b"raw genesis", [], [])
height = store.head().height
while True:
    height += 1
    raw = height.to_bytes(4, "big") * 20_000
    store.append(height, sha256(raw), raw, [StoredAccount(bytes([i]) * 20, height, height, 0) for i in range(50)], [])
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
        head = store.head()
        assert head.height >= acknowledged
        assert len(store.blocks(1, 1_000, 10**9)) == head.height
        assert store.block(head.height) == head.height.to_bytes(4, "big") * 20_000
        assert {account.nonce for account in store.accounts()} == {head.height}
