"""The node's disk: blocks as bytes and the validator's state, in one SQLite file, one transaction a block.

Whatever instant the process is killed at, the file holds the chain up to the last complete block and
the state right after it. See docs/decisions/ for why this is no part of the accountant's Postgres.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

from accountant.chain.envelope import Envelope
from accountant.chain.genesis import GENESIS_BYTES_MAX, Genesis
from accountant.chain.state import Account, ChainHead
from accountant.primitives.encoding import Decoder, encode
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Address, Cid, ContractId, Hash
from accountant.processes.lock import FolderLock

SCHEMA_VERSION = 2
EVIDENCE_MAX = 256
"""Conflicting blocks kept: only a proposer can sign one, and a few prove as much as many."""
CACHE_KIB = 16 * 1024
CHECKPOINT_PAGES = 4_000

_SCHEMA = """
CREATE TABLE genesis (only INTEGER PRIMARY KEY CHECK (only = 1), hash BLOB NOT NULL, raw BLOB NOT NULL);
CREATE TABLE block (height INTEGER PRIMARY KEY CHECK (height > 0), hash BLOB NOT NULL, time INTEGER NOT NULL,
                    next_seq INTEGER NOT NULL, size INTEGER NOT NULL, raw BLOB NOT NULL);
CREATE TABLE account (address BLOB PRIMARY KEY, nonce INTEGER NOT NULL, zero_balance INTEGER NOT NULL,
                      expenses TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE contract (contract BLOB PRIMARY KEY, deployer BLOB NOT NULL, envelope BLOB NOT NULL);
CREATE TABLE blob (cid BLOB PRIMARY KEY, size INTEGER NOT NULL);
CREATE TABLE evidence (hash BLOB PRIMARY KEY, height INTEGER NOT NULL, header BLOB NOT NULL, signature BLOB NOT NULL);
"""

_envelopes = Decoder(Envelope, GENESIS_BYTES_MAX)


STORE_FOLDER = "node"
"""The store's folder in the chain folder."""


class StoreMismatch(AccountantError):
    """The folder holds another chain, or a layout that this version does not read."""

    code = "store_mismatch"


Accounts = Iterable[tuple[Address, Account]]
"""Users, each as a validator keeps it."""

Contracts = Iterable[tuple[ContractId, Address, Envelope]]
"""Contracts: id, deployer, envelope."""

Blobs = Iterable[tuple[Cid, int]]
"""Published blobs: CID, size in bytes."""


class Evidence(NamedTuple):
    """A second block that a proposer signed at a height: header (canonical bytes) and signature prove it to anyone."""

    hash: Hash
    height: int
    header: bytes
    signature: bytes


class BlockStore:
    """Blocks, state and evidence of one chain in one folder. One writer; readers on any thread."""

    def __init__(self, folder: Path) -> None:
        """Opens or creates the store. Raises `FolderInUse` and `StoreMismatch`."""
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = FolderLock(folder / "node.lock")
        self._lock.acquire()
        try:
            self._writer = _connect(folder / "node.sqlite")
            _ensure_schema(self._writer)
            self._reader = _connect(folder / "node.sqlite")
        except BaseException:
            self._lock.release()
            raise
        self._reading = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file and lets another process have the folder."""
        with self._reading:
            self._reader.close()
        self._writer.close()
        self._lock.release()

    # -- writing, by one thread at a time -----------------------------------------------------------------

    def begin(self, genesis: Genesis, accounts: Accounts, contracts: Contracts) -> None:
        """Stores genesis and the state in it, once. Raises `StoreMismatch` where another genesis is stored."""
        stored = self._writer.execute("SELECT hash FROM genesis").fetchone()
        if stored is not None:
            if stored[0] != genesis.hash:
                raise StoreMismatch(f"the folder holds chain {stored[0].hex()}, not {genesis.hash.hex()}")
            return
        with self._writer:
            self._writer.execute("INSERT INTO genesis VALUES (1, ?, ?)", (genesis.hash, encode(genesis)))
            self._put_state(accounts, contracts, ())

    def append(self, head: ChainHead, raw: bytes, accounts: Accounts, contracts: Contracts, blobs: Blobs) -> None:
        """Stores the next block, at `head`, and the state that it changed: on the disk when this returns."""
        with self._writer:
            (top,) = self._writer.execute("SELECT coalesce(max(height), 0) FROM block").fetchone()
            assert head.height == top + 1, "blocks are stored in order, each once"
            self._writer.execute(
                "INSERT INTO block VALUES (?, ?, ?, ?, ?, ?)",
                (head.height, head.hash, head.time, head.next_seq, len(raw), raw),
            )
            self._put_state(accounts, contracts, blobs)

    def keep_evidence(self, found: Evidence) -> None:
        """Keeps a conflicting block's header, unless it is kept already or enough are."""
        with self._writer:
            self._writer.execute(
                "INSERT INTO evidence SELECT ?, ?, ?, ? WHERE (SELECT count(*) FROM evidence) < ?"
                " ON CONFLICT DO NOTHING",
                (*found, EVIDENCE_MAX),
            )

    def _put_state(self, accounts: Accounts, contracts: Contracts, blobs: Blobs) -> None:
        self._writer.executemany(
            "INSERT OR REPLACE INTO account VALUES (?, ?, ?, ?)",
            ((address, a.nonce, a.zero, str(a.expenses)) for address, a in accounts),
        )
        self._writer.executemany(
            "INSERT OR REPLACE INTO contract VALUES (?, ?, ?)",
            ((contract, deployer, encode(envelope)) for contract, deployer, envelope in contracts),
        )
        self._writer.executemany("INSERT INTO blob VALUES (?, ?)", blobs)

    # -- reading, from any thread --------------------------------------------------------------------------

    def genesis(self) -> bytes | None:
        """The genesis' bytes; None in a new store."""
        row = self._one("SELECT raw FROM genesis")
        return None if row is None else bytes(row[0])

    def head(self) -> ChainHead | None:
        """The last block; None where there is genesis at most."""
        row = self._one("SELECT height, hash, time, next_seq FROM block ORDER BY height DESC LIMIT 1")
        return None if row is None else ChainHead(*row)

    def hash_of(self, height: int) -> Hash | None:
        """The hash of the block at a height, genesis at 0; None above the head."""
        if height == 0:
            row = self._one("SELECT hash FROM genesis")
        else:
            row = self._one("SELECT hash FROM block WHERE height = ?", height)
        return None if row is None else Hash(row[0])

    def block(self, height: int) -> bytes | None:
        """The bytes of the block at a height; None above the head and for genesis."""
        row = self._one("SELECT raw FROM block WHERE height = ?", height) if height < 2**63 else None
        return None if row is None else bytes(row[0])

    def blocks(self, from_height: int, limit: int, bytes_max: int) -> list[bytes]:
        """Up to `limit` blocks from a height on, as many as fit `bytes_max`, but at least one if there is one."""
        if from_height >= 2**63:
            return []
        with self._reading:
            sizes = self._reader.execute(
                "SELECT size FROM block WHERE height >= ? ORDER BY height LIMIT ?", (from_height, limit)
            ).fetchall()
            count, total = 0, 0
            for (size,) in sizes:
                total += size
                if count and total > bytes_max:
                    break
                count += 1
            rows = self._reader.execute(
                "SELECT raw FROM block WHERE height >= ? ORDER BY height LIMIT ?", (from_height, count)
            ).fetchall()
        return [raw for (raw,) in rows]

    def evidence(self) -> list[Evidence]:
        """The conflicting blocks that were refused, by height and hash."""
        with self._reading:
            rows = self._reader.execute("SELECT * FROM evidence ORDER BY height, hash").fetchall()
        return [Evidence(*row) for row in rows]

    def accounts(self) -> Iterator[tuple[Address, Account]]:
        """All users at the head."""
        with self._reading:
            for address, nonce, zero, expenses in self._reader.execute("SELECT * FROM account"):
                yield Address(address), Account(nonce, zero, int(expenses))

    def contracts(self) -> Iterator[tuple[ContractId, Address, Envelope]]:
        """All contracts at the head, genesis' own included."""
        with self._reading:
            for contract, deployer, envelope in self._reader.execute("SELECT * FROM contract"):
                yield ContractId(contract), Address(deployer), _envelopes.decode(envelope)

    def blobs(self) -> Iterator[tuple[Cid, int]]:
        """All published blobs at the head."""
        with self._reading:
            for cid, size in self._reader.execute("SELECT * FROM blob"):
                yield Cid(cid), size

    def _one(self, statement: str, *arguments: int) -> tuple[Any, ...] | None:
        with self._reading:
            row: tuple[Any, ...] | None = self._reader.execute(statement, arguments).fetchone()
        return row


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, timeout=10.0)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", f"cache_size = -{CACHE_KIB}", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    return connection


def _ensure_schema(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        connection.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}PRAGMA user_version = {SCHEMA_VERSION};COMMIT;")
    elif version != SCHEMA_VERSION:
        raise StoreMismatch(f"the store has layout {version}; this version reads {SCHEMA_VERSION}")
