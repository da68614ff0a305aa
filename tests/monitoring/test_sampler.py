"""Sampling: what is kept is a pure function of what happened, whatever restarts, comes late, or is missed."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.monitoring.catalogue import METRICS
from accountant.monitoring.metric import BUCKET_S, Events
from accountant.monitoring.probes import Probed
from accountant.monitoring.reads.home import dearest
from accountant.monitoring.sampler import RESOLUTIONS, SETTLE_S, roll_up, sample
from accountant.monitoring.series import latest, series, totals
from accountant.storage.database import engine_of, migrate
from accountant.storage.metric_tables import metric_points
from tests.support.metrics import CONTRACT, LESSER, fill

NOW = 1_800_000_000
UP = Probed(12, 3, True, 10, 100)


@dataclass(frozen=True)
class Point:
    count: int
    sum: float
    max: float


Points = dict[tuple[str, str, int], Point]


def kept(connection: sa.Connection, resolution_s: int) -> Points:
    """All points of a resolution, by metric, labels and time."""
    p = metric_points.c
    rows = connection.execute(
        sa.select(p.metric, p.labels, p.at, p.count, p.sum, p.max).where(p.resolution_s == resolution_s)
    )
    return {(name, labels, at): Point(count, total, most) for name, labels, at, count, total, most in rows}


def rolled(points: Points, seconds: int) -> Points:
    """The roll-up, in plain Python."""
    groups: dict[tuple[str, str, int], list[Point]] = defaultdict(list)
    for (name, labels, at), point in points.items():
        groups[name, labels, at // seconds * seconds].append(point)
    return {
        key: Point(sum(p.count for p in group), sum(p.sum for p in group), max(p.max for p in group))
        for key, group in groups.items()
    }


fine_points = st.dictionaries(
    st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["", "x=1"]), st.integers(0, 2000).map(lambda n: 10 * n)),
    st.builds(Point, st.integers(1, 5), st.integers(-100, 100).map(float), st.integers(-100, 100).map(float)),
    max_size=60,
)


@given(fine_points, st.integers(0, 20_000))
@settings(max_examples=40)
def test_coarser_buckets_are_those_of_plain_python(shared: sa.Engine, points: Points, again: int) -> None:
    """Sums, counts and maxima at five minutes and two hours equal a roll-up in Python, and a second one from any time
    on changes nothing."""
    with shared.connect() as connection:
        for (name, labels, at), point in points.items():
            row = {"metric": name, "labels": labels, "at": at, "resolution_s": BUCKET_S, **asdict(point)}
            connection.execute(sa.insert(metric_points).values(**row))
        roll_up(connection, 0)
        expected = [rolled(points, one.seconds) for one in RESOLUTIONS[1:]]
        assert [kept(connection, one.seconds) for one in RESOLUTIONS[1:]] == expected
        roll_up(connection, again)
        assert [kept(connection, one.seconds) for one in RESOLUTIONS[1:]] == expected
        connection.rollback()


@pytest.fixture(scope="module")
def shared(module_database_url: str) -> Iterator[sa.Engine]:
    """A database in which nothing is ever committed."""
    migrate(module_database_url)
    made = engine_of(module_database_url)
    yield made
    made.dispose()


def asked(engine: sa.Engine, *ats: float) -> None:
    """Jobs that were asked for at these Unix seconds."""
    with engine.begin() as connection:
        connection.execute(
            sa.text("insert into accountant.api_keys (prefix, secret_sha256) values ('p', '') on conflict do nothing")
        )
        for at in ats:
            connection.execute(
                sa.text(
                    "insert into accountant.jobs (id, key_prefix, kind, request, queue, attempts_most, created_at) "
                    "values (gen_random_uuid()::text, 'p', 'view', '', 'cpu', 5, to_timestamp(:at))"
                ),
                {"at": at},
            )


def counted(engine: sa.Engine) -> tuple[float, float, float, float]:
    """Jobs asked for: by the total, and by the sums at each resolution."""
    name = "anh_jobs_asked_total"
    with engine.connect() as connection:
        total = sum(totals(connection).get(name, {}).values())
        sums = [sum(p.sum for key, p in kept(connection, one.seconds).items() if key[0] == name) for one in RESOLUTIONS]
    return (total, sums[0], sums[1], sums[2])


def test_a_sample_that_is_repeated_changes_nothing(engine: sa.Engine) -> None:
    """However often a bucket is sampled, levels and events are in it once; the first level stays."""
    asked(engine, NOW - 5, NOW + 1, NOW + 2)
    for height in (12, 13, 14):
        assert sample(engine, UP._replace(node_height=height), NOW + 3)
    assert counted(engine) == (3, 3, 3, 3)
    with engine.connect() as connection:
        assert kept(connection, BUCKET_S)["anh_node_height", "", NOW] == Point(1, 12, 12)


def test_what_is_committed_late_is_counted_once(engine: sa.Engine) -> None:
    """A row dated within the last minute counts, though its bucket was sampled before; totals take it exactly once."""
    asked(engine, NOW + 1)
    sample(engine, UP, NOW + 9)
    asked(engine, NOW + 2)
    for later in range(10, 200, 10):
        sample(engine, UP, NOW + later)
        assert counted(engine) == (2, 2, 2, 2), later


def test_what_happened_while_nobody_sampled_is_counted(engine: sa.Engine) -> None:
    """After hours without a sampler events are there at all resolutions; levels are gaps, not zeros."""
    asked(engine, NOW + 1)
    sample(engine, UP, NOW + 9)
    asked(engine, NOW + 1800, NOW + 5 * 3600)
    back = NOW + 6 * 3600
    sample(engine, UP, back)
    sample(engine, UP, back + 10)
    total, _, five_minutes, two_hours = counted(engine)
    assert (total, five_minutes, two_hours) == (3, 3, 3)
    with engine.connect() as connection:
        heights = [key[2] for key in kept(connection, BUCKET_S) if key[0] == "anh_node_height"]
    assert sorted(heights) == [back, back + 10]


def test_a_sampler_that_dies_leaves_nothing_half_done(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample that ends in the midst is none, and the next one does it all."""
    asked(engine, NOW - SETTLE_S - 30)
    monkeypatch.setattr("accountant.monitoring.sampler._forget", _dies)
    with pytest.raises(KeyboardInterrupt):
        sample(engine, UP, NOW)
    assert counted(engine) == (0, 0, 0, 0)
    monkeypatch.undo()
    sample(engine, UP, NOW)
    assert counted(engine) == (1, 1, 1, 1)


def _dies(*_: object) -> None:
    raise KeyboardInterrupt


def test_two_samplers_are_one(engine: sa.Engine) -> None:
    """While one samples, another one passes; beside each other they leave what one would."""
    asked(engine, *(NOW + at for at in range(0, 300, 7)))
    together = threading.Barrier(3)
    sampled: list[int] = []

    def run() -> None:
        for later in range(0, 300, BUCKET_S):
            together.wait()
            if sample(engine, UP, NOW + later):
                sampled.append(later)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sample(engine, UP, NOW + 300)
    assert set(sampled) == set(range(0, 300, BUCKET_S))
    assert counted(engine)[0] == 43
    with engine.connect() as connection:
        coarse, expected = kept(connection, 300), rolled(kept(connection, BUCKET_S), 300)
    assert coarse.keys() == expected.keys()
    for key, point in expected.items():
        assert (coarse[key].count, coarse[key].max) == (point.count, point.max), key
        # SQL adds floats in the order of its plan, so the last bit of a sum of fractions is not fixed.
        assert coarse[key].sum == pytest.approx(point.sum, rel=1e-12), key


def test_old_points_go(engine: sa.Engine) -> None:
    """Each resolution is kept for its time."""
    sample(engine, UP, NOW)
    sample(engine, UP, NOW + 3 * 86_400)
    with engine.connect() as connection:
        times = [{key[2] for key in kept(connection, one.seconds)} for one in RESOLUTIONS]
    later = NOW + 3 * 86_400
    assert times == [{later}, {later}, {NOW // 7200 * 7200, later // 7200 * 7200}]


def test_levels_and_totals_are_sqls(engine: sa.Engine) -> None:
    """After a sample the newest level of a metric, and the total of a counter, are what bare SQL says."""
    fill(engine)
    sample(engine, UP)
    with engine.connect() as connection:
        levels, sums = latest(connection), totals(connection)
        assert levels["anh_jobs"] == {
            f"kind={kind},state={state}": count
            for kind, state, count in connection.execute(
                sa.text("select kind, state, count(*) from accountant.jobs where finished_at is null group by 1, 2")
            )
        }
        gas = connection.execute(sa.text("select sum(gas_used) from accountant.outcomes")).scalar_one()
        assert sums["anh_gas_executed_total"] == {"": float(gas)}
        assert sums["anh_jobs_ended_total"] == {"kind=view,state=done": 10, "kind=view,state=failed": 1}
        assert sums["anh_messages_published_again_total"] == {"": 5}
        assert levels["anh_oaths"] == {"state=included": 2, "state=pending": 1, "state=submitted": 2}
        assert levels["anh_node_height"] == {"": 12}
        assert levels["anh_block_interval_seconds"] == {"": 2}
        found = series(connection, "anh_jobs", "hour", "state")
        assert {line.label: [v for v in line.values if v is not None] for line in found.lines} == {
            "queued": [3],
            "running": [1],
            "waiting": [1],
        }
        ended = series(connection, "anh_jobs_ended_total", "hour", "state")
        assert sum(v or 0 for line in ended.lines for v in line.values) * BUCKET_S == pytest.approx(11)


def test_hours_of_contracts_are_sqls(engine: sa.Engine) -> None:
    """The gas of each contract is that of its outcomes and of its views, added once however often it is sampled."""
    fill(engine)
    for _ in range(3):
        sample(engine, UP)
    with engine.connect() as connection:
        found = dearest(connection)
        bare: dict[bytes, int] = dict(
            connection.execute(
                sa.text(
                    'select t."to", sum(o.gas_used) from accountant.outcomes o join accountant.transactions t '
                    "using (seq) group by 1"
                )
            ).all()
        )
        views = connection.execute(sa.text("select sum(view_gas), count(*) from accountant.job_figures")).one()
    assert [(one.key, one.gas) for one in found.contracts] == [
        (CONTRACT, bare[CONTRACT] + views[0]),
        (LESSER, bare[LESSER]),
    ]
    assert found.contracts[0].runs == 10 + views[1]
    assert found.gas == sum(bare.values()) + views[0]


def test_every_metric_is_read(engine: sa.Engine) -> None:
    """Each statement of the catalogue runs, and names are unique and say their kind."""
    fill(engine)
    sample(engine, UP)
    names = [metric.name for metric in METRICS]
    assert len(names) == len(set(names))
    for metric in METRICS:
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        with engine.connect() as connection:
            if isinstance(metric.how, Events):
                connection.execute(metric.how.between(), {"since": 0, "until": 2**33}).all()
            series(connection, metric.name, "day", metric.labels[0] if metric.labels else "")
