"""Random numbers by counter."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.support.numpy_twin.elementary import inverse_normal
from tests.support.numpy_twin.tape import recorded
from tests.support.numpy_twin.values import Indices, Singles, Tensor, narrow, plus, s32, times

WORD = 0xFFFFFFFF


@dataclass(frozen=True)
class Stream:
    """A seed and the number of one of its streams."""

    seed: int
    number: int


def _block(stream: Stream, block: int) -> list[int]:
    """Philox4x32-10 in Python's integers."""
    c = [block & WORD, block >> 32, stream.number & WORD, stream.number >> 32]
    k = [stream.seed & WORD, stream.seed >> 32]
    for _ in range(10):
        first, second = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(second >> 32) ^ c[1] ^ k[0], second & WORD, (first >> 32) ^ c[3] ^ k[1], first & WORD]
        k = [(k[0] + 0x9E3779B9) & WORD, (k[1] + 0xBB67AE85) & WORD]
    return c


def words(stream: Stream, count: int) -> list[int]:
    """The first words of a stream."""
    return [word for block in range(-(-count // 4)) for word in _block(stream, block)][:count]


def _count(shape: Sequence[int]) -> int:
    return math.prod(shape)


def _placed(values: Singles, shape: Sequence[int], factor: float, offset: float) -> Tensor:
    return Tensor(plus(times(values.reshape(tuple(shape)), s32(factor)), s32(offset)))


def uniform(stream: Stream, shape: Sequence[int], low: float = 0.0, high: float = 1.0) -> Tensor:
    u = narrow([(word >> 8) * 2.0**-24 for word in words(stream, _count(shape))])
    return _placed(u, shape, high - low, low)


def normal(stream: Stream, shape: Sequence[int], mean: float = 0.0, deviation: float = 1.0) -> Tensor:
    u = np.array([(word + 0.5) * 2.0**-32 for word in words(stream, _count(shape))], dtype=np.float64)
    return _placed(narrow(inverse_normal(u)), shape, deviation, mean)


def fan_in_uniform(stream: Stream, shape: Sequence[int]) -> Tensor:
    bound = 1.0 / math.sqrt(max(1, math.prod(shape[1:])))
    return uniform(stream, shape, -bound, bound)


def permutation(stream: Stream, count: int) -> Indices:
    found = words(stream, 2 * count)
    keys = [(found[2 * j] << 31) + (found[2 * j + 1] >> 1) for j in range(count)]
    return Indices.of(sorted(range(count), key=lambda j: (keys[j], j)), [count])


def dropout(tensor: Tensor, rate: float, stream: Stream) -> Tensor:
    limit = math.floor(rate * 2.0**32)
    found = words(stream, _count(tensor.shape))
    kept = np.array([word >= limit for word in found], dtype=bool).reshape(tensor.shape)
    factor = s32(1.0 / (1.0 - rate))

    def dropped(values: Singles) -> Singles:
        return np.where(kept, times(values, factor), np.float32(0))

    return recorded(dropped(tensor.values), [tensor], lambda g: [dropped(g)])
