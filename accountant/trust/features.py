"""What is known of an oath before anybody checks it, as numbers that a model learns from and a person can read."""

import math
from typing import NamedTuple

from accountant.chain.query import (
    AccountingQuery,
    BalanceAtLeast,
    Every,
    Income,
    Storage,
    TransactionSucceeded,
    View,
)


class History(NamedTuple):
    """What verdicts said of an accountant so far."""

    sworn: int = 0
    checked: int = 0
    lies: int = 0
    since_lie: int = 0
    """Oaths checked and kept since the last lie."""
    clients: int = 0
    """Different beneficiaries and askers, as far as they are known."""
    median_penalty: int = 0
    """Base units."""


class Features(NamedTuple):
    """One oath, in the order in which a model sees it. Each number grows with what its name says."""

    penalty_log: float
    deposit_share: float
    """Penalty over what the deposit surely holds: 1 or more is a promise that may not be kept."""
    stake_log: float
    stake_over_penalty_log: float
    """What a lie may gain, over what it costs."""
    cost_log: float
    answer_true: float
    about_balance: float
    about_payment: float
    about_income: float
    about_storage: float
    about_view: float
    sworn_log: float
    checked_log: float
    lie_rate: float
    """(lies + 1/2) / (checked + 1)."""
    since_lie_log: float
    clients_log: float
    penalty_unlike_before: float
    """How far the penalty is from this accountant's usual one, as the logarithm of their ratio."""


NAMES = Features._fields

_KINDS: tuple[type, ...] = (BalanceAtLeast, TransactionSucceeded, Income, Storage, View)


def features_of(
    query: AccountingQuery | None,
    answer_true: bool,
    penalty: int,
    deposit: int,
    stake: int,
    cost: int,
    history: History,
) -> Features:
    """The features of an oath.

    `penalty`, `deposit` (right before the oath) and `stake` (what depends on the answer; 0 if unknown) in base units;
    `cost`: gas that checking it takes at most.
    """
    asked = query.queries if isinstance(query, Every) else (query,)
    kinds = [float(any(isinstance(one, kind) for one in asked)) for kind in _KINDS]
    return Features(
        penalty_log=_log(penalty),
        deposit_share=min(penalty / max(deposit, 1), 4.0),
        stake_log=_log(stake),
        stake_over_penalty_log=_log(stake) - _log(penalty),
        cost_log=_log(cost),
        answer_true=float(answer_true),
        about_balance=kinds[0],
        about_payment=kinds[1],
        about_income=kinds[2],
        about_storage=kinds[3],
        about_view=kinds[4],
        sworn_log=_log(history.sworn),
        checked_log=_log(history.checked),
        lie_rate=(history.lies + 0.5) / (history.checked + 1),
        since_lie_log=_log(history.since_lie),
        clients_log=_log(history.clients),
        penalty_unlike_before=abs(_log(penalty) - _log(history.median_penalty)) if history.median_penalty else 0.0,
    )


def _log(value: int) -> float:
    return math.log1p(max(value, 0))
