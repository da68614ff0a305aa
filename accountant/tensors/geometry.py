"""The geometry of sliding windows over images. Pure integers: prices are computed from it without any tensor."""

from collections.abc import Iterator
from dataclasses import dataclass

from accountant.tensors.errors import InvalidShape

Pair = tuple[int, int]
Piece = tuple[int, int, int, int]


@dataclass(frozen=True)
class Windows:
    """Windows of `kernel` every `stride` over an image of `size` with `padding` zeros on each side: `out` of them."""

    size: Pair
    kernel: Pair
    stride: Pair
    padding: Pair
    out: Pair

    @property
    def padded(self) -> Pair:
        """The size of the image with its padding."""
        return self.size[0] + 2 * self.padding[0], self.size[1] + 2 * self.padding[1]

    @property
    def area(self) -> int:
        """Elements of one window."""
        return self.kernel[0] * self.kernel[1]

    @property
    def count(self) -> int:
        """Windows in one image."""
        return self.out[0] * self.out[1]

    def pieces(self, most: int) -> Iterator[Piece]:
        """All windows in rectangles [top, bottom) × [left, right) of at most so many, whole rows where they fit."""
        rows, columns = max(1, most // self.out[1]), min(self.out[1], max(1, most))
        for top in range(0, self.out[0], rows):
            for left in range(0, self.out[1], columns):
                yield top, min(top + rows, self.out[0]), left, min(left + columns, self.out[1])


def windows_of(size: Pair, kernel: Pair, stride: Pair, padding: Pair) -> Windows:
    """`InvalidShape` where no window fits, or where one could lie in the padding alone."""
    for extent, width, step, border in zip(size, kernel, stride, padding, strict=True):
        if width < 1 or step < 1:
            raise InvalidShape(f"windows of {kernel} every {stride}: both must be at least 1")
        if not 0 <= border < width:
            raise InvalidShape(f"padding {padding} must be at least 0 and smaller than the window {kernel}")
        if extent < 1 or extent + 2 * border < width:
            raise InvalidShape(f"no window of {kernel} fits into {size} with padding {padding}")
    spans = (size[0] + 2 * padding[0] - kernel[0], size[1] + 2 * padding[1] - kernel[1])
    return Windows(size, kernel, stride, padding, (spans[0] // stride[0] + 1, spans[1] // stride[1] + 1))
