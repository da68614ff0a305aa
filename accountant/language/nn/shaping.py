"""Other shapes and other places of the same values."""

from accountant.language.nn.exact import exact
from accountant.language.nn.values import Indices, Sizes, Tensor, Tensors


def _all(sizes: Sizes) -> tuple[int, ...]:
    return (sizes,) if isinstance(sizes, int) else sizes


def embedding(table: Tensor, indices: Indices) -> Tensor:
    """Rows of a table [V, D] for indices […] → […, D]."""
    return Tensor(exact.embedding(table.exact, indices.exact))


def take(tensor: Tensor, axis: int, indices: Indices) -> Tensor:
    """Whole slices along an axis, one for each of the indices [J]."""
    return Tensor(exact.take(tensor.exact, axis, indices.exact))


def gather(tensor: Tensor, axis: int, indices: Indices) -> Tensor:
    """Single elements: that at i with indices[i] along the axis."""
    return Tensor(exact.gather(tensor.exact, axis, indices.exact))


def scatter_add(tensor: Tensor, axis: int, indices: Indices, source: Tensor) -> Tensor:
    """The tensor plus the exact sum of what the source adds to each of its elements."""
    return Tensor(exact.scatter_add(tensor.exact, axis, indices.exact, source.exact))


def one_hot(indices: Indices, classes: int) -> Tensor:
    """A new last dimension: 1 at the index, else 0."""
    return Tensor(exact.one_hot(indices.exact, classes))


def reshape(tensor: Tensor, shape: Sizes) -> Tensor:
    """The same elements in row-major order under another shape."""
    return Tensor(exact.reshape(tensor.exact, _all(shape)))


def expand(tensor: Tensor, shape: Sizes) -> Tensor:
    """Repeated along axes of size 1, and along new ones before."""
    return Tensor(exact.expand(tensor.exact, _all(shape)))


def transpose(tensor: Tensor, order: Sizes) -> Tensor:
    """Axis i of the result is axis order[i] of the tensor."""
    return Tensor(exact.transpose(tensor.exact, _all(order)))


def slice(tensor: Tensor, axis: int, begin: int, end: int) -> Tensor:
    """Elements from `begin` up to `end` along an axis."""
    return Tensor(exact.slice_of(tensor.exact, axis, begin, end))


def join(tensors: Tensors, axis: int = 0) -> Tensor:
    """One after the other along an axis."""
    return Tensor(exact.join([one.exact for one in tensors], axis))


def pad(tensor: Tensor, axis: int, before: int, after: int) -> Tensor:
    """Zeros before and after along an axis."""
    return Tensor(exact.pad(tensor.exact, axis, before, after))


def dims(tensor: Tensor) -> int:
    """How many dimensions there are; also `tensor.dims`."""
    return tensor.dims


def size(tensor: Tensor, axis: int) -> int:
    """The size along an axis; also `tensor.shape[axis]`."""
    return tensor.shape[axis]
