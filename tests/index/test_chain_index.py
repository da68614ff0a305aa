"""What every `ChainIndex` answers: one suite for the index in memory and the index in Postgres."""

from collections.abc import Callable, Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accountant.chain.envelope import Envelope
from accountant.chain.footprint import Blob, Bound, Credit, Debit, Memory, Read, Write, account_key
from accountant.chain.moment import moment_after_block, moment_before
from accountant.chain.rows import RowKind, rows_of
from accountant.chain.transaction import DeployPayload, Transaction, TransactionKind, deployed_contract
from accountant.execution.income import INCOME_KINDS
from accountant.index.port import ChainIndex, Event
from accountant.primitives.cid import cid_of
from accountant.primitives.encoding import encode
from accountant.primitives.hashes import sha256
from accountant.primitives.types import AccountId, Address, ContractId, Hash, Height, Seq
from accountant.storage.database import Database, migrate
from accountant.storage.index import PostgresIndex
from tests.support.index_chain import (
    ANN,
    BEN,
    CAT,
    PROPOSER,
    SHOP,
    VAULT,
    RecordedIndex,
    call,
    emptied,
    imported,
    publication,
    small_genesis,
    transaction,
    transfer,
)
from tests.support.random_chain import SLOTS, RandomChain

Adapter = Callable[[RecordedIndex], ChainIndex]


@pytest.fixture(scope="module")
def migrated(module_database_url: str) -> str:
    migrate(module_database_url)
    return module_database_url


@pytest.fixture(scope="module")
def database(migrated: str) -> Iterator[Database]:
    with Database(migrated) as opened:
        yield opened


@pytest.fixture(params=["memory", "postgres"])
def adapter(request: pytest.FixtureRequest) -> Adapter:
    if request.param == "memory":
        return lambda chain: chain
    url, database = request.getfixturevalue("migrated"), request.getfixturevalue("database")

    def in_postgres(chain: RecordedIndex) -> ChainIndex:
        emptied(url)
        imported(database, chain.genesis, chain.blocks)
        return PostgresIndex(database)

    return in_postgres


def deployment(nonce: int) -> Transaction:
    return transaction(
        TransactionKind.DEPLOY, nonce, payload=encode(DeployPayload(b"\0asm", Envelope(()), ())), gas=1_000
    )


def example() -> RecordedIndex:
    """Seven transactions in blocks 1 and 3; block 2 is empty.

    0: ann → ben zero 100. 1: ann → vault general 7. 2: ann → shop zero 5.
    3: ben deploys. 4: ann calls the vault, writing s. 5: cat calls it, reading s, writing s and t, paying ben.
    6: ann → cat general 2^62, four times as much as she may ever have had.
    """
    index = RecordedIndex(small_genesis())
    index.append_unsigned(
        [(ANN, transfer(0, BEN, 100, tip=3)), (ANN, transfer(1, VAULT, 0, 7)), (ANN, transfer(2, SHOP, 5))]
    )
    index.append_unsigned([])
    index.append_unsigned(
        [
            (BEN, deployment(0)),
            (ANN, call(3, VAULT, Write(VAULT, b"s"))),
            (
                CAT,
                call(
                    0,
                    VAULT,
                    Read(VAULT, b"s"),
                    Write(VAULT, b"s"),
                    Write(VAULT, b"t"),
                    Credit(BEN),
                    Debit(VAULT, 40),
                    Bound(ANN),
                ),
            ),
            (ANN, transfer(4, CAT, 0, 2**62)),
        ]
    )
    return index


def test_the_head_is_the_last_block(adapter: Adapter) -> None:
    """The head is the last block, empty ones included, and the number of the transaction to come."""
    chain = example()
    index = adapter(chain)
    assert index.head() == (3, chain.blocks[-1].hash, 7)
    assert index.genesis == chain.genesis


def test_a_new_chain_is_genesis_alone(adapter: Adapter) -> None:
    """Before the first block the head is genesis, and genesis is a block without transactions."""
    chain = RecordedIndex(small_genesis())
    index = adapter(chain)
    assert index.head() == (0, chain.genesis.hash, 0)
    info = index.block(Height(0))
    assert info is not None
    assert (info.hash, info.count, info.first_seq) == (chain.genesis.hash, 0, 0)
    assert index.block_by_hash(chain.genesis.hash) == info
    assert index.zero_balance(ANN, moment_before(1, 0)) == 10**15


def test_blocks_are_found_by_height_and_by_hash(adapter: Adapter) -> None:
    """Both ways lead to the same block; heights above the head, below zero and unknown hashes to none."""
    chain = example()
    index = adapter(chain)
    for block in chain.blocks:
        info = index.block(Height(block.header.height))
        assert info is not None
        assert (info.hash, info.previous_hash) == (block.hash, block.header.previous_hash)
        assert (info.time, info.proposer) == (block.header.time, PROPOSER)
        assert (info.first_seq, info.count) == (block.first_seq, len(block.transactions))
        assert index.block_by_hash(block.hash) == info
    assert index.block(Height(4)) is None
    assert index.block(Height(-1)) is None
    assert index.block_by_hash(Hash(bytes(32))) is None


def test_transactions_come_in_the_order_asked_for(adapter: Adapter) -> None:
    """Several at once, repeated or not, each with its place and its fields."""
    chain = example()
    index = adapter(chain)
    asked = [Seq(n) for n in (5, 0, 5, 3)]
    located = index.transactions(asked)
    assert [entry.seq for entry in located] == asked
    assert (located[0].height, located[0].index, located[0].sender) == (3, 2, CAT)
    assert located[1] == index.transaction(Seq(0))
    assert located[1].transaction == chain.blocks[0].transactions[0].transaction
    assert index.transactions([]) == []
    with pytest.raises(AssertionError):
        index.transaction(Seq(7))


def test_a_transaction_is_found_by_its_hash(adapter: Adapter) -> None:
    """The hash names the number; an unknown hash names none."""
    chain = example()
    index = adapter(chain)
    for block in chain.blocks:
        for number, entry in enumerate(block.transactions, block.first_seq):
            assert index.seq_of(entry.hash) == number
    assert index.seq_of(Hash(bytes(32))) is None


def test_writers_come_latest_first_and_strictly_before(adapter: Adapter) -> None:
    """Only declared writes of that very slot count; `before` is exclusive and `limit` cuts the oldest."""
    index = adapter(example())
    index.ahead([(VAULT, b"s", Seq(5)), (VAULT, b"", Seq(7)), (VAULT, b"s", Seq(7))], 10)
    assert index.writers(VAULT, b"s", Seq(7), 10) == [5, 4]
    assert index.writers(VAULT, b"s", Seq(7), 1) == [5]
    assert index.writers(VAULT, b"s", Seq(5), 10) == [4]
    assert index.writers(VAULT, b"s", Seq(4), 10) == []
    assert index.writers(VAULT, b"t", Seq(7), 10) == [5]
    assert index.writers(SHOP, b"s", Seq(7), 10) == []
    assert index.writers(VAULT, b"", Seq(7), 10) == []


def test_a_deployment_is_found_by_the_contract(adapter: Adapter) -> None:
    """The deploying transaction; none for a contract of genesis, or one that is only called."""
    chain = example()
    index = adapter(chain)
    entry = chain.blocks[2].transactions[0]
    assert index.deployment(deployed_contract(BEN, entry.transaction)) == 3
    assert index.deployment(VAULT) is None


def test_a_publication_is_found_by_the_blob(adapter: Adapter) -> None:
    """Who published a blob and its size; none for a blob that is loaded alone, or that nobody names."""
    chain, loaded = example(), cid_of(b"loaded")
    loading = call(0, VAULT, Blob(loaded, 5), Memory(9))
    chain.append_unsigned([(CAT, publication(1, cid_of(b"weights"), 2**40)), (BEN, loading)])
    index = adapter(chain)
    assert index.publication(cid_of(b"weights")) == (7, 2**40)
    assert index.publication(loaded) is None
    assert index.publication(cid_of(b"")) is None


def test_events_are_what_moves_a_general_balance(adapter: Adapter) -> None:
    """Credits, debits, expenses and settled deposits, by (seq, kind); zero-cost income and bounds are none."""
    index = adapter(example())
    assert index.events(VAULT, Seq(-1), Seq(7)) == [
        Event(Seq(1), RowKind.CREDIT, 7),  # type: ignore[arg-type]
        Event(Seq(5), RowKind.DEBIT, 40),  # type: ignore[arg-type]
    ]
    assert index.events(SHOP, Seq(-1), Seq(7)) == [(2, RowKind.SETTLED, 5)]
    assert [(e.seq, e.kind) for e in index.events(ANN, Seq(-1), Seq(7))] == [
        (0, RowKind.EXPENSE),
        (1, RowKind.CREDIT),
        (1, RowKind.EXPENSE),
        (2, RowKind.EXPENSE),
        (4, RowKind.CREDIT),
        (4, RowKind.EXPENSE),
        (6, RowKind.CREDIT),
        (6, RowKind.EXPENSE),
    ]
    assert [e.seq for e in index.events(ANN, Seq(1), Seq(6))] == [2, 4, 4]
    assert index.events(ANN, Seq(2), Seq(3)) == []


def test_expenses_are_the_sum_right_before(adapter: Adapter) -> None:
    """Q_G before a position leaves out the transaction at the position, and holds more than 63 bits."""
    chain = example()
    chain.append_unsigned([(ANN, transfer(number, CAT, 0, 2**62)) for number in range(5, 9)])
    index = adapter(chain)
    assert index.expenses(ANN, Seq(1)) == 0
    assert index.expenses(ANN, Seq(2)) == 7
    assert index.expenses(ANN, Seq(6)) == 7
    assert index.expenses(ANN, Seq(11)) == 7 + 5 * 2**62
    assert index.expenses(BEN, Seq(11)) == 0
    assert index.expenses(Address(b"x" * 20), Seq(11)) == 0


def test_the_next_nonce_right_before(adapter: Adapter) -> None:
    """A user's next nonce counts what it signed before the position, income and other signers' calls not among it."""
    chain = example()
    index = adapter(chain)
    numbers = [chain.transaction(Seq(seq)) for seq in range(7)]
    for user in (ANN, BEN, CAT, Address(b"x" * 20)):
        for seq in range(8):
            signed = [t.transaction.nonce for t in numbers[:seq] if t.sender == user]
            assert index.nonce(user, Seq(seq)) == (signed[-1] + 1 if signed else 0)


def test_gas_limits_are_summed_right_before(adapter: Adapter) -> None:
    """What executing everything before a position may cost at most, in one number wider than 63 bits."""
    chain = example()
    chain.append_unsigned([(user, call(9, VAULT, gas=2**62)) for user in (ANN, BEN, CAT)])
    index = adapter(chain)
    assert [index.gas_limits(Seq(seq)) for seq in (0, 3, 4, 6, 7)] == [0, 0, 1_000, 101_000, 101_000]
    assert index.gas_limits(Seq(10)) == index.gas_limits(Seq(99)) == 101_000 + 3 * 2**62


def test_zero_cost_balances_at_every_instant(adapter: Adapter) -> None:
    """Z right before a transaction has what earlier ones changed; tips and the reward land at the block's end."""
    index = adapter(example())
    assert index.zero_balance(BEN, moment_before(1, 0)) == 10**15
    assert index.zero_balance(BEN, moment_before(1, 1)) == 10**15 + 100
    assert index.zero_balance(ANN, moment_before(1, 1)) < 10**15 - 100
    assert index.zero_balance(PROPOSER, moment_before(1, 3)) == 0
    assert index.zero_balance(PROPOSER, moment_after_block(1)) == 0
    assert index.zero_balance(PROPOSER, moment_before(2, 0)) == 3 + 11
    assert index.zero_balance(PROPOSER, moment_before(3, 0)) == 3 + 22
    assert index.zero_balance(Address(b"x" * 20), moment_before(3, 0)) == 0


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(seed=st.integers(0, 2**32), blocks=st.integers(0, 6))
def test_both_indexes_answer_the_same(migrated: str, database: Database, seed: int, blocks: int) -> None:
    """On random chains every look-up at every position gives the same in memory and in Postgres, cached or not."""
    chain = RandomChain(Random(seed))
    memory = chain.index = RecordedIndex(chain.genesis)
    chain.grow(blocks)
    emptied(migrated)
    imported(database, chain.genesis, memory.blocks)
    postgres = PostgresIndex(database)
    for _ in range(2):
        _compare(memory, postgres, [*chain.nonces], chain.contracts)
        for cid, data in [*chain.published.items(), (cid_of(b"none"), b"")]:
            found = memory.publication(cid)
            assert postgres.publication(cid) == found
            assert (0 if found is None else found.size) == len(data)


def _compare(left: ChainIndex, right: ChainIndex, users: list[Address], contracts: list[ContractId]) -> None:
    head = left.head()
    assert right.head() == head
    ends = [Seq(seq) for seq in range(head.next_seq + 1)]
    for height in range(head.height + 2):
        info = left.block(Height(height))
        assert right.block(Height(height)) == info
        assert info is None or right.block_by_hash(info.hash) == info
    assert right.transactions(ends[:-1]) == left.transactions(ends[:-1])
    assert [right.gas_limits(seq) for seq in ends] == [left.gas_limits(seq) for seq in ends]
    for located in left.transactions(ends[:-1]):
        assert right.seq_of(located.hash) == located.seq
    accounts: list[AccountId] = [*users, *contracts]
    for account in accounts:
        for middle in ends:
            assert right.events(account, Seq(-1), middle) == left.events(account, Seq(-1), middle)
            assert right.events(account, middle, ends[-1]) == left.events(account, middle, ends[-1])
            for limit in (1, 3, 100):
                assert right.postings(account, Seq(0), middle, limit) == left.postings(account, Seq(0), middle, limit)
            assert right.postings(account, middle, ends[-1], 100) == left.postings(account, middle, ends[-1], 100)
    for user in users:
        assert [right.expenses(user, seq) for seq in ends] == [left.expenses(user, seq) for seq in ends]
        assert [right.nonce(user, seq) for seq in ends] == [left.nonce(user, seq) for seq in ends]
        moments = [moment_before(height, index) for height in range(head.height + 2) for index in range(-1, 7)]
        assert [right.zero_balance(user, m) for m in moments] == [left.zero_balance(user, m) for m in moments]
    for contract in contracts:
        assert right.deployment(contract) == left.deployment(contract)
        assert right.head() == head
        right.ahead([(contract, slot, end) for slot in SLOTS for end in ends], 3)
        for slot in SLOTS:
            for end in ends:
                assert right.writers(contract, slot, end, 3) == left.writers(contract, slot, end, 3)


def test_the_unknown_slot_of_a_long_name_is_no_other_slot(adapter: Adapter) -> None:
    """A slot is found by all of its bytes."""
    index = adapter(example())
    assert index.writers(VAULT, sha256(b"s"), Seq(7), 10) == []


def test_movements_are_latest_first_and_of_whole_transactions(adapter: Adapter) -> None:
    """Credits, deposits and zero-cost transfers, each transaction with all its rows; a limit counts transactions."""
    index = adapter(example())
    everything = (Seq(-1), Seq(7))
    kinds = [
        (event.seq, RowKind(event.kind).name, event.cap)
        for event in index.movements(BEN, INCOME_KINDS, *everything, 10)
    ]
    assert kinds == [(5, "CREDIT", 40), (3, "CREDIT", 1_000), (0, "ZERO", 100)]
    assert [(e.seq, RowKind(e.kind).name) for e in index.movements(SHOP, INCOME_KINDS, *everything, 10)] == [
        (2, "SETTLED")
    ]
    assert [event.seq for event in index.movements(BEN, INCOME_KINDS, *everything, 2)] == [5, 3]
    assert [event.seq for event in index.movements(BEN, INCOME_KINDS, Seq(0), Seq(5), 10)] == [3]
    assert index.movements(Address(b"x" * 20), INCOME_KINDS, *everything, 10) == []


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=True))
def test_movements_of_random_chains(adapter: Adapter, random: Random) -> None:
    """Whatever window and limit: the rows of the latest transactions in it, as the transactions' own rows say."""
    made = RandomChain(random)
    chain = RecordedIndex(made.genesis)
    made.index = chain
    made.grow(5)
    index, count = adapter(chain), chain.head().next_seq
    account = random.choice(made.accounts)
    money = [RowKind.CREDIT, RowKind.DEBIT, RowKind.EXPENSE, RowKind.SETTLED, RowKind.ZERO]
    kinds = random.sample(money, random.randrange(len(money) + 1))
    rows = [
        Event(Seq(seq), row.kind, row.cap)  # type: ignore[arg-type]
        for seq in range(count)
        for row in rows_of(
            chain.transaction(Seq(seq)).transaction, chain.transaction(Seq(seq)).sender, made.genesis.gas
        )
        if row.key == account_key(account) and row.kind in kinds
    ]
    after, before, limit = (
        Seq(random.randrange(-1, count + 1)),
        Seq(random.randrange(count + 2)),
        random.choice([1, 3, 99]),
    )
    inside = [row for row in rows if after < row.seq < before]
    latest = sorted({row.seq for row in inside}, reverse=True)[:limit]
    expected = sorted((row for row in inside if row.seq in latest), key=lambda row: (-row.seq, row.kind))
    assert index.movements(account, kinds, after, before, limit) == expected
