"""Whom to check: lies found for each unit of gas, by a model that learns against chance and a fixed rule.

`python -m benchmarks.trust`. A simulated market: accountants of six kinds swear answers of different kinds, stakes and
costs of checking; an auditor has gas for a share of them in each round, and learns what it checked. What can be seen
without executing anything (over-promising, too little gas) is sorted out beforehand for everybody: no gas is spent
there. The same market, to the oath, is audited under each policy. ROUNDS, SEEDS and SHARE (per mille of a round's gas)
change it.
"""

import json
import os
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from accountant.chain.block import Position
from accountant.chain.query import AccountingQuery, BalanceAtLeast, Income, Storage, TransactionSucceeded, View
from accountant.trust.choice import Candidate, choose
from accountant.trust.features import Features, History, features_of
from accountant.trust.floor import check_probability_least, lying_pays
from accountant.trust.model import Score, TrustModel, Verdict

ROUNDS = int(os.environ.get("ROUNDS", "60"))
SEEDS = int(os.environ.get("SEEDS", "5"))
SHARE = int(os.environ.get("SHARE", "150"))
KINDS = ("honest", "careless", "selective", "over-promising", "under-gassing", "long con")
EACH = 5
OATHS = 4
TOKEN = 10**9

_NOWHERE = Position(bytes(32), 0)
_QUERIES: tuple[AccountingQuery, ...] = (
    BalanceAtLeast(bytes(20), 1, _NOWHERE),
    TransactionSucceeded(bytes(32)),
    Income(bytes(32), bytes(20)),
    Storage(bytes(32), b"slot", _NOWHERE),
    View(bytes(32), "view", (), 100_000, _NOWHERE),
)


class Sworn(NamedTuple):
    """An oath of the market. What only executing it shows: `lied`."""

    swearer: int
    query: AccountingQuery
    answer_true: bool
    penalty: int
    deposit: int
    stake: int
    cost: int
    counts: bool
    lied: bool


def market(seed: int) -> list[list[Sworn]]:
    """The oaths of each round, the same whatever is checked."""
    random = Random(seed)
    return [
        [oath for swearer in range(len(KINDS) * EACH) for oath in _swear(random, swearer, r)] for r in range(ROUNDS)
    ]


def _swear(random: Random, swearer: int, at: int) -> list[Sworn]:
    kind = KINDS[swearer % len(KINDS)]
    oaths = []
    for _ in range(OATHS):
        query = random.choice(_QUERIES)
        stake = int(TOKEN * random.lognormvariate(1.0, 1.5))
        penalty = TOKEN * random.choice([1, 1, 2, 5])
        cost = int(100_000 * random.lognormvariate(0.0, 1.3))
        deposit, counts, lied = 1_000 * TOKEN, True, False
        match kind:
            case "careless":  # wrong now and then, mostly where much has to be executed
                lied = random.random() < (0.10 if cost > 200_000 else 0.02)
            case "selective":  # lies where much depends on it
                lied = stake > 8 * TOKEN and random.random() < 0.7
            case "over-promising":
                counts = random.random() < 0.5
                deposit = 1_000 * TOKEN if counts else penalty // 2
                lied = random.random() < (0.3 if not counts else 0.02)
            case "under-gassing":
                counts = random.random() < 0.5
                lied = random.random() < (0.3 if not counts else 0.02)
            case "long con":  # honest until trusted, then as much as it can
                lied = at > ROUNDS // 2 and stake > 3 * TOKEN and random.random() < 0.8
        oaths.append(Sworn(swearer, query, random.random() < 0.8, penalty, deposit, stake, cost, counts, lied))
    return oaths


Policy = Callable[[Sequence[tuple[Sworn, Features]], list[Verdict], int, Random], Sequence[int]]
"""From a round's oaths, what was learned so far and the gas: which to check, in order."""


def uniform(oaths: Sequence[tuple[Sworn, Features]], _: list[Verdict], gas: int, random: Random) -> Sequence[int]:
    """Any, as far as the gas reaches."""
    return _within(random.sample(range(len(oaths)), len(oaths)), oaths, gas)


def fixed_rule(oaths: Sequence[tuple[Sworn, Features]], _: list[Verdict], gas: int, __: Random) -> Sequence[int]:
    """What is at stake over what checking costs, and who lied before first."""
    keys = [(-features.lie_rate * oath.stake / oath.cost, i) for i, (oath, features) in enumerate(oaths)]
    return _within([i for _, i in sorted(keys)], oaths, gas)


def by_model(floor_share: float) -> Policy:
    """The model; `floor_share` of the floor's chances are drawn at random before it is asked (1: all of them)."""

    def policy(
        oaths: Sequence[tuple[Sworn, Features]], verdicts: list[Verdict], gas: int, random: Random
    ) -> Sequence[int]:
        scores = TrustModel(verdicts).scores([features for _, features in oaths])
        candidates = [
            Candidate(Score(score.probability, ()), int(oath.stake * floor_share), oath.penalty, oath.cost)
            for (oath, _), score in zip(oaths, scores, strict=True)
        ]
        return choose(candidates, gas, random).order

    return policy


def _within(order: Sequence[int], oaths: Sequence[tuple[Sworn, Features]], gas: int) -> list[int]:
    kept = []
    for i in order:
        if oaths[i][0].cost <= gas:
            gas -= oaths[i][0].cost
            kept.append(i)
    return kept


class Outcome(NamedTuple):
    """What an auditor found in a market."""

    lies: int
    found: int
    gas: int
    found_by_kind: Counter[str]
    lies_by_kind: Counter[str]
    long_con_rounds: float
    """Rounds from a long con's first lie to the first one found, on average."""


def audited(rounds: list[list[Sworn]], policy: Policy, seed: int) -> Outcome:
    """One policy in one market."""
    random = Random(seed)
    histories = {swearer: History() for swearer in range(len(KINDS) * EACH)}
    verdicts: list[Verdict] = []
    found_by, lies_by = Counter[str](), Counter[str]()
    first_lie: dict[int, int] = {}
    first_found: dict[int, int] = {}
    gas_used = 0
    for at, all_oaths in enumerate(rounds):
        oaths = [(oath, _features(oath, histories[oath.swearer])) for oath in all_oaths if oath.counts]
        gas = sum(oath.cost for oath, _ in oaths) * SHARE // 1_000
        for oath, _ in oaths:
            if oath.lied:
                lies_by[KINDS[oath.swearer % len(KINDS)]] += 1
                first_lie.setdefault(oath.swearer, at)
        for i in policy(oaths, verdicts, gas, random):
            oath, features = oaths[i]
            gas_used += oath.cost
            verdicts.append(Verdict(features, oath.lied))
            histories[oath.swearer] = _learned(histories[oath.swearer], oath.lied)
            if oath.lied:
                found_by[KINDS[oath.swearer % len(KINDS)]] += 1
                first_found.setdefault(oath.swearer, at)
        for oath in all_oaths:
            history = histories[oath.swearer]
            histories[oath.swearer] = history._replace(sworn=history.sworn + 1, median_penalty=TOKEN)
    cons = [s for s in first_lie if KINDS[s % len(KINDS)] == "long con"]
    delays = [first_found.get(swearer, ROUNDS) - first_lie[swearer] for swearer in cons]
    return Outcome(
        sum(lies_by.values()), sum(found_by.values()), gas_used, found_by, lies_by, statistics.mean(delays or [0])
    )


def _features(oath: Sworn, history: History) -> Features:
    return features_of(oath.query, oath.answer_true, oath.penalty, oath.deposit, oath.stake, oath.cost, history)


def _learned(history: History, lied: bool) -> History:
    return history._replace(
        checked=history.checked + 1, lies=history.lies + lied, since_lie=0 if lied else history.since_lie + 1
    )


def main() -> None:
    policies: dict[str, Policy] = {
        "uniform": uniform,
        "fixed rule": fixed_rule,
        "model": by_model(0.0),
        "model, a tenth of the floor": by_model(0.1),
        "model, whole floor": by_model(1.0),
    }
    markets = [market(seed) for seed in range(SEEDS)]
    results = {
        name: [audited(rounds, policy, seed) for seed, rounds in enumerate(markets)]
        for name, policy in policies.items()
    }
    print(
        f"{SEEDS} markets of {len(KINDS) * EACH} accountants, {ROUNDS} rounds, gas for {SHARE / 10:g} % of each round\n"
    )
    print(f"{'policy':<28}{'lies found':>12}{'of':>7}{'per 10^9 gas':>14}{'long con found after':>22}")
    density: dict[str, float] = {}
    for name, outcomes in results.items():
        found, lies = sum(o.found for o in outcomes), sum(o.lies for o in outcomes)
        density[name] = found / (sum(o.gas for o in outcomes) / 1e9)
        delay = statistics.mean(o.long_con_rounds for o in outcomes)
        print(f"{name:<28}{found:>12}{lies:>7}{density[name]:>14.1f}{delay:>15.1f} rounds")
    print("\nfound of each kind's lies, per cent")
    print(f"{'policy':<28}" + "".join(f"{kind:>16}" for kind in KINDS[1:]))
    for name, outcomes in results.items():
        found_by, lies_by = Counter[str](), Counter[str]()
        for outcome in outcomes:
            found_by.update(outcome.found_by_kind)
            lies_by.update(outcome.lies_by_kind)
        shares = (f"{100 * found_by[k] / lies_by[k]:>15.1f}%" if lies_by[k] else f"{'-':>16}" for k in KINDS[1:])
        print(f"{name:<28}" + "".join(shares))
    oaths = [oath for rounds in markets for oaths in rounds for oath in oaths if oath.counts]
    floors = [check_probability_least(oath.stake, oath.penalty) for oath in oaths]
    needed = sum(float(floor) * oath.cost for floor, oath in zip(floors, oaths, strict=True))
    share = needed / sum(oath.cost for oath in oaths)
    assert not any(lying_pays(floor, o.stake, o.penalty) for floor, o in zip(floors[:1_000], oaths, strict=False))
    print(f"\nThe floor at which no lie of this market pays takes {share:.1%} of the gas of checking everything.")
    result = {
        "lies_per_gas_over_uniform": density["model"] / density["uniform"],
        "lies_per_gas_over_fixed_rule": density["model"] / density["fixed rule"],
        "with_a_tenth_of_the_floor_over_uniform": density["model, a tenth of the floor"] / density["uniform"],
        "with_the_whole_floor_over_uniform": density["model, whole floor"] / density["uniform"],
        "floor_share_of_gas": share,
    }
    print(json.dumps({name: round(value, 3) for name, value in result.items()}))


if __name__ == "__main__":
    main()
