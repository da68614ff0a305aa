"""What operations take is measured where they are done, once, at their price; nothing of it shows in an outcome."""

from collections.abc import Callable
from typing import TypeVar

import pytest

from accountant.chain.footprint import Read
from accountant.contracts.run import execute
from accountant.contracts.tensor_means import Means, Memo, Training
from accountant.contracts.tensor_work import price, work_of
from accountant.primitives.types import Gas
from tests.support.tensor_calls import LOCALS, drawn, get
from tests.support.wat import MAIN, DictWorld, call_of, main_module, text

R = TypeVar("R")


class Stop(Exception):
    """The run ends here, to begin anew."""


class Noting:
    """A meter that notes what it is given."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, int]] = []

    def timed(self, kind: str, gas: int, work: Callable[[], R]) -> R:
        self.noted.append((kind, gas))
        return work()


def test_each_operation_is_measured_once_at_its_price() -> None:
    """By kind; a run that begins anew finds what was done, so it is not measured again; the outcome is the same."""
    work = (
        drawn((64,), "t")
        + f"(local.set $u (call $nn_add {get('t')} {get('t')})) (drop (call $storage_read {text(0, 1)}))"
        + f"(call $return_bytes (call $nn_save {get('u')}))"
    )
    world = DictWorld()
    world.deploy(MAIN, main_module(work, locals_=LOCALS))
    run = call_of(footprint=(Read(MAIN, b"\x00"),))
    expected = execute(run, world, Gas(10**9))
    assert expected.failure is None
    meter = Noting()
    means = Means(Memo(), training=Training(meter=meter))

    def stop(what: str, _of: object) -> None:
        if what == "slot":
            raise Stop

    world.before = stop
    with pytest.raises(Stop):
        execute(run, world, Gas(10**9), means=means)
    world.before = lambda _what, _of: None
    assert execute(run, world, Gas(10**9), means=means) == expected
    schedule = run.schedule.tensors
    _, add = work_of("add", ((64,), (64,)), ())
    _, save = work_of("save", ((64,),), ())
    assert [kind for kind, _ in meter.noted] == ["uniform", "add", "save"]
    assert meter.noted[1:] == [("add", price(add, schedule)), ("save", price(save, schedule))]
