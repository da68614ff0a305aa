"""What operations on tensors take is added up, costs next to nothing to know, and reaches Postgres once."""

import time

import pytest
import sqlalchemy as sa

from accountant.services.metering import measure_host_call
from accountant.storage.database import engine_of, migrate
from accountant.storage.measured_gas import CPU, HOST_CALL, TRAINING, GasMeter, Sum, add_measured


class Clock:
    """Seconds that the test counts."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> str:
        self.now += seconds
        return "done"


def test_operations_are_added_up_by_kind_and_taken_once() -> None:
    """Gas and seconds of what went well; what failed halfway counts nothing."""
    clock = Clock()
    meter = GasMeter(clock)
    assert meter.timed("add", 100, lambda: clock.passes(0.5)) == "done"
    meter.timed("add", 50, lambda: clock.passes(0.25))
    meter.timed("matmul8", 7, lambda: clock.passes(1.0))
    with pytest.raises(ZeroDivisionError):
        meter.timed("add", 1, lambda: 1 // 0)
    assert meter.now is None
    found = meter.taken()
    assert found == {"add": Sum(2, 150, 0.75), "matmul8": Sum(1, 7, 1.0)}
    assert meter.taken() == {}
    meter.add("add", found["add"])
    assert meter.taken() == {"add": found["add"]}


def test_what_is_done_now_is_seen_from_outside() -> None:
    """Kind, price and beginning, while it is done and no longer."""
    clock = Clock()
    meter = GasMeter(clock)
    seen = meter.timed("predict", 9, lambda: meter.now)
    assert seen is not None and seen[:2] == ("predict", 9) and abs(seen.at - time.time()) < 60
    assert meter.now is None


def test_a_training_counts_the_steps_that_were_done() -> None:
    """One that was taken up in its midst took its own steps' time, so it counts their gas; one done before, none."""
    clock = Clock()
    meter = GasMeter(clock)

    def steps(count: int) -> None:
        for _ in range(count):
            clock.passes(1.0)
            meter.stepped(10)

    meter.timed(TRAINING, 1_000, lambda: steps(10))
    meter.timed(TRAINING, 1_000, lambda: steps(3))
    meter.timed(TRAINING, 1_000, lambda: steps(0))
    assert meter.taken() == {TRAINING: Sum(2, 1_300, 13.0)}


def test_on_a_gpu_only_what_is_waited_for_is_measured() -> None:
    """Other operations have only begun there when they return; a training reads its loss after each step."""
    meter = GasMeter()
    meter.device = "cuda"
    meter.timed("matmul", 5, lambda: None)
    meter.timed(TRAINING, 5, lambda: meter.stepped(1))
    assert set(meter.taken()) == {TRAINING}


def test_measuring_costs_a_few_microseconds() -> None:
    """So much that the smallest operations, tens of microseconds, are hardly slower; a generous bound."""
    meter = GasMeter()
    count = 20_000
    began = time.process_time()
    for _ in range(count):
        meter.timed("add", 100, int)
    assert (time.process_time() - began) / count < 20e-6


def test_the_plainest_host_call_is_a_kind_of_its_own() -> None:
    """Its gas and its time are what all others are compared with."""
    meter = GasMeter()
    measure_host_call(meter)
    found = meter.taken()
    assert set(found) == {HOST_CALL}
    assert found[HOST_CALL].gas > 10**6 and 1e-9 < found[HOST_CALL].seconds / found[HOST_CALL].gas < 1e-5


def test_sums_of_processes_are_added_in_postgres(database_url: str) -> None:
    """Whoever comes later adds to what is there, by device and kind."""
    migrate(database_url)
    engine = engine_of(database_url)
    with engine.begin() as connection:
        add_measured(connection, CPU, {})
        add_measured(connection, CPU, {"add": Sum(2, 150, 0.5), HOST_CALL: Sum(1, 10**30, 1.0)})
        add_measured(connection, CPU, {"add": Sum(1, 50, 0.25)})
        add_measured(connection, "cuda", {"add": Sum(1, 1, 1.0)})
        rows = connection.execute(
            sa.text("select device, kind, operations, gas, seconds from accountant.measured_gas order by 1, 2")
        )
        assert [tuple(row) for row in rows] == [
            *(("cpu", "", 1, 10**30, 1.0), ("cpu", "add", 3, 200, 0.75)),
            ("cuda", "add", 1, 1, 1.0),
        ]
    engine.dispose()
