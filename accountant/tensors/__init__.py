"""Exact tensors: networks whose training gives the same bits on every machine (`docs/numerics.md`).

Every sum is computed without error, so that its order cannot matter; everything else is one IEEE operation after the
other. Operators take and give `Tensor`s; `variable` starts the tape, `gradients` walks it back. torch is
loaded by the first operator that is asked for, so that shapes, files' checks and prices can be had without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accountant.tensors.arithmetic import (
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
    )
    from accountant.tensors.convolution import conv1d, conv2d
    from accountant.tensors.ctc import ctc_loss
    from accountant.tensors.errors import InexactMachine, InvalidIndex, InvalidShape, InvalidTensor, TensorTooLarge
    from accountant.tensors.gathering import embedding, gather, one_hot, scatter_add, take
    from accountant.tensors.interpolation import bilinear, nearest
    from accountant.tensors.linear import matmul
    from accountant.tensors.losses import cross_entropy, log_softmax, mean_squared_error, softmax
    from accountant.tensors.normalisation import Normalised, batch_norm, batch_norm_fixed, layer_norm
    from accountant.tensors.optimisers import (
        Adam,
        Moments,
        Momentum,
        adam_step,
        clip_gradients,
        no_moments,
        sgd_step,
        zeros_like,
    )
    from accountant.tensors.pooling import max_pool2d, mean_pool2d
    from accountant.tensors.randomness import Stream, dropout, fan_in_uniform, normal, permutation, uniform
    from accountant.tensors.reductions import argmax, max_over, mean_over, sum_over
    from accountant.tensors.rounding import Precision
    from accountant.tensors.scaled_attention import attention
    from accountant.tensors.shaping import expand, join, pad, reshape, slice_of, transpose
    from accountant.tensors.tape import gradients, variable
    from accountant.tensors.values import Indices, Tensor

__all__ = [
    "Tensor",
    "Indices",
    "Precision",
    "variable",
    "gradients",
    "add",
    "subtract",
    "multiply",
    "divide",
    "scale",
    "shift",
    "negative",
    "sqrt",
    "exp",
    "log",
    "sigmoid",
    "tanh",
    "relu",
    "gelu",
    "sum_over",
    "mean_over",
    "max_over",
    "argmax",
    "matmul",
    "conv1d",
    "conv2d",
    "max_pool2d",
    "mean_pool2d",
    "nearest",
    "bilinear",
    "attention",
    "layer_norm",
    "batch_norm",
    "batch_norm_fixed",
    "Normalised",
    "softmax",
    "log_softmax",
    "cross_entropy",
    "mean_squared_error",
    "ctc_loss",
    "embedding",
    "gather",
    "one_hot",
    "scatter_add",
    "take",
    "reshape",
    "transpose",
    "expand",
    "slice_of",
    "join",
    "pad",
    "Stream",
    "uniform",
    "normal",
    "fan_in_uniform",
    "permutation",
    "dropout",
    "Momentum",
    "sgd_step",
    "Adam",
    "Moments",
    "adam_step",
    "no_moments",
    "zeros_like",
    "clip_gradients",
    "InvalidTensor",
    "InvalidShape",
    "InvalidIndex",
    "TensorTooLarge",
    "InexactMachine",
]

_HOME = {
    "add": "arithmetic",
    "divide": "arithmetic",
    "exp": "arithmetic",
    "gelu": "arithmetic",
    "log": "arithmetic",
    "multiply": "arithmetic",
    "negative": "arithmetic",
    "relu": "arithmetic",
    "scale": "arithmetic",
    "shift": "arithmetic",
    "sigmoid": "arithmetic",
    "sqrt": "arithmetic",
    "subtract": "arithmetic",
    "tanh": "arithmetic",
    "conv1d": "convolution",
    "conv2d": "convolution",
    "ctc_loss": "ctc",
    "InexactMachine": "errors",
    "InvalidIndex": "errors",
    "InvalidShape": "errors",
    "InvalidTensor": "errors",
    "TensorTooLarge": "errors",
    "embedding": "gathering",
    "gather": "gathering",
    "one_hot": "gathering",
    "scatter_add": "gathering",
    "take": "gathering",
    "bilinear": "interpolation",
    "nearest": "interpolation",
    "matmul": "linear",
    "cross_entropy": "losses",
    "log_softmax": "losses",
    "mean_squared_error": "losses",
    "softmax": "losses",
    "Normalised": "normalisation",
    "batch_norm": "normalisation",
    "batch_norm_fixed": "normalisation",
    "layer_norm": "normalisation",
    "Adam": "optimisers",
    "Moments": "optimisers",
    "Momentum": "optimisers",
    "adam_step": "optimisers",
    "clip_gradients": "optimisers",
    "no_moments": "optimisers",
    "sgd_step": "optimisers",
    "zeros_like": "optimisers",
    "max_pool2d": "pooling",
    "mean_pool2d": "pooling",
    "Stream": "randomness",
    "dropout": "randomness",
    "fan_in_uniform": "randomness",
    "normal": "randomness",
    "permutation": "randomness",
    "uniform": "randomness",
    "argmax": "reductions",
    "max_over": "reductions",
    "mean_over": "reductions",
    "sum_over": "reductions",
    "Precision": "rounding",
    "attention": "scaled_attention",
    "expand": "shaping",
    "join": "shaping",
    "pad": "shaping",
    "reshape": "shaping",
    "slice_of": "shaping",
    "transpose": "shaping",
    "gradients": "tape",
    "variable": "tape",
    "Indices": "values",
    "Tensor": "values",
}
"""The module that each name comes from."""


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"accountant.tensors.{_HOME[name]}"), name)
    return value
