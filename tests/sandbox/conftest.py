"""A token on a sandbox chain, for all tests of the sandbox."""

import pytest

from accountant.sandbox import Chain, Contract
from tests.support.sandbox_token import deploy_token


@pytest.fixture
def token(chain: Chain) -> Contract:
    """A token of which alice has 1,000 units."""
    return deploy_token(chain)
