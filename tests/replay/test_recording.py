"""The parser takes real recordings and refuses everything else with one typed error."""

import contextlib
import gzip
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accountant.replay.recording import InvalidRecording, parse_block, parse_blocks
from accountant.replay.sample import sample_recording
from tests.support.recordings import block, call, transfer

LINE = msgspec.json.encode(block(transfer("a", "b", 5), call("a", reads=(1, 2), writes=(2,)), balances={"a": 10**9}))

Edit = Callable[[dict[str, Any]], object]


def test_a_recording_reads_the_same_plain_and_compressed() -> None:
    """Gzip or not, blank lines or not, last newline or not: the same blocks."""
    plain = gzip.decompress(sample_recording())
    blocks = parse_blocks(sample_recording())
    assert [b.block for b in blocks] == [6137495, 17034869, 19934116]
    assert parse_blocks(plain) == blocks == parse_blocks(plain.replace(b"\n", b"\n\n").rstrip())


def test_no_more_blocks_are_read_than_asked_for() -> None:
    """What follows the last block asked for is not looked at."""
    assert len(parse_blocks(LINE + b"\nnonsense", blocks_most=1)) == 1


def test_the_sample_is_small() -> None:
    """The package ships at most 150 KB of recording."""
    assert len(sample_recording()) <= 150_000


EDITS: dict[str, Edit] = {
    "a sender that is no address": lambda b: b["transactions"][0].update(sender="0x12"),
    "an address in upper case": lambda b: b.update(coinbase="AB" * 20),
    "a transfer to nobody": lambda b: b["transactions"][0].update(to=""),
    "a negative value": lambda b: b["transactions"][0].update(value="-1"),
    "a value that is no number": lambda b: b["transactions"][0].update(value="ten"),
    "digits of another script": lambda b: b["transactions"][0].update(value="١٢"),
    "a value past 2^256": lambda b: b["transactions"][0].update(value=str(2**256)),
    "a value of a million digits": lambda b: b["transactions"][0].update(value="9" * 1_000_000),
    "a value as a JSON number": lambda b: b["transactions"][0].update(value=5),
    "a negative balance": lambda b: b["pre_balances"].update({"ab" * 20: "-5"}),
    "a balance of nobody": lambda b: b["pre_balances"].update({"ab": "5"}),
    "a delta that is no number": lambda b: b["transactions"][1].update(balance_deltas={"ab" * 20: "1e9"}),
    "a slot without an address": lambda b: b["transactions"][1].update(reads=["0x1"]),
    "a slot twice": lambda b: b["transactions"][1].update(reads=b["transactions"][1]["reads"] * 2),
    "a change without a write": lambda b: b["transactions"][1].update(writes=[]),
    "a transfer that reads": lambda b: b["transactions"][0].update(reads=b["transactions"][1]["reads"]),
    "a transfer that fails": lambda b: b["transactions"][0].update(succeeded=False),
    "negative gas": lambda b: b["transactions"][1].update(gas_used=-1),
    "gas beyond any block": lambda b: b["transactions"][1].update(gas_used=2**31),
    "a negative block number": lambda b: b.update(block=-1),
    "a block number past 64 bits": lambda b: b.update(block=2**63),
    "no transactions": lambda b: b.pop("transactions"),
    "a list for the block": lambda b: b.update(transactions={}),
    "too many transactions": lambda b: b.update(transactions=b["transactions"] * 5_001),
}


@pytest.mark.parametrize("name", EDITS)
def test_malformed_blocks_are_refused(name: str) -> None:
    """Each way of being wrong is refused with `InvalidRecording`, in one short line."""
    edited = json.loads(LINE)
    EDITS[name](edited)
    with pytest.raises(InvalidRecording) as refused:
        parse_block(json.dumps(edited).encode())
    assert "\n" not in refused.value.detail and len(refused.value.detail) < 500


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        b"[]",
        b"\x1f\x8b",
        b"\x1f\x8bnonsense",
        gzip.compress(LINE)[:-9],
        gzip.compress(LINE) + gzip.compress(LINE),
        gzip.compress(LINE) + b"tail",
        LINE + b"\n" + LINE,
        b"[" * 1_000_000,
        b'{"block": "\xff"}',
    ],
)
def test_files_that_are_no_recording_are_refused(data: bytes) -> None:
    """Nothing, nonsense, broken or joined archives, a block twice, deep nesting, wrong text."""
    with pytest.raises(InvalidRecording):
        parse_blocks(data)


@given(st.binary(max_size=200), st.integers(0, len(LINE) - 1), st.integers(0, 40))
def test_damaged_bytes_give_blocks_or_the_typed_error(noise: bytes, at: int, cut: int) -> None:
    """Whatever is spliced into a line, the parser gives a block or `InvalidRecording`."""
    with contextlib.suppress(InvalidRecording):
        parse_blocks(LINE[:at] + noise + LINE[at + cut :])


def test_a_small_archive_cannot_claim_much_memory() -> None:
    """An archive of one endless line is refused once the line is too long, not when it is all in memory."""
    with pytest.raises(InvalidRecording, match="a line has more than"):
        parse_blocks(gzip.compress(b" " * (80 * 1024 * 1024) + b"x"))
