"""The verdict: each cause appears, alone, when its number passes its limit, and is gone with it."""

from functools import partial
from typing import Any

import pytest

from accountant.monitoring.node_answers import Status
from accountant.monitoring.probes import Probed
from accountant.monitoring.reads.health import WorkerRow, pools_of
from accountant.monitoring.verdict import (
    DISK_LOW,
    DISK_NONE,
    LAG_BLOCKS,
    LAG_S,
    SILENT_SERVICE_S,
    STALE_S,
    Health,
    Pool,
    Service,
    Snapshot,
    judge,
)

UP = Probed(node_height=100, mempool=0, broker_up=True, disk_free=DISK_LOW, disk_size=10 * DISK_LOW)
NODE = partial(Status, 0, 100, "00" * 32, 0, 0, None, 0)
DISPATCHER = Service("dispatcher", 1.0, None)
PUBLISHER = Service("publisher", 1.0, None)
WELL = Snapshot(
    database_up=True,
    probed=UP,
    height=100,
    pools=(Pool("cpu", 2, 0),),
    services=(DISPATCHER, PUBLISHER),
    sampled_ago_s=5.0,
)


def test_all_well_is_healthy() -> None:
    """Nothing at or within a limit is a cause."""
    at_the_limits = WELL._replace(
        height=100 - LAG_BLOCKS,
        outbox_lag_s=LAG_S,
        sampled_ago_s=STALE_S,
        services=(DISPATCHER._replace(silent_s=SILENT_SERVICE_S), PUBLISHER._replace(silent_s=SILENT_SERVICE_S)),
        waiting_queues=("cpu",),
        probed=UP._replace(node=NODE(peers=2, peers_away=1, peers_disagree=0)),
    )
    for seen in (WELL, at_the_limits):
        assert judge(seen) == (Health.HEALTHY, ())


@pytest.mark.parametrize(
    ("code", "health", "page", "changed"),
    [
        ("database_down", Health.DOWN, "/reliability", {"database_up": False}),
        ("broker_down", Health.DOWN, "/reliability", {"probed": UP._replace(broker_up=False)}),
        ("disk_low", Health.DEGRADED, "/reliability", {"probed": UP._replace(disk_free=DISK_LOW - 1)}),
        ("disk_low", Health.DOWN, "/reliability", {"probed": UP._replace(disk_free=DISK_NONE - 1)}),
        ("no_chain", Health.DEGRADED, "/chain", {"height": None}),
        ("node_down", Health.DEGRADED, "/chain", {"probed": UP._replace(node_height=None, mempool=None)}),
        ("index_late", Health.DEGRADED, "/chain", {"height": 100 - LAG_BLOCKS - 1}),
        ("workers_gone", Health.DEGRADED, "/workers", {"pools": (Pool("cpu", 2, 0), Pool("gpu", 0, 0))}),
        ("workers_died", Health.DEGRADED, "/workers", {"pools": (Pool("cpu", 1, 1),)}),
        ("workers_none", Health.DEGRADED, "/workers", {"waiting_queues": ("gpu",)}),
        ("dispatcher_silent", Health.DEGRADED, "/reliability", {"services": (PUBLISHER,)}),
        (
            "dispatcher_silent",
            Health.DEGRADED,
            "/reliability",
            {"services": (DISPATCHER._replace(silent_s=SILENT_SERVICE_S + 1), PUBLISHER)},
        ),
        ("outbox_late", Health.DEGRADED, "/reliability", {"outbox_lag_s": LAG_S + 1}),
        (
            "publisher_silent",
            Health.DEGRADED,
            "/oaths",
            {"services": (DISPATCHER, PUBLISHER._replace(silent_s=SILENT_SERVICE_S + 1))},
        ),
        ("publisher_silent", Health.DEGRADED, "/oaths", {"services": (DISPATCHER,), "to_swear": 1}),
        (
            "publisher_stopped",
            Health.DEGRADED,
            "/oaths",
            {"services": (DISPATCHER, PUBLISHER._replace(trouble="signer_down"))},
        ),
        (
            "publisher_stopped",
            Health.DEGRADED,
            "/oaths",
            {"services": (DISPATCHER, PUBLISHER._replace(trouble="purse_not_ready")), "to_swear": 2},
        ),
        ("publisher_low", Health.DEGRADED, "/oaths", {"services": (DISPATCHER, PUBLISHER._replace(low=True))}),
        ("oaths_slashed", Health.DOWN, "/oaths", {"slashed": 2, "slashed_today": 1}),
        ("oaths_slashed", Health.DEGRADED, "/oaths", {"slashed": 1}),
        ("index_differs", Health.DEGRADED, "/chain", {"index_differs": True}),
        (
            "nodes_disagree",
            Health.DEGRADED,
            "/chain",
            {"probed": UP._replace(node=NODE(peers=3, peers_away=0, peers_disagree=1))},
        ),
        (
            "nodes_away",
            Health.DEGRADED,
            "/chain",
            {"probed": UP._replace(node=NODE(peers=2, peers_away=2, peers_disagree=0))},
        ),
        ("jobs_parked", Health.DEGRADED, "/jobs?state=failed", {"parked": 1}),
        ("outcomes_withdrawn", Health.DEGRADED, "/chain", {"withdrawals": 1}),
        ("blocks_contradict", Health.DEGRADED, "/chain", {"refused_blocks": 1}),
        ("samples_stale", Health.DEGRADED, "/reliability", {"sampled_ago_s": STALE_S + 1}),
        ("samples_stale", Health.DEGRADED, "/reliability", {"sampled_ago_s": None}),
    ],
)
def test_each_cause_appears_and_goes(code: str, health: Health, page: str, changed: dict[str, Any]) -> None:
    """One thing amiss is one cause, with its page; put right again, the service is healthy."""
    amiss = WELL._replace(**changed)
    verdict = judge(amiss)
    assert [(cause.code, cause.health, cause.page) for cause in verdict.causes] == [(code, health, page)]
    assert verdict.health is health
    back = amiss._replace(**{name: getattr(WELL, name) for name in changed})
    assert judge(back).health is Health.HEALTHY


def test_the_first_purse_is_awaited_in_peace() -> None:
    """A publisher whose first purse is on its way is not in trouble before an answer is to be sworn."""
    assert judge(WELL._replace(services=(DISPATCHER, PUBLISHER._replace(trouble="purse_not_ready")))).causes == ()


def test_the_worst_cause_comes_first() -> None:
    """Down outweighs degraded, in the verdict and in the order of its causes."""
    verdict = judge(WELL._replace(parked=1, withdrawals=1, probed=UP._replace(broker_up=False)))
    assert verdict.health is Health.DOWN
    assert [cause.code for cause in verdict.causes] == ["broker_down", "jobs_parked", "outcomes_withdrawn"]


def _process(age_s: float, silent_s: float = 1.0, stopped: bool = False, host: str = "a") -> WorkerRow:
    return WorkerRow(host, "cpu", age_s, silent_s, stopped)


@pytest.mark.parametrize(
    ("rows", "pool"),
    [
        ([_process(100), _process(100)], Pool("cpu", 2, 0)),
        ([_process(100), _process(100, 8)], Pool("cpu", 1, 1)),
        ([_process(100), _process(100, 40), _process(35)], Pool("cpu", 2, 0)),
        ([_process(100), _process(100, 8), _process(5)], Pool("cpu", 2, 1)),
        ([_process(100, 40), _process(100, 40), _process(35)], Pool("cpu", 1, 1)),
        ([_process(100, 8), _process(5, host="b")], Pool("cpu", 1, 1)),
        ([_process(100, 8, stopped=True), _process(100)], Pool("cpu", 1, 0)),
        ([_process(9000, 4000), _process(9000)], Pool("cpu", 1, 0)),
        ([_process(100, 50), _process(48, 40), _process(35)], Pool("cpu", 1, 0)),
    ],
    ids=[
        "all live",
        "one died",
        "replaced",
        "just replaced",
        "half replaced",
        "another host",
        "ended in order",
        "long ago",
        "twice",
    ],
)
def test_who_died_is_missed_until_replaced(rows: list[WorkerRow], pool: Pool) -> None:
    """A process that fell silent is missed until a later one of its host took its place, and for half a minute."""
    assert pools_of(rows) == (pool,)
