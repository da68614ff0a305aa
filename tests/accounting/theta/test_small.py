"""Few incomes: the cheapest set by looking at all."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from accountant.accounting.theta.candidate import Ancestor, Candidate
from accountant.accounting.theta.small import FEW, choose_few


@st.composite
def _instances(draw: st.DrawFn) -> tuple[list[Candidate], list[Ancestor], list[int], int]:
    ancestry: list[Ancestor] = []
    for place in range(draw(st.integers(0, 6))):
        earlier = draw(st.sets(st.integers(0, place - 1), max_size=2)) if place else set()
        ancestry.append(Ancestor(draw(st.integers(0, 9)), tuple(sorted(earlier))))
    places = st.sets(st.integers(0, len(ancestry) - 1), max_size=3) if ancestry else st.just(set())
    count = draw(st.integers(1, 7))
    brings = draw(st.lists(st.integers(0, 9), min_size=count, max_size=count))
    candidates = [Candidate(units, units, draw(st.integers(0, 9)), tuple(sorted(draw(places)))) for units in brings]
    return candidates, ancestry, brings, draw(st.integers(0, sum(brings)))


def _cost(candidates: list[Candidate], ancestry: list[Ancestor], chosen: tuple[int, ...]) -> int:
    needed: set[int] = set()
    stack = [ancestor for place in chosen for ancestor in candidates[place].ancestors]
    while stack:
        ancestor = stack.pop()
        if ancestor not in needed:
            needed.add(ancestor)
            stack += ancestry[ancestor].ancestors
    return sum(candidates[place].cost for place in chosen) + sum(ancestry[place].gas for place in needed)


@given(_instances())
def test_no_set_is_cheaper(instance: tuple[list[Candidate], list[Ancestor], list[int], int]) -> None:
    """Against brute force: it brings enough, costs what it says, and nothing that brings enough costs less."""
    candidates, ancestry, brings, target = instance
    choice = choose_few(candidates, ancestry, brings, target)
    everything = range(len(candidates))
    sets = (some for size in range(len(candidates) + 1) for some in combinations(everything, size))
    least = min(_cost(candidates, ancestry, some) for some in sets if sum(brings[p] for p in some) >= target)
    assert choice.amount == sum(brings[place] for place in choice.chosen) >= target
    assert choice.proved and choice.cost == least == _cost(candidates, ancestry, choice.chosen)
    assert choice.additive_cost >= choice.cost


def test_the_largest_instance_is_searched_to_its_end() -> None:
    """Ten equal incomes, half of them needed: the worst case for what is cut off, and proved."""
    candidates = [Candidate(1, 1, 1, (0,)) for _ in range(FEW)]
    choice = choose_few(candidates, [Ancestor(5)], [1] * FEW, FEW // 2)
    assert (choice.chosen, choice.cost) == (tuple(range(FEW // 2)), FEW // 2 + 5)
