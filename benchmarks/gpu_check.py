"""Whether a GPU gives the recorded bits, and how fast it is: `make gpu-check`.

Every recorded vector (`tests/tensors/vectors.json`: operators, gradients, short trainings) with TF32 allowed and not,
cuDNN trying its kernels and not, and another stream busy and not; the trainings of 100 steps in the first and the last
of these. The report goes to `benchmarks/results/gpu-check.json` and `.md`. Without a GPU nothing is checked, and so
it says.
"""

import itertools
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch

import accountant.tensors as nn
from accountant.tensors import Precision, Stream, Tensor, machine
from tests.support.long_trainings import trainings
from tests.support.tensor_digests import digests

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
VECTORS = ROOT / "tests" / "tensors" / "vectors.json"
TRAININGS = ROOT / "tests" / "tensors" / "trainings.json"
SIZE = 4096
ROUNDS = 10


class Mode(NamedTuple):
    """What a GPU's libraries are told, and whether something else runs beside."""

    tf32: bool
    cudnn_benchmark: bool
    busy: bool

    @property
    def name(self) -> str:
        """In words."""
        said = ("TF32", self.tf32), ("cuDNN trying kernels", self.cudnn_benchmark), ("another stream busy", self.busy)
        return ", ".join(f"{what} {'on' if on else 'off'}" for what, on in said)


class Found(NamedTuple):
    """What one mode gave: which of how many vectors differ from the recorded ones."""

    mode: str
    vectors: int
    differing: list[str]
    seconds: float


@contextmanager
def _busy(wanted: bool) -> Iterator[None]:
    """Meanwhile another stream multiplies matrices."""
    stop = threading.Event()

    def work() -> None:
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        with torch.cuda.stream(stream):
            a = torch.ones(2048, 2048, device="cuda")
            while not stop.is_set():
                for _ in range(8):
                    a = (a @ a).clamp_(max=1.0)
                stream.synchronize()

    thread = threading.Thread(target=work)
    if wanted:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if wanted:
            thread.join()


@contextmanager
def _told(mode: Mode) -> Iterator[None]:
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = mode.tf32
    torch.backends.cudnn.benchmark = mode.cudnn_benchmark
    try:
        with _busy(mode.busy):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before[:2]
        torch.backends.cudnn.benchmark = before[2]


def check(mode: Mode, *, long: bool) -> Found:
    """The vectors in one mode, with the long trainings or without."""
    expected: dict[str, str] = json.loads(VECTORS.read_text(encoding="utf-8"))
    begin = time.perf_counter()
    with _told(mode):
        found = digests()
        if long:
            found |= trainings()
            expected |= json.loads(TRAININGS.read_text(encoding="utf-8"))
    differing = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    return Found(mode.name, len(expected), differing, round(time.perf_counter() - begin, 1))


def _milliseconds(work: Callable[[], object]) -> float:
    """The least of some rounds, by the GPU's own clock."""
    best = float("inf")
    for _ in range(ROUNDS):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        begin.record()
        work()
        end.record()
        torch.cuda.synchronize()
        best = min(best, begin.elapsed_time(end))
    return round(best, 3)


def products() -> dict[str, float]:
    """Milliseconds of a matrix product of 4096³, operands rounded anew each time."""
    a, b = (nn.normal(Stream(1, at), (SIZE, SIZE)).values for at in range(2))

    def exact(precision: Precision) -> Callable[[], object]:
        return lambda: nn.matmul(Tensor(a), Tensor(b), precision)

    ways: dict[str, Callable[[], object]] = {f"exact{int(p) if p > 8 else 8}": exact(p) for p in Precision}
    with _told(Mode(False, False, False)):
        for dtype in (torch.float32, torch.float64, torch.bfloat16):
            ways[str(dtype).removeprefix("torch.")] = partial(torch.matmul, a.to(dtype), b.to(dtype))
        return {name: _milliseconds(way) for name, way in ways.items()}


def report() -> dict[str, Any]:
    """Everything, on the first GPU."""
    machine.choose("cuda")
    modes = [Mode(*on) for on in itertools.product((False, True), repeat=3)]
    found = [check(mode, long=mode in (modes[0], modes[-1])) for mode in modes]
    return {
        "benchmark": "gpu_check",
        "device": torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "same": not any(each.differing for each in found),
        "modes": [each._asdict() for each in found],
        "matmul_4096_ms": products(),
    }


def as_markdown(result: dict[str, Any]) -> str:
    """For people."""
    rows = [
        f"| {mode['mode']} | {mode['vectors']} | {', '.join(mode['differing']) or 'none'} | {mode['seconds']} |"
        for mode in result["modes"]
    ]
    times = [f"| {name} | {milliseconds} |" for name, milliseconds in result["matmul_4096_ms"].items()]
    return "\n".join(
        [
            "# The recorded vectors on a GPU",
            "",
            f"{result['device']}, torch {result['torch']}, CUDA {result['cuda']}. Recorded on a CPU. "
            + ("Every bit is the same." if result["same"] else "**Some bits differ.**"),
            "",
            "| Told | Vectors | Differing | Seconds |",
            "|---|---|---|---|",
            *rows,
            "",
            f"| Matrix product of {SIZE}³ | ms |",
            "|---|---|",
            *times,
            "",
        ]
    )


def main() -> int:
    """Write the report; 1 where a bit differs."""
    if not torch.cuda.is_available():
        print("no GPU: nothing was checked, and nothing is said about GPUs")
        return 0
    result = report()
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "gpu-check.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (RESULTS / "gpu-check.md").write_text(as_markdown(result), encoding="utf-8")
    print(as_markdown(result))
    print(json.dumps({"benchmark": "gpu_check", "same": result["same"], "device": result["device"]}))
    return 0 if result["same"] else 1


if __name__ == "__main__":
    sys.exit(main())
