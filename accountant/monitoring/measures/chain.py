"""The chain: how far the index is, how far the node, and what contradicts them."""

import sqlalchemy as sa

from accountant.monitoring.metric import Events, Kind, Labels, Metric, Now, Probe
from accountant.monitoring.probes import Probed
from accountant.storage.agreement_tables import withdrawals
from accountant.storage.tables import blocks, refused_blocks

BLOCKS_LATELY = 20

HEIGHT = sa.select(sa.func.max(blocks.c.height))

_previous = blocks.alias("previous")
_head = HEIGHT.scalar_subquery()


def _peers(found: Probed) -> dict[Labels, float | None]:
    if found.node is None:
        return {}
    node = found.node
    return {("agrees",): node.peers_agree, ("disagrees",): node.peers_disagree, ("away",): node.peers_away}


METRICS = (
    Metric("anh_chain_height", "blocks", "Height of the last block in the index.", Kind.GAUGE, Now(HEIGHT)),
    Metric(
        "anh_chain_transactions",
        "transactions",
        "Transactions in the index.",
        Kind.GAUGE,
        Now(sa.select(blocks.c.first_seq + blocks.c.count).order_by(blocks.c.height.desc()).limit(1)),
    ),
    Metric(
        "anh_block_interval_seconds",
        "seconds",
        f"Time between two blocks, by their headers, over the last {BLOCKS_LATELY}.",
        Kind.GAUGE,
        Now(
            sa.select(sa.func.avg(blocks.c.time - _previous.c.time))
            .join_from(blocks, _previous, _previous.c.height == blocks.c.height - 1)
            .where(blocks.c.height > _head - BLOCKS_LATELY, _previous.c.height > 0)
        ),
    ),
    Metric(
        "anh_node_height",
        "blocks",
        "Height of the node's last block; none while it does not answer.",
        Kind.GAUGE,
        Probe(lambda found: {(): found.node_height}),
    ),
    Metric(
        "anh_node_up",
        "bool",
        "Whether the node answers.",
        Kind.GAUGE,
        Probe(lambda found: {(): float(found.node_height is not None)}),
    ),
    Metric(
        "anh_mempool_transactions",
        "transactions",
        "Transactions that wait for a block.",
        Kind.GAUGE,
        Probe(lambda found: {(): found.mempool}),
    ),
    Metric(
        "anh_mempool_bytes",
        "bytes",
        "Bytes of the transactions that wait for a block.",
        Kind.GAUGE,
        Probe(lambda found: {} if found.node is None else {(): found.node.bytes}),
    ),
    Metric(
        "anh_mempool_oldest_seconds",
        "seconds",
        "For how long a transaction has waited for a block; 0: none waits.",
        Kind.GAUGE,
        Probe(lambda found: {} if found.node is None else {(): found.node.oldest_s or 0}),
    ),
    Metric(
        "anh_node_followers",
        "nodes",
        "Who asked the node for blocks in the last minute: nodes, indexes, anybody.",
        Kind.GAUGE,
        Probe(lambda found: {} if found.node is None else {(): found.node.followers}),
    ),
    Metric(
        "anh_node_peers",
        "nodes",
        "Nodes that ours is told to follow: with the same blocks, with others, and without an answer.",
        Kind.GAUGE,
        Probe(_peers),
        ("state",),
    ),
    Metric(
        "anh_outcomes_withdrawn_total",
        "outcomes",
        "Outcomes that were found to be wrong, or rest on such, and were withdrawn.",
        Kind.COUNTER,
        Events(withdrawals.c.at, value=withdrawals.c.outcomes),
    ),
    Metric(
        "anh_blocks_refused_total",
        "blocks",
        "Signed blocks that contradict the chain.",
        Kind.COUNTER,
        Events(refused_blocks.c.refused_at),
    ),
)
