"""An oath as a model sees it before anybody checks it: features, from the chain and its swearer's history."""

from collections.abc import Mapping, Sequence
from statistics import median_low
from typing import NamedTuple

from accountant.index.port import ChainIndex
from accountant.oath.oath import Oath
from accountant.primitives.encoding import encode
from accountant.primitives.types import BLACKHOLE, Address
from accountant.trust.features import Features, History, features_of
from accountant.trust.knowledge import features_from, thousandths
from accountant.trust.stake import gain_of, query_of, stake_of


class Seen(NamedTuple):
    """An oath as a model sees it before anybody checks it."""

    oath: Oath
    features: Features
    gain: int
    cost: int


def histories_of(oaths: Sequence[Oath], learned: Mapping[Address, History]) -> dict[Address, History]:
    """What is known of each swearer: verdicts, and what these oaths of theirs show."""
    by_swearer: dict[Address, list[Oath]] = {}
    for oath in oaths:
        by_swearer.setdefault(oath.located.sender, []).append(oath)
    return {
        swearer: learned.get(swearer, History())._replace(
            sworn=len(theirs),
            clients=len({oath.terms.beneficiary for oath in theirs} - {BLACKHOLE}),
            median_penalty=median_low(max(0, oath.terms.penalty) for oath in theirs),
        )
        for swearer, theirs in by_swearer.items()
    }


def seen_of(index: ChainIndex, oath: Oath, deposit: int, history: History, cost: int) -> Seen:
    """An oath as a model sees it. `deposit`: base units surely there right before it; `cost`: gas of checking it."""
    query = query_of(oath.terms)
    stake = stake_of(index, query, oath.terms)
    penalty = max(0, oath.terms.penalty)
    features = features_of(query, oath.terms.answer == encode(True), penalty, deposit, stake, cost, history)
    return Seen(oath, features_from(thousandths(features)), gain_of(stake, penalty), cost)
