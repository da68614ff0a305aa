"""The operators that `benchmarks.tensors` measures, each with its gradients, exact and by torch."""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F

import accountant.tensors as nn
from accountant.tensors import Indices, Precision, Stream, Tensor

Wide = torch.Tensor
Run = Callable[[], torch.Tensor]


class Operator(NamedTuple):
    """Ours takes a precision where it multiplies (`products`). With `slopes` the gradients are computed too."""

    name: str
    shapes: tuple[tuple[int, ...], ...]
    ours: Callable[..., Tensor]
    theirs: Callable[..., Wide]
    products: bool = False
    slopes: bool = True

    def _inputs(self) -> list[torch.Tensor]:
        return [nn.normal(Stream(1, at), shape).values for at, shape in enumerate(self.shapes)]

    def exact(self, precision: Precision) -> Run:
        """A run of ours: the result."""
        settings = {"precision": precision} if self.products else {}
        given = [Tensor(values) for values in self._inputs()]

        def run() -> torch.Tensor:
            variables = [nn.variable(Tensor(tensor.values)) if self.slopes else tensor for tensor in given]
            for tensor in given:
                tensor.rounded.clear()
            result = self.ours(*variables, **settings)
            if self.slopes:
                nn.gradients(nn.sum_over(result), variables)
            return result.values

        return run

    def plain(self, dtype: torch.dtype) -> Run:
        """A run of torch's."""
        given = [values.to(dtype).requires_grad_(self.slopes) for values in self._inputs()]

        def run() -> torch.Tensor:
            result = self.theirs(*given)
            if self.slopes:
                torch.autograd.grad(result.sum(), given)
            return result.detach()

        return run


def operators(small: bool) -> list[Operator]:
    """All of them, in sizes as networks have them; a tenth in each dimension when small."""
    n = 100 if small else 1024
    image = (4, 8, 12, 12) if small else (64, 32, 32, 32)
    rows = (64, 100) if small else (4096, 1024)
    heads = (2, 2, 16, 8) if small else (8, 8, 256, 64)
    steps = (10, 4, 8) if small else (200, 32, 40)
    channels = image[1]
    labels = Indices(nn.permutation(Stream(2, 1), rows[0]).values % rows[1])
    words = nn.permutation(Stream(2, 2), rows[0]).values % 1000
    targets = nn.permutation(Stream(2, 3), steps[1] * steps[0] // 10).values.view(steps[1], -1) % (steps[2] - 1) + 1
    times, lengths = (torch.full((steps[1],), size, dtype=torch.int64) for size in (steps[0], targets.shape[1]))
    return [
        Operator(f"matmul {n}", ((n, n), (n, n)), nn.matmul, torch.matmul, products=True, slopes=False),
        Operator(f"matmul {n}, gradients", ((n, n), (n, n)), nn.matmul, torch.matmul, products=True),
        Operator(
            "conv2d 3 × 3",
            (image, (2 * channels, channels, 3, 3)),
            lambda x, w, **how: nn.conv2d(x, w, padding=1, **how),
            lambda x, w: F.conv2d(x, w, padding=1),
            products=True,
        ),
        Operator(
            "conv2d 3 × 3, stride 2",
            (image, (2 * channels, channels, 3, 3)),
            lambda x, w, **how: nn.conv2d(x, w, stride=2, padding=1, **how),
            lambda x, w: F.conv2d(x, w, stride=2, padding=1),
            products=True,
        ),
        Operator(
            "conv2d 1 × 1",
            (image, (2 * channels, channels, 1, 1)),
            nn.conv2d,
            F.conv2d,
            products=True,
        ),
        Operator(
            "conv1d 5",
            ((image[0], channels, 512), (channels, channels, 5)),
            lambda x, w, **how: nn.conv1d(x, w, padding=2, **how),
            lambda x, w: F.conv1d(x, w, padding=2),
            products=True,
        ),
        Operator(
            "attention",
            (heads,) * 3,
            lambda q, k, v, **how: nn.attention(q, k, v, causal=True, **how),
            lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
            products=True,
        ),
        Operator("max_pool2d 2", (image,), lambda x: nn.max_pool2d(x, 2), lambda x: F.max_pool2d(x, 2)),
        Operator(
            "max_pool2d 3, stride 2",
            (image,),
            lambda x: nn.max_pool2d(x, 3, stride=2, padding=1),
            lambda x: F.max_pool2d(x, 3, 2, 1),
        ),
        Operator("mean_pool2d 2", (image,), lambda x: nn.mean_pool2d(x, 2), lambda x: F.avg_pool2d(x, 2)),
        Operator("nearest", (image,), lambda x: nn.nearest(x, (40, 40)), lambda x: F.interpolate(x, (40, 40))),
        Operator(
            "bilinear",
            (image,),
            lambda x: nn.bilinear(x, (40, 40)),
            lambda x: F.interpolate(x, (40, 40), mode="bilinear"),
        ),
        Operator(
            "batch_norm",
            (image, (channels,), (channels,)),
            lambda x, w, b: nn.batch_norm(x, w, b, b.plain(), b.plain()).result,
            lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
        ),
        Operator(
            "layer_norm",
            (rows, rows[1:], rows[1:]),
            nn.layer_norm,
            lambda x, w, b: F.layer_norm(x, rows[1:], w, b),
        ),
        Operator("softmax", (rows,), nn.softmax, lambda x: F.softmax(x, -1)),
        Operator(
            "cross_entropy",
            (rows,),
            lambda x: nn.cross_entropy(x, labels),
            lambda x: F.cross_entropy(x, labels.values),
        ),
        Operator(
            "ctc_loss",
            (steps,),
            lambda x: nn.ctc_loss(nn.log_softmax(x), Indices(targets), Indices(times), Indices(lengths)),
            lambda x: F.ctc_loss(F.log_softmax(x, 2), targets, times, lengths, reduction="none"),
        ),
        Operator(
            "embedding", ((1000, 64),), lambda t: nn.embedding(t, Indices(words)), lambda t: F.embedding(words, t)
        ),
        Operator("sum_over rows", (rows,), lambda x: nn.sum_over(x, 0), lambda x: x.sum(0), slopes=False),
        Operator("add", (rows, rows), nn.add, torch.add),
        Operator("multiply", (rows, rows), nn.multiply, torch.mul),
        Operator("relu", (rows,), nn.relu, F.relu),
        Operator("gelu", (rows,), nn.gelu, lambda x: F.gelu(x, approximate="tanh")),
        Operator("exp", (rows,), nn.exp, torch.exp),
        Operator("tanh", (rows,), nn.tanh, torch.tanh),
        Operator("sigmoid", (rows,), nn.sigmoid, torch.sigmoid),
    ]
