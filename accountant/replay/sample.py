"""The packaged sample: three Ethereum blocks, 6137495, 17034869 and 19934116 (docs/recorded.md)."""

from importlib.resources import files

from accountant.replay.recording import RecordedBlock, parse_blocks


def sample_recording() -> bytes:
    """The sample as the package holds it: gzipped JSON lines."""
    return files("accountant.replay").joinpath("sample.jsonl.gz").read_bytes()


def sample_blocks() -> list[RecordedBlock]:
    """The sample's blocks."""
    return parse_blocks(sample_recording())
