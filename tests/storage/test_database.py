"""Statements compiled once: what they hold is in their text, what they are given has a name."""

import re

import pytest
from sqlalchemy import bindparam, select

from accountant.storage import chain_state, importer, index, outcomes
from accountant.storage.database import compiled
from accountant.storage.tables import blocks


def test_integers_are_written_out() -> None:
    """A limit needs no parameter when the statement runs; a named parameter keeps its place."""
    text = compiled(select(blocks.c.hash).where(blocks.c.height == bindparam("height")).limit(1))
    assert text.rstrip().endswith("LIMIT 1::INTEGER")
    assert re.findall(r"%\((\w+)\)s", text) == ["height"]


def test_anything_else_is_refused() -> None:
    """A text or bytes in a statement would need quoting: it must come as a parameter."""
    with pytest.raises(AssertionError, match="give it when the statement runs"):
        compiled(select(blocks.c.height).where(blocks.c.hash == b"hash"))


def test_no_statement_has_a_parameter_without_a_name() -> None:
    """Every statement of the storage modules names what it wants: none that SQLAlchemy made up is left."""
    modules = (chain_state, importer, index, outcomes)
    statements = {
        f"{module.__name__}.{name}": value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, str) and re.match(r"(SELECT|INSERT|UPDATE|DELETE|WITH)\b", value)
    }
    assert "accountant.storage.importer._HEAD" in statements
    assert len(statements) > 15
    for name, text in statements.items():
        assert not re.search(r"%\(\w+_\d+\)s", text), name
