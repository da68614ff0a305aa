"""Trust: the floor keeps lying irrational, the model learns who lies, and says why."""

from fractions import Fraction
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.chain.block import Position
from accountant.chain.query import BalanceAtLeast
from accountant.trust.choice import Candidate, choose
from accountant.trust.features import NAMES, Features, History, features_of
from accountant.trust.floor import check_probability_least, gain_most, lying_pays
from accountant.trust.model import VERDICTS_LEAST, Score, TrustModel, Verdict

UNITS = st.integers(0, 2**62)
QUERY = BalanceAtLeast(bytes(20), 5, Position(bytes(32), 0))


@given(gain=UNITS, penalty=UNITS)
def test_the_floor_is_where_lying_stops_paying(gain: int, penalty: int) -> None:
    """At G / (G + P) a lie does not pay, and at any smaller chance it does: the inequality, in exact fractions."""
    least = check_probability_least(gain, penalty)
    assert 0 <= least <= 1 and not lying_pays(least, gain, penalty)
    if least > 0:
        assert lying_pays(least * Fraction(999_999, 1_000_000), gain, penalty)


@given(percent=st.integers(0, 99), penalty=UNITS)
def test_the_largest_gain_that_a_chance_covers(percent: int, penalty: int) -> None:
    """The most that may depend on an answer, at a chance and a penalty: one unit more, and lying pays."""
    chance = Fraction(percent, 100)
    most = gain_most(chance, penalty)
    assert not lying_pays(chance, most, penalty) and lying_pays(chance, most + 1, penalty)


def _oath(penalty: int, history: History, deposit: int = 10**12) -> Features:
    return features_of(QUERY, True, penalty, deposit, 10**9, 100_000, history)


def _verdicts(count: int) -> list[Verdict]:
    """Liars swear with high penalties and a history of lies."""
    random = Random(5)
    found = []
    for _ in range(count):
        lied = random.random() < 0.3
        history = History(sworn=100, checked=50, lies=random.randrange(5, 20) if lied else random.randrange(2))
        found.append(Verdict(_oath(random.choice([10**9, 10**10]), history), lied))
    return found


def test_it_learns_who_lies() -> None:
    """After some verdicts a liar's oath scores above an honest one's, and the reasons add up to the difference."""
    model = TrustModel(_verdicts(200))
    liar, honest = model.scores([_oath(10**9, History(100, 50, 15)), _oath(10**9, History(100, 50, 0))])
    assert model.learned and liar.probability > 0.5 > honest.probability
    assert liar.trust_per_mille < honest.trust_per_mille
    assert {name for name, _ in liar.reasons} == set(NAMES) and liar.reasons[0][0] == "lie_rate"


def test_equal_verdicts_give_equal_scores() -> None:
    """Fitting twice gives the same numbers."""
    oaths = [verdict.features for verdict in _verdicts(50)]
    assert TrustModel(_verdicts(200)).scores(oaths) == TrustModel(_verdicts(200)).scores(oaths)


def test_too_little_to_learn_from() -> None:
    """With few verdicts, or with truths alone, the score is the accountant's own rate of lies, without reasons."""
    truths = [Verdict(_oath(10**9, History()), False)] * (2 * VERDICTS_LEAST)
    for verdicts in ([], _verdicts(VERDICTS_LEAST - 1), truths):
        model = TrustModel(verdicts)
        assert not model.learned
        assert model.scores([_oath(1, History(0, 0, 0)), _oath(1, History(9, 3, 2))]) == [
            Score(0.5, ()),
            Score(0.625, ()),
        ]
    assert TrustModel([]).scores([]) == []


CANDIDATES = st.lists(
    st.builds(
        Candidate,
        st.builds(Score, st.floats(0, 1), st.just(())),
        st.integers(0, 10**12),
        st.integers(1, 10**12),
        st.integers(1, 10**6),
    ),
    max_size=30,
)


@settings(deadline=None)
@given(candidates=CANDIDATES, gas=st.integers(0, 10**7), seed=st.integers(0, 2**32))
def test_the_gas_is_a_limit_and_the_draw_comes_first(candidates: list[Candidate], gas: int, seed: int) -> None:
    """Nothing is checked beyond the gas, nothing twice, drawn oaths before others; what the gas misses is said."""
    chosen = choose(candidates, gas, Random(seed))
    assert len(set(chosen.order)) == len(chosen.order)
    assert sum(candidates[i].cost for i in chosen.order) <= gas
    places = [i in chosen.drawn for i in chosen.order]
    assert places == sorted(places, reverse=True)
    assert chosen.unreached == chosen.drawn - set(chosen.order)
    if gas == 10**7 and len(candidates) < 10:
        assert len(chosen.order) == len(candidates)


def test_trusted_oaths_are_drawn_as_often_as_the_floor_demands() -> None:
    """However much the model trusts an accountant: over many draws its share is the inequality's, and no less."""
    trusted = Candidate(Score(0.0, ()), gain=10**9, penalty=3 * 10**9, cost=1)
    draws = sum(len(choose([trusted] * 100, 10**6, Random(seed)).drawn) for seed in range(100))
    assert 2_300 < draws < 2_700, "a quarter of 10,000"
    none = Candidate(Score(0.9, ()), gain=0, penalty=1, cost=1)
    assert not choose([none] * 50, 10**6, Random(1)).drawn
    halved = sum(len(choose([trusted] * 100, 10**6, Random(s), Fraction(1, 8)).drawn) for s in range(100))
    assert 1_050 < halved < 1_450, "a ceiling is a ceiling"


def test_what_draws_leave_goes_where_a_lie_is_likeliest_for_its_gas() -> None:
    """Without a draw the order is chance of a lie over gas."""
    scores = [(0.5, 100), (0.4, 10), (0.9, 1_000)]
    candidates = [Candidate(Score(p, ()), 0, 1, cost) for p, cost in scores]
    assert choose(candidates, 10**6, Random(0)).order == (1, 0, 2)
    assert choose(candidates, 120, Random(0)).order == (1, 0)
