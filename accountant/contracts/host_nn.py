"""Host functions on tensors: the operations that have a rule in `tensor_work`. See docs/host.md.

Each does its steps in this order: handles are looked up, the call is paid, shapes are checked, memory is counted, the
work is paid, and then it is done.
"""

from collections.abc import Callable, Sequence

from accountant.contracts.frame import Arguments, Frame, invalid
from accountant.contracts.tensor_rule import Attribute
from accountant.contracts.tensor_values import Held, HeldList, count_of
from accountant.primitives.errors import AccountantError
from accountant.tensors.shapes import element_count

ITEM_BYTES = 8
"""What an integer of a list, or a member of a list of tensors, counts in the price of a call."""

Parameter = int | float | bytes | Arguments | Held | HeldList | None


class Given:
    """The parameters of a call by what they mean, in their order."""

    __slots__ = ("attributes", "data", "operands", "reals")

    def __init__(self, frame: Frame, parameters: Sequence[Parameter]) -> None:
        """Pays for the call. Raises OUT_OF_GAS, INVALID_VALUE."""
        operands: list[Held | None] = []
        attributes: list[Attribute] = []
        reals: list[float] = []
        self.data = b""
        size = 0
        for parameter in parameters:
            if isinstance(parameter, (Arguments, HeldList)):
                size += ITEM_BYTES * len(parameter.items)
            elif isinstance(parameter, bytes):
                size += len(parameter)
        frame.charge(frame.schedule.host_copy + frame.schedule.host_per_byte * size)
        for parameter in parameters:
            match parameter:
                case int():
                    attributes.append(parameter)
                case float():
                    reals.append(parameter)
                case bytes():
                    self.data = parameter
                case Arguments():
                    attributes.append(integers(parameter))
                case HeldList():
                    operands += parameter.items
                case _:
                    operands.append(parameter)
        self.operands = tuple(operands)
        self.attributes = tuple(attributes)
        self.reals = tuple(reals)


def integers(arguments: Arguments) -> tuple[int, ...]:
    """The integers of an argument list. Raises INVALID_VALUE if there is something else in it."""
    numbers = tuple(item for item in arguments.items if isinstance(item, int))
    if len(numbers) != len(arguments.items):
        raise invalid("a list of sizes or axes holds integers alone")
    return numbers


def operation(name: str, does: str) -> Callable[..., int]:
    """The implementation of a row that gives one tensor, or indices."""

    def run(frame: Frame, *parameters: Parameter) -> int:
        given = Given(frame, parameters)
        bench = frame.execution.tensors
        (result,) = bench.apply(frame, name, given.operands, given.attributes, given.reals, given.data)
        return bench.keep(frame, result)

    run.__doc__ = does
    return run


def operation_of_many(name: str, does: str) -> Callable[..., int]:
    """The implementation of a row that gives a list of tensors."""

    def run(frame: Frame, *parameters: Parameter) -> int:
        given = Given(frame, parameters)
        bench = frame.execution.tensors
        results = bench.apply(frame, name, given.operands, given.attributes, given.reals, given.data)
        return bench.keep(frame, HeldList(results))

    run.__doc__ = does
    return run


def integers_given(name: str, does: str) -> Callable[..., int]:
    """The implementation of a row that makes a tensor, or indices, of big-endian integers."""

    def run(frame: Frame, shape: Arguments, data: bytes, width: int) -> int:
        given = Given(frame, (shape, data, width))
        sizes = given.attributes[0]
        assert isinstance(sizes, tuple)
        try:
            element_count(sizes)
        except AccountantError as error:
            raise invalid(str(error)) from None
        if width in (1, 2, 4, 8) and count_of(sizes) * width != len(data):
            raise invalid(f"{len(data)} bytes for the {count_of(sizes)} integers of {width} bytes of {sizes}")
        bench = frame.execution.tensors
        (result,) = bench.apply(frame, name, (), given.attributes, (), data)
        return bench.keep(frame, result)

    run.__doc__ = does
    return run
