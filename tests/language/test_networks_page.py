"""docs/networks.md: its operators are those that there are, and its contracts compile."""

import re
from pathlib import Path

import pytest

from accountant.language.compiler import compile_source
from accountant.language.operators import OPERATORS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "networks.md").read_text()
CONTRACT = Path(__file__).parent / "contracts" / "digits.py"


def test_the_page_lists_every_operator_with_its_signature() -> None:
    """One row for each, with names, defaults and result."""
    rows = re.findall(r"^\| `(nn\..*?)` \| `(\w+)` \|", PAGE, re.MULTILINE)
    assert sorted(rows) == sorted((str(operator), operator.returns.value) for operator in OPERATORS.values())


def test_the_contract_on_the_page_is_the_one_that_is_tested() -> None:
    """The example is the file whose test trains it."""
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert CONTRACT.read_text() in blocks


@pytest.mark.parametrize(("page", "section"), [("contracts.md", "### Networks"), ("networks.md", "## Whole trainings")])
def test_functions_on_the_pages_compile(page: str, section: str) -> None:
    """The first example of a section is a contract, but for its imports."""
    text = (DOCS / page).read_text().partition(section)[2]
    source = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[0]
    assert compile_source(f"from accountant.language import Cid, Tensors, export, nn\n{source}".encode(), page).code
