"""The measured data that contracts learn from: its sizes, its split, and its bytes."""

import pytest

from accountant.tensors.files import read_tensors, write_file
from tests.support.real_data import (
    STEPS_MOST,
    TOGETHER,
    Split,
    breast_cancer,
    cents,
    digits,
    prices,
    prices_file,
    wine,
)


@pytest.mark.parametrize(
    ("data", "samples", "features", "classes"),
    [(digits(), 1797, 64, 10), (breast_cancer(), 569, 30, 2), (wine(), 178, 13, 3)],
    ids=["digits", "breast cancer", "wine"],
)
def test_a_quarter_is_kept_back_of_every_class(data: Split, samples: int, features: int, classes: int) -> None:
    """Both parts have all classes and whole numbers of one byte; a row is the same in a file and in bytes."""
    learnt, asked = data
    assert len(learnt.labels) + len(asked.labels) == samples
    assert len(asked.labels) == samples // 4
    for part in data:
        assert set(part.labels) == set(range(classes))
        assert {len(row) for row in part.features} == {features}
        assert all(abs(number) <= STEPS_MOST for row in part.features for number in row)
    (read,) = read_tensors(asked.features_file())
    assert read.shape == (samples // 4, features)
    row = [int.from_bytes(asked.row(2)[at : at + 1], "big", signed=True) for at in range(features)]
    assert row == [int(number) for number in read.values[2].tolist()]
    assert write_file([read]) == asked.features_file()
    assert learnt.first(5).labels == learnt.labels[:5]


def test_stocks_have_a_price_a_month() -> None:
    """Four for 123 months, Google from its first day on the market; in cents they are whole."""
    assert {len(prices(symbol)) for symbol in TOGETHER} == {123}
    assert len(prices("GOOG")) == 68 and prices("GOOG")[0] == 102.37
    assert cents("IBM")[:2] == (10052, 9211)
    (read,) = read_tensors(prices_file())
    assert read.shape == (123, 4)
