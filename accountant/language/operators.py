"""The operators of `nn` as the compiler sees them: read from the signatures in `accountant.language.nn`."""

import inspect
from enum import Enum
from typing import Any, NamedTuple, get_type_hints

from accountant.language import nn
from accountant.language.names import Cid
from accountant.language.nn.values import Indices, Pair, Sizes, Tensor
from accountant.language.types import Type

PREFIX = "nn_"
"""What the rows of the host table begin with."""
LOADS = ("nn_load", "nn_load_all")
SAVES = ("nn_save", "nn_save_all")


class Form(Enum):
    """What stands for a parameter."""

    VALUE = "value"
    OPTIONAL = "optional"
    """A value, or None."""
    SIZES = "sizes"
    """Ints in a tuple, or one int."""
    PAIR = "pair"
    """Two ints in a tuple, or one int for both."""
    PAIR_AS_BEFORE = "pair as before"
    """A pair, or None for that of the parameter before."""


class Parameter(NamedTuple):
    """A parameter. `default`: int, bool, float, str, None, a tuple of ints, or `inspect.Parameter.empty`."""

    name: str
    type: Type
    """Of the value; INT for sizes and pairs."""
    form: Form
    default: Any
    by_name_only: bool

    @property
    def is_required(self) -> bool:
        """Whether every call gives it."""
        return self.default is inspect.Parameter.empty

    def __str__(self) -> str:
        if self.is_required:
            return self.name
        return f"{self.name}={self.default!r}"


class Operator(NamedTuple):
    """An operator, by its name behind `nn.`."""

    name: str
    parameters: tuple[Parameter, ...]
    returns: Type

    @property
    def row(self) -> str:
        """The name of the host table's row."""
        return PREFIX + self.name

    @property
    def by_place(self) -> int:
        """How many parameters need no name."""
        return sum(not parameter.by_name_only for parameter in self.parameters)

    def __str__(self) -> str:
        shown = [str(parameter) for parameter in self.parameters]
        if self.by_place < len(shown):
            shown.insert(self.by_place, "*")
        return f"nn.{self.name}({', '.join(shown)})"


_FORMS: dict[Any, tuple[Type, Form]] = {
    Tensor: (Type.TENSOR, Form.VALUE),
    Tensor | None: (Type.TENSOR, Form.OPTIONAL),
    list[Tensor]: (Type.TENSORS, Form.VALUE),
    Indices: (Type.INDICES, Form.VALUE),
    Indices | None: (Type.INDICES, Form.OPTIONAL),
    Sizes: (Type.INT, Form.SIZES),
    Pair: (Type.INT, Form.PAIR),
    Pair | None: (Type.INT, Form.PAIR_AS_BEFORE),
    int: (Type.INT, Form.VALUE),
    bool: (Type.BOOL, Form.VALUE),
    float: (Type.REAL, Form.VALUE),
    bytes: (Type.BYTES, Form.VALUE),
    str: (Type.STR, Form.VALUE),
    Cid: (Type.CID, Form.VALUE),
}


def _operator(name: str) -> Operator:
    function = getattr(nn, name)
    hints = get_type_hints(function)
    parameters = (
        Parameter(one.name, *_FORMS[hints[one.name]], one.default, one.kind is one.KEYWORD_ONLY)
        for one in inspect.signature(function).parameters.values()
    )
    return Operator(name, tuple(parameters), _FORMS[hints["return"]][0])


OPERATORS: dict[str, Operator] = {name: _operator(name) for name in nn.__all__}
