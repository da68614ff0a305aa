"""Scaled dot-product attention, made of other operators."""

import math

import torch

from accountant.tensors.arithmetic import scale, where
from accountant.tensors.errors import InvalidShape
from accountant.tensors.linear import matmul
from accountant.tensors.losses import softmax
from accountant.tensors.rounding import Precision
from accountant.tensors.shaping import transpose
from accountant.tensors.values import Tensor


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    causal: bool = False,
    precision: Precision = Precision.EXACT20,
) -> Tensor:
    """softmax((query × keyᵀ) × (1 ÷ √D)) × value over […, L, D], […, S, D], […, S, E]. Causal: only s ≤ l are seen."""
    rank = len(query.shape)
    if rank < 2 or len(key.shape) != rank or len(value.shape) != rank or key.shape[-2] != value.shape[-2]:
        raise InvalidShape(f"no attention of {query.shape} on {key.shape} and {value.shape}")
    swapped = transpose(key, (*range(rank - 2), rank - 1, rank - 2))
    scores = scale(matmul(query, swapped, precision), 1.0 / math.sqrt(max(1, query.shape[-1])))
    if causal:
        seen = torch.ones(scores.shape, dtype=torch.bool, device=scores.values.device).tril()
        scores = where(seen, scores, Tensor.full((), -math.inf))
    return matmul(softmax(scores), value, precision)
