"""What an attempt tells of its trainings: seldom, in order, and never at the cost of the work."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from accountant.blobs.errors import StoreUnavailable
from accountant.contracts.tensor_means import NoCheckpoints
from accountant.primitives.types import Seq
from accountant.services.heart import LeaseLost
from accountant.services.trainings import Reporting
from accountant.storage.job_tables import CURVE_PARTS
from accountant.storage.measured_gas import GasMeter
from accountant.storage.trainings import Trained, point_of


class Told:
    """What was stored, by a clock that the test sets."""

    def __init__(self, go_on: Callable[[], None] = lambda: None) -> None:
        self.now = 0.0
        self.stored: list[Trained] = []
        self.reporting = Reporting(NoCheckpoints(), go_on, self.stored.append, lambda: self.now)

    def steps(self, *steps: int, seq: Seq = Seq(3), of: int = 100, each_s: float = 0.0) -> None:
        """Steps are done, each after some time."""
        progress = self.reporting.of(seq).progress
        for step in steps:
            self.now += each_s
            progress(step, of, 1 / step)


def test_a_step_a_second_is_stored() -> None:
    """The first at once, then the first one after each second, and the last one when the attempt ends; not twice."""
    told = Told()
    told.steps(*range(1, 31), each_s=0.25)
    assert [one.step for one in told.stored] == [1, 5, 9, 13, 17, 21, 25, 29]
    told.reporting.flush()
    told.reporting.flush()
    assert told.stored[-1] == Trained(Seq(3), 1, 30, 100, 1 / 30, None, (point_of(30, 100, 1 / 30),))
    assert len(told.stored) == 9


def test_an_attempt_tells_where_it_began() -> None:
    """One that went on from a state begins later; another training of the same transaction begins anew."""
    told = Told()
    told.steps(41, 42, 43, each_s=2.0)
    assert [one.first_step for one in told.stored] == [41, 41, 41]
    told.steps(1, 2, of=100, each_s=2.0)
    told.steps(3, of=50, each_s=2.0)
    told.steps(4, seq=Seq(4), each_s=2.0)
    assert [one.first_step for one in told.stored[3:]] == [1, 1, 3, 4]


def test_a_curve_is_told_once_whatever_was_not_stored_between() -> None:
    """Each store has the points since the last; however long a training is, it has as many parts, each with its last
    step; another training begins another curve.
    """
    told = Told()
    told.steps(*range(1, 10), each_s=0.25)
    assert [[one.step for one in store.curve] for store in told.stored] == [[1], [2, 3, 4, 5], [6, 7, 8, 9]]
    told.steps(*range(1, 20_001), of=20_000, each_s=0.001)
    told.reporting.flush()
    parts = {one.part: one.step for store in told.stored if store.steps == 20_000 for one in store.curve}
    assert sorted(parts) == list(range(CURVE_PARTS))
    assert parts == {part: -(-20_000 * (part + 1) // CURVE_PARTS) for part in parts}
    assert [point_of(step, 3, 0.0).part for step in (1, 2, 3)] == [0, 85, 170]


def test_a_training_says_what_it_was_priced() -> None:
    """Where its operation is measured, which a worker does."""
    stored: list[Trained] = []
    meter = GasMeter()
    reporting = Reporting(NoCheckpoints(), lambda: None, stored.append, meter=meter)
    training = reporting.of(Seq(3))
    training.meter.timed("fit", 5_000, lambda: training.progress(1, 2, 0.5))
    training.meter.timed("fit", 6_000, lambda: reporting.of(None).progress(1, 2, 0.5))
    assert [one.gas for one in stored] == [5_000]
    assert meter.taken()["fit"].gas == 2_500 + 3_000


def test_trainings_of_views_are_told_to_nobody_and_stop_all_the_same() -> None:
    """After every step it is asked whether the work is still wanted, before anything is stored."""
    told = Told()
    told.reporting.of(None).progress(1, 2, 0.5)
    told.reporting.flush()
    assert told.stored == []

    def lost() -> None:
        raise LeaseLost

    stopped = Told(lost)
    for seq in (Seq(1), None):
        with pytest.raises(LeaseLost):
            stopped.reporting.of(seq).progress(1, 2, 0.5)
    stopped.reporting.flush()
    assert stopped.stored == []


def test_what_cannot_be_stored_stops_no_training() -> None:
    """Neither a step that nobody hears of nor a state that is not kept."""

    class Full(NoCheckpoints):
        def save(self, key: bytes, state: bytes) -> None:
            raise StoreUnavailable("full")

    def down(_: Trained) -> None:
        raise sa.exc.OperationalError("insert", None, OSError("down"))

    training = Reporting(Full(), lambda: None, down).of(Seq(1))
    training.progress(1, 2, 0.5)
    training.checkpoints.save(bytes(32), b"state")
    assert training.checkpoints.load(bytes(32)) is None
