"""What `make gpu-check` says: nothing without a GPU, and every vector that differs."""

import json

import pytest
import torch

from benchmarks import gpu_check
from benchmarks.gpu_check import Mode, as_markdown, check

MODE = Mode(True, False, False)


def test_without_a_gpu_nothing_is_claimed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so and succeeds, and writes no report."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    before = sorted(gpu_check.RESULTS.glob("gpu-check*"))
    assert gpu_check.main() == 0
    assert capsys.readouterr().out.startswith("no GPU")
    assert sorted(gpu_check.RESULTS.glob("gpu-check*")) == before


def test_vectors_that_differ_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """One changed, one missing, one too many; the switches are as before."""
    recorded: dict[str, str] = json.loads(gpu_check.VECTORS.read_text(encoding="utf-8"))
    told = []

    def digests() -> dict[str, str]:
        told.append(torch.backends.cuda.matmul.allow_tf32)
        return {name: word for name, word in recorded.items() if name != "exp"} | {"add": "0", "new": "1"}

    monkeypatch.setattr(gpu_check, "digests", digests)
    before = torch.backends.cuda.matmul.allow_tf32
    found = check(MODE, long=False)
    assert (found.differing, found.vectors) == (["add", "exp", "new"], len(recorded))
    assert (told, torch.backends.cuda.matmul.allow_tf32) == ([True], before)
    said = {"device": "none", "torch": "2", "cuda": "1", "matmul_4096_ms": {"exact20": 1.5}}
    text = as_markdown({**said, "same": False, "modes": [found._asdict()]})
    assert "**Some bits differ.**" in text
    assert "| TF32 on, cuDNN trying kernels off, another stream busy off |" in text
    assert "add, exp, new" in text
    whole = as_markdown({**said, "same": True, "modes": [found._replace(differing=[])._asdict()]})
    assert "Every bit is the same." in whole
