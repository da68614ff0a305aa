"""docs/networks.md: its operators are those that there are, and its contracts compile."""

import re
from pathlib import Path

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


def test_the_network_in_the_guide_compiles() -> None:
    """The function in the section on networks of docs/contracts.md is one."""
    section = (DOCS / "contracts.md").read_text().partition("### Networks")[2]
    source = re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[0]
    assert compile_source(f"from accountant.language import Cid, export, nn\n{source}".encode(), "guide.py").code
