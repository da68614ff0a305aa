"""Calls of the host functions on tensors in WAT: one of each row, and pieces to build others from."""

from struct import pack, unpack

LOCALS = """(local $s i64) (local $p i64) (local $q i64) (local $t i64) (local $u i64) (local $v i64) (local $w i64)
    (local $x i64) (local $y i64) (local $z i64) (local $ts i64) (local $i i64)"""


def real(number: float) -> str:
    """A number as a constant."""
    (bits,) = unpack(">q", pack(">d", number))
    return f"(i64.const {bits})"


def integer(number: int) -> str:
    """An integer as a constant."""
    return f"(i64.const {number})"


def ints(*numbers: int, into: str = "s") -> str:
    """Code that leaves a list of integers in a local."""
    items = "".join(f"(call $args_int (local.get ${into}) {integer(number)})" for number in numbers)
    return f"(local.set ${into} (call $args_new)) {items}"


def full(shape: tuple[int, ...], number: float, into: str) -> str:
    """Code that leaves a tensor of one number in a local."""
    return f"{ints(*shape)} (local.set ${into} (call $nn_full (local.get $s) {real(number)}))"


def drawn(shape: tuple[int, ...], into: str, stream: int = 0) -> str:
    """Code that leaves a tensor of random numbers in a local."""
    call = f"(call $nn_uniform {integer(7)} {integer(stream)} (local.get $s) {real(-1.0)} {real(1.0)})"
    return f"{ints(*shape)} (local.set ${into} {call})"


def picks(shape: tuple[int, ...], numbers: tuple[int, ...], into: str) -> str:
    """Code that leaves indices in a local. It writes to memory from byte 1,000 on."""
    stores = "".join(f"(i64.store8 (i32.const {1000 + at}) {integer(n)})" for at, n in enumerate(numbers))
    data = f"(call $bytes_new (i32.const 1000) (i32.const {len(numbers)}))"
    return f"{stores} {ints(*shape)} (local.set ${into} (call $nn_indices_of_ints (local.get $s) {data} {integer(1)}))"


def listed(*names: str, into: str = "ts") -> str:
    """Code that leaves a list of the tensors in these locals in a local."""
    made = "(call $nn_list)"
    for name in names:
        made = f"(call $nn_append {made} (local.get ${name}))"
    return f"(local.set ${into} {made})"


def get(name: str) -> str:
    """A local."""
    return f"(local.get ${name})"


def _one(name: str, *more: str, shape: tuple[int, ...] = (2, 3), before: str = "") -> tuple[str, str]:
    return drawn(shape, "t") + before, f"(call $nn_{name} {get('t')} {' '.join(more)})"


def _two(name: str, left: tuple[int, ...], right: tuple[int, ...], *more: str, before: str = "") -> tuple[str, str]:
    return drawn(left, "t") + drawn(right, "u", 1) + before, f"(call $nn_{name} {get('t')} {get('u')} {' '.join(more)})"


LINEAR, DEEP = "linear 3 2", "linear 3 4; relu; linear 4 2"
SETTINGS = "epochs 2; batch 2; optimiser adam rate 0.01; loss cross_entropy; seed 3"


def named_text(text: str, into: str) -> str:
    """Code that leaves text in a local. It writes to memory from byte 2,000 on."""
    stores = "".join(f"(i64.store8 (i32.const {2000 + at}) {integer(byte)})" for at, byte in enumerate(text.encode()))
    return f"{stores} (local.set ${into} (call $bytes_new (i32.const 2000) (i32.const {len(text)})))"


def _loaded(name: str, saved: str) -> tuple[str, str]:
    return _WEIGHTS + f"(local.set $i {saved})", f"(call $nn_{name} {get('i')})"


_I, _R = integer, real
_POOL = ints(2, 2) + ints(2, 2, into="p") + ints(0, 0, into="q")
_CHANNELS = "".join(full((3,), number, into) for number, into in ((1.0, "u"), (0.5, "v"), (0.25, "w"), (2.0, "x")))
_OF_CHANNELS = " ".join(get(name) for name in "uvwx")
_EIGHT_BYTES = "(local.set $p (call $bytes_new (i32.const 0) (i32.const 8)))"
_WEIGHTS = drawn((2, 3), "t") + listed("t", into="ts")
_MODEL = named_text(LINEAR, "p") + f"(local.set $ts (call $nn_init_model {get('p')} {_I(7)}))"
_STATE = drawn((2, 3), "u", 1) + listed("u", into="p")

CALLS: dict[str, tuple[str, str]] = {
    **{name: _two(name, (2, 3), (3,)) for name in ("add", "subtract", "multiply", "divide")},
    **{name: _one(name, _R(0.3)) for name in ("scale", "shift")},
    **{name: _one(name) for name in ("negative", "sqrt", "exp", "log", "sigmoid", "tanh", "relu", "gelu")},
    **{name: _one(name, get("s"), _I(1), before=ints(1)) for name in ("sum", "mean")},
    "max": _one("max", _I(-1), _I(0)),
    "argmax": _one("argmax", _I(1)),
    "matmul": _two("matmul", (2, 3), (3, 4), _I(20)),
    "conv1d": _two("conv1d", (2, 3, 8), (4, 3, 3), "(i64.const 0)", _I(1), _I(1), _I(1), _I(8)),
    "conv2d": _two(
        "conv2d",
        (2, 3, 8, 8),
        (4, 3, 3, 3),
        get("v"),
        get("s"),
        get("p"),
        _I(1),
        _I(20),
        before=full((4,), 0.5, "v") + ints(1, 1) + ints(1, 1, into="p"),
    ),
    "attention": _two("attention", (2, 5, 4), (2, 5, 4), get("t"), _I(1), _I(20)),
    "max_pool": _one("max_pool", get("s"), get("p"), get("q"), shape=(1, 2, 4, 4), before=_POOL),
    "mean_pool": _one("mean_pool", get("s"), get("p"), get("q"), shape=(1, 2, 4, 4), before=_POOL),
    "nearest": _one("nearest", get("s"), shape=(1, 2, 4, 4), before=ints(3, 5)),
    "bilinear": _one("bilinear", get("s"), shape=(1, 2, 4, 4), before=ints(3, 5)),
    "softmax": _one("softmax", _I(-1)),
    "log_softmax": _one("log_softmax", _I(-1)),
    "layer_norm": _one("layer_norm", get("u"), "(i64.const 0)", _R(1e-5), before=full((3,), 1.0, "u")),
    "batch_norm": _one("batch_norm", _OF_CHANNELS, _R(0.1), _R(1e-5), shape=(4, 3), before=_CHANNELS),
    "batch_norm_fixed": _one("batch_norm_fixed", _OF_CHANNELS, _R(1e-5), shape=(4, 3), before=_CHANNELS),
    "cross_entropy": _one("cross_entropy", get("x"), before=picks((2,), (0, 2), "x")),
    "mean_squared_error": _two("mean_squared_error", (2, 3), (2, 3)),
    "ctc_loss": _one(
        "ctc_loss",
        get("x"),
        get("y"),
        get("z"),
        _I(0),
        shape=(4, 1, 3),
        before=picks((1, 2), (1, 2), "x") + picks((1,), (4,), "y") + picks((1,), (2,), "z"),
    ),
    "embedding": _one("embedding", get("x"), before=picks((2, 2), (0, 1, 1, 0), "x")),
    "take": _one("take", _I(1), get("x"), before=picks((2,), (2, 0), "x")),
    "gather": _one("gather", _I(1), get("x"), before=picks((2, 1), (2, 0), "x")),
    "scatter_add": _one(
        "scatter_add", _I(1), get("x"), get("u"), before=picks((2, 1), (2, 0), "x") + full((2, 1), 1.0, "u")
    ),
    "one_hot": (picks((2,), (2, 0), "x"), f"(call $nn_one_hot {get('x')} {_I(3)})"),
    "reshape": _one("reshape", get("s"), before=ints(3, 2)),
    "expand": _one("expand", get("s"), before=ints(4, 2, 3)),
    "transpose": _one("transpose", get("s"), before=ints(1, 0)),
    "slice": _one("slice", _I(1), _I(1), _I(3)),
    "join": (drawn((2, 3), "t") + listed("t", "t"), f"(call $nn_join {get('ts')} {_I(0)})"),
    "pad": _one("pad", _I(1), _I(1), _I(2)),
    "dims": _one("dims"),
    "size": _one("size", _I(-1)),
    "uniform": (ints(5), f"(call $nn_uniform {_I(-1)} {_I(3)} {get('s')} {_R(0.0)} {_R(1.0)})"),
    "normal": (ints(5), f"(call $nn_normal {_I(1)} {_I(-3)} {get('s')} {_R(0.0)} {_R(1.0)})"),
    "init": (ints(5, 2), f"(call $nn_init {_I(1)} {_I(3)} {get('s')})"),
    "permutation": ("", f"(call $nn_permutation {_I(1)} {_I(3)} {_I(10)})"),
    "dropout": _one("dropout", _R(0.5), _I(1), _I(2)),
    "full": (ints(5), f"(call $nn_full {get('s')} {_R(0.1)})"),
    "of_ints": (ints(2, 2) + _EIGHT_BYTES, f"(call $nn_of_ints {get('s')} {get('p')} {_I(2)})"),
    "indices_of_ints": (ints(2) + _EIGHT_BYTES, f"(call $nn_indices_of_ints {get('s')} {get('p')} {_I(4)})"),
    "indices": (full((4,), -3.0, "t"), f"(call $nn_indices {get('t')})"),
    "real": ("", f"(call $nn_real {_I(1)} {_I(3)})"),
    "item": _one("item", _I(5), _R(1000.0)),
    "index": (picks((2,), (2, 9), "x"), f"(call $nn_index {get('x')} {_I(1)})"),
    "count": _one("count"),
    "list": ("", "(call $nn_list)"),
    "append": (_WEIGHTS, f"(call $nn_append {get('ts')} {get('t')})"),
    "at": (_WEIGHTS, f"(call $nn_at {get('ts')} {_I(0)})"),
    "list_len": (_WEIGHTS, f"(call $nn_list_len {get('ts')})"),
    "mark": ("", "(call $nn_mark)"),
    "release": (_WEIGHTS + "(local.set $i (call $nn_mark))", f"(call $nn_release {get('i')} {get('ts')})"),
    "variable": _one("variable"),
    "plain": _one("plain"),
    "variables": (_WEIGHTS, f"(call $nn_variables {get('ts')})"),
    "grad": (
        drawn((2, 3), "t")
        + f"(local.set $u (call $nn_variable {get('t')}))"
        + ints()
        + f"(local.set $v (call $nn_sum (call $nn_multiply {get('u')} {get('u')}) {get('s')} {_I(0)}))"
        + listed("u"),
        f"(call $nn_grad {get('v')} {get('ts')})",
    ),
    "clip": (_WEIGHTS, f"(call $nn_clip {get('ts')} {_R(0.1)})"),
    "sgd_start": (_WEIGHTS, f"(call $nn_sgd_start {get('ts')})"),
    "sgd": (
        _WEIGHTS + _STATE + f"(local.set $ts (call $nn_sgd_start {get('ts')}))",
        f"(call $nn_sgd {get('ts')} {get('p')} {_R(0.1)} {_R(0.9)} {_R(0.0)})",
    ),
    "adam_start": (_WEIGHTS, f"(call $nn_adam_start {get('ts')})"),
    "adam": (
        _WEIGHTS + _STATE + f"(local.set $ts (call $nn_adam_start {get('ts')}))",
        f"(call $nn_adam {get('ts')} {get('p')} {_R(0.1)} {_R(0.9)} {_R(0.999)} {_R(1e-8)} {_R(0.0)})",
    ),
    "save": _one("save"),
    "save_all": (_WEIGHTS, f"(call $nn_save_all {get('ts')})"),
    "load": _loaded("load", f"(call $nn_save {get('t')})"),
    "load_all": _loaded("load_all", f"(call $nn_save_all {get('ts')})"),
    "init_model": (named_text(DEEP, "p"), f"(call $nn_init_model {get('p')} {_I(7)})"),
    "predict": (drawn((5, 3), "x") + _MODEL, f"(call $nn_predict {get('p')} {get('ts')} {get('x')})"),
    "fit": (
        picks((5,), (0, 1, 1, 0, 1), "y") + drawn((5, 3), "x") + _MODEL + named_text(SETTINGS, "q"),
        f"(call $nn_fit {get('p')} {get('ts')} {get('x')} {get('y')} (i64.const 0) {get('q')})",
    ),
    "weights": (_WEIGHTS + f"(local.set $ts (call $nn_sgd_start {get('ts')}))", f"(call $nn_weights {get('ts')})"),
}
"""For each row without `nn_`: code that makes its operands, and the call of these alone, which leaves one i64."""
