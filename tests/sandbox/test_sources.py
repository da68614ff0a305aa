"""Failures lead back to lines, as far as source maps tell."""

from accountant.contracts.world import TraceFrame
from accountant.language.source_map import MappedFunction, SourceMap
from accountant.primitives.hashes import sha256
from accountant.primitives.types import ContractId
from accountant.sandbox import Chain, Contract
from accountant.sandbox.runs import trace_of
from accountant.sandbox.sources import Sources
from tests.support.sandbox_token import token_code

_CODE, _OTHER = sha256(b"code"), sha256(b"other")


def _frame(code_hash: bytes, offset: int) -> TraceFrame:
    return TraceFrame(ContractId(bytes(32)), code_hash, 7, offset)  # type: ignore[arg-type]


def test_frames_become_lines_innermost_first() -> None:
    """Frames of unknown modules and of code without a line are left out."""
    sources = Sources()
    sources.add(_CODE, "token.py", SourceMap((MappedFunction("f", 10, 30),), ((10, 3, 1), (20, 5, 9))))
    trace = [_frame(_CODE, 25), _frame(_OTHER, 20), _frame(_CODE, 30), _frame(_CODE, 10)]
    assert sources.places(trace) == ("token.py:5", "token.py:3")


def test_a_failed_transaction_is_traced_in_its_place(chain: Chain, token: Contract) -> None:
    """The frames are those of the module that failed; a success and a plain transfer have none."""
    alice, bob = chain.account("alice"), chain.account("bob")
    failed = token.transfer(bob, 5_000, sender=alice)
    token.transfer(bob, 1, sender=alice)
    frames = trace_of(chain.ledger, failed.hash)
    assert len(frames) == 2, "the exported function, and the one that it calls"
    assert {frame.code_hash for frame in frames} == {sha256(token_code())}
    assert trace_of(chain.ledger, chain.transfer(bob, 1, sender=alice).hash) == []
