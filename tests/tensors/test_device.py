"""Tensors are made where one place says, and what is computed does not depend on it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import accountant.tensors as nn
from accountant.tensors import Indices, Stream, Tensor, machine
from accountant.tensors.errors import NoDevice
from accountant.tensors.files import read_file, write_file
from tests.support import long_trainings
from tests.support.long_trainings import hashed, trainings
from tests.support.pretended_gpu import Elsewhere, Mixed, pretended_gpu
from tests.support.tensor_digests import digests
from tests.support.tensor_operators import CASES, inputs, outputs

RECORDED: dict[str, str] = json.loads((Path(__file__).parent / "vectors.json").read_text(encoding="utf-8"))
TRAINED: dict[str, str] = json.loads((Path(__file__).parent / "trainings.json").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def on_the_processor() -> Iterator[None]:
    """Puts the choice back."""
    yield
    machine.choose("cpu")


@pytest.fixture
def gpu() -> Iterator[None]:
    """A GPU that is none."""
    with pretended_gpu():
        yield


@pytest.mark.parametrize("name", ["cuda:7", "tpu", "", "cuda:", "cuda:-1", "cuda:0x0", "CPU", "meta"])
def test_a_device_that_is_not_there(name: str) -> None:
    """Nothing is computed elsewhere instead."""
    with pytest.raises(NoDevice):
        machine.choose(name)
    assert machine.chosen() == torch.device("cpu")


@pytest.mark.usefixtures("gpu")
def test_nothing_stays_on_the_processor() -> None:
    """Operators and gradients run without a tensor of the processor among the GPU's, and give what was recorded."""
    found = {case.name: hashed(outputs(case, inputs(case))) for case in CASES}
    assert found == {name: RECORDED[name] for name in found}


@pytest.mark.usefixtures("gpu")
def test_nor_does_a_training() -> None:
    """Steps of training too, with their batches, what they drop, labels and both optimisers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_trainings, "SAMPLES", 8)
        found = trainings(1)
        machine.choose("cpu")
        assert trainings(1) == found


@pytest.mark.usefixtures("gpu")
def test_files_move_tensors() -> None:
    """What is read lies on the device, and what is written comes from it."""
    tensor, indices = nn.normal(Stream(1, 1), (3, 2)), nn.permutation(Stream(1, 2), 5)
    assert isinstance(tensor.values, Elsewhere)
    assert isinstance(indices.values, Elsewhere)
    data = write_file([tensor, indices, Tensor.full([0], 1.0), Indices.of([], [0])])
    assert all(isinstance(part.values, Elsewhere) for part in read_file(data))
    assert write_file(read_file(data)) == data


@pytest.mark.usefixtures("gpu")
def test_two_devices_would_be_seen() -> None:
    """What these tests rest on: one tensor of the processor is enough to fail."""
    here = Tensor(torch.ones(3))
    with pytest.raises(Mixed):
        nn.add(here, Tensor.full([3], 1.0))
    with pytest.raises(RuntimeError):
        Tensor.full([3], 1.0).values.numpy()


if torch.cuda.is_available():  # elsewhere there is no such test, rather than one that is passed over

    def test_a_real_gpu() -> None:
        """Operators, gradients and trainings give what was recorded."""
        machine.choose("cuda")
        assert digests() == RECORDED
        assert trainings() == TRAINED
