"""What docs/host.md says that host functions cost."""

import ast
import operator
from pathlib import Path

from accountant.contracts.table import HOST

PAGE = Path(__file__).parents[2] / "docs" / "host.md"


def formulas() -> dict[str, str]:
    """The gas of each row, as the page has it."""
    rows = {}
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and cells[0].strip("`") in HOST:
            rows[cells[0].strip("`")] = cells[3]
    return rows


_PYTHON = (
    ("samples ÷ 256, rounded up", "pieces"),
    ("2^20", "1048576"),
    ("×", "*"),
    ("(slot, then value)", "(slot + value)"),
    ("the shorter", "shorter"),
    ("/", "//"),
)
_OPERATORS = {ast.Add: operator.add, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv}


def evaluated(formula: str, names: dict[str, int]) -> int:
    """The number that a formula of the page stands for."""
    for theirs, ours in _PYTHON:
        formula = formula.replace(theirs, ours)

    def of(node: ast.expr) -> int:
        match node:
            case ast.Constant(value=int(number)):
                return number
            case ast.Name(id=name):
                return names[name]
            case ast.BinOp(left=left, op=operation, right=right):
                return int(_OPERATORS[type(operation)](of(left), of(right)))
            case ast.Call(func=ast.Name(id="min"), args=arguments):
                return min(of(argument) for argument in arguments)
        raise AssertionError(f"{formula} is no formula that this test knows")

    return of(ast.parse(formula, mode="eval").body)
