"""Which GPU a process of the pool gets, and that it computes on the processor where it gets none."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from accountant.processes.gpus import VISIBLE, device_nodes, gpus
from accountant.settings import Settings, WorkerDevice
from accountant.supervisor.processes import processes
from workers import devices

ROOT = Path(__file__).parents[2]
GPU = Settings(worker_device=WorkerDevice.GPU, worker_threads=3)

# what a process of the pool does at its beginning, and what tensors are made on then
BEGIN = """
import json, os, sys
from accountant.settings import load_settings
from workers import devices
has = devices.assign(load_settings(), int(sys.argv[1]))
device = devices.choose(has)
from accountant import tensors
from accountant.tensors import machine
import torch
made = tensors.Tensor.full((2,), 1.0).values.device.type
seen, threads = os.environ["CUDA_VISIBLE_DEVICES"], torch.get_num_threads()
print(json.dumps([has, seen, device, machine.chosen().type, made, threads]))
"""


def begin(number: int, **environment: str) -> list[object]:
    """What a process found."""
    surely = {name: value for name, value in os.environ.items() if name != VISIBLE}
    ran = subprocess.run(
        [sys.executable, "-c", BEGIN, str(number)],
        cwd=ROOT, env={**surely, **environment}, capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    found: list[object] = json.loads(ran.stdout.splitlines()[-1])
    return found


def test_gpus_are_found_without_a_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By their device nodes in the order of their numbers, or as the environment names them: an empty name is none."""
    monkeypatch.delenv(VISIBLE, raising=False)
    assert gpus(tmp_path) == []
    for name in ("nvidia10", "nvidia2", "nvidiactl", "nvidia-uvm", "null", "nvidia0"):
        (tmp_path / name).touch()
    assert gpus(tmp_path) == ["0", "2", "10"]
    assert [node.name for node in device_nodes(tmp_path)] == [
        "nvidia-uvm",
        "nvidia0",
        "nvidia10",
        "nvidia2",
        "nvidiactl",
    ]
    monkeypatch.setenv(VISIBLE, "3, GPU-8a1b")
    assert gpus(tmp_path) == ["3", "GPU-8a1b"]
    monkeypatch.setenv(VISIBLE, "")
    assert gpus(tmp_path) == []


def test_each_process_sees_one_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its number in the pool; more processes than GPUs share them. Workers for the processor see none."""
    for name in devices.THREADS:
        monkeypatch.setenv(name, "9")  # and as it was afterwards
    seen = []
    for number in range(3):
        monkeypatch.setenv(VISIBLE, "4,7")
        assert devices.assign(GPU, number)
        seen.append(os.environ[VISIBLE])
    assert seen == ["4", "7", "4"]
    assert [os.environ[name] for name in devices.THREADS] == ["3", "3"]
    monkeypatch.setenv(VISIBLE, "4,7")
    assert not devices.assign(Settings(), 0)
    assert os.environ[VISIBLE] == ""


def test_the_queue_for_gpus_has_a_process_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """And one where there is none; other workers are not told to use any."""
    for visible, count in (("0,1,2", "3"), ("", "1")):
        monkeypatch.setenv(VISIBLE, visible)
        specs = {spec.name: spec for spec in processes(Settings())}
        argv = specs["worker-gpu"].argv
        assert argv[argv.index("--concurrency") + 1] == count
        assert specs["worker-gpu"].environment == {"ANH_WORKER_DEVICE": "gpu"}
        assert specs["worker"].environment == {}


if torch.cuda.is_available():  # either test is there, rather than one that is passed over

    def test_on_a_gpu_tensors_are_made_there() -> None:
        """The process takes the GPU that it was given."""
        assert begin(0, ANH_WORKER_DEVICE="gpu")[:5] == [True, "0", "cuda", "cuda", "cuda"]

else:

    @pytest.mark.parametrize("visible", [None, "0"])
    def test_without_a_gpu_the_processor_computes(visible: str | None) -> None:
        """Also where the environment names a GPU that cannot be had; the threads are as many as the settings say."""
        named = {} if visible is None else {VISIBLE: visible}
        found = begin(0, ANH_WORKER_DEVICE="gpu", ANH_WORKER_THREADS="1", **named)
        assert found == [visible is not None, visible or "", "cpu", "cpu", "cpu", 1]
