"""Simulated runs of contracts that compute with tensors: the files and the memory that they need are found."""

import pytest

from accountant.chain.footprint import SIZE_OPEN, Blob, Memory, Read, canonical_footprint
from accountant.chain.genesis import Limits
from accountant.contracts.errors import FailureKind
from accountant.contracts.run import execute
from accountant.contracts.simulate import Simulation, simulate
from accountant.contracts.tensor_means import Means, Memo
from accountant.primitives.types import Gas
from tests.support.tensor_calls import LOCALS, full, get
from tests.support.wat import MAIN, DictWorld, call_of, escaped, main_module, run_main, text

LIMITS = Limits()


def simulated(world: DictWorld, means: Means | None = None) -> Simulation:
    """A simulated run with much gas."""
    return simulate(call_of(), world, Gas(10**9), means=means)


def world_with(code: str, data: str = "") -> DictWorld:
    world = DictWorld()
    world.deploy(MAIN, main_module(code, data, locals_=LOCALS))
    return world


@pytest.mark.parametrize("elements", [2**10, 2**22, 2**23, 2**24])
def test_the_memory_entry_that_a_run_needs(elements: int) -> None:
    """Beyond the free allowance the most that was held at once is touched; it suffices, and one byte less does not."""
    world = world_with(full((elements,), 1.0, "t"))
    found = simulated(world)
    memory = [touch.entry for touch in found.touched if isinstance(touch.entry, Memory)]
    assert found.result.failure is None
    assert bool(memory) == (elements * 12 > LIMITS.tensor_bytes_free)
    footprint = canonical_footprint(touch.entry for touch in found.touched)
    assert execute(call_of(footprint=footprint), world, Gas(10**9)) == found.result
    for entry in memory:
        less = execute(call_of(footprint=(Memory(entry.bytes - 1),)), world, Gas(10**9))
        assert less.failure is FailureKind.MEMORY_LIMIT


def test_a_simulation_keeps_to_the_room() -> None:
    """A run that would hold more than this machine has fails in the simulation, rather than taking it."""
    world = world_with(full((2**24,), 1.0, "t"))
    assert simulated(world, Means(Memo(), room_bytes=10**8)).result.failure is FailureKind.MEMORY_LIMIT


def test_published_files_are_touched_and_backed_ones_are_not() -> None:
    """A published file has to be declared, with a size that the simulation does not know; a backed one has not."""
    saved = run_main(main_module(full((2,), 1.0, "t") + f"(drop (call $nn_save {get('t')}))", locals_=LOCALS)).saved
    ((cid, data),) = saved.items()
    load = f"(drop (call $nn_load {text(0, 36)}))"
    world = world_with(load, escaped(cid))
    assert simulated(world).result.failure is FailureKind.UNDECLARED_ACCESS
    world.files[cid, None] = data
    found = simulated(world)
    assert found.result.failure is None
    assert [touch.entry for touch in found.touched] == [Blob(cid, SIZE_OPEN)]
    world = world_with(f"(drop (call $storage_read {text(36, 1)})) {load}", escaped(cid + b"s"))
    world.slots[MAIN, b"s"], world.sources[MAIN, b"s"], world.files[cid, 3] = cid, 3, data
    found = simulated(world)
    assert found.result.failure is None
    assert [touch.entry for touch in found.touched] == [Read(MAIN, b"s")]
