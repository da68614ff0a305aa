"""Views as questions: what is refused before anything runs, and what a certificate says."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.accounting.certificate import UndecidedReason, Verdict, decode_certificate
from accountant.accounting.questions import InvalidQuestion, ViewQuestion
from accountant.accounting.view import VIEW_GAS_MOST, check_view, view
from accountant.chain.block import Position
from accountant.chain.query import ViewAnswer, decode_answer, decode_query
from accountant.execution.eager import execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.primitives.encoding import encode
from tests.support.random_chain import CONTRACTS, RandomChain

CHAIN = RandomChain(Random(11))
CHAIN.grow(6)
HEAD = Position(CHAIN.index.head().hash, 0)
DEPLOYED = next(c for c in CHAIN.contracts if CHAIN.index.deployment(c) is not None)
GENESIS = Position(CHAIN.genesis.hash, 0)


def _question(**changes: object) -> ViewQuestion:
    asked = {"contract": CONTRACTS[0], "function": "run", "arguments": (b"",), "gas_limit": 50_000, "position": HEAD}
    return ViewQuestion(**{**asked, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("unknown_position", {"position": Position(bytes(32), 0)}),
        ("unknown_position", {"position": Position(HEAD.previous_hash, 1)}),
        ("unknown_contract", {"contract": bytes(32)}),
        ("unknown_contract", {"contract": DEPLOYED, "position": GENESIS}),
        ("unknown_function", {"function": "none"}),
        ("invalid_arguments", {"arguments": ()}),
        ("invalid_arguments", {"arguments": (b"", b"")}),
        ("invalid_arguments", {"arguments": (7,)}),
        ("invalid_gas_limit", {"gas_limit": -1}),
        ("invalid_gas_limit", {"gas_limit": VIEW_GAS_MOST + 1}),
        ("invalid_budget", {"gas_budget": -1}),
        ("view_too_large", {"arguments": (bytes(1_000),)}),
    ],
)
def test_what_is_refused(kind: str, changes: dict[str, object]) -> None:
    """Whatever the chain's bytes show to be wrong is refused with its own kind, and nothing is executed."""
    with pytest.raises(InvalidQuestion) as refused:
        check_view(CHAIN.index, _question(**changes))
    assert refused.value.kind == kind


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=True))
def test_a_certificate_is_never_wrong(random: Random) -> None:
    """Accepted and rejected carry the eager answer; undecided carries none, and needs a budget."""
    chain = RandomChain(random)
    chain.grow(5)
    eager = execute_everything(chain.index)
    store = MemoryOutcomes()
    for _ in range(10):
        asked, budget = chain.view(), random.choice([None, 0, 50_000, 1_000_000])
        question = ViewQuestion(
            asked.contract, asked.function, asked.arguments, asked.gas_limit, asked.position, budget
        )
        try:
            certificate = view(chain.index, random.choice([store, MemoryOutcomes()]), question)
        except InvalidQuestion:
            continue
        assert decode_query(certificate.query) == asked
        assert decode_certificate(encode(certificate)) == certificate
        assert certificate.gas_executed <= certificate.gas_everything
        assert set(certificate.executed) <= set(certificate.slice)
        if certificate.verdict is Verdict.UNDECIDED:
            assert budget is not None and certificate.gas_executed <= budget
            assert certificate.answer is None and certificate.reason is UndecidedReason.BUDGET_SPENT
            assert certificate.missing
            continue
        assert certificate.answer is not None
        answer = decode_answer(certificate.answer)
        assert isinstance(answer, ViewAnswer) and answer == eager.answer(asked)
        assert (certificate.verdict is Verdict.ACCEPTED) == (answer.failure is None)
