"""The clients of `benchmarks.cache` at a small size: nothing is executed twice."""

import pytest

from accountant.execution.eager import execute_everything
from accountant.index.memory import MemoryIndex
from accountant.storage.embedded import EmbeddedServers
from benchmarks.cache import measure, union_of
from benchmarks.cache_chain import Tree, tree_of

CLIENTS = 6


@pytest.fixture(scope="module")
def tree() -> Tree:
    """A small tree."""
    return tree_of(CLIENTS)


def test_payments_share_ancestors_and_all_settle(tree: Tree) -> None:
    """Every slice begins at the root, none is another one's, and nothing on the chain fails."""
    slices = [tree.slice_of(payment.seq) for payment in tree.payments]
    assert len(slices) == CLIENTS and all(0 in one for one in slices)
    assert len(tree.union()) < sum(map(len, slices))
    index = MemoryIndex(tree.genesis)
    for block in tree.blocks:
        index.append(block)
    assert all(outcome.succeeded for outcome in execute_everything(index).outcomes)


def test_a_client_alone_executes_its_slice(tree: Tree) -> None:
    """The slices that follow from the chain's making are those that the executor finds."""
    union = union_of(tree)
    assert union.chosen == union.unshared > union.gas > 0


def test_clients_together_execute_the_union(tree: Tree, servers: EmbeddedServers) -> None:
    """One after the other exactly; at once no less, and nothing more but outcomes that were found twice."""
    figures = measure(tree, servers, workers=2)
    assert figures["one_by_one_gas"] == figures["union_gas"]
    assert figures["warm_gas"] == 0
    together, union = figures["together_gas"], figures["union_gas"]
    assert isinstance(together, int) and isinstance(union, int)
    assert together == union or figures["together_repeated_outcomes"]
    assert together >= union
