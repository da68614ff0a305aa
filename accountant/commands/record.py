"""`accountant chain record FILE --out DIR`: recorded Ethereum blocks as a chain's genesis and blocks."""

import json
from pathlib import Path
from typing import Annotated

import typer

from accountant.node.wire import join_blocks
from accountant.primitives.addresses import show
from accountant.primitives.encoding import encode
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Address
from accountant.replay.record import RecordedChain, record_chain
from accountant.replay.recording import RecordedBlock, parse_blocks
from accountant.replay.translate import RecordOptions

FILE_BYTES_MAX = 256 * 1024 * 1024
GENESIS_FILE = "genesis.bin"
BLOCKS_FILE = "blocks.bin"
SUMMARY_FILE = "recording.json"


class UnreadableFile(AccountantError):
    """A file or folder that cannot be read or written, or is too large."""

    code = "unreadable_file"


def record(
    file: Annotated[Path, typer.Argument(help="Recorded blocks: one JSON object a line, as they are or gzipped.")],
    out: Annotated[Path, typer.Option(help="The folder for genesis.bin, blocks.bin and recording.json.")],
    blocks: Annotated[int | None, typer.Option(min=1, help="Record the first so many blocks; default: all.")] = None,
    overdeclare: Annotated[int, typer.Option(min=0, max=20, help="Hot slots declared for reading in vain.")] = 0,
    overdeclare_writes: Annotated[int, typer.Option(min=0, max=20, help="The same for writing.")] = 0,
) -> None:
    """Turn recorded Ethereum blocks into a signed chain."""
    recorded = parse_blocks(_read(file), blocks)
    chain = record_chain(recorded, RecordOptions(overdeclare=overdeclare, overdeclare_writes=overdeclare_writes))
    summary = summary_of(recorded, chain)
    _write(out, chain, summary)
    typer.echo(
        f"{summary['transactions']} transactions ({summary['calls']} contract calls) of {len(recorded)} "
        f"recorded blocks in {len(chain.blocks)} blocks under {out}"
    )


def summary_of(recorded: list[RecordedBlock], chain: RecordedChain) -> dict[str, object]:
    """What was recorded, for people and scripts: counts, hashes, and what was minted to make fees payable."""
    return {
        "chain_id": chain.genesis.chain_id,
        "genesis_hash": chain.genesis.hash.hex(),
        "proposer": show(Address(chain.genesis.proposers[0])),
        "recorded_blocks": [block.block for block in recorded],
        "blocks": len(chain.blocks),
        "transactions": len(chain.places),
        "calls": sum(t.contract_call for block in recorded for t in block.transactions),
        "senders_topped_up": sum(part.topped_up for part in chain.parts),
        "units_topped_up": sum(part.top_up_units for part in chain.parts),
    }


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > FILE_BYTES_MAX:
            raise UnreadableFile(f"{file}: more than {FILE_BYTES_MAX} bytes")
        return file.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{file}: {error.strerror}") from None


def _write(out: Path, chain: RecordedChain, summary: dict[str, object]) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / GENESIS_FILE).write_bytes(encode(chain.genesis))
        (out / BLOCKS_FILE).write_bytes(join_blocks(block.raw for block in chain.blocks))
        (out / SUMMARY_FILE).write_text(json.dumps(summary, indent=2) + "\n")
    except OSError as error:
        raise UnreadableFile(f"{out}: {error.strerror}") from None
