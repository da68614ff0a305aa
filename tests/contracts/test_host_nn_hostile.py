"""Host functions on tensors under attack: shapes, handles, marks and numbers that nobody should pass."""

from collections.abc import Sequence

import pytest
from msgspec import structs

from accountant.chain.footprint import Blob, Call, Memory, Read, Write
from accountant.chain.genesis import GasSchedule
from accountant.chain.tensor_prices import TensorPrice
from accountant.contracts import tensor_compute
from accountant.contracts.errors import FailureKind
from accountant.contracts.run import execute
from accountant.contracts.tensor_means import Means, Memo, TooLittleMemory, Training, UnfitMachine
from accountant.contracts.tensor_memory import HANDLE_BYTES
from accountant.contracts.tensor_values import OVERHEAD_BYTES, Step
from accountant.contracts.tensor_work import RULES
from accountant.contracts.view import execute_view
from accountant.contracts.world import RunResult
from accountant.execution.port import OutcomesWithdrawn
from accountant.primitives.cid import cid_of
from accountant.primitives.types import Gas
from accountant.tensors import InexactMachine
from tests.support.tensor_calls import (
    CALLS,
    LINEAR,
    LOCALS,
    drawn,
    full,
    get,
    integer,
    ints,
    listed,
    named_text,
    picks,
    real,
)
from tests.support.wat import MAIN, DictWorld, call_of, contract, escaped, main_module, run_main, text

GIVEN = "(call $nn_at (local.get $ts) (i64.const 0))"


def ran(code: str, *footprint: object, gas: int = 10**9, data: str = "") -> RunResult:
    """A run of this code."""
    return run_main(main_module(code, data, locals_=LOCALS), *footprint, gas=gas)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "shape",
    [
        (2**31,),
        (2**62, 2**62),
        (2**16, 2**16),
        (-1,),
        (-(2**63), 2),
        (3, -4, 0),
        (1,) * 9,
        (2**63 - 1,) * 8,
        (0, 2**31),
    ],
)
@pytest.mark.parametrize("name", ["full", "uniform", "init", "of_ints", "indices_of_ints", "reshape", "expand"])
def test_shapes_that_no_tensor_has(name: str, shape: tuple[int, ...]) -> None:
    """Too many elements or dimensions, and sizes below 0, are INVALID_VALUE before anything is made."""
    calls = {
        "full": f"(call $nn_full {get('s')} {real(1.0)})",
        "uniform": f"(call $nn_uniform {integer(1)} {integer(1)} {get('s')} {real(0.0)} {real(1.0)})",
        "init": f"(call $nn_init {integer(1)} {integer(1)} {get('s')})",
        "of_ints": f"(call $nn_of_ints {get('s')} {text(0, 8)} {integer(8)})",
        "indices_of_ints": f"(call $nn_indices_of_ints {get('s')} {text(0, 8)} {integer(8)})",
        "reshape": f"(call $nn_reshape {get('t')} {get('s')})",
        "expand": f"(call $nn_expand {get('t')} {get('s')})",
    }
    result = ran(full((1,), 1.0, "t") + ints(*shape) + f"(drop {calls[name]})")
    assert result.failure is FailureKind.INVALID_VALUE, result


@pytest.mark.parametrize("axis", [2, -3, 2**62, -(2**63)])
def test_axes_that_are_not_there(axis: int) -> None:
    """Axes count from the end below 0; what is outside is INVALID_VALUE for every operation that takes one."""
    made = drawn((2, 3), "t") + picks((2, 1), (0, 1), "x") + picks((1,), (0,), "y") + listed("t", "t") + ints(axis)
    at = integer(axis)
    for call in (
        f"(call $nn_sum {get('t')} {get('s')} {integer(0)})",
        f"(call $nn_max {get('t')} {at} {integer(0)})",
        f"(call $nn_argmax {get('t')} {at})",
        f"(call $nn_softmax {get('t')} {at})",
        f"(call $nn_take {get('t')} {at} {get('y')})",
        f"(call $nn_gather {get('t')} {at} {get('x')})",
        f"(call $nn_slice {get('t')} {at} {integer(0)} {integer(1)})",
        f"(call $nn_join {get('ts')} {at})",
        f"(call $nn_pad {get('t')} {at} {integer(0)} {integer(1)})",
        f"(call $nn_size {get('t')} {at})",
    ):
        assert ran(f"{made} (drop {call})").failure is FailureKind.INVALID_VALUE, call
    assert ran(f"{made} (drop (call $nn_max {get('t')} {integer(-2)} {integer(0)}))").failure is None


def test_a_memory_that_no_machine_has() -> None:
    """2^31 − 1 elements are a tensor, and more than a transaction may hold: MEMORY_LIMIT, with nothing allocated."""
    result = ran(ints(2**31 - 1) + f"(drop (call $nn_full {get('s')} {real(1.0)}))")
    assert result.failure is FailureKind.MEMORY_LIMIT
    assert result.detail == f"tensors of more than {64 * 1024 * 1024} bytes"


@pytest.mark.parametrize("entry", [2_500, 10_000, 100_000, 100_000_000])
def test_the_memory_entry_is_the_limit(entry: int) -> None:
    """What a transaction declares is what it may hold, below the free allowance and above it."""
    count = (entry - HANDLE_BYTES - OVERHEAD_BYTES) // 12  # the elements, and what making them takes besides
    made = f"(drop (call $nn_full {get('s')} {real(1.0)}))"
    assert ran(ints(count) + made, Memory(entry)).failure is None
    assert ran(ints(count + 200) + made, Memory(entry)).failure is FailureKind.MEMORY_LIMIT


def test_what_is_let_go_counts_no_more() -> None:
    """A loop that lets go of what it makes runs in the memory of one round; one that does not fails."""
    loop = """(local.set $i (i64.const 200)) (loop $l {}
        (br_if $l (i64.ne (local.tee $i (i64.sub (local.get $i) (i64.const 1))) (i64.const 0))))"""
    mark = f"(local.set $z (call $nn_mark)) {full((100,), 1.0, 't')}"
    release = "(drop (call $nn_release (local.get $z) (call $nn_list)))"
    # What is kept, here a list of nothing, has a handle of its own each time.
    assert ran(loop.format(mark + release), Memory(20_000)).failure is None
    assert ran(loop.format(mark), Memory(20_000)).failure is FailureKind.MEMORY_LIMIT


def test_a_recorded_result_counts_what_its_gradient_needs() -> None:
    """A softmax of a variable holds more than the same of plain values."""
    made = full((10, 10), 1.0, "t") + f"(local.set $u (call $nn_{{}} {get('t')}))"
    loop = f"(drop (call $nn_softmax {get('u')} {integer(1)}))" * 20
    enough = Memory(65_000)
    assert ran(made.format("plain") + loop, enough).failure is None
    assert ran(made.format("variable") + loop, enough).failure is FailureKind.MEMORY_LIMIT


@pytest.mark.parametrize("handle", [0, 1, -1, 2**31, 2**32 - 1, 2**32 + 50, 2**63 - 1, -(2**63)])
def test_handles_of_nothing(handle: int) -> None:
    """A number that names nothing is INVALID_HANDLE, wherever a tensor, indices or a list is wanted."""
    for call in (
        f"(call $nn_relu {integer(handle)})",
        f"(call $nn_one_hot {integer(handle)} {integer(2)})",
        f"(call $nn_list_len {integer(handle)})",
        f"(call $nn_release (call $nn_mark) {integer(handle)})",
    ):
        assert ran(f"{drawn((2,), 't')} (drop {call})").failure is FailureKind.INVALID_HANDLE, call


def test_handles_of_another_kind() -> None:
    """Tensors, indices, lists, bytes and argument lists are five kinds, and none is taken for another."""
    made = drawn((2,), "t") + picks((2,), (0, 1), "x") + listed("t") + ints(1) + f"(local.set $i {text(0, 2)})"
    wanted = {
        "t": "(drop (call $nn_relu {}))",
        "x": f"(drop (call $nn_one_hot {{}} {integer(2)}))",
        "ts": "(drop (call $nn_list_len {}))",
        "s": f"(drop (call $nn_full {{}} {real(1.0)}))",
        "i": "(drop (call $bytes_len {}))",
    }
    for kind, call in wanted.items():
        for given in wanted:
            failure = ran(made + call.format(get(given))).failure
            assert failure is (None if given == kind else FailureKind.INVALID_HANDLE), (kind, given)


def test_a_handle_of_another_frame() -> None:
    """A nested call cannot use its caller's handles: its own are others, and end with it."""
    inner = main_module(f"(drop (call $nn_relu {integer(2**32)}))", locals_=LOCALS)
    called = f"(drop (call $call {text(0, 32)} {text(32, 4)} (call $args_new) (i64.const 0)))"
    outer = main_module(f"{drawn((2,), 't')} {called}", escaped(contract(1)) + "main", locals_=LOCALS)
    world = DictWorld()
    world.deploy(MAIN, outer)
    world.deploy(contract(1), inner)
    result = execute(call_of(footprint=(Call(contract(1)),)), world, Gas(10**9))
    assert result.failure is FailureKind.INVALID_HANDLE
    after = main_module(
        f"{called} {drawn((2,), 't')} {called} (drop (call $nn_relu {get('t')}))",
        escaped(contract(1)) + "main",
        locals_=LOCALS,
    )
    world.deploy(contract(1), main_module(drawn((3,), "t"), locals_=LOCALS))
    world.deploy(MAIN, after)
    assert execute(call_of(footprint=(Call(contract(1)),)), world, Gas(10**9)).failure is None


def test_letting_go_twice_and_using_what_is_gone() -> None:
    """A handle that was let go is INVALID_HANDLE, a mark may be used again, and one of nowhere is INVALID_VALUE."""
    made = f"(local.set $z (call $nn_mark)) {drawn((2,), 't')} {listed('t')}"
    release = f"(local.set $u (call $nn_release {get('z')} {get('ts')}))"
    assert ran(made + release + f"(drop (call $nn_relu {get('t')}))").failure is FailureKind.INVALID_HANDLE
    assert ran(made + release + release).failure is FailureKind.INVALID_HANDLE
    again = f"(local.set $u (call $nn_release {get('z')} {get('u')}))"
    assert ran(made + release + again + f"(drop (call $nn_at {get('u')} {integer(0)}))").failure is None
    for mark in (0, 1, 2**32 - 1, 2**33, -1):
        failed = ran(made + f"(drop (call $nn_release {integer(mark)} {get('ts')}))")
        assert failed.failure is FailureKind.INVALID_VALUE, mark


def test_the_same_value_under_many_handles() -> None:
    """Aliases are one value: letting go of one leaves the others, and no operation changes what another sees."""
    made = drawn((2, 2), "t") + listed("t", "t")
    alias = f"(local.set $z (call $nn_mark)) (local.set $u {GIVEN}) (drop (call $nn_add {get('u')} {get('t')}))"
    released = "(drop (call $nn_release (local.get $z) (call $nn_list)))"
    before = ran(made + f"(call $return_int (call $nn_item {get('t')} {integer(3)} {real(1e9)}))")
    after = ran(made + (alias + released) * 3 + f"(call $return_int (call $nn_item {GIVEN} {integer(3)} {real(1e9)}))")
    assert before.failure is None and before.return_value == after.return_value


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_reals_that_are_no_numbers(number: str) -> None:
    """NaN and the infinities are INVALID_VALUE wherever a real is wanted."""
    value = real(float(number))
    for call in (
        f"(call $nn_scale {get('t')} {value})",
        f"(call $nn_full {get('s')} {value})",
        f"(call $nn_item {get('t')} {integer(0)} {value})",
    ):
        assert ran(drawn((2,), "t") + f"(drop {call})").failure is FailureKind.INVALID_VALUE, call
    signalling = integer(0x7FF0000000000001)
    assert ran(drawn((2,), "t") + f"(drop (call $nn_scale {get('t')} {signalling}))").failure is not None


@pytest.mark.parametrize("flag", [2, -1, 2**63 - 1])
def test_booleans_are_0_or_1(flag: int) -> None:
    """Any other number where a boolean is wanted is INVALID_VALUE."""
    failed = ran(drawn((2,), "t") + f"(drop (call $nn_max {get('t')} {integer(0)} {integer(flag)}))")
    assert failed.failure is FailureKind.INVALID_VALUE


@pytest.mark.parametrize(
    ("number", "scale", "expected"),
    [(0.5, 1.0, 0), (1.5, 1.0, 2), (2.5, 1.0, 2), (-2.5, 1.0, -2), (0.1, 10.0, 1), (2.0**100, 2.0**-100, 1)],
)
def test_items_are_exact_and_rounded_half_to_even(number: float, scale: float, expected: int) -> None:
    """A value × a scale is computed without error before it is rounded."""
    code = full((1,), number, "t") + f"(call $return_int (call $nn_item {get('t')} {integer(0)} {real(scale)}))"
    assert ran(code).return_value == expected


@pytest.mark.parametrize(("number", "scale"), [(1.0, 2.0**63), (2.0**100, 1.0), (-3.0, 2.0**62)])
def test_items_that_do_not_fit(number: float, scale: float) -> None:
    """Beyond 64 bits is INVALID_VALUE; so are NaN and infinities in a tensor."""
    code = full((1,), number, "t") + f"(call $return_int (call $nn_item {get('t')} {integer(0)} {real(scale)}))"
    assert ran(code).failure is FailureKind.INVALID_VALUE
    for broken in (f"(call $nn_log {get('t')})", f"(call $nn_sqrt {get('t')})"):
        bad = full((1,), -1.0, "t") + f"(drop (call $nn_item {broken} {integer(0)} {real(1.0)}))"
        assert ran(bad).failure is FailureKind.INVALID_VALUE


def test_indices_that_point_outside() -> None:
    """An index of a place that is not there is INVALID_VALUE, and so is a value that is no index."""
    picked = drawn((2, 3), "t") + picks((1,), (7,), "x")
    assert ran(picked + f"(drop (call $nn_take {get('t')} {integer(1)} {get('x')}))").failure is (
        FailureKind.INVALID_VALUE
    )
    for number in (0.5, 2.0**63, -(2.0**63), -(2.0**64)):
        assert ran(full((1,), number, "t") + f"(drop (call $nn_indices {get('t')}))").failure is (
            FailureKind.INVALID_VALUE
        )
    assert ran(full((1,), -(2.0**62), "t") + f"(drop (call $nn_indices {get('t')}))").failure is None


@pytest.mark.parametrize("value", [2**24 + 1, 2**63 - 1, -(2**62) - 1])
def test_integers_that_binary32_does_not_hold(value: int) -> None:
    """They make indices and no tensor."""
    data = escaped(value.to_bytes(8, "big", signed=True))
    for name, failure in (("of_ints", FailureKind.INVALID_VALUE), ("indices_of_ints", None)):
        result = ran(f"{ints(1)} (drop (call $nn_{name} {get('s')} {text(0, 8)} {integer(8)}))", data=data)
        assert result.failure is failure


def test_a_list_of_sizes_holds_integers_alone() -> None:
    """Bytes among them are INVALID_VALUE."""
    code = f"{ints(1)} (call $args_bytes {get('s')} {text(0, 2)}) (drop (call $nn_full {get('s')} {real(1.0)}))"
    assert ran(code).failure is FailureKind.INVALID_VALUE


PRICED_AS = {"grad": "multiply_gradient", "fit": "cross_entropy", "predict": "matmul", "init_model": "uniform"} | {
    **{name: name for name in CALLS if name in RULES},
    "load_all": "load",
    "save_all": "save",
    "conv1d": "conv1d8",
    **dict.fromkeys(("variable", "variables", "plain", "release"), "reshape"),
}
"""The kind of work that each call is priced as, or one kind of it."""


@pytest.mark.parametrize("name", PRICED_AS)
def test_gas_is_charged_before_the_work_is_done(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an operation costs more than there is, nothing of it is computed."""
    before, call = CALLS[name]
    done: list[str] = []
    compute, written = tensor_compute.compute, tensor_compute.written

    def counted(step: Step, values: tensor_compute.Values, means: Means) -> tensor_compute.Computed:
        done.append(step.name)
        return compute(step, values, means)

    def counted_file(values: Sequence[object]) -> bytes:
        done.append("save")
        return written(values)

    monkeypatch.setattr(tensor_compute, "compute", counted)
    monkeypatch.setattr(tensor_compute, "written", counted_file)
    assert ran(before).failure is None
    operands = list(done)
    done.clear()
    dear = TensorPrice(PRICED_AS[name], 10**12, 0, 0)
    prices = (one for one in GasSchedule().tensors.prices if one.kind != dear.kind)
    tensors = structs.replace(GasSchedule().tensors, prices=tuple(sorted((*prices, dear), key=lambda one: one.kind)))
    world = DictWorld()
    world.deploy(MAIN, main_module(f"{before} (drop {call})", locals_=LOCALS))
    result = execute(call_of(schedule=structs.replace(GasSchedule(), tensors=tensors)), world, Gas(10**9))
    assert result.failure is FailureKind.OUT_OF_GAS
    assert done == operands


def test_predictions_of_nothing_are_paid_by_the_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples without values are cheap to hold; planning the work on them is paid before it is done."""
    monkeypatch.setattr("accountant.tensors.training_plan.plan_prediction", None)
    nothing = ints(2**31 - 1, 0) + f"(local.set $x (call $nn_full {get('s')} {real(1.0)}))"
    call = f"{named_text(LINEAR, 'p')} (drop (call $nn_predict {get('p')} (call $nn_list) {get('x')}))"
    result = ran(nothing + call, gas=10**9)
    assert result.failure is FailureKind.OUT_OF_GAS


def test_a_gradient_costs_what_it_walks_through() -> None:
    """Twice the operations between a loss and its variable cost more, and other operations cost nothing."""
    start = drawn((4, 4), "t") + f"(local.set $u (call $nn_variable {get('t')}))" + listed("u") + ints()
    steps = f"(local.set $u (call $nn_tanh {get('u')}))"
    loss = f"(local.set $v (call $nn_sum {get('u')} {get('s')} {integer(0)}))"
    grad = f"(drop (call $nn_grad {get('v')} {get('ts')}))"
    aside = f"(drop (call $nn_tanh {get('u')}))"

    def cost(walked: int, others: int) -> int:
        code = start + steps * walked + loss + aside * others
        return ran(code + grad).gas_used - ran(code).gas_used

    assert cost(2, 0) - cost(1, 0) == cost(3, 0) - cost(2, 0) > GasSchedule().host_base
    assert cost(2, 5) == cost(2, 0)


def test_real_memory_that_runs_out_is_no_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the machine has no memory, or no exact products, another worker must do it."""
    code = main_module(CALLS["matmul"][0] + f"(drop {CALLS['matmul'][1]})", locals_=LOCALS)
    raised = (
        (MemoryError(), TooLittleMemory),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), TooLittleMemory),
        (InexactMachine("of this one"), UnfitMachine),
    )
    for error, expected in raised:

        def failing(_call: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setitem(tensor_compute._OPERATIONS, "matmul", failing)
        with pytest.raises(expected):
            run_main(code)


def test_a_declared_memory_beyond_the_room_is_refused_before_anything_runs() -> None:
    """The world is not asked for a thing but the code."""
    world = DictWorld()
    world.deploy(MAIN, main_module(f"(drop (call $storage_read {text(0, 1)}))"))
    run = call_of(footprint=(Read(MAIN, b"\x00"), Memory(2**30)))
    with pytest.raises(TooLittleMemory):
        execute(run, world, Gas(10**6), means=Means(Memo(), room_bytes=2**30 - 1))
    assert world.asked == []
    assert execute(run, world, Gas(10**6), means=Means(Memo(), room_bytes=2**30)).failure is None


def test_what_stops_a_training_is_not_taken_for_an_outcome() -> None:
    """Whatever progress or checkpoints raise passes as it is, whether or not operations raise the same kind."""
    before, call = CALLS["fit"]
    world = DictWorld()
    world.deploy(MAIN, main_module(f"{before} (drop {call})", locals_=LOCALS))

    def stop(step: int, steps: int, _loss: float) -> None:
        assert (step, steps) == (1, 6)
        raise OutcomesWithdrawn

    with pytest.raises(OutcomesWithdrawn):
        execute(call_of(), world, Gas(10**9), means=Means(Memo(), training=Training(progress=stop)))


def test_a_killed_training_goes_on_from_its_checkpoint() -> None:
    """Stopped after any step, the next run resumes, and comes to the bits of one that nobody stopped."""
    kept: dict[bytes, bytes] = {}

    class Kept:
        def load(self, key: bytes) -> bytes | None:
            return kept.get(key)

        def save(self, key: bytes, state: bytes) -> None:
            kept[key] = state

    before, call = CALLS["fit"]
    code = f"{before} (call $return_bytes (call $nn_save_all {call}))"
    world = DictWorld()
    world.deploy(MAIN, main_module(code, locals_=LOCALS))
    expected = execute(call_of(), world, Gas(10**9))
    assert expected.failure is None
    steps: list[int] = []

    def stop(step: int, _steps: int, _loss: float) -> None:
        steps.append(step)
        if len(steps) == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute(call_of(), world, Gas(10**9), means=Means(Memo(), training=Training(Kept(), stop)))
    assert kept
    again: list[int] = []
    training = Training(Kept(), lambda step, _steps, _loss: again.append(step))
    assert execute(call_of(), world, Gas(10**9), means=Means(Memo(), training=training)) == expected
    assert again == []


LOAD = f"(drop (call $nn_load_all {text(0, 36)}))"


def test_files_that_may_not_be_loaded() -> None:
    """A CID out of nowhere, or from a slot that nobody stands behind, is UNDECLARED_ACCESS; other bytes no CID."""
    cid = cid_of(b"something")
    result = ran(LOAD, data=escaped(cid))
    assert result.failure is FailureKind.UNDECLARED_ACCESS
    assert result.detail.startswith("blob bafkrei")
    assert ran(LOAD, data=escaped(bytes(36))).failure is FailureKind.INVALID_VALUE
    world = DictWorld()
    world.slots[MAIN, b"\x01"] = cid
    code = main_module(f"(drop (call $storage_read {text(0, 1)})) {LOAD}", escaped(cid), locals_=LOCALS)
    assert run_main(code, Read(MAIN, b"\x01"), world=world).failure is FailureKind.UNDECLARED_ACCESS


@pytest.mark.parametrize("data", [b"", b"nonsense", b"\x02" + bytes(7) + b"{}x", b"\xff" * 16])
def test_files_that_are_none(data: bytes) -> None:
    """A published blob that is no file of tensors is INVALID_VALUE."""
    cid = cid_of(data)
    world = DictWorld()
    world.files[cid, None] = data
    result = run_main(main_module(LOAD, escaped(cid)), Blob(cid, len(data)), world=world)
    assert result.failure is FailureKind.INVALID_VALUE


def test_a_saved_file_is_loaded_without_a_declaration_and_counts_in_memory() -> None:
    """What a transaction saved it may load; each file counts once until the end, however often it is saved."""
    saved = full((50,), 0.0, "t") + f"(local.set $i (call $nn_save {get('t')}))"
    assert ran(saved + f"(drop (call $nn_load {get('i')}))").failure is None
    many = saved + f"(drop (call $nn_save {get('t')}))" * 20
    other = saved + "".join(full((50,), at, "t") + f"(drop (call $nn_save {get('t')}))" for at in range(1, 20))
    assert ran(many, Memory(5_000)).failure is None
    assert ran(other, Memory(30_000)).failure is FailureKind.MEMORY_LIMIT
    result = ran(many)
    assert [cid_of(data) for data in result.saved.values()] == list(result.saved)
    assert len(result.saved) == 1


def test_a_failure_saves_nothing() -> None:
    """What is rolled back leaves no files and no sources."""
    saved = drawn((2,), "t") + f"(call $storage_write {text(0, 1)} (call $nn_save {get('t')}))"
    good = ran(saved, Write(MAIN, b"\x00"))
    assert good.failure is None and good.saved
    bad = ran(saved + f"(call $fail {text(0, 1)})", Write(MAIN, b"\x00"))
    assert bad.failure is FailureKind.ASSERTION
    assert not bad.saved and not bad.sources and not bad.writes


def test_a_view_loads_what_is_published_and_saves_nothing() -> None:
    """It needs no declaration, and a file that is not published is UNDECLARED_ACCESS."""
    made = ran(drawn((2,), "t") + f"(drop (call $nn_save {get('t')}))")
    ((cid, data),) = made.saved.items()
    world = DictWorld()
    world.deploy(MAIN, main_module(LOAD, escaped(cid)))
    run = call_of()
    assert execute_view(run, world, Gas(10**7)).failure is FailureKind.UNDECLARED_ACCESS
    world.files[cid, None] = data
    assert execute_view(run, world, Gas(10**7)).failure is None
    world.deploy(MAIN, main_module(f"{drawn((2,), 't')} (drop (call $nn_save {get('t')}))", locals_=LOCALS))
    assert execute_view(run, world, Gas(10**7)).failure is FailureKind.VIEW_WRITES
