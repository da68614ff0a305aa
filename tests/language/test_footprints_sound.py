"""What a template claims is so: it covers whatever a call touches, and what it marks as certain is always looked at."""

import random
from functools import cache
from itertools import product
from math import prod
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accountant.chain.envelope import AmountLiteral, Envelope, FunctionEnvelope, TemplateKind
from accountant.chain.errors import InvalidTransaction
from accountant.chain.footprint import Blob, Call, Debit, Entry, Memory, Read, Write, canonical_footprint
from accountant.chain.template import instantiate, template_entries
from accountant.chain.transaction import Argument
from accountant.contracts.errors import FailureKind
from accountant.contracts.run import execute
from accountant.contracts.simulate import simulate
from accountant.contracts.world import ContractCode
from accountant.language.compiler import Compiled, compile_file, compile_source
from accountant.language.interface import Interface
from accountant.language.types import ARGUMENTS, Type
from accountant.primitives.cid import cid_of
from accountant.primitives.types import Gas
from accountant.tensors import Tensor
from accountant.tensors.files import write_file
from accountant.tensors.layers import init, parse_model
from tests.support.random_contract import (
    NO_FILES,
    STATED_UNITS,
    Files,
    RandomContract,
    RandomWorld,
    arguments_of,
    contracts,
)
from tests.support.wat import DEPLOYER, MAIN, SENDER, call_of, contract

LIBRARY = Path(__file__).parents[2] / "accountant" / "library"
SOURCES = sorted(path for path in LIBRARY.glob("*.py") if path.name != "__init__.py")
GAS = Gas(5_000_000)
FRONT = contract(2)
RANDOM = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
_TYPES = {kind: of for of, kind in ARGUMENTS.items()}


def storage_of(interface: Interface) -> dict[str, Type]:
    return {variable.name: Type(variable.value) for variable in interface.storage}


def world_of(compiled: Compiled, seed: int, files: Files = NO_FILES) -> RandomWorld:
    world = RandomWorld(seed, storage_of(compiled.interface), seed % 5 != 0, files)
    world.codes[MAIN] = ContractCode(compiled.code, compiled.envelope, SENDER)
    return world


def kinds_of(function: FunctionEnvelope) -> tuple[Type, ...]:
    return tuple(_TYPES[kind] for kind in function.arguments)


def check_call(compiled: Compiled, function: FunctionEnvelope, seed: int, files: Files = NO_FILES) -> set[type]:
    """One call: everything that it touches is in the template, or under a prefix where the template is not all.

    The kinds of entries that it touched.
    """
    arguments = arguments_of(kinds_of(function), seed, files)
    value = random.Random(f"value/{seed}").choice((0, 1, 5, 10**6)) if function.payable else 0
    world = world_of(compiled, seed, files)
    deploying = world.codes[MAIN] if function.name == "init" else None
    call = call_of(function.name, arguments, value=value, deploying=deploying)
    simulation = simulate(call, world, GAS)
    looked_at = {of for what, of in world.asked if what == "slot"}
    try:
        admitted = template_entries(function.template, arguments, SENDER, MAIN, value)
    except InvalidTransaction:
        assert simulation.result.failure is not None, "a call that would succeed is not refused"
        return set()
    touched = [touch.entry for touch in simulation.touched]
    for entry in touched:
        assert is_admitted(entry, admitted, function, compiled.envelope), f"{function.name}{arguments}: {entry}"
    if function.complete and not states_a_cap(function):
        whole = instantiate(function, arguments, SENDER, MAIN, value)
        declared = tuple(one for one in whole if not isinstance(one, Blob) or one.cid in files)  # published ones alone
        again = execute(call._replace(footprint=declared), world_of(compiled, seed, files), GAS)
        assert again == simulation.result
    for template, entry in zip(function.template, admitted, strict=False):
        if not template.certain or simulation.result.failure is FailureKind.OUT_OF_GAS:
            continue
        if isinstance(entry, Blob):
            assert ("published", entry.cid) in world.asked, f"{function.name}{arguments}: {entry}"
            continue
        assert template.kind is TemplateKind.READ and isinstance(entry, Read)
        assert (entry.contract, entry.slot) in looked_at, f"{function.name}{arguments}: {entry}"
    return {type(entry) for entry in touched}


def states_a_cap(function: FunctionEnvelope) -> bool:
    """A run that pays more than its author states fails: that is the author's concern."""
    return any(template.cap == AmountLiteral(STATED_UNITS) for template in function.template)


def is_admitted(entry: Entry, admitted: list[Entry], function: FunctionEnvelope, envelope: Envelope) -> bool:
    if isinstance(entry, Debit):
        if states_a_cap(function):
            return True
        caps = [other.cap for other in admitted if isinstance(other, Debit)]
        return bool(caps) and entry.contract == MAIN and entry.cap <= sum(caps)
    if entry in admitted:
        return True
    if isinstance(entry, Blob):  # its size is the publication's
        return entry.cid in {other.cid for other in admitted if isinstance(other, Blob)} or (
            not function.complete and envelope.open.blobs_most > 0
        )
    if isinstance(entry, Memory):  # of the whole transaction, so no envelope is asked
        return True
    if function.complete:
        return False
    if isinstance(entry, Read):
        return entry.slot.startswith(envelope.open.read_prefixes)
    return entry.slot.startswith(envelope.open.write_prefixes) if isinstance(entry, Write) else True


def files_for(name: str) -> Files:
    """Files of the shapes that a contract of the library loads, and the weights that it saves."""
    return {cid_of(data): data for data in (write_file(tensors) for tensors in _tensors_for(name))}


def _tensors_for(name: str) -> list[list[Tensor]]:
    shapes: dict[str, list[tuple[int, ...]]] = {
        "loan_approval": [(12, 30), (12,)],
        "damage_claims": [(12, 64), (12,)],
        "data_buyer": [(12, 64), (12,)],
        "gan": [(64, 64), (64,)],
        "fund": [(16, 4), (5,)],
        "price_watch": [(16, 4)],
    }
    models = {
        "loan_approval": "linear 30 16; relu; linear 16 2",
        "damage_claims": "linear 64 32; relu; linear 32 10",
        "data_buyer": "linear 64 32; relu; linear 32 10",
        "forecast": "linear 6 8; tanh; linear 8 1",
        "price_watch": "linear 6 2; tanh; linear 2 6",
    }
    weights = [init(parse_model(models[name]), 1)] if name in models else []
    return [
        [Tensor.of([float(at % 2 + 1) for at in range(prod(shape))], shape)] for shape in shapes.get(name, [])
    ] + weights


@cache
def built(path: Path) -> Compiled:
    return compile_file(path)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_library_touches_what_its_templates_say(path: Path) -> None:
    """Every exported function of every library contract, with random arguments, values and states."""
    compiled, files = built(path), files_for(path.stem)
    touched = set()
    for function, seed in product(compiled.envelope.functions, range(40)):
        if not any(one.name == function.name and one.view for one in compiled.interface.functions):
            touched |= check_call(compiled, function, seed, files)
    loads = any(entry.kind is TemplateKind.BLOB for one in compiled.envelope.functions for entry in one.template)
    assert loads == (Blob in touched)


@RANDOM
@given(contracts(), st.integers(0, 2**32))
def test_random_functions_touch_what_their_templates_say(made: RandomContract, seed: int) -> None:
    """Random contracts compile once they state what the compiler asks for, and then touch nothing else."""
    _, compiled = made.compiled()
    for function, more in product(compiled.envelope.functions, range(6)):
        check_call(compiled, function, seed + more)


FORWARD = '''"""Calls another contract's functions."""

from accountant.language import (
    Account,
    Address,
    Cid,
    Contract,
    Hash,
    Interface,
    calls,
    direct,
    elsewhere,
    export,
    touches,
)


class Target(Interface):
{methods}

{functions}'''


def forwarder(made: RandomContract) -> Compiled:
    """A contract that calls each exported function `times` of another contract with the given arguments."""
    methods, functions = [], []
    for function in made.exported:
        given = "".join(f", p{at}: {kind}" for at, kind in enumerate(function.parameters))
        passed = ", ".join(f"p{at}" for at in range(len(function.parameters)))
        methods.append(f"    def {function.name}(self{given}) -> int:\n        elsewhere()\n")
        functions.append(
            f"\n@export\n@direct\n@touches(calls(1))\ndef {function.name}(to: Contract{given}) -> int:\n"
            f"    return Target(to).{function.name}({passed})\n"
        )
    source = FORWARD.format(methods="\n".join(methods), functions="\n".join(functions))
    return compile_source(source.encode(), "forwarder.py")


@RANDOM
@given(contracts(nested=True), st.integers(0, 2**32))
def test_what_another_contract_reaches_is_open(made: RandomContract, seed: int) -> None:
    """A function that another contract calls touches slots under the open prefixes alone, no more than the counts."""
    _, compiled = made.compiled()
    front = forwarder(made)
    for function in compiled.envelope.functions:
        world = world_of(compiled, seed)
        world.codes[FRONT] = ContractCode(front.code, front.envelope, DEPLOYER)
        arguments: tuple[Argument, ...] = (MAIN, *arguments_of(kinds_of(function), seed))
        touched = simulate(call_of(function.name, arguments, to=FRONT), world, GAS).touched
        access = compiled.envelope.open
        reads = [entry for entry, _ in touched if isinstance(entry, Read)]
        writes = [entry for entry, _ in touched if isinstance(entry, Write)]
        assert all(entry.slot.startswith(access.read_prefixes) for entry in reads) and len(reads) <= access.reads_most
        assert all(entry.slot.startswith(access.write_prefixes) for entry in writes)
        assert len(writes) <= access.writes_most and access.callable
        assert all(entry.contract == MAIN for entry, _ in touched if isinstance(entry, Call | Debit))


def test_a_footprint_that_lacks_an_entry_fails_by_that_entry() -> None:
    """The other direction: a template holds nothing that no call needs."""
    compiled = built(LIBRARY / "token.py")
    function = compiled.envelope.function("transfer")
    assert function is not None
    arguments = (contract(3), 5)
    world = RandomWorld(0, {})
    world.codes[MAIN] = ContractCode(compiled.code, compiled.envelope, DEPLOYER)
    world.slots[MAIN, b"balances:" + SENDER] = (9).to_bytes(8, "big")
    footprint = instantiate(function, arguments, SENDER, MAIN, 0)
    assert execute(call_of("transfer", arguments, footprint), world, GAS).failure is None
    for entry in footprint:
        less = canonical_footprint(other for other in footprint if other != entry)
        assert execute(call_of("transfer", arguments, less), world, GAS).failure is FailureKind.UNDECLARED_ACCESS
