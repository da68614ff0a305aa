"""Making a portable certificate: the answer is found again from recorded outcomes, and what that rests on is packed."""

from collections import defaultdict
from collections.abc import Callable

from accountant.accounting.proof.errors import NotProvable
from accountant.accounting.proof.executor import Carried, Choose, Hints, ProofSelective, ProofSession, Whole
from accountant.accounting.proof.file import (
    CERTIFICATE_FILE_BYTES_MAX,
    CertificateFile,
    HashItem,
    Item,
    LeafItem,
    PathItem,
    Statement,
    TransactionItem,
    Walks,
    encode_certificate,
)
from accountant.accounting.proof.plan import Planner, choose_cheaply, choose_planned
from accountant.accounting.proof.recording import RecordingFacts
from accountant.accounting.proof.verify import digests_of
from accountant.chain.query import AccountingQuery
from accountant.execution.memory import MemoryBlobs, MemoryOutcomes
from accountant.execution.outcome import Observed
from accountant.execution.port import Heartbeat, OutcomeStore
from accountant.execution.queries import target_of
from accountant.index.port import ChainIndex
from accountant.primitives import merkle
from accountant.primitives.encoding import encode
from accountant.primitives.types import Gas, Height, Seq


def build(
    index: ChainIndex,
    recorded: OutcomeStore,
    query: AccountingQuery,
    *,
    theta: tuple[Seq, ...] = (),
    execute: bool = False,
    gas_budget: Gas | None = None,
    heartbeat: Heartbeat | None = None,
    seen: Callable[[RecordingFacts], object] = lambda _facts: None,
) -> bytes:
    """The file that proves what a query's answer is.

    `theta`: incomes to rest on first. `execute`: whether what nobody recorded is executed; `gas_budget` limits
    everything that the answer rests on, recorded or not. `seen` is shown the facts before they are packed.
    Raises `NotProvable`, `BudgetSpent`, and whatever the heartbeat raises.
    """
    target = target_of(index, query)
    if target is None:
        raise NotProvable("unknown_target", "the query names a block or a transaction that is not on the chain")
    facts = RecordingFacts(index, target.height)
    files = MemoryBlobs(beneath=recorded.blobs)
    found = MemoryOutcomes(files)

    def records(seq: Seq) -> Observed | None:
        observed = found.get(seq) or recorded.get(seq)
        if (observed is None or observed.needs is None) and not execute:
            raise NotProvable(
                "unobserved", f"the outcome of transaction {seq} is not recorded, or not what it asked for"
            )
        return observed

    def replayed(hints: Hints, choose: Choose, plan: frozenset[Seq], store: OutcomeStore) -> tuple[ProofSession, bytes]:
        session = ProofSession(facts, store, hints, plan, heartbeat, gas_budget, records)
        return session, encode(ProofSelective(session, choose).answer(query))

    first, answer = replayed(Whole(), choose_cheaply(index, recorded, frozenset(theta)), frozenset(), found)
    planner = Planner(facts, first.known)
    plan = frozenset(first.rests_on)
    second, again = replayed(planner, choose_planned(plan), plan, MemoryOutcomes(files))
    assert again == answer
    facts.record()
    plan = frozenset(second.rests_on)
    hints = Carried(planner.windows.values(), planner.zero_windows.values())
    last, again = replayed(hints, choose_planned(plan), plan, MemoryOutcomes(files))
    assert again == answer
    target_of(facts, query)
    seen(facts)
    statement = Statement(
        index.genesis.chain_id,
        index.genesis.hash,
        target.height,
        facts.head().hash,
        encode(query),
        answer,
        last.gas_executed,
        digests_of(last),
    )
    windows = tuple(sorted((w for w in last.walked if w.start or w.nonces), key=lambda w: (w.before, w.account)))
    zero_windows = tuple(sorted(last.zero_walked, key=lambda w: (w.before, w.account)))
    raw = encode_certificate(CertificateFile(statement, Walks(windows, zero_windows), pack(facts)))
    if len(raw) > CERTIFICATE_FILE_BYTES_MAX:
        raise NotProvable(
            "too_large", f"it would take {len(raw)} bytes, at most {CERTIFICATE_FILE_BYTES_MAX} are taken"
        )
    return raw


def pack(facts: RecordingFacts) -> tuple[Item, ...]:
    """Evidence for every fact that was used, block by block."""
    used: defaultdict[Height, set[int]] = defaultdict(set)
    keys: defaultdict[Height, set[bytes]] = defaultdict(set)
    for seq in facts.used:
        block = facts.block_of(seq)
        used[block.height].add(seq - block.first_seq)
    for height, key in facts.pages:
        keys[height].add(key)
    heights = {*used, *keys}
    if facts.all_hashes:
        heights |= {Height(height) for height in range(1, facts.horizon + 1)}
    items: list[Item] = []
    for height in sorted(heights):
        items += _block_items(facts, height, used[height], keys[height])
    return tuple(items)


def _block_items(facts: RecordingFacts, height: Height, used: set[int], keys: set[bytes]) -> list[Item]:
    transactions = facts.transactions_in(height)
    items: list[Item] = [TransactionItem(height, i, encode(transactions[i].transaction)) for i in used]
    here = set(used)
    if facts.all_hashes:
        here = set(range(len(transactions)))
        items += [HashItem(height, i, transactions[i].hash) for i in here - used]
    nodes = tuple(merkle.proof_of_many([t.hash for t in transactions], here)) if here else ()
    positions: set[int] = set()
    leaves: list[bytes] = []
    if keys:
        tree = facts.tree(height)
        leaves = tree.leaves
        for key in keys:
            positions |= tree.around(key)
        items += [LeafItem(height, position, leaves[position]) for position in positions]
    leaf_nodes = tuple(merkle.proof_of_many(leaves, positions)) if positions else ()
    if nodes or leaf_nodes or positions:
        items.append(PathItem(height, len(leaves), nodes, leaf_nodes))
    return items
