"""`accountant chain record`: files that any node imports, or one line that says what is wrong."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from accountant.chain.genesis import decode_genesis
from accountant.chain.state import ChainState
from accountant.chain.validator import import_block
from accountant.node.wire import split_blocks
from accountant.replay.sample import sample_recording
from tests.support.chains import accept_any_module


def _accountant(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "accountant.cli", "chain", "record", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def sample_file(tmp_path: Path) -> Path:
    """The packaged sample as a file."""
    file = tmp_path / "blocks.jsonl.gz"
    file.write_bytes(sample_recording())
    return file


def test_what_it_writes_is_a_chain(sample_file: Path, tmp_path: Path) -> None:
    """Genesis and blocks decode and validate from the files alone; the summary tells the same counts."""
    done = _accountant(str(sample_file), "--out", str(tmp_path / "new" / "chain"), "--blocks", "2")
    assert done.returncode == 0, done.stderr
    out = tmp_path / "new" / "chain"
    summary = json.loads((out / "recording.json").read_text())
    state = ChainState.at_genesis(decode_genesis((out / "genesis.bin").read_bytes()))
    for raw in split_blocks((out / "blocks.bin").read_bytes()):
        import_block(raw, state, accept_any_module)
    assert summary["recorded_blocks"] == [6137495, 17034869]
    assert summary["transactions"] == state.head.next_seq == 153
    assert summary["blocks"] == state.head.height == 2
    assert summary["genesis_hash"] == state.genesis.hash.hex()


def test_bad_files_are_refused_in_one_line(sample_file: Path, tmp_path: Path) -> None:
    """Malformed, missing, a folder, no place to write: exit code 2, one line, no files."""
    broken = tmp_path / "broken.gz"
    broken.write_bytes(gzip.compress(b'{"block": 1}'))
    out = tmp_path / "out"
    for arguments in (
        (str(broken), "--out", str(out)),
        (str(tmp_path / "nowhere"), "--out", str(out)),
        (str(tmp_path), "--out", str(out)),
        (str(sample_file), "--out", str(sample_file / "below")),
    ):
        done = _accountant(*arguments)
        assert done.returncode == 2
        assert len(done.stderr.strip().splitlines()) == 1 and "Traceback" not in done.stderr
    assert not out.exists()
