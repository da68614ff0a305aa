"""The forecast: values arrive, anyone has the network trained again, and what the next value costs to know."""

from pathlib import Path

import pytest

import accountant.library
from accountant.accounting.certificate import Verdict
from accountant.chain.errors import Refusal
from accountant.chain.footprint import Read, Write
from accountant.sandbox import Chain, Contract, Refused, ViewFailed
from accountant.sandbox.result import Result
from tests.support.observing import newcomer, viewed
from tests.support.real_data import cents

LIBRARY = Path(accountant.library.__path__[0])
IBM = cents("IBM")
GAS = 200_000_000
EIGHTEEN = b"trained:" + (18).to_bytes(8, "big")


@pytest.fixture
def series(chain: Chain) -> Contract:
    """Alice's series, of which nothing is known yet."""
    return chain.deploy(LIBRARY / "forecast.py", sender=chain.account("alice"))


def report(chain: Chain, series: Contract, begin: int, end: int) -> list[Result]:
    """Months of IBM's price."""
    return [series.report(price, sender=chain.account("alice")) for price in IBM[begin:end]]


def retrain(chain: Chain, series: Contract, anew: bool) -> Result:
    """Anyone has it trained."""
    made = series.retrain(series.count_of_values() // 6 * 6, anew, sender=chain.account("anyone"), gas=GAS)
    assert isinstance(made, Result)
    return made


def test_forecasts_follow_the_series(chain: Chain, series: Contract) -> None:
    """Trained again each year, its forecasts are about as near as the last price is; no stock is told better."""
    ours = naive = 0.0
    for month in range(36, 120, 12):
        report(chain, series, 0 if month == 36 else month - 12, month)
        assert retrain(chain, series, month == 36).succeeded
        told = series.forecast()
        ours += abs(told - IBM[month]) / IBM[month]
        naive += abs(IBM[month - 1] - IBM[month]) / IBM[month]
    assert ours < 2 * naive and ours / 7 < 0.1


def test_what_is_reported_and_trained_is_told(chain: Chain, series: Contract) -> None:
    """Events, counts, and footprints that follow from the call."""
    results = report(chain, series, 0, 20)
    assert results[4].events == [series.Reported(value=IBM[4], count=5)] and results[4].returned == 5
    assert series.count_of_values() == 20
    made = retrain(chain, series, True)
    (event,) = made.events
    assert event == series.Trained(weights=event.weights, count=18, anew=True, loss_millionths=made.returned)
    entries = made.transaction.footprint
    assert {one.slot for one in entries if isinstance(one, Read)} == {b"series:", b"weights:", EIGHTEEN}
    assert {one.slot for one in entries if isinstance(one, Write)} == {b"weights:", EIGHTEEN}
    assert set(results[0].transaction.footprint) == {Read(series.id, b"series:"), Write(series.id, b"series:")}


def test_trained_anew_a_forecast_rests_on_one_training(chain: Chain, series: Contract) -> None:
    """From the weights there are it rests on all trainings back to the last one that began anew."""
    report(chain, series, 0, 14)
    trainings = [retrain(chain, series, True)]
    costs = []
    for year in range(3):
        report(chain, series, 14 + 6 * year, 20 + 6 * year)
        trainings.append(retrain(chain, series, False))
        found = viewed(chain, newcomer(), series, "forecast")
        assert {one.hash for one in trainings} < set(found.executed)
        assert len(found.executed) == series.count_of_values() + len(trainings)
        costs.append(found.gas_executed)
    assert costs[0] < costs[1] < costs[2]
    report(chain, series, 32, 38)
    last = retrain(chain, series, True)
    anew = viewed(chain, newcomer(), series, "forecast")
    assert {one.hash for one in [*trainings, last]} & set(anew.executed) == {last.hash}
    assert len(anew.executed) == 39


def test_who_observed_before_pays_for_what_is_new(chain: Chain, series: Contract) -> None:
    """An accountant that keeps outcomes executes each training once, for whoever asks."""
    report(chain, series, 0, 20)
    retrain(chain, series, True)
    store = newcomer()
    first = viewed(chain, store, series, "forecast")
    report(chain, series, 20, 26)
    new = retrain(chain, series, False)
    second = viewed(chain, store, series, "forecast")
    assert len(first.executed) == 21 and len(second.executed) == 7 and new.hash in second.executed
    assert viewed(chain, store, series, "forecast").executed == ()


def test_nobody_makes_the_forecast_dear(chain: Chain, series: Contract) -> None:
    """Trainings without new values fail at an assertion, and no training may use more gas than the contract says."""
    report(chain, series, 0, 20)
    made = retrain(chain, series, True)
    mallory = chain.account("mallory")
    with chain.fails("trained with these already"):
        series.retrain(18, True, sender=mallory, gas=GAS)
        series.retrain(18, False, sender=mallory, gas=GAS)
    with chain.fails("not the latest multiple of six, above 12"):
        for count in (0, -6, 2**62, 12, 17, 19, 20, 24):
            series.retrain(count, True, sender=mallory, gas=GAS)
    with pytest.raises(Refused):
        series.retrain(18, True, sender=mallory, gas=GAS + 1)
    found = viewed(chain, newcomer(), series, "forecast")
    assert found.verdict is Verdict.ACCEPTED and found.gas_executed < 2 * made.gas_used + 30 * 40_000
    report(chain, series, 20, 26)
    assert series.retrain(24, False, sender=mallory, gas=100_000).reason == "out_of_gas"
    assert retrain(chain, series, False).succeeded


def test_nothing_is_forecast_before_a_training(chain: Chain, series: Contract) -> None:
    """Nothing is trained with 12 values or fewer, and the first training begins anew."""
    report(chain, series, 0, 12)
    with pytest.raises(ViewFailed):
        series.forecast()
    with chain.fails("not the latest multiple of six, above 12"):
        series.retrain(12, True, sender=chain.account("anyone"), gas=GAS)
    report(chain, series, 12, 18)
    assert retrain(chain, series, False).reason == "invalid_value"
    assert retrain(chain, series, True)
    assert 0.5 * IBM[17] < series.forecast() < 2 * IBM[17]


def test_only_the_deployer_reports_values(chain: Chain, series: Contract) -> None:
    """And only those that a tensor holds exactly; a constant series and one that leaps are forecast as well."""
    alice = chain.account("alice")
    with pytest.raises(Refused) as refused:
        series.report(5, sender=chain.account("mallory"))
    assert refused.value.kind is Refusal.CALLER
    with chain.fails("a value is above zero and at most 2^24"):
        for value in (0, -1, 2**24 + 1, 2**62):
            series.report(value, sender=alice)
    for _ in range(18):
        series.report(7, sender=alice)
    loss = retrain(chain, series, True).returned
    assert isinstance(loss, int) and loss < 100_000
    for at in range(6):
        series.report(2**24 if at % 2 else 1, sender=alice)
    assert retrain(chain, series, False).succeeded
    assert series.forecast() > 0
