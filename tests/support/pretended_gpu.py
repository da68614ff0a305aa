"""A GPU that is none: tensors that say they lie elsewhere, and fail wherever they meet the processor's.

The values lie in an ordinary tensor behind each. So what runs here leaves nothing on the processor by mistake, and
asks no tensor of a GPU for NumPy; what a GPU computes is not shown.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree

from accountant.tensors import machine

GPU = torch.device("meta")
"""A device that torch needs no driver for."""
MAKERS = {torch.zeros, torch.ones, torch.full, torch.arange, torch.tensor, torch.empty}
MAKERS_OF_NUMBERS = {torch.where, torch.Tensor.__setitem__}
"""They make tensors of the numbers among their operands where the others lie, without asking anybody."""
MOVES = {torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default}


class Mixed(AssertionError):
    """An operation on tensors of two devices."""


class Elsewhere(torch.Tensor):
    """A tensor that says that it lies on the GPU."""

    behind: torch.Tensor

    @staticmethod
    def __new__(cls, behind: torch.Tensor) -> "Elsewhere":
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            behind.size(),
            strides=behind.stride(),
            storage_offset=behind.storage_offset(),
            dtype=behind.dtype,
            device=GPU,
        )
        made.behind = behind
        return made

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = dict(kwargs or {})
        if func not in MOVES:
            _check((args, named))
        here = named.pop("device", GPU) == torch.device("cpu")
        named.pop("pin_memory", None)
        found = func(*_pytree.tree_map(_behind, args), **_pytree.tree_map(_behind, named))
        if func._schema.is_mutable:
            return named.get("out", args[0])
        return found if here else _pytree.tree_map(_elsewhere, found)


def _check(arguments: object) -> None:
    given = [value for value in _pytree.tree_leaves(arguments) if isinstance(value, torch.Tensor)]
    if len({isinstance(value, Elsewhere) for value in given}) > 1:
        raise Mixed(f"tensors of {[(tuple(value.shape), str(value.device)) for value in given]}")


def _behind(value: Any) -> Any:
    return value.behind if isinstance(value, Elsewhere) else value


def _elsewhere(value: Any) -> Any:
    return Elsewhere(value) if isinstance(value, torch.Tensor) and not isinstance(value, Elsewhere) else value


class _Device(TorchFunctionMode):
    """Makes tensors on the GPU that is none, and moves them there."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = dict(kwargs or {})
        if func in MAKERS and _is_gpu(named.get("device")):
            return Elsewhere(func(*args, **{**named, "device": "cpu"}))
        if func is torch.Tensor.to and any(_is_gpu(value) for value in args):
            rest = [value for value in args[1:] if not _is_gpu(value)] or [args[0].dtype]
            return _elsewhere(func(args[0], *rest, **named))
        if func in MAKERS_OF_NUMBERS and isinstance(args[0], Elsewhere):
            _check(args)
            return _elsewhere(func(*_pytree.tree_map(_behind, args)))
        if func is torch.Tensor.tolist:
            return _behind(args[0]).tolist()
        return func(*args, **named)


def _is_gpu(value: object) -> bool:
    return isinstance(value, torch.device) and value == GPU


@contextmanager
def pretended_gpu() -> Iterator[None]:
    """Meanwhile tensors are made there."""
    with pytest.MonkeyPatch.context() as patch, _Device():
        patch.setattr(machine, "_chosen", GPU)
        yield
