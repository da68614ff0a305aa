"""A second implementation of `docs/numerics.md`, written from that page alone: NumPy and Python's integers, no torch.

Names and arguments are those of `accountant.tensors`, so that one program runs on both. It is slow and checks nothing:
what the page refuses must not be asked.
"""

from tests.support.numpy_twin.arithmetic import (
    add,
    divide,
    exp,
    gelu,
    log,
    multiply,
    negative,
    relu,
    scale,
    shift,
    sigmoid,
    sqrt,
    subtract,
    tanh,
    where,
)
from tests.support.numpy_twin.convolution import conv1d, conv2d
from tests.support.numpy_twin.ctc import ctc_loss
from tests.support.numpy_twin.gathering import embedding, gather, one_hot, scatter_add, take
from tests.support.numpy_twin.linear import attention, matmul
from tests.support.numpy_twin.losses import cross_entropy, log_softmax, mean_squared_error, softmax
from tests.support.numpy_twin.normalisation import Normalised, batch_norm, batch_norm_fixed, layer_norm
from tests.support.numpy_twin.optimisers import (
    Adam,
    Moments,
    Momentum,
    adam_step,
    clip_gradients,
    no_moments,
    sgd_step,
    zeros_like,
)
from tests.support.numpy_twin.pooling import bilinear, max_pool2d, mean_pool2d, nearest
from tests.support.numpy_twin.randomness import Stream, dropout, fan_in_uniform, normal, permutation, uniform
from tests.support.numpy_twin.reductions import argmax, max_over, mean_over, sum_over
from tests.support.numpy_twin.shaping import expand, join, pad, reshape, slice_of, transpose
from tests.support.numpy_twin.sums import Precision
from tests.support.numpy_twin.tape import gradients, variable
from tests.support.numpy_twin.values import Indices, Tensor

__all__ = [
    "Adam",
    "Indices",
    "Moments",
    "Momentum",
    "Normalised",
    "Precision",
    "Stream",
    "Tensor",
    "adam_step",
    "add",
    "argmax",
    "attention",
    "batch_norm",
    "batch_norm_fixed",
    "bilinear",
    "clip_gradients",
    "conv1d",
    "conv2d",
    "cross_entropy",
    "ctc_loss",
    "divide",
    "dropout",
    "embedding",
    "exp",
    "expand",
    "fan_in_uniform",
    "gather",
    "gelu",
    "gradients",
    "join",
    "layer_norm",
    "log",
    "log_softmax",
    "matmul",
    "max_over",
    "max_pool2d",
    "mean_over",
    "mean_pool2d",
    "mean_squared_error",
    "multiply",
    "nearest",
    "negative",
    "no_moments",
    "normal",
    "one_hot",
    "pad",
    "permutation",
    "relu",
    "reshape",
    "scale",
    "scatter_add",
    "sgd_step",
    "shift",
    "sigmoid",
    "slice_of",
    "softmax",
    "sqrt",
    "subtract",
    "sum_over",
    "take",
    "tanh",
    "transpose",
    "uniform",
    "variable",
    "where",
    "zeros_like",
]
