"""The same bits whatever computes them: threads, instructions, libraries, switches, pieces."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import accountant.tensors as nn
from accountant.tensors import Precision, Stream, Tensor, convolution_bytes, convolution_sums
from tests.support.long_trainings import trainings
from tests.support.tensor_digests import digests

RECORDED: dict[str, str] = json.loads((Path(__file__).parent / "vectors.json").read_text(encoding="utf-8"))
TRAINED: dict[str, str] = json.loads((Path(__file__).parent / "trainings.json").read_text(encoding="utf-8"))
"""What 100 steps end in."""

ENVIRONMENTS = {
    "no vector instructions": {"ATEN_CPU_CAPABILITY": "default"},
    "AVX2, oneDNN without it": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "SSE41"},
    "MKL's compatibility mode": {"MKL_CBWR": "COMPATIBLE", "ONEDNN_MAX_CPU_ISA": "AVX2"},
}
PATIENT = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}
"""Threads that wait asleep: on a busy machine those that wait awake take ten times as long."""
LONG = {
    "no vector instructions, MKL's compatibility mode, two threads": (
        {"ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE", "OMP_NUM_THREADS": "2"},
        [],
    ),
    "AVX2, no oneDNN": ({"ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}, ["without-onednn"]),
}
INSTRUCTIONS = {
    "the processor's own": {},
    "AVX2": {"ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    "SSE4.2": {"ATEN_CPU_CAPABILITY": "default", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
    "MKL's compatibility mode": {"MKL_CBWR": "COMPATIBLE"},
}


def _use_onednn(wanted: bool) -> None:
    torch.backends.mkldnn.set_flags(wanted)  # type: ignore[no-untyped-call]


@pytest.fixture
def switches() -> Iterator[None]:
    """Puts torch's switches back."""
    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    mkldnn = bool(torch.backends.mkldnn.enabled)
    yield
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision(precision)
    torch.set_flush_denormal(False)
    _use_onednn(mkldnn)


def test_recorded_vectors() -> None:
    """Operators, gradients and trainings give what was recorded."""
    assert digests() == RECORDED


@pytest.mark.usefixtures("switches")
def test_no_switch_shows() -> None:
    """Subnormals flushed by the processor, bfloat16 allowed, oneDNN off: the same."""
    torch.set_flush_denormal(True)
    torch.set_float32_matmul_precision("medium")
    _use_onednn(False)
    assert digests() == RECORDED


@pytest.mark.usefixtures("switches")
def test_two_threads_do_not_show() -> None:
    """Two threads, of which one flushes subnormals, and oneDNN with bfloat16: the same."""
    torch.set_num_threads(2)
    torch.set_flush_denormal(True)
    torch.set_float32_matmul_precision("medium")
    assert digests() == RECORDED


def test_recorded_trainings() -> None:
    """A CNN of three convolutions and a transformer of two layers end in the recorded weights after 100 steps."""
    assert trainings() == TRAINED


@pytest.mark.parametrize("name", LONG)
def test_trainings_elsewhere(name: str) -> None:
    """And so they do in processes with other instructions, libraries and threads."""
    environment, arguments = LONG[name]
    found = _in_another_process("tests.support.long_trainings", *arguments, environment=environment)
    assert found == TRAINED


def _in_another_process(module: str, *arguments: str, environment: dict[str, str]) -> Any:
    run = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1", **PATIENT, **environment},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return json.loads(run.stdout)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_other_instructions(name: str) -> None:
    """In a process whose libraries see another processor: the same."""
    assert _in_another_process("tests.support.tensor_digests", environment=ENVIRONMENTS[name]) == RECORDED


@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_operations_are_ieee_with_all_instructions(name: str) -> None:
    """A million numbers each: arithmetic, conversions and our roots round as NumPy's do, whatever torch and MKL use."""
    found = _in_another_process("tests.support.ieee_operations", "1000000", environment=INSTRUCTIONS[name])
    assert "root of binary64" in found
    assert {operation: count for operation, count in found.items() if count} == {}


@pytest.mark.parametrize("precision", list(Precision))
def test_batches_in_pieces(precision: Precision) -> None:
    """A sample's result and its own gradient do not depend on what else is in the batch."""
    x = nn.normal(Stream(1, 1), (5, 3, 8, 8)).values
    w, m = nn.normal(Stream(1, 2), (4, 3, 3, 3)), nn.normal(Stream(1, 3), (36, 7))
    slope = nn.normal(Stream(1, 4), (5, 7)).values

    def run(begin: int, end: int) -> tuple[bytes, bytes]:
        part = nn.variable(Tensor(x[begin:end].contiguous()))
        y = nn.max_pool2d(nn.relu(nn.conv2d(part, w, padding=1, precision=precision)), 3, stride=2, padding=1)
        y = nn.mean_pool2d(nn.bilinear(y, (7, 5)), 3, stride=2)
        y = nn.softmax(nn.matmul(nn.reshape(nn.join([y, y, y], 2), (end - begin, -72 + 144)), m2, precision))
        slopes = Tensor(slope[begin:end].contiguous())
        return y.to_bytes(), nn.gradients(nn.sum_over(nn.multiply(y, slopes)), [part])[0].to_bytes()

    m2 = nn.join([m, m], 0)
    whole = run(0, 5)
    parts = [run(0, 2), run(2, 3), run(3, 5)]
    assert whole == (b"".join(part[0] for part in parts), b"".join(part[1] for part in parts))


@pytest.mark.parametrize("block", [1, 3, 100])
def test_blocks_of_execution(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many images are worked on at once, the weight's gradient is the same."""
    x, w = nn.normal(Stream(2, 1), (7, 2, 9, 9)), nn.variable(nn.normal(Stream(2, 2), (3, 2, 3, 3)))
    for precision in Precision:
        y = nn.sum_over(nn.exp(nn.scale(nn.conv2d(x, w, precision=precision), 0.1)))
        before = nn.gradients(y, [w])[0].to_bytes()
        with monkeypatch.context() as patch:
            patch.setattr(convolution_sums, "_BLOCK", block)
            patch.setattr(convolution_bytes, "_BLOCK_BYTES", block * 1000)
            y = nn.sum_over(nn.exp(nn.scale(nn.conv2d(x, w, precision=precision), 0.1)))
            assert nn.gradients(y, [w])[0].to_bytes() == before
