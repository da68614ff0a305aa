"""Measured data for contracts that learn: from packages, split, as whole numbers that a file and a call hold alike.

Numbers of features are steps of 1/16 of the deviation over what is learnt from (digits: the pixels, 0 to 16), from −127
to 127: so a row of a file is also `nn.of_ints((1, features), row.data)` of a call's bytes.
"""

import csv
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean, pstdev
from typing import NamedTuple

from sklearn.datasets import load_breast_cancer, load_digits, load_wine

from accountant.tensors import Tensor
from accountant.tensors.files import write_file

STEPS = 16
"""In a deviation."""
STEPS_MOST = 127
"""One signed byte."""
ASKED_OF = 4
"""Every fourth sample is kept back."""
TOGETHER = ("MSFT", "AMZN", "IBM", "AAPL")
"""Stocks with a price for each of the same 123 months."""


class Part(NamedTuple):
    """Samples, each with its label."""

    features: tuple[tuple[int, ...], ...]
    labels: tuple[int, ...]

    def first(self, count: int) -> "Part":
        """Only so many."""
        return Part(self.features[:count], self.labels[:count])

    def features_file(self) -> bytes:
        """One tensor [samples, features]."""
        return matrix_file(self.features)

    def labels_file(self) -> bytes:
        """One tensor [samples]."""
        return write_file([Tensor.of(self.labels, (len(self.labels),))])

    def row(self, at: int) -> bytes:
        """One sample's features, a signed byte each."""
        return b"".join(number.to_bytes(1, "big", signed=True) for number in self.features[at])


class Split(NamedTuple):
    """What is learnt from, and what was kept back to ask about."""

    learnt: Part
    asked: Part


def matrix_file(rows: tuple[tuple[float, ...], ...]) -> bytes:
    """A file with one tensor [rows, columns]."""
    return write_file([Tensor.of([number for row in rows for number in row], (len(rows), len(rows[0])))])


@cache
def digits() -> Split:
    """1,797 images of 8 × 8 pixels from 0 to 16, and which of ten digits each is."""
    found = load_digits()
    return _split([[int(pixel) for pixel in row] for row in found.data.tolist()], found.target.tolist())


@cache
def breast_cancer() -> Split:
    """569 patients, 30 measurements of cells each, and whether the tumour is benign (1) or not (0)."""
    found = load_breast_cancer()
    return _split(_stepped(found.data.tolist()), found.target.tolist())


@cache
def wine() -> Split:
    """178 wines, 13 measurements each, and which of three growers made it."""
    found = load_wine()
    return _split(_stepped(found.data.tolist()), found.target.tolist())


@cache
def prices(symbol: str) -> tuple[float, ...]:
    """A stock's price in dollars at the beginning of each month from 2000 (GOOG: from August 2004) to March 2010."""
    # Found rather than imported: the package imports pandas, for a second and nothing.
    spec = find_spec("vega_datasets")
    assert spec is not None and spec.submodule_search_locations is not None
    path = Path(spec.submodule_search_locations[0]) / "_data" / "stocks.csv"
    with path.open(newline="") as file:
        return tuple(float(row["price"]) for row in csv.DictReader(file) if row["symbol"] == symbol)


def cents(symbol: str) -> tuple[int, ...]:
    """The same in cents."""
    return tuple(round(100 * price) for price in prices(symbol))


def prices_file(symbols: tuple[str, ...] = TOGETHER) -> bytes:
    """One tensor [months, stocks] of prices in dollars."""
    return matrix_file(tuple(zip(*(prices(symbol) for symbol in symbols), strict=True)))


def _is_asked(at: int) -> bool:
    return at % ASKED_OF == ASKED_OF - 1


def _split(rows: list[list[int]], labels: list[int]) -> Split:
    def part(asked: bool) -> Part:
        places = [at for at in range(len(rows)) if _is_asked(at) == asked]
        return Part(tuple(tuple(rows[at]) for at in places), tuple(labels[at] for at in places))

    return Split(part(asked=False), part(asked=True))


def _stepped(rows: list[list[float]]) -> list[list[int]]:
    """Each column around its mean in steps of its deviation, both of the samples that are learnt from."""
    columns = []
    for column in zip(*rows, strict=True):
        learnt = [number for at, number in enumerate(column) if not _is_asked(at)]
        middle, step = fmean(learnt), pstdev(learnt) / STEPS
        columns.append([max(-STEPS_MOST, min(STEPS_MOST, round((number - middle) / step))) for number in column])
    return [list(row) for row in zip(*columns, strict=True)]
