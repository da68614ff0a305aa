"""The host table and the page that documents it."""

import re
from pathlib import Path

from accountant.contracts.table import HOST_TABLE
from tests.support.wat import imports

PAGE = Path(__file__).parents[2] / "docs" / "host.md"


def _rows() -> dict[str, tuple[list[str], str]]:
    rows = {}
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and (name := re.fullmatch(r"`(\w+)`", cells[0])):
            parameters = [part.split(":")[1].strip() for part in cells[1].split(",") if part]
            rows[name[1]] = (parameters, cells[2])
    return rows


def test_page_has_every_row_with_its_types() -> None:
    """docs/host.md lists exactly the functions of the table, with the same parameters and results."""
    table = {
        row.name: ([kind.value for kind in row.parameters], row.result.value if row.result else "")
        for row in HOST_TABLE
    }
    assert _rows() == table


def test_page_has_the_wat_signatures() -> None:
    """The block to copy into WAT declares every function with its own type."""
    block = PAGE.read_text().split("```wat\n")[1].split("```")[0]
    assert block.split("\n")[:-1] == imports().split("\n")


def test_every_row_is_described_in_code() -> None:
    """Every implementation says in a docstring what it does."""
    assert all(row.implementation.__doc__ for row in HOST_TABLE)
