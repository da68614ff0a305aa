"""Arithmetic on canonical binary32 values: one rounding each, and every result made canonical.

A canonical value is +0, an infinity, a NaN, or a number with |x| > 2^-126. The bound is not the smallest normal
number but lies right above it: a processor that flushes subnormal results to zero and one that does not disagree
on results that round to exactly 2^-126, and agree on everything that rounds to more. So no mode of the processor
(FTZ, DAZ) can show. `docs/numerics.md`, "Values".
"""

import torch

Values = torch.Tensor
"""Canonical binary32 values, contiguous."""

FLUSH_BOUND = 2.0**-126


def canonical_(values: Values) -> Values:
    """Flushes |x| ≤ 2^-126 (so also -0) to +0, in place. `values` must be nobody else's."""
    return torch.ops.aten.hardshrink.out(values, FLUSH_BOUND, out=values)  # type: ignore[no-any-return]


def narrowed(wide: torch.Tensor) -> Values:
    """Binary64 values rounded once to binary32, half to even, and made canonical."""
    return canonical_(wide.to(torch.float32))


def plus(left: Values, right: Values) -> Values:
    """Sum."""
    return canonical_(torch.add(left, right))


def minus(left: Values, right: Values) -> Values:
    """Difference."""
    return canonical_(torch.sub(left, right))


def times(left: Values, right: Values) -> Values:
    """Product."""
    return canonical_(torch.mul(left, right))


def over(left: Values, right: Values) -> Values:
    """Quotient. Both must be tensors: by a scalar of another device torch multiplies by a rounded reciprocal."""
    return canonical_(torch.div(left, right))


def root(values: Values) -> Values:
    """The square root; NaN below zero. Over binary64, where even a last bit's error cannot change the rounding.

    Let u be the root's last bit in binary32 and t a middle between two such numbers, an odd multiple of ½u below
    2^24 × u. x is a multiple of u², t² is one of ¼u² but not of u², so |x - t²| ≥ ¼u² and |√x - t| ÷ t is above
    2^-51: twice an ulp of binary64. torch's root, which can be wrong by one (`roots`), so is on the right side of t.
    """
    return narrowed(torch.sqrt(values.to(torch.float64)))


def negated(values: Values) -> Values:
    """-x; 0 stays +0."""
    return torch.sub(torch.zeros((), dtype=torch.float32, device=values.device), values)


def scalar(number: float, like: torch.Tensor) -> Values:
    """A number rounded to binary32 and made canonical, without dimensions, where `like` is."""
    return narrowed(torch.tensor(number, dtype=torch.float64, device=like.device))
