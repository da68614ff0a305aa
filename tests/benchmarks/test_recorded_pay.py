"""Pay over the value transfers of recorded blocks: the eager reference and the recording say the same."""

from accountant.replay.record import record_chain
from accountant.replay.recording import wei
from accountant.replay.sample import sample_blocks
from benchmarks.recorded_pay import measure, show, summary
from tests.support.recordings import block, call, transfer


def test_every_value_transfer_is_asked_for_and_right() -> None:
    """Calls that carry value included; plain transfers of zero-cost money settle without any execution."""
    blocks = sample_blocks()[1:2]
    payments = measure(blocks, record_chain(blocks), rounds=1)
    valued = [one for one in blocks[0].transactions if wei(one.value)]
    assert len(payments) == len(valued) > 0
    assert all(payment.matches for payment in payments)
    assert [payment.call for payment in payments] == [one.contract_call for one in valued]
    assert [payment.accepted for payment in payments] == [one.succeeded or not one.contract_call for one in valued]
    assert not any(payment.executed_gas for payment in payments if not (payment.call or payment.general))
    row = summary(payments)
    assert row["mismatches"] == 0 and row["with_calls"] == sum(payment.call for payment in payments)
    show(payments)


def test_a_transfer_of_what_a_contract_paid_executes_the_payout() -> None:
    """General money alone makes Pay execute anything for a plain transfer: the call that brought it."""
    poor, units = 10_000, 10**9
    blocks = [block(call("a", pays={"b": units}), call("d"), transfer("b", "c", units // 2), balances={"b": poor})]
    (payment,) = measure(blocks, record_chain(blocks), rounds=1)
    assert payment.general and payment.accepted and payment.matches
    assert payment.executed_gas == 30_000 < payment.preceding_gas
