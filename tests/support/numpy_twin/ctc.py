"""CTC, one sample after the other as the page's recurrences say."""

import math

import numpy as np

from tests.support.numpy_twin import elementary
from tests.support.numpy_twin.sums import PLAIN_BITS, closed, rounded
from tests.support.numpy_twin.tape import recorded
from tests.support.numpy_twin.values import (
    Doubles,
    Indices,
    Integers,
    Singles,
    Tensor,
    ignoring,
    narrow,
    opposite,
    times,
)

NEVER = -math.inf


@ignoring
def _ladd(a: float, b: float, c: float) -> float:
    if a == b == c == NEVER:
        return NEVER
    if math.isnan(a) or math.isnan(b) or math.isnan(c):
        return math.nan
    h = max(a, b, c)
    ea, eb, ec = (float(v) for v in elementary.exp(np.array([a, b, c]) - h))
    return float(elementary.log((ea + eb) + ec)) + h


class _Sample:
    """Scores [T, C] of one sample and the labels of its states; T >= 1."""

    def __init__(self, scores: Doubles, labels: list[int], blank: int) -> None:
        self.x = scores
        self.labels = labels
        self.blank = blank

    def skip(self, s: int) -> bool:
        labels = self.labels
        return 2 <= s < len(labels) and labels[s] != self.blank and labels[s] != labels[s - 2]

    def alpha(self) -> Doubles:
        times_, states = len(self.x), len(self.labels)
        result = np.full((times_, states), NEVER)
        for s in range(min(2, states)):
            result[0, s] = self.x[0, self.labels[s]]
        for t in range(1, times_):
            before = [float(v) for v in result[t - 1]]
            for s in range(states):
                one = before[s - 1] if s >= 1 else NEVER
                two = before[s - 2] if self.skip(s) else NEVER
                result[t, s] = _ladd(before[s], one, two) + float(self.x[t, self.labels[s]])
        return result

    def beta(self) -> Doubles:
        times_, states = len(self.x), len(self.labels)
        result = np.full((times_, states), NEVER)
        result[-1, max(states - 2, 0) :] = 0.0
        for t in range(times_ - 2, -1, -1):
            after = [float(result[t + 1, s]) + float(self.x[t + 1, self.labels[s]]) for s in range(states)]
            for s in range(states):
                one = after[s + 1] if s + 1 < states else NEVER
                two = after[s + 2] if self.skip(s + 2) else NEVER
                result[t, s] = _ladd(after[s], one, two)
        return result


def ctc_loss(
    log_probabilities: Tensor, targets: Indices, times_: Indices, lengths: Indices, *, blank: int = 0
) -> Tensor:
    x = log_probabilities.values.astype(np.float64)
    losses = np.zeros(x.shape[1], dtype=np.float32)
    occupied = np.zeros(x.shape, dtype=np.float32)
    for n in range(x.shape[1]):
        time, length = int(times_.values[n]), int(lengths.values[n])
        labels = _labels(targets.values[n, :length], blank)
        sample = _Sample(x[:time, n], labels, blank)
        alpha = sample.alpha()
        last = [float(v) for v in alpha[-1, ::-1]]
        whole = _ladd(last[0], last[1] if len(last) > 1 else NEVER, NEVER)
        losses[n] = narrow(-whole)
        if whole != NEVER:
            occupied[:time, n] = _occupied((alpha + sample.beta()) - whole, labels, x.shape[2])

    def backward(g: Singles) -> list[Singles]:
        return [times(opposite(g).reshape(1, -1, 1), occupied)]

    return recorded(losses, [log_probabilities], backward)


def _labels(targets: Integers, blank: int) -> list[int]:
    labels = [blank] * (2 * len(targets) + 1)
    labels[1::2] = [int(target) for target in targets]
    return labels


@ignoring
def _occupied(exponents: Doubles, labels: list[int], classes: int) -> Singles:
    """The exact plain sums by label, all states of a time being one group."""
    result = np.zeros((len(exponents), classes), dtype=np.float32)
    for t, line in enumerate(narrow(elementary.exp(exponents))):
        grid = rounded(line, (0,), PLAIN_BITS)
        total = np.zeros(classes, dtype=np.int64)
        terms = np.zeros(classes, dtype=bool)
        np.add.at(total, labels, grid.q)
        terms[labels] = True
        result[t] = closed(total, grid.unit, grid.void, terms)
    return result
