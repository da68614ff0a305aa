"""Random programs do on the chain's machine what they do under CPython."""

import pytest

from accountant.language.errors import ContractError
from tests.support.differential import Both
from tests.support.random_program import Program

FOLDED = ("integer overflow", "division by zero", "range with a step of zero", "negative shift count")
"""Constant expressions that fail are refused when they are compiled."""


@pytest.mark.parametrize("first", range(0, 60, 10))
def test_random_programs(first: int) -> None:
    """Results, events and storage are the same for several calls of each program, or both fail."""
    succeeded = 0
    for seed in range(first, first + 10):
        program = Program(seed)
        try:
            both = Both(program.source)
        except ContractError as error:
            if error.what in FOLDED:
                continue
            raise
        name = program.functions[-1][0]
        for _ in range(6):
            succeeded += both.call(name, *program.arguments()).failure is None
    assert succeeded >= 10, "programs that always fail show nothing"
