"""The chance that an oath is a lie, learned from verdicts, with the reasons for each score.

A logistic regression (scikit-learn) over bent features: few verdicts suffice, a liar with a threshold is seen as such,
it is fitted anew in milliseconds as verdicts arrive, and a score is a sum, so each feature's share in it can be told.
It decides what is checked next and nothing else: no verdict depends on it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import SplineTransformer, StandardScaler

from accountant.trust.features import NAMES, Features

VERDICTS_LEAST = 30
"""Below so many verdicts, or without a lie and a truth among them, the score is the accountant's own rate of lies."""

_Array = npt.NDArray[np.float64]


class Verdict(NamedTuple):
    """An oath that was checked."""

    features: Features
    lied: bool


class Score(NamedTuple):
    """How likely an oath is a lie, and why."""

    probability: float
    reasons: tuple[tuple[str, float], ...]
    """Each feature's share in the log-odds, the largest first; empty while too little is known to learn from."""

    @property
    def trust_per_mille(self) -> int:
        """1,000 for what is surely true."""
        return round(1_000 * (1 - self.probability))


class TrustModel:
    """Fitted to all verdicts so far. Equal verdicts in equal order give equal scores."""

    def __init__(self, verdicts: Sequence[Verdict]) -> None:
        lies = sum(verdict.lied for verdict in verdicts)
        self.learned = len(verdicts) >= VERDICTS_LEAST and 0 < lies < len(verdicts)
        """Whether there were enough verdicts to learn from."""
        if self.learned:
            rows = _rows([verdict.features for verdict in verdicts])
            lied = np.array([verdict.lied for verdict in verdicts])
            self._scale = StandardScaler().fit(rows)
            self._curves = SplineTransformer(n_knots=4, degree=1, knots="quantile").fit(self._scale.transform(rows))
            self._line = LogisticRegression(C=0.3, max_iter=300).fit(self._columns(rows), lied)

    def scores(self, oaths: Sequence[Features]) -> list[Score]:
        """A score for each oath."""
        if not oaths:
            return []
        if not self.learned:
            return [Score(features.lie_rate, ()) for features in oaths]
        shares = self._columns(_rows(oaths)) * self._line.coef_[0]
        by_feature = shares.reshape(len(oaths), len(NAMES), -1).sum(axis=2)
        log_odds = by_feature.sum(axis=1) + self._line.intercept_[0]
        chances = 1 / (1 + np.exp(-np.clip(log_odds, -50, 50)))
        return [Score(float(chance), _reasons(row)) for chance, row in zip(chances, by_feature, strict=True)]

    def _columns(self, rows: _Array) -> _Array:
        """Each feature as the same number of columns, one beside the other."""
        columns: _Array = self._curves.transform(np.clip(self._scale.transform(rows), -4, 4))
        return columns


def _rows(oaths: Sequence[Features]) -> _Array:
    return np.array(oaths, dtype=np.float64)


def _reasons(shares: _Array) -> tuple[tuple[str, float], ...]:
    named = zip(NAMES, (float(share) for share in shares), strict=True)
    return tuple(sorted(named, key=lambda reason: (-abs(reason[1]), reason[0])))
