"""Oaths about views: sworn with the view's own gas, true ones cost nothing, lies cost the penalty."""

import pytest
from wasmtime import wat2wasm

from accountant.chain.block import Position
from accountant.chain.envelope import ArgumentKind
from accountant.chain.footprint import QUERY_BYTES_MAX
from accountant.chain.genesis import GenesisContract
from accountant.chain.query import View, ViewAnswer
from accountant.execution.eager import execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.oath.counts import FlawKind
from accountant.oath.gas import OATH_GAS, oath_gas
from accountant.oath.sworn import SWORN_ANSWER_BYTES_MAX
from accountant.primitives.encoding import encode
from accountant.primitives.types import ContractId, Seq
from tests.support.oath_chain import CLIENT, OWNER, TOKEN, OathChain, altered, funded, terms
from tests.support.wat import admits, imports

ECHO = ContractId(b"\xec" * 32)
LIMIT = 250_000
LONGEST_OATH_GAS = 134_052
"""What the costliest oath of all takes, the view's limit apart."""
ECHO_WAT = f"""(module {imports(("arg_bytes", "bytes_concat", "return_bytes"))}
    (memory (export "memory") 1)
    (func (export "echo") (call $return_bytes (call $arg_bytes (i64.const 0))))
    (func (export "eightfold") (local $b i64)
      (local.set $b (call $bytes_concat (call $arg_bytes (i64.const 0)) (call $arg_bytes (i64.const 0))))
      (local.set $b (call $bytes_concat (local.get $b) (local.get $b)))
      (call $return_bytes (call $bytes_concat (local.get $b) (local.get $b))))
    (func (export "spin") (loop $on (br $on))))"""


def _chain() -> tuple[OathChain, ContractId]:
    envelope = admits("echo", "eightfold", "spin", arguments=(ArgumentKind.BYTES,))
    return funded(GenesisContract(ECHO, OWNER, bytes(wat2wasm(ECHO_WAT)), envelope, 0))


def _view(chain: OathChain, function: str = "echo", argument: bytes = b"said", gas: int = LIMIT) -> View:
    return View(ECHO, function, (argument,), gas, Position(chain.index.head().hash, 0))


@pytest.mark.parametrize(
    ("function", "sworn", "returned"),
    [
        ("echo", ViewAnswer(None, b"said"), 1),
        ("echo", ViewAnswer(None, b"other"), 0),
        ("echo", ViewAnswer(None, None), 0),
        ("echo", ViewAnswer("trap", None), 0),
        ("spin", ViewAnswer("out_of_gas", None), 1),
        ("spin", ViewAnswer(None, b"said"), 0),
    ],
)
def test_a_lie_about_a_view_costs_the_penalty(function: str, sworn: ViewAnswer, returned: int) -> None:
    """Whatever the view uses of its gas, the oath counts, and whoever executes it finds out."""
    chain, purse = _chain()
    seq = chain.swear(purse, terms(_view(chain, function), sworn))
    assert chain.flaws(seq) == set()
    outcome = execute_everything(chain.index).outcomes[seq]
    assert Selective(Session(chain.index, MemoryOutcomes())).outcome(Seq(seq)) == outcome
    assert outcome.return_value == returned
    assert outcome.debit_of(purse) == (0 if returned else TOKEN)


def test_an_oath_without_the_views_gas_does_not_count() -> None:
    """The published gas and the view's limit, to the unit; with the published gas alone the lie is not slashed."""
    chain, purse = _chain()
    lie = terms(_view(chain), ViewAnswer(None, b"other"))
    assert oath_gas(lie.query) == OATH_GAS + LIMIT
    oath = chain.index.transaction(chain.swear(purse, lie)).transaction
    assert oath.gas_limit == OATH_GAS + LIMIT
    short = chain.add(altered(oath, nonce=chain.stamp().nonce, gas_limit=OATH_GAS + LIMIT - 1))
    assert chain.flaws(short) == {FlawKind.TOO_LITTLE_GAS}
    poor = chain.add(altered(oath, nonce=chain.stamp().nonce, gas_limit=OATH_GAS))
    assert execute_everything(chain.index).outcomes[poor].failure == "out_of_gas"


@pytest.mark.parametrize("answer", [True, 5, b"said"])
def test_another_type_is_no_answer(answer: object) -> None:
    """A view's answer is the record of what came of it, not the bare value."""
    chain, purse = _chain()
    assert chain.flaws(chain.swear(purse, terms(_view(chain), answer))) == {FlawKind.MALFORMED_ANSWER}


def test_the_published_gas_suffices_for_the_longest_view() -> None:
    """The longest query of all, the longest answers that are compared, and two payees leave a margin."""
    chain, purse = _chain()
    view = _view(chain, "eightfold")
    longest = QUERY_BYTES_MAX - len(encode(view)) + len(b"said") - 1
    view = _view(chain, "eightfold", argument=b"a" * longest)
    assert len(encode(view)) == QUERY_BYTES_MAX
    sworn = encode(ViewAnswer(None, b"v" * (SWORN_ANSWER_BYTES_MAX - 5)))
    assert len(sworn) == SWORN_ANSWER_BYTES_MAX < 8 * longest
    seq = chain.swear(purse, terms(view, sworn, beneficiary=CLIENT))
    assert chain.flaws(seq) == set()
    outcome = execute_everything(chain.index).outcomes[seq]
    assert outcome.debit_of(purse) == TOKEN
    assert outcome.gas_used == LONGEST_OATH_GAS + LIMIT <= OATH_GAS + LIMIT - 15_000
