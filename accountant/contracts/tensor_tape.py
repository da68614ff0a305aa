"""The tape of works: what gradients cost, from what was recorded, without touching a tensor."""

import heapq

from accountant.contracts.tensor_rule import Shapes
from accountant.contracts.tensor_values import WorkNode, count_of
from accountant.contracts.tensor_work import VALUE_BYTES, Work, backward_work

_MADE_OF_OTHERS = frozenset(
    {
        *("attention", "layer_norm", "batch_norm", "batch_norm_fixed", "softmax", "log_softmax"),
        *("cross_entropy", "mean_squared_error", "ctc_loss", "bilinear", "dropout", "gelu"),
    }
)
"""Operations that keep values besides their operands and their result."""
_KEEP_PLACES = frozenset(("max", "max_pool"))
"""Those that keep where each value of the result came from."""


def kept_bytes(name: str, work: Work, shapes: Shapes) -> int:
    """What a recorded operation keeps for its gradient, besides its operands and its result."""
    if name in _MADE_OF_OTHERS:
        return work.scratch // 2  # half as wide as what an exact sum is made of
    return 2 * work.held if name in _KEEP_PLACES else 0


def gradient_works(loss: WorkNode | None) -> tuple[list[Work], int]:
    """The works of walking back from a single number, last to first, and the most bytes held on the way."""
    if loss is None:
        return [], 0
    works: list[Work] = []
    waiting = [(-loss.number, loss)]
    arrived = {loss.number: VALUE_BYTES}
    held = peak = VALUE_BYTES
    while waiting:
        _, node = heapq.heappop(waiting)
        if not node.parents:
            continue  # a variable keeps its gradient
        work = backward_work(node.name, node.shapes, node.attributes)
        works.append(work)
        peak = max(peak, held + work.held + work.scratch)
        held -= arrived.pop(node.number)
        for parent, shape in zip(node.parents, node.shapes, strict=True):
            if parent is not None and shape is not None and parent.number not in arrived:
                arrived[parent.number] = VALUE_BYTES * count_of(shape)
                held += arrived[parent.number]
                heapq.heappush(waiting, (-parent.number, parent))
    return works, peak
