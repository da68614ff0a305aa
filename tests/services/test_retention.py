"""What is old goes, in batches, and nothing else does."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from accountant.services.policy import JobPolicy
from accountant.services.retention import forget_old
from accountant.services.sweep import sweep
from accountant.storage.database import engine_of, migrate
from accountant.storage.keys_store import PUBLIC_PREFIX

DAY_S = 86_400.0
POLICY = JobPolicy(trainings_kept_s=10 * DAY_S, logins_kept_s=10 * DAY_S, public_kept_s=10 * DAY_S)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    migrate(database_url)
    made = engine_of(database_url)
    with made.begin() as connection:
        for prefix in (PUBLIC_PREFIX, "paid"):
            into = sa.text("insert into accountant.api_keys (prefix, secret_sha256) values (:p, :s)")
            connection.execute(into, {"p": prefix, "s": prefix.encode()})
    yield made
    made.dispose()


def run(engine: sa.Engine, statement: str, **given: object) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(statement), given)


def left(engine: sa.Engine, query: str) -> list[object]:
    with engine.connect() as connection:
        return list(connection.scalars(sa.text(query)))


def add_job(engine: sa.Engine, name: str, key: str, days: int | None, repeats: str | None = None) -> None:
    """A job that ended so many days ago, or has not, with an event and figures."""
    end = "null" if days is None else f"now() - interval '{days} d'"
    state, certificate = ("queued", "null") if days is None else ("done", "'\\x00'")
    run(
        engine,
        "insert into accountant.jobs (id, key_prefix, kind, request, queue, attempts_most, state, certificate, "
        f"finished_at, repeats) values (:id, :key, 'query', '', 'cpu', 5, '{state}', {certificate}, {end}, :repeats)",
        id=name,
        key=key,
        repeats=repeats,
    )
    own = "select number from accountant.jobs where id = :id"
    run(
        engine,
        f"insert into accountant.job_events (job_number, state, gas_executed) values (({own}), '{state}', 0)",
        id=name,
    )


def test_tries_sessions_and_links_go_some_time_after_they_ended(engine: sa.Engine) -> None:
    """A session that lasts stays however old it is, and so do users and what they did."""
    run(engine, "insert into accountant.admin_users (name, role, password_hash) values ('a', 'owner', '')")
    for name, days in (("old", 11), ("new", 9)):
        at = f"now() - interval '{days} d'"
        run(
            engine,
            f"insert into accountant.admin_logins (at, name, address, succeeded) values ({at}, :name, '', false)",
            name=name,
        )
        run(
            engine,
            "insert into accountant.admin_sessions (token_sha256, user_id, csrf, address, agent, created_at, "
            f"expires_at) select :token, id, :name, '', '', now() - interval '20 d', {at} from accountant.admin_users",
            token=name.encode(),
            name=name,
        )
        run(
            engine,
            f"insert into accountant.admin_links (token_sha256, role, expires_at) values (:token, 'viewer', {at})",
            token=name.encode(),
        )
        run(
            engine,
            "insert into accountant.admin_actions (at, user_name, action, target) values (now() - interval '900 d', "
            "'a', 'x', 'y')",
        )
    assert forget_old(engine, POLICY) == 3
    assert left(engine, "select name from accountant.admin_logins") == ["new"]
    assert left(engine, "select csrf from accountant.admin_sessions") == ["new"]
    assert left(engine, "select encode(token_sha256, 'escape') from accountant.admin_links") == ["new"]
    assert left(engine, "select count(*) from accountant.admin_actions") == [2]
    assert forget_old(engine, POLICY) == 0


def test_questions_without_a_key_go_with_all_that_belongs_to_them(engine: sa.Engine) -> None:
    """Not those of whoever has a key, nor one that has not ended, nor one that another job repeats: that goes first."""
    add_job(engine, "old", PUBLIC_PREFIX, 11)
    add_job(engine, "open", PUBLIC_PREFIX, None)
    add_job(engine, "new", PUBLIC_PREFIX, 9)
    add_job(engine, "paid", "paid", 900)
    add_job(engine, "repeated", PUBLIC_PREFIX, 12)
    add_job(engine, "repeats", PUBLIC_PREFIX, 11, "repeated")
    forget_old(engine, POLICY)
    assert left(engine, "select id from accountant.jobs order by number") == ["open", "new", "paid", "repeated"]
    forget_old(engine, POLICY)
    assert left(engine, "select id from accountant.jobs order by number") == ["open", "new", "paid"]
    assert left(engine, "select count(distinct job_number) from accountant.job_events") == [3]


def test_trainings_go_with_their_curves(engine: sa.Engine) -> None:
    """After nobody told of them for so long."""
    add_job(engine, "job", "paid", 1)
    for seq, days in ((1, 11), (2, 9)):
        run(
            engine,
            "insert into accountant.trainings (seq, job_number, first_step, step, steps, loss, updated_at) "
            f"select {seq}, number, 1, 5, 5, 0, now() - interval '{days} d' from accountant.jobs",
        )
        run(engine, f"insert into accountant.training_losses (seq, part, steps, step, loss) values ({seq}, 0, 5, 1, 0)")
    forget_old(engine, POLICY)
    assert left(engine, "select seq from accountant.trainings") == [2]
    assert left(engine, "select seq from accountant.training_losses") == [2]


def test_the_dispatchers_rounds_drop_what_is_old(engine: sa.Engine) -> None:
    """Whoever sweeps forgets."""
    run(
        engine,
        "insert into accountant.admin_logins (at, name, address, succeeded) "
        "values (now() - interval '31 d', 'old', '', false), (now() - interval '29 d', 'new', '', false)",
    )
    sweep(engine, JobPolicy(), broker_forgot=False)
    assert left(engine, "select name from accountant.admin_logins") == ["new"]


def test_a_round_looks_at_a_batch(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is old: what is left goes in later rounds."""
    monkeypatch.setattr("accountant.services.retention.BATCH", 2)
    run(
        engine,
        "insert into accountant.admin_logins (at, name, address, succeeded) "
        "select now() - interval '40 d', n::text, '', false from generate_series(1, 5) n",
    )
    assert [forget_old(engine, POLICY) for _ in range(4)] == [2, 2, 1, 0]
