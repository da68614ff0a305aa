"""The least sets, by hand and against a second way of computing them."""

from accountant.replay.least import gas_of, preceding_gas, slices_of
from accountant.replay.sample import sample_blocks
from tests.support.recordings import block, call, transfer


def test_slices_follow_the_last_writer_transitively() -> None:
    """The last writer counts, not earlier ones; what it rests on counts too; unread slots do not."""
    recorded = block(
        call("a", writes=(1,), reads=(1,)),
        call("b", writes=(1,)),
        transfer("a", "b", 1),
        call("c", reads=(1,), writes=(2,)),
        call("d", writes=(3,)),
        call("e", reads=(2,)),
    )
    assert [set(s) for s in slices_of(recorded)] == [set(), set(), set(), {1}, set(), {1, 3}]


def test_a_failed_call_counts_as_a_writer() -> None:
    """Only executing a failed call tells that it did not write; what it read is executed for that."""
    recorded = block(
        call("a", reads=(1,), writes=(1,)),
        call("b", reads=(1,), writes=(1,), changed=(), succeeded=False),
        call("c", reads=(1,)),
    )
    assert [set(s) for s in slices_of(recorded)] == [set(), {0}, {0, 1}]


def test_gas_sums_over_the_slice_and_over_what_precedes() -> None:
    """Gas is the recorded gas of each transaction, counted once."""
    recorded = block(call("a", writes=(1,), gas_used=7), transfer("a", "b", 1), call("a", reads=(1,), gas_used=11))
    assert preceding_gas(recorded) == [0, 7, 21_007]
    assert gas_of(recorded, slices_of(recorded)[2]) == 7


def test_slices_of_the_sample_agree_with_a_search() -> None:
    """A search from each call backwards finds the same sets as the forward pass."""
    for recorded in sample_blocks():
        slices = slices_of(recorded)
        for index in range(len(recorded.transactions)):
            found: set[int] = set()
            open_ = [index]
            while open_:
                reader = open_.pop()
                for slot in recorded.transactions[reader].reads:
                    writers = [i for i in range(reader) if slot in recorded.transactions[i].writes]
                    if writers and writers[-1] not in found:
                        found.add(writers[-1])
                        open_.append(writers[-1])
            assert found == slices[index]
