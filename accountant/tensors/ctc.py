"""The CTC loss (connectionist temporal classification), forward and backward, in the logarithms of binary64.

A target of S labels becomes L = 2S + 1 states: blanks around and between the labels. α and β are the usual forward and
backward sums; every step adds three terms in a fixed order. `docs/numerics.md`, "CTC".
"""

import math
from typing import NamedTuple

import torch

from accountant.tensors.elementary import exp, log
from accountant.tensors.errors import InvalidIndex, InvalidShape
from accountant.tensors.gathering import check_indices, scattered
from accountant.tensors.ieee import Values, narrowed, negated, times
from accountant.tensors.shapes import element_count
from accountant.tensors.tape import recorded
from accountant.tensors.values import Indices, Tensor


class _Problem(NamedTuple):
    """Log probabilities of the states [T, N, L], which states can be skipped into [N, L], and the lengths [N]."""

    scores: torch.Tensor
    labels: torch.Tensor
    skips: torch.Tensor
    times: torch.Tensor
    states: torch.Tensor


def _add_logs(first: torch.Tensor, second: torch.Tensor, third: torch.Tensor) -> torch.Tensor:
    """log(e^first + e^second + e^third), the sum from left to right; -∞ where all three are."""
    high = torch.maximum(torch.maximum(first, second), third)
    nothing = high == -math.inf
    base = torch.where(nothing, 0.0, high)
    powers = exp(torch.stack((first, second, third)).sub_(base))
    total = (powers[0] + powers[1]).add_(powers[2])
    return torch.where(nothing, high, log(total).add_(base))


def _moved(values: torch.Tensor, by: int) -> torch.Tensor:
    """Along the states: place s gets what was at s - by, and -∞ from outside."""
    result = torch.full_like(values, -math.inf)
    size = values.shape[1]
    if abs(by) < size:
        if by >= 0:
            result[:, by:] = values[:, : size - by]
        else:
            result[:, :by] = values[:, -by:]
    return result


def _forward(problem: _Problem) -> torch.Tensor:
    """α [T, N, L]: all ways to be in state s at time t, the score at t included."""
    scores = problem.scores
    start = torch.full_like(scores[0], -math.inf)
    start[:, :2] = scores[0, :, :2]
    alphas = [torch.where(_inside(problem), start, -math.inf)]
    for t in range(1, scores.shape[0]):
        before = alphas[-1]
        skipped = torch.where(problem.skips, _moved(before, 2), -math.inf)
        now = _add_logs(before, _moved(before, 1), skipped).add_(scores[t])
        alphas.append(torch.where(_inside(problem), now, -math.inf))
    return torch.stack(alphas)


def _inside(problem: _Problem) -> torch.Tensor:
    places = torch.arange(problem.scores.shape[2], device=problem.scores.device)
    return places.unsqueeze(0) < problem.states.unsqueeze(1)


def _ends(problem: _Problem) -> torch.Tensor:
    """0 at the last two states of each sample, else -∞."""
    places = torch.arange(problem.scores.shape[2], device=problem.scores.device).unsqueeze(0)
    states = problem.states.unsqueeze(1)
    return torch.where((places < states) & (places >= states - 2), 0.0, -math.inf).to(torch.float64)


def _backward(problem: _Problem) -> torch.Tensor:
    """β [T, N, L]: all ways from state s at time t to the end, the score at t left out."""
    scores = problem.scores
    ends = _ends(problem)
    last = (problem.times - 1).unsqueeze(1)
    inside = _inside(problem)
    now = torch.full_like(ends, -math.inf)
    betas = []
    for t in range(scores.shape[0] - 1, -1, -1):
        if t + 1 < scores.shape[0]:
            after = torch.where(inside, now + scores[t + 1], -math.inf)
            into = torch.where(problem.skips, after, -math.inf)
            now = _add_logs(after, _moved(after, -1), _moved(into, -2))
        now = torch.where(last == t, ends, now)
        betas.append(now)
    return torch.stack(betas[::-1])


def _problem(log_probabilities: Values, targets: Indices, times_: Indices, lengths: Indices, blank: int) -> _Problem:
    steps, samples, _ = log_probabilities.shape
    device = log_probabilities.device
    labels = torch.full((samples, 2 * targets.shape[1] + 1), blank, dtype=torch.int64, device=device)
    inside = torch.arange(targets.shape[1], device=device).unsqueeze(0) < lengths.values.unsqueeze(1)
    labels[:, 1::2] = torch.where(inside, targets.values, blank)
    two_before = torch.full_like(labels, blank)
    two_before[:, 2:] = labels[:, :-2]
    skips = (labels != blank) & (labels != two_before)
    skips[:, :2] = False
    scores = log_probabilities.to(torch.float64).gather(2, labels.unsqueeze(0).expand(steps, -1, -1))
    return _Problem(scores, labels, skips, times_.values, 2 * lengths.values + 1)


def ctc_loss(
    log_probabilities: Tensor, targets: Indices, times_: Indices, lengths: Indices, *, blank: int = 0
) -> Tensor:
    """The loss -log P of each target, [N].

    Log probabilities [T, N, C], targets [N, S], 1 ≤ times ≤ T, lengths ≤ S. A target that cannot be has loss +∞ and
    gradient 0. Gradient at (t, n, c): -g[n] × the exact sum over the states with label c of the probability to be there
    at t, each rounded to binary32; those of one (t, n) are a group of rounding.
    """
    _check(log_probabilities, targets, times_, lengths, blank)
    x = log_probabilities.values
    if x.numel() == 0:
        return recorded(x.new_zeros(x.shape[1]), (log_probabilities,), lambda g: (x.new_zeros(x.shape),))
    problem = _problem(x, targets, times_, lengths, blank)
    alphas = _forward(problem)
    places = (problem.times - 1).view(1, -1, 1).expand(1, -1, alphas.shape[2])
    finals = alphas.gather(0, places).squeeze(0) + _ends(problem)
    states = problem.states.unsqueeze(1)
    last = finals.gather(1, states - 1)
    before = torch.where(states > 1, finals.gather(1, (states - 2).clamp_(min=0)), -math.inf)
    likelihood = _add_logs(last, before, torch.full_like(last, -math.inf)).squeeze(1)

    def backward(g: Values) -> tuple[Values]:
        there = (alphas + _backward(problem)) - likelihood.view(1, -1, 1)
        steps = torch.arange(x.shape[0], device=x.device).view(-1, 1, 1)
        counted = (steps < problem.times.view(1, -1, 1)) & (likelihood != -math.inf).view(1, -1, 1)
        counted = counted & _inside(problem).unsqueeze(0)
        weight = torch.where(counted, narrowed(exp(there)), 0.0)
        labels = problem.labels.unsqueeze(0).expand(weight.shape)
        return (times(negated(g).view(1, -1, 1), scattered(weight, labels, 2, x.shape[2])),)

    return recorded(narrowed(-likelihood), (log_probabilities,), backward)


def _check(x: Tensor, targets: Indices, times_: Indices, lengths: Indices, blank: int) -> None:
    if len(x.shape) != 3 or len(targets.shape) != 2:
        raise InvalidShape(f"log probabilities of {x.shape} with targets of {targets.shape}")
    steps, samples, classes = x.shape
    if targets.shape[0] != samples or times_.shape != (samples,) or lengths.shape != (samples,):
        raise InvalidShape(f"targets of {targets.shape} and lengths for {samples} samples")
    element_count((steps, samples, 2 * targets.shape[1] + 1))
    if not 0 <= blank < classes:
        raise InvalidIndex(f"blank {blank} of {classes} classes")
    check_indices(lengths.values, targets.shape[1] + 1)
    check_indices(times_.values - 1, steps)
    places = torch.arange(targets.shape[1], device=targets.values.device)
    inside = places.unsqueeze(0) < lengths.values.unsqueeze(1)
    check_indices(torch.where(inside, targets.values, 0), classes)
    if bool((inside & (targets.values == blank)).any()):
        raise InvalidIndex("a target that holds the blank")
