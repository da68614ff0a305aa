"""The pytest plugin: plain pytest finds the fixture, shows failing assertions readably, and checks every chain."""

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]

_TESTS = """
from accountant.sandbox import Chain
from tests.support.sandbox_token import deploy_token


def test_passes(chain: Chain) -> None:
    assert deploy_token(chain).transfer(chain.account("bob"), 1, sender=chain.account("alice"))


def test_fails(chain: Chain) -> None:
    token = deploy_token(chain)
    result = token.transfer(chain.account("bob"), 1_001, sender=chain.account("alice"))
    assert result.succeeded


def test_compares_events(chain: Chain) -> None:
    token, bob = deploy_token(chain), chain.account("bob")
    result = token.transfer(bob, 1, sender=chain.account("alice"))
    assert result.events == [token.Transfer(bob, bob, 1)]


def test_is_told_a_lie(chain: Chain) -> None:
    chain.balance(chain.account("bob"))
    before, account, units = chain.observations.balances[0]
    chain.observations.balances[0] = (before, account, units + 1)
"""


def test_plain_pytest_reports_failures_readably(tmp_path: Path) -> None:
    """A failing assertion shows the result in one line, events field by field; a wrong chain fails its test."""
    (tmp_path / "test_token.py").write_text(_TESTS)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "where False = <token.transfer: failed, 'balance too low', gas" in run.stdout, run.stdout
    assert "Transfer(source=alice, to=bob, amount=1) != Transfer(source=bob, to=bob, amount=1)" in run.stdout
    assert "the balance of 0x" in run.stdout
    assert "2 failed, 2 passed, 1 error" in run.stdout
