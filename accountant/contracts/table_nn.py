"""The rows of the host table that work on tensors. docs/host.md explains them, docs/numerics.md what they compute."""

from accountant.contracts import host_nn_blobs as blobs
from accountant.contracts import host_nn_models as models
from accountant.contracts import host_nn_training as training
from accountant.contracts import host_nn_values as values
from accountant.contracts.host_nn import integers_given, operation, operation_of_many
from accountant.contracts.host_row import HostFunction, Kind

_I, _B, _L, _O, _R = Kind.INT, Kind.BYTES, Kind.LIST, Kind.BOOL, Kind.REAL
_T, _N, _X, _TS = Kind.TENSOR, Kind.TENSOR_OR_NONE, Kind.INDICES, Kind.TENSORS


def _of(name: str, parameters: tuple[Kind, ...], does: str, result: Kind = _T) -> HostFunction:
    return HostFunction(f"nn_{name}", parameters, result, operation(name, does))


_ELEMENTWISE = (
    _of("add", (_T, _T), "The sum of two tensors."),
    _of("subtract", (_T, _T), "The left without the right."),
    _of("multiply", (_T, _T), "The product, element by element."),
    _of("divide", (_T, _T), "The quotient, element by element."),
    _of("scale", (_T, _R), "Every value × a number."),
    _of("shift", (_T, _R), "Every value + a number."),
    _of("negative", (_T,), "Every value with the other sign."),
    _of("sqrt", (_T,), "The square roots."),
    _of("exp", (_T,), "e to the power of every value."),
    _of("log", (_T,), "The natural logarithms."),
    _of("sigmoid", (_T,), "1 ÷ (1 + e^−x)."),
    _of("tanh", (_T,), "The hyperbolic tangents."),
    _of("relu", (_T,), "The larger of each value and 0."),
    _of("gelu", (_T,), "The Gaussian error linear unit in its tanh form."),
)
_REDUCTIONS = (
    _of("sum", (_T, _L, _O), "The sum over axes; an empty list is all of them."),
    _of("mean", (_T, _L, _O), "The mean over axes; an empty list is all of them."),
    _of("max", (_T, _I, _O), "The largest value along an axis."),
    _of("argmax", (_T, _I), "Where the largest value lies along an axis; the lowest of equals.", _X),
)
_LINEAR = (
    _of("matmul", (_T, _T, _I), "The matrix product."),
    _of("conv1d", (_T, _T, _N, _I, _I, _I, _I), "The convolution of sequences."),
    _of("conv2d", (_T, _T, _N, _L, _L, _I, _I), "The convolution of images."),
    _of("attention", (_T, _T, _T, _O, _I), "Scaled dot-product attention."),
)
_WINDOWS = (
    _of("max_pool", (_T, _L, _L, _L), "The largest value of each window."),
    _of("mean_pool", (_T, _L, _L, _L), "The mean of each window."),
    _of("nearest", (_T, _L), "Images of another size, by the nearest place."),
    _of("bilinear", (_T, _L), "Images of another size, interpolated."),
)
_NORMALISED = (
    _of("softmax", (_T, _I), "The softmax along an axis."),
    _of("log_softmax", (_T, _I), "Its logarithm."),
    _of("layer_norm", (_T, _N, _N, _R), "Normalises the last dimension."),
    HostFunction(
        "nn_batch_norm",
        (_T, _T, _T, _T, _T, _R, _R),
        _TS,
        operation_of_many("batch_norm", "Normalises each channel of a batch: the result, new mean, new variance."),
    ),
    _of("batch_norm_fixed", (_T, _T, _T, _T, _T, _R), "Normalises each channel by given statistics."),
)
_LOSSES = (
    _of("cross_entropy", (_T, _X), "The mean cross entropy of logits with labels."),
    _of("mean_squared_error", (_T, _T), "The mean of squared differences."),
    _of("ctc_loss", (_T, _X, _X, _X, _I), "The CTC loss of each sample."),
)
_PICKED = (
    _of("embedding", (_T, _X), "Rows of a table."),
    _of("take", (_T, _I, _X), "Whole slices along an axis."),
    _of("gather", (_T, _I, _X), "Elements along an axis."),
    _of("scatter_add", (_T, _I, _X, _T), "What a source adds to elements along an axis."),
    _of("one_hot", (_X, _I), "1 where the new last dimension's place is the index, else 0."),
)
_MOVED = (
    _of("reshape", (_T, _L), "The same values under another shape."),
    _of("expand", (_T, _L), "Repeated to a shape."),
    _of("transpose", (_T, _L), "Axes in another order."),
    _of("slice", (_T, _I, _I, _I), "A range along an axis."),
    _of("join", (_TS, _I), "One after the other along an axis."),
    _of("pad", (_T, _I, _I, _I), "Zeros before and after along an axis."),
    HostFunction("nn_dims", (_T,), _I, values.dims),
    HostFunction("nn_size", (_T, _I), _I, values.size),
)
_DRAWN = (
    _of("uniform", (_I, _I, _L, _R, _R), "Uniform numbers between two."),
    _of("normal", (_I, _I, _L, _R, _R), "Normal numbers of a mean and a deviation."),
    _of("init", (_I, _I, _L), "First weights of a layer: uniform in ±1 ÷ √(fan-in)."),
    _of("permutation", (_I, _I, _I), "The numbers from 0 on in random order.", _X),
    _of("dropout", (_T, _R, _I, _I), "Some values 0, the others × 1 ÷ (1 − rate)."),
)
_MADE = (
    _of("full", (_L, _R), "The same number everywhere."),
    HostFunction("nn_of_ints", (_L, _B, _I), _T, integers_given("of_ints", "A tensor of integers in bytes.")),
    HostFunction(
        "nn_indices_of_ints", (_L, _B, _I), _X, integers_given("indices_of_ints", "Indices of integers in bytes.")
    ),
    _of("indices", (_T,), "The values as indices, if all are whole numbers.", _X),
    HostFunction("nn_real", (_I, _I), _R, values.real),
    HostFunction("nn_item", (_T, _I, _R), _I, values.item),
    HostFunction("nn_index", (_X, _I), _I, values.index),
    HostFunction("nn_count", (_T,), _I, values.count),
)
_LISTS = (
    HostFunction("nn_list", (), _TS, values.new_list),
    HostFunction("nn_append", (_TS, _T), _TS, values.append),
    HostFunction("nn_at", (_TS, _I), _T, values.at),
    HostFunction("nn_list_len", (_TS,), _I, values.list_len),
    HostFunction("nn_mark", (), _I, values.mark),
    HostFunction("nn_release", (_I, _TS), _TS, values.release),
)
_TRAINING = (
    HostFunction("nn_variable", (_T,), _T, training.variable),
    HostFunction("nn_plain", (_T,), _T, training.plain),
    HostFunction("nn_variables", (_TS,), _TS, training.variables),
    HostFunction("nn_grad", (_T, _TS), _TS, training.grad),
    HostFunction(
        "nn_clip", (_TS, _R), _TS, operation_of_many("clip", "Gradients × (most ÷ norm) where the norm is greater.")
    ),
    HostFunction("nn_sgd_start", (_TS,), _TS, training.sgd_start),
    HostFunction("nn_sgd", (_TS, _TS, _R, _R, _R), _TS, training.sgd),
    HostFunction("nn_adam_start", (_TS,), _TS, training.adam_start),
    HostFunction("nn_adam", (_TS, _TS, _R, _R, _R, _R, _R), _TS, training.adam),
    HostFunction("nn_weights", (_TS,), _TS, training.weights),
)
_FILES = (
    HostFunction("nn_load", (_B,), _T, blobs.load),
    HostFunction("nn_load_all", (_B,), _TS, blobs.load_all),
    HostFunction("nn_save", (_T,), _B, blobs.save),
    HostFunction("nn_save_all", (_TS,), _B, blobs.save_all),
)
_MODELS = (
    HostFunction("nn_init_model", (_B, _I), _TS, models.init_model),
    HostFunction("nn_predict", (_B, _TS, _T), _T, models.predict),
    HostFunction("nn_fit", (_B, _TS, _T, Kind.INDICES_OR_NONE, _N, _B), _TS, models.fit),
)

NN_TABLE: tuple[HostFunction, ...] = (
    *_ELEMENTWISE,
    *_REDUCTIONS,
    *_LINEAR,
    *_WINDOWS,
    *_NORMALISED,
    *_LOSSES,
    *_PICKED,
    *_MOVED,
    *_DRAWN,
    *_MADE,
    *_LISTS,
    *_TRAINING,
    *_FILES,
    *_MODELS,
)
