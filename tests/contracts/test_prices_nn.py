"""What host functions on tensors charge is what docs/host.md says: a call by its sizes, and work by shapes alone."""

from typing import NamedTuple

import msgspec
import pytest

from accountant.chain.genesis import GasSchedule
from accountant.chain.tensor_prices import TensorPrice, TensorSchedule
from accountant.contracts.run import execute
from accountant.contracts.table import HOST
from accountant.contracts.tensor_plans import cost_of
from accountant.contracts.tensor_rule import Attribute, Shapes
from accountant.contracts.tensor_work import Work, backward_work, price, work_of
from accountant.primitives.types import Gas
from accountant.tensors import Tensor
from accountant.tensors.files import write_file
from accountant.tensors.layers import parse_model
from accountant.tensors.training_plan import plan_prediction, plan_training
from accountant.tensors.training_settings import parse_settings
from tests.support.host_page import evaluated, formulas
from tests.support.tensor_calls import CALLS, DEEP, LINEAR, LOCALS, SETTINGS
from tests.support.wat import MAIN, DictWorld, call_of, main_module

PRICES = GasSchedule()
FREE = msgspec.structs.replace(
    PRICES,
    **{name: 0 for name in GasSchedule.__struct_fields__ if name != "tensors"},
    tensors=TensorSchedule("free", TensorPrice("", 0, 0, 0), ()),
)
S, IMAGES = (2, 3), (1, 2, 4, 4)
WEIGHTS = ((3, 2), (2,))
FILE = len(write_file([Tensor.full(S, 0.5)]))


class Sizes(NamedTuple):
    """What of a row's call of `CALLS` the page's formula counts."""

    work: int = 0
    listed: int = 0
    """Integers of lists, and members of lists of tensors."""
    data: int = 0
    """Bytes."""


def _priced(*works: Work) -> int:
    return sum(price(work, PRICES.tensors) for work in works)


def _work(name: str, *shapes: tuple[int, ...] | None, given: tuple[Attribute, ...] = ()) -> int:
    return _priced(work_of(name, shapes, given)[1])


def _of(
    name: str, *shapes: tuple[int, ...] | None, given: tuple[Attribute, ...] = (), listed: int = 0, data: int = 0
) -> dict[str, Sizes]:
    return {name: Sizes(_work(name, *shapes, given=given), listed, data)}


def _back(name: str, shapes: Shapes, given: tuple[Attribute, ...] = ()) -> int:
    return _priced(backward_work(name, shapes, given))


def _prediction() -> int:
    return cost_of(plan_prediction(parse_model(LINEAR), (5, 3)), (), PRICES.tensors).gas


def _training() -> int:
    plan = plan_training(parse_model(LINEAR), (5, 3), (5,), parse_settings(SETTINGS))
    return cost_of(plan, WEIGHTS, PRICES.tensors).gas


_FOUR = ((4, 3), (3,), (3,), (3,), (3,))
_NAMED_ANEW = _work("reshape", S, given=(S,))

SIZES: dict[str, Sizes] = {
    **{name: Sizes(_work(name, S, (3,))) for name in ("add", "subtract", "multiply", "divide")},
    **{name: Sizes(_work(name, S)) for name in ("scale", "shift", "negative", "sqrt", "exp", "log", "sigmoid")},
    **{name: Sizes(_work(name, S)) for name in ("tanh", "relu", "gelu")},
    **_of("sum", S, given=((1,), 1), listed=1),
    **_of("mean", S, given=((1,), 1), listed=1),
    **_of("max", S, given=(-1, 0)),
    **_of("argmax", S, given=(1,)),
    **_of("matmul", S, (3, 4), given=(20,)),
    **_of("conv1d", (2, 3, 8), (4, 3, 3), None, given=(1, 1, 1, 8)),
    **_of("conv2d", (2, 3, 8, 8), (4, 3, 3, 3), (4,), given=((1, 1), (1, 1), 1, 20), listed=4),
    **_of("attention", *(((2, 5, 4),) * 3), given=(1, 20)),
    **_of("max_pool", IMAGES, given=((2, 2), (2, 2), (0, 0)), listed=6),
    **_of("mean_pool", IMAGES, given=((2, 2), (2, 2), (0, 0)), listed=6),
    **_of("nearest", IMAGES, given=((3, 5),), listed=2),
    **_of("bilinear", IMAGES, given=((3, 5),), listed=2),
    **_of("softmax", S, given=(-1,)),
    **_of("log_softmax", S, given=(-1,)),
    **_of("layer_norm", S, (3,), None),
    **_of("batch_norm", *_FOUR),
    **_of("batch_norm_fixed", *_FOUR),
    **_of("cross_entropy", S, (2,)),
    **_of("mean_squared_error", S, S),
    **_of("ctc_loss", (4, 1, 3), (1, 2), (1,), (1,), given=(0,)),
    **_of("embedding", S, (2, 2)),
    **_of("take", S, (2,), given=(1,)),
    **_of("gather", S, (2, 1), given=(1,)),
    **_of("scatter_add", S, (2, 1), (2, 1), given=(1,)),
    **_of("one_hot", (2,), given=(3,)),
    **_of("reshape", S, given=((3, 2),), listed=2),
    **_of("expand", S, given=((4, 2, 3),), listed=3),
    **_of("transpose", S, given=((1, 0),), listed=2),
    **_of("slice", S, given=(1, 1, 3)),
    **_of("join", S, S, given=(0,), listed=2),
    **_of("pad", S, given=(1, 1, 2)),
    **_of("uniform", given=(-1, 3, (5,)), listed=1),
    **_of("normal", given=(1, -3, (5,)), listed=1),
    **_of("init", given=(1, 3, (5, 2)), listed=2),
    **_of("permutation", given=(1, 3, 10)),
    **_of("dropout", S, given=(1, 2)),
    **_of("full", given=((5,),), listed=1),
    **_of("of_ints", given=((2, 2), 2), listed=2, data=8),
    **_of("indices_of_ints", given=((2,), 4), listed=1, data=8),
    **_of("indices", (4,)),
    **{name: Sizes() for name in ("dims", "size", "real", "item", "index", "count", "list", "list_len", "mark")},
    "append": Sizes(listed=2),
    "at": Sizes(),
    "release": Sizes(_NAMED_ANEW, listed=1),
    "variable": Sizes(_NAMED_ANEW),
    "plain": Sizes(_NAMED_ANEW),
    "variables": Sizes(_NAMED_ANEW, listed=1),
    "grad": Sizes(_NAMED_ANEW + _back("sum", (S,), ((), 0)) + _back("multiply", (S, S)), listed=1),
    **_of("clip", S, listed=1),
    **_of("sgd_start", S, listed=1),
    **_of("sgd", S, S, S, listed=3),
    **_of("adam_start", S, listed=1),
    **_of("adam", S, S, S, S, listed=4),
    "weights": Sizes(listed=2),
    **{name: Sizes(_work("load", S), data=36) for name in ("load", "load_all")},
    "save": Sizes(_work("save", S)),
    "save_all": Sizes(_work("save", S), listed=1),
    "init_model": Sizes(
        sum(_work("uniform", given=(0, 0, one)) for one in ((4, 3), (4,), (2, 4), (2,))), data=len(DEEP)
    ),
    "predict": Sizes(_prediction(), listed=len(WEIGHTS), data=len(LINEAR)),
    "fit": Sizes(_training(), listed=len(WEIGHTS), data=len(LINEAR) + len(SETTINGS)),
}


def _charged(code: str) -> int:
    """Gas of a run that is not fuel: what is left when everything but instructions is free is subtracted."""
    module = main_module(code, locals_=LOCALS)
    used = []
    for schedule in (PRICES, FREE):
        world = DictWorld()
        world.deploy(MAIN, module)
        result = execute(call_of(schedule=schedule), world, Gas(10**12))
        assert result.failure is None, result
        used.append(result.gas_used)
    return used[0] - used[1] - PRICES.code_per_byte * len(module)


def test_every_row_is_here() -> None:
    """Each row on tensors has its sizes."""
    assert {f"nn_{name}" for name in SIZES} == {name for name in HOST if name.startswith("nn_")}


@pytest.mark.parametrize("name", SIZES)
def test_charges_are_the_pages_formulas(name: str) -> None:
    """A host call on tensors charges exactly what docs/host.md says: for the call, and for the work."""
    before, call = CALLS[name]
    sizes = SIZES[name]
    of_call = PRICES.host_copy + PRICES.host_per_byte * (8 * sizes.listed + sizes.data)
    names = {"call": of_call, "work": sizes.work, "members": sizes.listed, "file": FILE, "pieces": 1}
    prices = {field: getattr(PRICES, field) for field in GasSchedule.__struct_fields__ if field != "tensors"}
    charged = _charged(f"{before} (drop {call})") - _charged(before)
    assert charged == evaluated(formulas()[f"nn_{name}"], {**prices, **names})
