"""The pytest plugin: the fixture `chain`. The chain is loaded only where a test asks for it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from accountant.language.errors import ContractError

if TYPE_CHECKING:
    from accountant.sandbox import Chain


@pytest.fixture
def chain(request: pytest.FixtureRequest) -> Iterator["Chain"]:
    """A fresh chain in memory. Paths of contracts are relative to the test's file.

    After the test everything is executed in order too, and compared with what the test was told.
    """
    from accountant.sandbox import Chain  # here, so that tests of everything else do without it

    made = Chain(request.path.parent)
    yield made
    made.check()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """A contract that does not compile is told by its own line, not by the compiler's."""
    try:
        return (yield)
    except ContractError as error:
        pytest.fail(error.detail, pytrace=False)
