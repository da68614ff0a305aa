"""Import: whole batches or nothing, whatever dies, and never a second block at a height."""

import multiprocessing
import signal
from collections.abc import Iterator
from itertools import pairwise

import psycopg
import pytest

from accountant.chain.errors import ConflictingBlock
from accountant.chain.state import ChainState
from accountant.index.blocks import IndexedBlock
from accountant.primitives.cid import cid_of
from accountant.primitives.types import Height, Seq
from accountant.storage.chain_state import restored_state
from accountant.storage.copying import numeric
from accountant.storage.database import Database, migrate
from accountant.storage.importer import BlockGap, DifferentGenesis, Importer
from accountant.storage.index import NoChain, PostgresIndex
from tests.support import chains
from tests.support.import_process import BATCH, BLOCKS, TRANSACTIONS, import_and_die, interrupted
from tests.support.index_chain import ANN, BEN, RecordedIndex, emptied, small_genesis, transfer, transfers_chain

SECRET = bytes(range(32))


@pytest.fixture(scope="module")
def migrated(module_database_url: str) -> str:
    migrate(module_database_url)
    return module_database_url


@pytest.fixture
def database(migrated: str) -> Iterator[Database]:
    emptied(migrated)
    with Database(migrated) as opened:
        yield opened


def count(database: Database, table: str) -> int:
    rows = database.fetch(f"SELECT count(*) FROM accountant.{table}")
    return int(rows[0][0])


def contents(database: Database) -> list[object]:
    """Everything that an import writes."""
    tables = {
        "blocks": "height",
        "transactions": "seq",
        "postings": "key, kind, seq",
        "expenses": "account, seq",
        "intervals": "account, seq",
        "zero_balances": "account, moment",
    }
    return [
        (table, database.fetch(f"SELECT * FROM accountant.{table} ORDER BY {order}")) for table, order in tables.items()
    ]


def batches(blocks: list[IndexedBlock]) -> list[list[IndexedBlock]]:
    return [blocks[first : first + BATCH] for first in range(0, len(blocks), BATCH)]


def installed(database: Database, chain: RecordedIndex) -> Importer:
    importer = Importer(database)
    importer.install(chain.genesis, SECRET)
    return importer


def check_chain(database: Database) -> None:
    """Blocks are linked and without gaps, and each has exactly its transactions, which have their rows."""
    rows = database.fetch("SELECT height, hash, previous_hash, first_seq, count FROM accountant.blocks ORDER BY height")
    for number, (before, after) in enumerate(pairwise(rows), 1):
        assert after[0] == number
        assert after[2] == before[1]
        assert after[3] == before[3] + before[4]
    seqs = [seq for (seq,) in database.fetch("SELECT seq FROM accountant.transactions ORDER BY seq")]
    assert seqs == list(range(rows[-1][3] + rows[-1][4]))
    assert {seq for (seq,) in database.fetch("SELECT DISTINCT seq FROM accountant.postings")} == set(seqs)


def test_importing_again_changes_nothing(database: Database) -> None:
    """Blocks that are there are skipped, alone or at the beginning of a batch that goes on."""
    chain = transfers_chain(4, 20)
    importer = installed(database, chain)
    first = importer.import_blocks(chain.blocks[:3])
    assert (first.blocks, first.head.height, first.head.next_seq) == (3, 3, 60)
    before = contents(database)
    again = importer.import_blocks(chain.blocks[:3])
    assert (again.blocks, again.head) == (0, first.head)
    assert contents(database) == before
    onward = importer.import_blocks(chain.blocks)
    assert (onward.blocks, onward.head) == (1, chain.head())
    assert count(database, "transactions") == 80
    assert importer.import_blocks([]).head == chain.head()


def test_the_rows_are_what_the_block_says(database: Database) -> None:
    """Every posting, total and balance of the batch is there with its value, and no other."""
    chain = transfers_chain(3, 50)
    installed(database, chain).import_blocks(chain.blocks)
    expected = {
        (key, kind, seq, cap)
        for block in chain.blocks
        for seq, entry in enumerate(block.transactions, block.first_seq)
        for key, kind, cap in entry.rows
    }
    assert set(database.fetch("SELECT key, kind, seq, cap FROM accountant.postings")) == expected
    totals = {total for block in chain.blocks for total in block.expense_totals}
    assert set(database.fetch("SELECT account, seq, total::bigint FROM accountant.expenses")) == totals
    changes = {change for block in chain.blocks for change in block.zero_changes}
    found = set(database.fetch("SELECT account, moment, balance FROM accountant.zero_balances"))
    assert found - changes == {(account.address, 1 << 24, account.zero_balance) for account in chain.genesis.accounts}
    assert changes <= found


def test_a_gap_is_refused(database: Database) -> None:
    """A block whose predecessors are missing is refused with the height that would be right; nothing is stored."""
    chain = transfers_chain(3, 5)
    importer = installed(database, chain)
    with pytest.raises(BlockGap, match="the next block is 1, not 2"):
        importer.import_blocks(chain.blocks[1:])
    assert count(database, "blocks") == 1
    assert count(database, "refused_blocks") == 0


def test_another_block_at_a_height_is_refused_and_kept_as_evidence(database: Database) -> None:
    """The whole batch changes nothing but the evidence, which is kept once."""
    chain, other = transfers_chain(2, 5), RecordedIndex(small_genesis())
    other.append_unsigned([(ANN, transfer(0, BEN, 1))])
    other.append_unsigned([(ANN, transfer(1, BEN, 1))])
    importer = installed(database, chain)
    importer.import_blocks(chain.blocks)
    before = contents(database)
    for _ in range(2):
        with pytest.raises(ConflictingBlock) as refused:
            importer.import_blocks(other.blocks)
        assert (refused.value.height, refused.value.known) == (1, chain.blocks[0].hash)
    assert contents(database) == before
    rows = database.fetch("SELECT hash, height, signature FROM accountant.refused_blocks")
    assert rows == [(other.blocks[0].hash, 1, other.blocks[0].signature)]


def test_a_block_on_another_predecessor_is_refused(database: Database) -> None:
    """A block of the next height that does not follow the head is a conflict about the head's height."""
    chain, other = transfers_chain(2, 5), RecordedIndex(small_genesis())
    other.append_unsigned([])
    other.append_unsigned([])
    importer = installed(database, chain)
    importer.import_blocks(chain.blocks[:1])
    with pytest.raises(ConflictingBlock) as refused:
        importer.import_blocks(other.blocks[1:])
    assert (refused.value.height, refused.value.other) == (1, other.blocks[0].hash)
    assert PostgresIndex(database).head().height == 1
    assert count(database, "refused_blocks") == 1


def test_the_database_holds_one_chain(database: Database) -> None:
    """Another genesis is refused; the same one again changes nothing, its secret included."""
    importer = Importer(database)
    with pytest.raises(NoChain):
        PostgresIndex(database).head()
    importer.install(small_genesis(), SECRET)
    importer.install(small_genesis(), bytes(32))
    assert database.fetch("SELECT cache_key FROM accountant.genesis") == [(SECRET,)]
    with pytest.raises(DifferentGenesis):
        importer.install(small_genesis(chain_id=8), SECRET)
    assert count(database, "blocks") == 1


@pytest.mark.parametrize(("block", "index"), [(0, 0), (4, 200), (5, TRANSACTIONS - 1), (11, 7)])
def test_a_process_killed_in_mid_import_leaves_whole_batches(database: Database, block: int, index: int) -> None:
    """After kill −9 in the middle of a COPY the chain ends with the batch before; importing again completes it."""
    chain = transfers_chain(BLOCKS, TRANSACTIONS)
    installed(database, chain)
    process = multiprocessing.get_context("spawn").Process(target=import_and_die, args=(database.url, block, index))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    whole = block // BATCH * BATCH
    assert PostgresIndex(database).head() == (whole, chain.block(Height(whole)).hash, whole * TRANSACTIONS)  # type: ignore[union-attr]
    check_chain(database)
    for batch in batches(chain.blocks):
        Importer(database).import_blocks(batch)
    assert PostgresIndex(database).head() == chain.head()
    check_chain(database)


def test_a_dropped_connection_leaves_whole_batches(database: Database) -> None:
    """A server that ends the connection in mid-batch is an operational error; the same batch succeeds afterwards."""
    chain = transfers_chain(6, 100)
    importer = installed(database, chain)
    importer.import_blocks(chain.blocks[:3])
    before = contents(database)

    def drop() -> None:
        with psycopg.connect(database.url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    broken = interrupted(chain.blocks[4], 50, drop)
    with pytest.raises(psycopg.OperationalError):
        importer.import_blocks([chain.blocks[3], broken, chain.blocks[5]])
    assert contents(database) == before
    assert importer.import_blocks(chain.blocks).blocks == 3
    check_chain(database)


def test_two_importers_take_turns(database: Database) -> None:
    """Two processes that import the same chain at once end with one chain, and neither fails."""
    chain = transfers_chain(BLOCKS, TRANSACTIONS)
    installed(database, chain)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=import_and_die, args=(database.url, -1, 0)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert PostgresIndex(database).head() == chain.head()
    check_chain(database)


def test_validated_blocks_are_imported_and_the_state_comes_back(database: Database) -> None:
    """What the validator makes of signed bytes is what the importer takes, and its state is read back equal."""
    begun = chains.genesis()
    state = ChainState.at_genesis(begun)
    importer = Importer(database)
    importer.install(begun, SECRET)
    alice, bob = chains.ALICE, chains.BOB
    envelope = chains.open_envelope()
    raws = [
        [chains.transfer(alice, 0, bob.address, 5), chains.transfer(bob, 0, alice.address, 0, 9)],
        [],
        [chains.deploy(alice, 1, b"\0asm", envelope), chains.transfer(bob, 1, chains.CAROL.address, 1, 2)],
        [chains.publish(alice, 2, cid_of(b"weights"), 7), chains.publish(bob, 2, cid_of(b"data"), 2**20)],
    ]
    for raw in raws:
        importer.import_blocks([chains.extend(state, raw)])
        stored = restored_state(database, begun)
        assert stored.head == state.head
        assert dict(stored.accounts()) == dict(state.accounts())
        assert dict(stored.contracts()) == dict(state.contracts())
        assert dict(stored.blobs()) == dict(state.blobs())
    index = PostgresIndex(database)
    assert index.expenses(bob.address, Seq(4)) == 11
    assert index.transaction(Seq(3)).sender == bob.address
    assert index.publication(cid_of(b"data")) == (5, 2**20)


def test_numbers_of_any_width_are_numeric(database: Database) -> None:
    """The hand-packed NUMERIC reads back as the same integer, zeros inside and at the end included."""
    values = [0, 1, 9_999, 10_000, 10_001, 10**8, 10**12 + 1, 2**63 - 1, 2**63, 10**40, 123 * 10**17 + 45]
    with database.connection() as connection, connection.transaction():
        connection.execute("CREATE TEMP TABLE numbers (value numeric) ON COMMIT DROP")
        with connection.cursor().copy("COPY numbers FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
            for value in values:
                packed = numeric(value)
                copy.write(b"\0\1" + len(packed).to_bytes(4, "big") + packed)
            copy.write(b"\xff\xff")
        assert [int(row[0]) for row in connection.execute("SELECT value FROM numbers")] == values
