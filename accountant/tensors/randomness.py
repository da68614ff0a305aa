"""Random numbers from counters: Philox4x32-10 in integers (Salmon and others, 2011), the same on every machine.

A stream is named by a 64-bit seed (the key) and a 64-bit stream number. Its words are those of the blocks 0, 1, 2, …,
four words of 32 bits each, so any part of a stream can be made without the rest.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch

from accountant.tensors.elementary import log, polynomial
from accountant.tensors.errors import InvalidTensor
from accountant.tensors.ieee import Values, narrowed, plus, scalar, times
from accountant.tensors.machine import at_once, chosen
from accountant.tensors.roots import wide_root
from accountant.tensors.shapes import element_count
from accountant.tensors.tape import recorded
from accountant.tensors.values import Indices, Tensor

_MASK = 0xFFFFFFFF
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_WORDS = 4
_CHUNK = 1 << 13  # blocks that stay in a core's cache

# Acklam's rational approximation of the inverse of the normal distribution, relative error below 1.2e-9.
_CENTRE_ABOVE = (
    -3.969683028665376e01,
    2.209460984245205e02,
    -2.759285104469687e02,
    1.383577518672690e02,
    -3.066479806614716e01,
    2.506628277459239e00,
)
_CENTRE_BELOW = (
    -5.447609879822406e01,
    1.615858368580409e02,
    -1.556989798598866e02,
    6.680131188771972e01,
    -1.328068155288572e01,
    1.0,
)
_TAIL_ABOVE = (
    -7.784894002430293e-03,
    -3.223964580411365e-01,
    -2.400758277161838e00,
    -2.549732539343734e00,
    4.374664141464968e00,
    2.938163982698783e00,
)
_TAIL_BELOW = (7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e00, 3.754408661907416e00, 1.0)
_TAIL = 0.02425


class Stream(NamedTuple):
    """Where random numbers come from. Two draws that must differ take different numbers."""

    seed: int
    number: int


def _multiply(words: torch.Tensor, multiplier: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The high and the low 32 bits of a product of 32-bit words, without a 64-bit overflow that would matter."""
    low = (words * multiplier) & _MASK
    high = ((words >> 16) * multiplier + (((words & 0xFFFF) * multiplier) >> 16)) >> 16
    return high, low


def words(stream: Stream, count: int, *, begin: int = 0) -> torch.Tensor:
    """Words [begin, begin + count) of a stream, each 0 ≤ w < 2^32, as int64."""
    if not (0 <= stream.seed < 2**64 and 0 <= stream.number < 2**64):
        raise InvalidTensor(f"seed and number of a stream are integers of 64 bits, not {tuple(stream)}")
    element_count((begin + count,))
    first, last = begin // _WORDS, -(-(begin + count) // _WORDS)
    chunk = at_once(_CHUNK, chosen())
    parts = [_blocks(stream, at, min(at + chunk, last)) for at in range(first, last, chunk)]
    offset = begin % _WORDS
    return torch.cat(parts)[offset : offset + count] if parts else torch.zeros(0, dtype=torch.int64, device=chosen())


def _blocks(stream: Stream, first: int, last: int) -> torch.Tensor:
    blocks = torch.arange(first, last, dtype=torch.int64, device=chosen())
    counter = [
        blocks & _MASK,
        blocks >> 32,
        torch.full_like(blocks, stream.number & _MASK),
        torch.full_like(blocks, stream.number >> 32),
    ]
    keys = [stream.seed & _MASK, stream.seed >> 32]
    for _ in range(_ROUNDS):
        high_0, low_0 = _multiply(counter[0], _MULTIPLIERS[0])
        high_1, low_1 = _multiply(counter[2], _MULTIPLIERS[1])
        counter = [high_1 ^ counter[1] ^ keys[0], low_1, high_0 ^ counter[3] ^ keys[1], low_0]
        keys = [(key + step) & _MASK for key, step in zip(keys, _WEYL, strict=True)]
    return torch.stack(counter, dim=1).reshape(-1)


def uniform(stream: Stream, shape: Sequence[int], low: float = 0.0, high: float = 1.0) -> Tensor:
    """Uniform numbers: low + u × (high - low), with u the upper 24 bits of a word × 2^-24."""
    drawn = words(stream, element_count(shape))
    u = narrowed((drawn >> 8).to(torch.float64) * 2.0**-24).reshape(tuple(shape))
    return Tensor(_placed(u, high - low, low))


def normal(stream: Stream, shape: Sequence[int], mean: float = 0.0, deviation: float = 1.0) -> Tensor:
    """Normal numbers: mean + z × deviation, with z the inverse normal distribution at (word + ½) × 2^-32."""
    drawn = words(stream, element_count(shape))
    u = (drawn.to(torch.float64) + 0.5) * 2.0**-32
    return Tensor(_placed(narrowed(_inverse_normal(u)).reshape(tuple(shape)), deviation, mean))


def _placed(values: Values, factor: float, offset: float) -> Values:
    return plus(times(values, scalar(factor, values)), scalar(offset, values))


def _inverse_normal(u: torch.Tensor) -> torch.Tensor:
    centred = u - 0.5
    square = centred * centred
    centre = polynomial(square, _CENTRE_ABOVE).mul_(centred) / polynomial(square, _CENTRE_BELOW)
    outside = (u < _TAIL) | (u > 1.0 - _TAIL)
    far = u[outside]
    q = wide_root(log(torch.where(far < 0.5, far, 1.0 - far)) * -2.0)
    tail = polynomial(q, _TAIL_ABOVE) / polynomial(q, _TAIL_BELOW)
    centre[outside] = torch.where(far < 0.5, tail, -tail)
    return centre


def permutation(stream: Stream, count: int) -> Indices:
    """The numbers 0 … count - 1 in random order: sorted by 63-bit keys, equal keys by number."""
    element_count((2 * count,))
    drawn = words(stream, 2 * count).reshape(count, 2)
    return Indices(torch.argsort((drawn[:, 0] << 31) | (drawn[:, 1] >> 1), stable=True))


def dropout(tensor: Tensor, rate: float, stream: Stream) -> Tensor:
    """Each value is kept, × 1 ÷ (1 - rate), where its word is at least floor(rate × 2^32), and is 0 elsewhere."""
    if not 0.0 <= rate < 1.0:
        raise InvalidTensor(f"a dropout rate of {rate}; 0 ≤ rate < 1 is possible")
    kept = (words(stream, tensor.count) >= math.floor(rate * 2.0**32)).reshape(tensor.shape)
    kept = kept.to(tensor.values.device)
    factor = scalar(1.0 / (1.0 - rate), tensor.values)
    return recorded(
        torch.where(kept, times(tensor.values, factor), 0.0),
        (tensor,),
        lambda g: (torch.where(kept, times(g, factor), 0.0),),
    )


def fan_in_uniform(stream: Stream, shape: Sequence[int]) -> Tensor:
    """Weights for a layer: uniform in ±1 ÷ √(fan-in), the fan-in being the product of all sizes but the first."""
    bound = 1.0 / math.sqrt(max(1, math.prod(shape[1:])))
    return uniform(stream, shape, -bound, bound)
