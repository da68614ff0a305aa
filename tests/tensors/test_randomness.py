"""Random numbers come from counters: known answers, any part alone, and the right distributions."""

import math

import pytest
import torch

import accountant.tensors as nn
from accountant.tensors import Stream, Tensor
from accountant.tensors.randomness import words

# Known answers of the Random123 library for philox4x32-10.
ALL_ONES = 2**64 - 1
PI_COUNTER, PI_KEY = 0x85A308D3243F6A88, 0x299F31D0A4093822


def test_known_answers() -> None:
    """The published vectors whose counters a stream reaches."""
    assert words(Stream(0, 0), 4).tolist() == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]


def test_blocks_are_philox() -> None:
    """A plain transcription of the paper's rounds, for other keys, streams and places."""

    def block(seed: int, number: int, at: int) -> list[int]:
        c = [at & 0xFFFFFFFF, at >> 32, number & 0xFFFFFFFF, number >> 32]
        k = [seed & 0xFFFFFFFF, seed >> 32]
        for _ in range(10):
            p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
            c = [q >> 32 ^ c[1] ^ k[0], q & 0xFFFFFFFF, p >> 32 ^ c[3] ^ k[1], p & 0xFFFFFFFF]
            k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
        return c

    assert block(0, 0, 0) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    for seed, number in ((1, 0), (0, 1), (ALL_ONES, ALL_ONES), (PI_KEY, PI_COUNTER)):
        expected = [word for at in range(5) for word in block(seed, number, at)]
        assert words(Stream(seed, number), 20).tolist() == expected
        assert words(Stream(seed, number), 7, begin=9).tolist() == expected[9:16]


def test_any_part_alone() -> None:
    """Words from the middle are those of the whole stream, across pieces of work too."""
    whole = words(Stream(3, 4), 100_000)
    assert torch.equal(words(Stream(3, 4), 2000, begin=65_001), whole[65_001:67_001])
    assert words(Stream(3, 4), 0).tolist() == []


def test_uniform_numbers() -> None:
    """In [low, high), of the right mean."""
    x = nn.uniform(Stream(1, 2), (100_000,), -3.0, 5.0).values
    assert float(x.min()) >= -3.0
    assert float(x.max()) < 5.0
    assert math.isclose(float(x.double().mean()), 1.0, abs_tol=0.03)


def test_normal_numbers() -> None:
    """Acklam's approximation of the inverse distribution, to 1.2e-9, and the right moments."""
    drawn = words(Stream(1, 3), 100_000)
    z = nn.normal(Stream(1, 3), (100_000,)).values.double()
    true = torch.special.ndtri((drawn.double() + 0.5) * 2.0**-32)
    assert bool(((z - true).abs() <= 1e-7 * true.abs() + 1e-8).all())
    assert math.isclose(float(z.mean()), 0.0, abs_tol=0.01)
    assert math.isclose(float(z.std()), 1.0, abs_tol=0.01)


@pytest.mark.parametrize("count", [0, 1, 2, 1000])
def test_permutations(count: int) -> None:
    """Every number once."""
    assert sorted(nn.permutation(Stream(5, 5), count).numbers()) == list(range(count))


def test_permutations_differ_and_are_spread() -> None:
    """Other streams, other orders; each place holds each number about equally often."""
    orders = [tuple(nn.permutation(Stream(seed, 0), 3).numbers()) for seed in range(600)]
    assert {orders.count(order) for order in set(orders)} <= set(range(60, 145))
    assert len(set(orders)) == 6


def test_dropout_keeps_its_share() -> None:
    """A quarter goes, what stays grows by a third, and the gradient goes the same way."""
    x = nn.variable(Tensor.full([40_000], 3.0))
    y = nn.dropout(x, 0.25, Stream(2, 2))
    kept = y.values != 0
    assert math.isclose(float(kept.double().mean()), 0.75, abs_tol=0.01)
    assert set(y.numbers()) == {0.0, 4.0}
    slope = nn.gradients(nn.sum_over(y), [x])[0].values
    assert torch.equal(slope != 0, kept)
    assert nn.dropout(x, 0.0, Stream(2, 2)).numbers() == x.numbers()


def test_fan_in_bounds_weights() -> None:
    """A layer of 3 × 3 × 4 inputs starts within ±1/6."""
    weights = nn.fan_in_uniform(Stream(1, 1), (50, 4, 3, 3)).values
    assert 0.16 < float(weights.abs().max()) <= 1 / 6
