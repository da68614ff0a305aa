"""Arithmetic wider than 64 bits agrees with Python's integers, ends of the range included."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.accounting.theta.candidate import VALUE_MAX
from accountant.accounting.theta.wide import LIMB, exact_sum, first_reaching, product_differences, surely_greater

VALUES = st.one_of(st.sampled_from([0, 1, (1 << 31) - 1, 1 << 31, VALUE_MAX - 1, VALUE_MAX]), st.integers(0, VALUE_MAX))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=20), VALUES, VALUES)
def test_differences_of_products(rows: list[tuple[int, int]], p: int, q: int) -> None:
    """p·x − q·y is exact in both limbs."""
    x, y = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    high, low = product_differences(x, p, y, q)
    assert [(upper << LIMB) + lower for upper, lower in zip(high.tolist(), low.tolist(), strict=True)] == [
        p * a - q * b for a, b in rows
    ]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=20), VALUES, VALUES, st.integers(0, 40))
def test_surely_greater_is_never_wrong(rows: list[tuple[int, int]], p: int, q: int, shift: int) -> None:
    """True is a proof, and numbers of 31 bits are always decided."""
    x, y = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    for says, (a, b) in zip(surely_greater(x, p, y, q << shift).tolist(), rows, strict=True):
        assert not says or p * a > (q << shift) * b
    small_x, small_y, small_p, small_q = x & 0x7FFFFFFF, y & 0x7FFFFFFF, p & 0x7FFFFFFF, q & 0x7FFFFFFF
    assert surely_greater(small_x, small_p, small_y, small_q).tolist() == [
        small_p * a > small_q * b for a, b in zip(small_x.tolist(), small_y.tolist(), strict=True)
    ]


@settings(max_examples=100, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=30), st.data())
def test_prefixes_and_sums(values: list[int], data: st.DataObject) -> None:
    """Totals may pass 64 bits, and the prefix that reaches a target is the shortest one."""
    array = np.array(values, dtype=np.int64)
    assert exact_sum(array) == sum(values)
    if sum(values):
        target = data.draw(st.integers(1, sum(values)))
        count = first_reaching(array, target)
        assert sum(values[:count]) >= target > sum(values[: count - 1])
