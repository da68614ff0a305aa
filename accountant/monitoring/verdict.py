"""The verdict: is the service well, and if not, why, and which page shows it. A pure function of a snapshot."""

from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from accountant.monitoring.probes import Probed

LAG_BLOCKS = 10
"""An index this far behind the node is late; a block or two is its usual distance."""
LAG_S = 10.0
"""A message that has been due this long was left lying."""
SILENT_SERVICE_S = 10.0
"""Dispatcher and publisher beat every two seconds."""
STALE_S = 40.0
"""Samples are ten seconds apart."""
DISK_LOW, DISK_NONE = 2 * 2**30, 200 * 2**20
"""Bytes free: below the first an operator should look, below the second nothing can be relied on."""


class Health(IntEnum):
    """How the service is; the greater, the worse."""

    HEALTHY = 0
    DEGRADED = 1
    DOWN = 2

    @property
    def word(self) -> str:
        """As pages and styles name it."""
        return self.name.lower()


class Pool(NamedTuple):
    """The worker processes of a queue."""

    queue: str
    live: int
    missing: int
    """Processes that died and were not replaced, or only just."""


class Service(NamedTuple):
    """A service of which one runs."""

    name: str
    silent_s: float
    trouble: str | None
    low: bool = False
    """Whether its money is below the alarm."""


class Snapshot(NamedTuple):
    """All that the verdict goes by."""

    database_up: bool
    probed: Probed
    height: int | None = None
    """None: no chain is imported."""
    pools: tuple[Pool, ...] = ()
    waiting_queues: tuple[str, ...] = ()
    """Queues with work that no worker has."""
    services: tuple[Service, ...] = ()
    outbox_lag_s: float = 0.0
    parked: int = 0
    """Jobs of the last hour that no worker brought to an end."""
    to_swear: int = 0
    withdrawals: int = 0
    """Of the last day."""
    refused_blocks: int = 0
    """Of the last day."""
    index_differs: bool = False
    """Whether index and node have another block at the same height."""
    slashed: int = 0
    """Oaths of this accountant that were found false in the last week."""
    slashed_today: int = 0
    """Of these those of the last day."""
    sampled_ago_s: float | None = None
    """None: never."""
    at: datetime | None = None
    """When it was taken, by the database's clock."""


class Cause(NamedTuple):
    """Something that is not as it should be."""

    code: str
    health: Health
    text: str
    page: str


class Verdict(NamedTuple):
    """How the service is, and why: the worst cause first."""

    health: Health
    causes: tuple[Cause, ...]


def judge(seen: Snapshot) -> Verdict:
    """The verdict over a snapshot."""
    if not seen.database_up:
        found = [Cause("database_down", Health.DOWN, "The database does not answer.", "/reliability")]
        found += _broker(seen)
    else:
        found = [
            *_broker(seen),
            *_disk(seen),
            *_slashes(seen),
            *_chain(seen),
            *_nodes(seen),
            *_workers(seen),
            *_dispatcher(seen),
            *_publisher(seen),
            *_jobs(seen),
            *_agreement(seen),
            *_samples(seen),
        ]
    found.sort(key=lambda cause: -cause.health)
    return Verdict(max((cause.health for cause in found), default=Health.HEALTHY), tuple(found))


def _broker(seen: Snapshot) -> list[Cause]:
    if seen.probed.broker_up:
        return []
    return [Cause("broker_down", Health.DOWN, "The broker does not answer: no job reaches a worker.", "/reliability")]


def _disk(seen: Snapshot) -> list[Cause]:
    free = seen.probed.disk_free
    if free is None or free >= DISK_LOW:
        return []
    health = Health.DOWN if free < DISK_NONE else Health.DEGRADED
    return [Cause("disk_low", health, f"The disk has {free // 2**20} MiB left.", "/reliability")]


def _chain(seen: Snapshot) -> list[Cause]:
    found = []
    if seen.height is None:
        found.append(Cause("no_chain", Health.DEGRADED, "No chain is imported yet.", "/chain"))
    if seen.probed.node_height is None:
        found.append(
            Cause("node_down", Health.DEGRADED, "The node does not answer: no block and no oath moves.", "/chain")
        )
    elif seen.height is not None and (lag := seen.probed.node_height - seen.height) > LAG_BLOCKS:
        found.append(Cause("index_late", Health.DEGRADED, f"The index is {lag} blocks behind the node.", "/chain"))
    return found


def _nodes(seen: Snapshot) -> list[Cause]:
    found = []
    if seen.index_differs:
        text = "The index and the node have different blocks at the same height: they follow two chains."
        found.append(Cause("index_differs", Health.DEGRADED, text, "/chain"))
    node = seen.probed.node
    if node is not None and node.peers_disagree:
        text = f"{node.peers_disagree} of {node.peers} node(s) that ours follows have other blocks than ours."
        found.append(Cause("nodes_disagree", Health.DEGRADED, text, "/chain"))
    if node is not None and node.peers and node.peers_away == node.peers:
        text = f"None of the {node.peers} node(s) that ours follows answers."
        found.append(Cause("nodes_away", Health.DEGRADED, text, "/chain"))
    return found


def _slashes(seen: Snapshot) -> list[Cause]:
    """The worst that can happen to an accountant: it swore what is not so, and pays for it."""
    if not seen.slashed:
        return []
    health = Health.DOWN if seen.slashed_today else Health.DEGRADED
    text = f"{seen.slashed} oath(s) of this accountant were found false in the last week, and their penalties are lost."
    return [Cause("oaths_slashed", health, text, "/oaths")]


def _workers(seen: Snapshot) -> list[Cause]:
    found = []
    known = {pool.queue for pool in seen.pools}
    for pool in seen.pools:
        if not pool.live:
            text = f"No worker of the queue {pool.queue} lives."
            found.append(Cause("workers_gone", Health.DEGRADED, text, "/workers"))
        elif pool.missing:
            text = f"{pool.missing} worker process(es) of the queue {pool.queue} died just now, or were not replaced."
            found.append(Cause("workers_died", Health.DEGRADED, text, "/workers"))
    for queue in seen.waiting_queues:
        if queue not in known:
            text = f"Work waits for the queue {queue}, which never had a worker."
            found.append(Cause("workers_none", Health.DEGRADED, text, "/workers"))
    return found


def _dispatcher(seen: Snapshot) -> list[Cause]:
    found = []
    dispatcher = next((one for one in seen.services if one.name == "dispatcher"), None)
    if dispatcher is None or dispatcher.silent_s > SILENT_SERVICE_S:
        text = "The dispatcher is silent: new jobs reach no worker."
        found.append(Cause("dispatcher_silent", Health.DEGRADED, text, "/reliability"))
    if seen.outbox_lag_s > LAG_S:
        text = f"Messages wait {seen.outbox_lag_s:.0f} s for the dispatcher."
        found.append(Cause("outbox_late", Health.DEGRADED, text, "/reliability"))
    return found


def _publisher(seen: Snapshot) -> list[Cause]:
    publisher = next((one for one in seen.services if one.name == "publisher"), None)
    if publisher is None:
        return _unsworn(seen)
    if publisher.silent_s > SILENT_SERVICE_S:
        return [Cause("publisher_silent", Health.DEGRADED, "The publisher is silent: nothing is sworn.", "/oaths")]
    found = []
    # the first purse of a chain takes some blocks: nobody misses it before an answer is to be sworn
    if publisher.trouble is not None and (publisher.trouble != "purse_not_ready" or seen.to_swear):
        text = f"The publisher cannot swear: {publisher.trouble.replace('_', ' ')}."
        found.append(Cause("publisher_stopped", Health.DEGRADED, text, "/oaths"))
    if publisher.low:
        text = "The money that pays for oaths is below the alarm."
        found.append(Cause("publisher_low", Health.DEGRADED, text, "/oaths"))
    return found


def _unsworn(seen: Snapshot) -> list[Cause]:
    if not seen.to_swear:
        return []
    text = f"{seen.to_swear} answer(s) are to be sworn, and no publisher ever said that it runs."
    return [Cause("publisher_silent", Health.DEGRADED, text, "/oaths")]


def _jobs(seen: Snapshot) -> list[Cause]:
    if not seen.parked:
        return []
    text = f"{seen.parked} job(s) of the last hour were given up after all their attempts."
    return [Cause("jobs_parked", Health.DEGRADED, text, "/jobs?state=failed")]


def _agreement(seen: Snapshot) -> list[Cause]:
    found = []
    if seen.withdrawals:
        text = f"Outcomes were found wrong and withdrawn {seen.withdrawals} time(s) in the last day."
        found.append(Cause("outcomes_withdrawn", Health.DEGRADED, text, "/chain"))
    if seen.refused_blocks:
        text = f"{seen.refused_blocks} signed block(s) contradict the chain."
        found.append(Cause("blocks_contradict", Health.DEGRADED, text, "/chain"))
    return found


def _samples(seen: Snapshot) -> list[Cause]:
    if seen.sampled_ago_s is not None and seen.sampled_ago_s <= STALE_S:
        return []
    when = "never" if seen.sampled_ago_s is None else f"last {seen.sampled_ago_s:.0f} s ago"
    return [
        Cause("samples_stale", Health.DEGRADED, f"Metrics were sampled {when}: charts stand still.", "/reliability")
    ]
