"""The market of `benchmarks.trust` at a small size: every policy spends what it may, and the model learns."""

from random import Random

import pytest

from accountant.trust.features import History
from benchmarks import trust
from benchmarks.trust import Sworn, audited, by_model, fixed_rule, market, uniform


@pytest.fixture(scope="module")
def rounds() -> list[list[Sworn]]:
    """A market of a few rounds."""
    return market(0)[:12]


def test_a_market_is_the_same_each_time() -> None:
    """The same seed gives the same oaths, another one others; there are lies, and oaths that do not count."""
    oaths = [oath for one in market(3) for oath in one]
    assert market(3)[0] == market(3)[0] != market(4)[0]
    assert any(oath.lied for oath in oaths) and any(not oath.counts for oath in oaths)


@pytest.mark.parametrize("policy", [uniform, fixed_rule, by_model(0.0), by_model(1.0)])
def test_a_policy_within_its_gas(rounds: list[list[Sworn]], policy: trust.Policy) -> None:
    """It finds no lie that nobody told, and spends no more gas than its share of each round."""
    outcome = audited(rounds, policy, 0)
    most = sum(sum(oath.cost for oath in one if oath.counts) * trust.SHARE // 1_000 for one in rounds)
    assert 0 < outcome.found <= outcome.lies and outcome.gas <= most
    assert all(outcome.found_by_kind[kind] <= outcome.lies_by_kind[kind] for kind in trust.KINDS)
    assert not outcome.lies_by_kind["honest"]


def test_the_floor_is_drawn_whatever_the_model_thinks() -> None:
    """Gas without end: every oath is checked, by every policy."""
    (oaths,) = [[(oath, trust._features(oath, History())) for oath in market(1)[0] if oath.counts]]
    plenty = sum(oath.cost for oath, _ in oaths)
    for policy in (uniform, fixed_rule, by_model(1.0)):
        assert sorted(policy(oaths, [], plenty, Random(0))) == list(range(len(oaths)))


def test_it_prints(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole run at a small size ends with its figures as JSON."""
    monkeypatch.setattr(trust, "SEEDS", 1)
    monkeypatch.setattr(trust, "ROUNDS", 8)
    trust.main()
    assert "lies_per_gas_over_uniform" in capsys.readouterr().out.splitlines()[-1]
