"""How fast blocks become rows: `python -m benchmarks.import [FILE]`.

Ours: validated blocks to rows of all the chain's tables, packed and sent by `Importer`. Bare: the very bytes
that ours sent, made beforehand, in a binary COPY to identical tables with identical indexes, in database
transactions of the same size. Both run in one embedded Postgres, in turns, first one and then the other;
medians over the rounds. Neither recovers signatures or checks anything: `validate` measures that. End to end
(bytes, signatures and rules, then import) is printed besides, over the same blocks.

FILE: recorded Ethereum blocks, sealed into a chain. Without it: signed transfers, and calls with 5 to 10 entries.
"""

import json
import random
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import psycopg

from accountant.chain.envelope import ArgumentKind, Envelope, FunctionEnvelope, OpenAccess
from accountant.chain.footprint import Entry, Read, Write, canonical_footprint
from accountant.chain.genesis import Genesis, GenesisAccount, GenesisContract, Limits
from accountant.chain.proposer import propose
from accountant.chain.state import ChainState
from accountant.chain.transaction import VERSION, CallPayload, Transaction, TransactionKind, sign_transaction
from accountant.chain.validator import ValidatedBlock, apply_block, import_block
from accountant.index.static import StaticFold, fold_blocks, running_at_genesis, supply_at_genesis
from accountant.primitives.encoding import encode
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import ContractId
from accountant.replay.record import record_chain
from accountant.replay.recording import parse_blocks
from accountant.storage import copying, tables
from accountant.storage.database import Database, migrate
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.importer import Importer

ROUNDS = 7
BLOCKS, TRANSACTIONS = 20, 1_000
BATCH = 5
"""Blocks in one database transaction."""
USERS, SLOTS = 500, 2_000
SHOPS = [ContractId(bytes([number]) * 32) for number in range(1, 21)]
PROPOSER = PrivateKey.from_seed(b"benchmark/import/proposer")


class Chain(NamedTuple):
    """What is imported."""

    genesis: Genesis
    blocks: Sequence[ValidatedBlock]


class Stream(NamedTuple):
    """One COPY of one batch."""

    statement: str
    pieces: list[bytes]


def no_module(code: bytes, envelope: Envelope, limits: Limits) -> None:
    """No code is checked: nothing is deployed here but what was recorded, and nothing runs."""


def synthetic_chain() -> Chain:
    """Half zero-cost and general transfers, half calls that declare 5 to 10 slots."""
    choose = random.Random(1)
    users = [PrivateKey.from_seed(b"benchmark/import/%d" % number) for number in range(USERS)]
    function = FunctionEnvelope("run", (ArgumentKind.INT,), (), complete=False)
    envelope = Envelope((function,), OpenAccess((b"",), (b"",), 64, 64))
    genesis = Genesis(
        chain_id=1,
        time=0,
        engine="none",
        proposers=(PROPOSER.address,),
        accounts=tuple(GenesisAccount(user.address, 10**15) for user in users),
        contracts=tuple(GenesisContract(shop, users[0].address, b"", envelope, 0) for shop in SHOPS),
    )
    state, nonces, blocks = ChainState.at_genesis(genesis), [0] * USERS, []
    for height in range(1, BLOCKS + 1):
        raws = []
        for number in range(TRANSACTIONS):
            sender = choose.randrange(USERS)
            to = choose.choice(users).address if number % 2 else choose.choice(SHOPS)
            raws.append(sign_transaction(_transaction(choose, nonces[sender], to, number), users[sender]))
            nonces[sender] += 1
        proposal = propose(raws, state, PROPOSER, height, no_module)
        assert not proposal.dropped, proposal.dropped[:1]
        apply_block(proposal.block, state)
        blocks.append(proposal.block)
    return Chain(genesis, blocks)


def _transaction(choose: random.Random, nonce: int, to: bytes, number: int) -> Transaction:
    kind, payload, general, gas = TransactionKind.CALL, encode(CallPayload("run", (number,))), 0, 50_000
    footprint: list[Entry] = []
    if len(to) == 20:
        kind, payload, general = TransactionKind.TRANSFER, b"", choose.choice([0, 9])
        gas = 2_000 if general else 0
    else:
        slots = [b"slot/%08d" % slot for slot in choose.sample(range(SLOTS), choose.randint(5, 10))]
        footprint = [Read(to, slot) if choose.random() < 0.5 else Write(to, slot) for slot in slots]
    zero = 0 if general else 5
    return Transaction(
        VERSION, 1, nonce, kind, to, zero, general, gas, 1, 0, payload, canonical_footprint(footprint), b""
    )


def recorded_chain(file: Path) -> Chain:
    """The chain of recorded blocks, as `accountant chain record` makes it."""
    recorded = record_chain(parse_blocks(file.read_bytes()))
    return Chain(recorded.genesis, recorded.blocks)


def batches(chain: Chain) -> list[Sequence[ValidatedBlock]]:
    """The blocks, in database transactions."""
    return [chain.blocks[first : first + BATCH] for first in range(0, len(chain.blocks), BATCH)]


def streams(blocks: Sequence[ValidatedBlock], gas_before: int, folding: StaticFold) -> list[Stream]:
    """The bytes that the importer sends for a batch."""
    totals = (total for block in blocks for total in block.expense_totals)
    changes = (change for block in blocks for change in block.zero_changes)
    rows = (
        copying.block_rows(blocks),
        copying.transaction_rows(blocks, gas_before),
        copying.posting_rows(blocks),
        copying.expense_rows(totals),
        copying.interval_rows(fold_blocks(folding, blocks)),
        copying.zero_rows(changes),
    )
    pairs = zip(tables.CHAIN_TABLES, rows, strict=True)
    return [Stream(copying.copy_statement(table), list(copying.chunks(source))) for table, source in pairs]


def rows_in(url: str) -> int:
    """Rows in all the chain's tables."""
    with psycopg.connect(url) as connection:
        counts = [connection.execute(f"SELECT count(*) FROM {table.fullname}") for table in tables.CHAIN_TABLES]
        return sum(row[0] for cursor in counts for row in cursor)


def empty(database: Database, chain: Chain) -> None:
    """Genesis alone, in new table files."""
    names = ", ".join(table.fullname for table in (*tables.CHAIN_TABLES, tables.genesis, tables.outcomes))
    with database.connection() as connection:
        connection.execute("TRUNCATE " + names)
        Importer(database).install(chain.genesis, secrets.token_bytes(32))


def ours(database: Database, work: Sequence[Sequence[ValidatedBlock]]) -> None:
    """Our import."""
    importer = Importer(database)
    for batch in work:
        importer.import_blocks(batch)


def bare(database: Database, work: Sequence[list[Stream]]) -> None:
    """The bare COPY."""
    for batch in work:
        with database.connection() as connection, connection.transaction():
            for stream in batch:
                with connection.cursor() as cursor, cursor.copy(stream.statement) as copy:
                    for piece in stream.pieces:
                        copy.write(piece)


def end_to_end(database: Database, chain: Chain) -> None:
    """Bytes to rows: decoded, signatures recovered, every rule checked, imported."""
    state = ChainState.at_genesis(chain.genesis)
    importer = Importer(database)
    for batch in batches(chain):
        importer.import_blocks([import_block(block.raw, state, no_module) for block in batch])


def seconds(action: Callable[[], None]) -> float:
    """Wall time."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def main(file: Path | None) -> None:
    """Measures, prints a few lines for people and one for programs."""
    chain = recorded_chain(file) if file else synthetic_chain()
    transactions = sum(len(block.transactions) for block in chain.blocks)
    validated = batches(chain)
    gas = [sum(t.transaction.gas_limit for block in batch for t in block.transactions) for batch in validated]
    folding = StaticFold(chain.genesis, running_at_genesis(chain.genesis), supply_at_genesis(chain.genesis))
    packed = [streams(batch, sum(gas[:number]), folding) for number, batch in enumerate(validated)]
    times: dict[str, list[float]] = {"ours": [], "bare": []}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="anh-bench-")))
        folder.chmod(0o711)  # the servers' own user passes through
        servers = stack.enter_context(EmbeddedServers(folder / "servers"))
        urls = [servers.create_database(name) for name in ("bench_ours", "bench_bare")]
        for url in urls:
            migrate(url)
        with Database(urls[0]) as first, Database(urls[1]) as second:
            for turn in range(ROUNDS + 1):
                empty(first, chain)
                empty(second, chain)
                runs = {"ours": lambda: ours(first, validated), "bare": lambda: bare(second, packed)}
                for name in sorted(runs, reverse=bool(turn % 2)):
                    taken = seconds(runs[name])
                    if turn:  # the first round warms both up
                        times[name].append(taken)
            genesis_rows = 1 + len(chain.genesis.accounts)
            rows = rows_in(first.url) - genesis_rows
            assert rows == rows_in(second.url) - genesis_rows
            empty(first, chain)
            whole = seconds(lambda: end_to_end(first, chain))
    _report(file, chain, transactions, rows, times, whole)


def _report(
    file: Path | None, chain: Chain, transactions: int, rows: int, times: dict[str, list[float]], whole: float
) -> None:
    our_s, bare_s = statistics.median(times["ours"]), statistics.median(times["bare"])
    source = file.name if file else "synthetic"
    print(f"{source}: {len(chain.blocks)} blocks, {transactions} transactions, {rows} rows in 6 tables")
    print(f"import      {rows / our_s:12,.0f} rows/s   {transactions / our_s:10,.0f} transactions/s   (no signatures)")
    print(f"bare COPY   {rows / bare_s:12,.0f} rows/s   {transactions / bare_s:10,.0f} transactions/s")
    print(f"end to end  {rows / whole:12,.0f} rows/s   {transactions / whole:10,.0f} transactions/s   (validated)")
    print(
        json.dumps(
            {
                "benchmark": "import",
                "source": source,
                "blocks": len(chain.blocks),
                "transactions": transactions,
                "rows": rows,
                "rounds": ROUNDS,
                "import_rows_per_s": round(rows / our_s),
                "copy_rows_per_s": round(rows / bare_s),
                "import_ratio": round(bare_s / our_s, 3),
                "import_ratio_rounds": [round(b / a, 3) for a, b in zip(times["ours"], times["bare"], strict=True)],
                "end_to_end_rows_per_s": round(rows / whole),
                "end_to_end_transactions_per_s": round(transactions / whole),
                "signatures": "excluded from import_ratio, included in end_to_end",
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
