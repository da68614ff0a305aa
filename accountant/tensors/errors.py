"""What a caller can get wrong with tensors, and what the machine below them must not do."""

from accountant.primitives.errors import AccountantError


class InvalidTensor(AccountantError):
    """Values that make no tensor: a wrong number of them, a shape past the limits, a value that is no number."""

    code = "invalid_tensor"


class InvalidShape(AccountantError):
    """Operands whose shapes, axes or settings do not fit the operator."""

    code = "invalid_shape"


class InvalidIndex(AccountantError):
    """An index, a label or an axis that points outside."""

    code = "invalid_index"


class InvalidFile(AccountantError):
    """Bytes that are no safetensors file which everybody would read alike, or that hold what tensors cannot."""

    code = "invalid_file"


class TensorTooLarge(AccountantError):
    """A result that would have more elements than `MAX_ELEMENTS`, or a sum of more products than `MAX_TERMS`.

    Raised before anything of it is allocated.
    """

    code = "tensor_too_large"


class InexactMachine(AccountantError):
    """This machine's integer-valued products are not exact. Nothing is computed on it; another worker must."""

    code = "inexact_machine"


class NoDevice(AccountantError):
    """A device that this machine has not. Nothing is computed elsewhere instead."""

    code = "no_device"


class InvalidModel(AccountantError):
    """A text that lists no layers, or layers that do not fit each other, their input or their weights."""

    code = "invalid_model"


class InvalidSettings(AccountantError):
    """A text that does not say how to train."""

    code = "invalid_settings"
