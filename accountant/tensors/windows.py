"""Sliding windows over images: images laid out so that windows are strided views.

An image with its padding lies in one row of memory. A window's element (dy, dx) of all windows is then a strided view
of it, so gathering the columns of a convolution is one copy, and where the stride is 1 no copy is needed at all.
"""

import torch

from accountant.tensors.geometry import Windows


def covered(windows: Windows, device: torch.device) -> torch.Tensor:
    """Which places of the image lie in a window at all, [H, W]."""
    axes = []
    for axis in range(2):
        place = torch.arange(windows.size[axis], device=device) + windows.padding[axis]
        step = windows.stride[axis]
        last = (place // step).clamp_(max=windows.out[axis] - 1) * step  # where the last window that may hold it begins
        axes.append(place - last < windows.kernel[axis])
    return axes[0].unsqueeze(1) & axes[1]


def meets_image(windows: Windows, device: torch.device) -> torch.Tensor:
    """Which places of the window, [kh, kw], lie inside the image for any window at all."""
    axes = []
    for axis in range(2):
        step = windows.stride[axis]
        place = torch.arange(windows.kernel[axis], device=device) - windows.padding[axis]
        first = ((step - 1 - place) // step).clamp_(min=0)  # the first window in which it is not before the image
        axes.append((first < windows.out[axis]) & (first * step + place < windows.size[axis]))
    return axes[0].unsqueeze(1) & axes[1]


def set_apart(gradient: torch.Tensor, windows: Windows) -> tuple[torch.Tensor, Windows]:
    """G with stride - 1 zeros between its elements and what is left over: as if the stride had been 1."""
    full = (windows.padded[0] - windows.kernel[0] + 1, windows.padded[1] - windows.kernel[1] + 1)
    apart = gradient.new_zeros(*gradient.shape[:2], *full)
    apart[:, :, :: windows.stride[0], :: windows.stride[1]] = gradient
    return apart, Windows(windows.size, windows.kernel, (1, 1), windows.padding, full)


class Padded:
    """Room for a block of images with their padding, filled again and again; the padding stays zero."""

    def __init__(self, images: int, channels: int, windows: Windows, like: torch.Tensor) -> None:
        height, width = windows.padded
        self.windows = windows
        self.slack = windows.kernel[1] - 1  # what the last shifted row reads past the end
        self.rows = torch.zeros(images, channels, height * width + self.slack, dtype=like.dtype, device=like.device)
        top, left = windows.padding
        view = self.rows[:, :, : height * width].view(images, channels, height, width)
        self.inner = view[:, :, top : top + windows.size[0], left : left + windows.size[1]]

    def all_columns(self, images: int, begin: int, end: int) -> torch.Tensor:
        """All windows of channels [begin, end) of the first images, as a view [channel, dy, dx, image, y, x]."""
        one = self.columns(0, begin, end)
        return one.as_strided(
            (*one.shape[:3], images, *one.shape[3:]),
            (*one.stride()[:3], self.rows.stride(0), *one.stride()[3:]),
            one.storage_offset(),
        )

    def columns(self, image: int, begin: int, end: int) -> torch.Tensor:
        """All windows of channels [begin, end) of one image, as a view [channel, dy, dx, y, x]."""
        row = self.rows[image, begin:end]
        width = self.windows.padded[1]
        sy, sx = self.windows.stride
        return row.as_strided(
            (end - begin, *self.windows.kernel, *self.windows.out),
            (row.stride(0), width, 1, sy * width, sx),
            row.storage_offset(),
        )

    def shifted(self, image: int, begin: int, end: int, dy: int, dx: int) -> torch.Tensor:
        """Stride 1: element (dy, dx) of all windows as a matrix [channel, y × padded width + x].

        Where x passes the last window it reads what no window has; callers leave those columns out.
        """
        width = self.windows.padded[1]
        offset = dy * width + dx
        return self.rows[image, begin:end, offset : offset + self.windows.out[0] * width]
