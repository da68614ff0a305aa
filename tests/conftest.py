"""Fixtures for everybody: real servers on loopback, one pair for each test process, started at first use."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from accountant.storage.embedded import EmbeddedServers
from tests.support.servers import embedded_servers, empty_database, fresh_database, reachable_folder

# Test processes share the cores: threads of torch's own would only wait for each other. Before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# No test's verdict depends on how fast the machine is: a fresh clone builds Hypothesis's tables of characters first.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

TOGETHER = {
    "tests/integration/": "tests/integration/",
    "tests/workers/": "tests/workers/",
    "tests/browser/test_live.py": "tests/workers/",
    "tests/commands/test_publish_": "tests/workers/",
    "tests/test_supervisor.py": "tests/workers/",
    "tests/test_up.py": "tests/workers/",
}
"""Files that must not all run beside each other, each of them starts more processes than a small machine has cores: by
how their paths begin, after whose other files they come.

Groups of pytest-xdist 3.8 do nothing under pytest 9.2, which keeps the name of a test elsewhere.
"""

LONG = (
    "tests/integration/",
    "tests/workers/",
    "tests/tensors/test_sameness.py",
    "tests/browser/test_pages.py",
    "tests/accounting/proof/test_soundness.py",
    "tests/contracts/test_module_fuzz.py",
    "tests/execution/test_depth.py",
    "tests/tensors/test_device.py",
    "tests/tensors/test_fit.py",
    "tests/tensors/test_digits.py",
    "tests/accounting/test_withdrawal.py",
)
"""What takes longest comes first, so that nothing long is left to one process when the others have nothing to do."""


class _ByFile(LoadFileScheduling):  # type: ignore[misc]  # untyped
    def _split_scope(self, nodeid: str) -> str:
        group = next((group for begin, group in TOGETHER.items() if nodeid.startswith(begin)), None)
        return group or str(super()._split_scope(nodeid))

    def _assign_work_unit(self, node: object) -> None:
        """The longest of what is left; of the others those with most tests, as they are in the queue already."""
        longest = next((scope for scope in LONG if scope in self.workqueue), None)
        if longest is not None:
            self.workqueue.move_to_end(longest, last=False)
        super()._assign_work_unit(node)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    """With `--dist loadfile` each file, and each of those groups, goes to one test process."""
    return _ByFile(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def servers() -> Iterator[EmbeddedServers]:
    """The test process's own Postgres and Valkey."""
    with embedded_servers() as pair:
        yield pair


@pytest.fixture
def database_url(servers: EmbeddedServers) -> Iterator[str]:
    """`postgresql+psycopg://…` of a database that this test has for itself: all tables, no rows."""
    with fresh_database(servers) as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url(servers: EmbeddedServers) -> Iterator[str]:
    """`postgresql+psycopg://…` of a database that this module's tests share: all tables, no rows at first."""
    with fresh_database(servers) as url:
        yield url


@pytest.fixture
def empty_database_url(servers: EmbeddedServers) -> Iterator[str]:
    """`postgresql+psycopg://…` of a database without any table, for tests of first starts and of migrations."""
    with empty_database(servers) as url:
        yield url


@pytest.fixture
def make_database(servers: EmbeddedServers) -> Iterator[Callable[[], str]]:
    """Makes as many databases as a test asks for; each call returns the URL of another, without rows."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(fresh_database(servers))


@pytest.fixture
def redis_url(servers: EmbeddedServers) -> str:
    """`redis://…` of an empty Valkey: whatever an earlier test left there is flushed."""
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushall()
    return servers.redis_url


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A temporary folder that the servers' own user can enter: for tests that start servers or a whole stack."""
    with reachable_folder() as folder:
        yield folder
