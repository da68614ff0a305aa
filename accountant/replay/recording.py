"""Recorded blocks: their fields, and a parser that trusts nothing (docs/recorded.md describes the format).

One block is one line of JSON. Addresses are 40 lower-case hex digits without 0x, amounts are decimal
strings of wei, slots are "address:0xhex".
"""

import re
import zlib
from collections.abc import Iterable, Iterator

import msgspec

from accountant.primitives.errors import AccountantError

LINE_BYTES_MAX = 64 * 1024 * 1024
TRANSACTIONS_MAX = 10_000
GAS_MAX = 2**31 - 1
_WEI_MAX = 2**256

_ADDRESS = re.compile(r"[0-9a-f]{40}", re.ASCII)
_SLOT = re.compile(r"[0-9a-f]{40}:0x[0-9a-f]{1,64}", re.ASCII)
_WEI = re.compile(r"-?[0-9]{1,78}", re.ASCII)


class InvalidRecording(AccountantError):
    """A recording that is malformed or contradicts itself."""

    code = "invalid_recording"


class RecordedTransaction(msgspec.Struct, frozen=True):
    """What a tracer saw of one Ethereum transaction."""

    sender: str
    to: str
    """Empty for a deployment, which counts as a contract call."""
    value: str
    """Wei."""
    gas_used: int
    contract_call: bool
    succeeded: bool
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    """Slots stored to, whatever came of it."""
    changed: tuple[str, ...]
    """Slots whose value after the transaction differs from the one before: a subset of `writes`."""
    balance_deltas: dict[str, str]
    """Wei gained or lost by each account, fees included."""


class RecordedBlock(msgspec.Struct, frozen=True):
    """One recorded block."""

    block: int
    coinbase: str
    pre_balances: dict[str, str]
    """Wei of each account right before the block."""
    transactions: tuple[RecordedTransaction, ...]


_blocks = msgspec.json.Decoder(RecordedBlock)


def parse_block(line: bytes) -> RecordedBlock:
    """The block on one line of JSON. Raises `InvalidRecording`."""
    if len(line) > LINE_BYTES_MAX:
        raise InvalidRecording(f"a line has {len(line)} bytes, at most {LINE_BYTES_MAX} are allowed")
    try:
        block = _blocks.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InvalidRecording(f"no recorded block: {error}") from None
    _check_block(block)
    return block


def parse_blocks(data: bytes, blocks_most: int | None = None) -> list[RecordedBlock]:
    """The first blocks of a recording: JSON lines, as they are or compressed by gzip. Raises `InvalidRecording`.

    Never holds more than one line of decompressed text, so a small file cannot claim a lot of memory.
    """
    blocks: list[RecordedBlock] = []
    numbers = set()
    for line in _lines(_inflated(data) if data[:2] == b"\x1f\x8b" else _chunks(data)):
        if blocks_most is not None and len(blocks) >= blocks_most:
            break
        block = parse_block(line)
        if block.block in numbers:
            raise InvalidRecording(f"block {block.block} is recorded twice: its number is the salt of its names")
        numbers.add(block.block)
        blocks.append(block)
    if not blocks:
        raise InvalidRecording("the recording holds no block")
    return blocks


def wei(text: str) -> int:
    """An amount of wei that the parser has checked."""
    return int(text)


def _chunks(data: bytes) -> Iterator[bytes]:
    yield data


def _inflated(data: bytes) -> Iterator[bytes]:
    inflate = zlib.decompressobj(wbits=31)
    try:
        while not inflate.eof:
            chunk = inflate.decompress(data, 1 << 20)
            data = inflate.unconsumed_tail
            if not chunk and not data and not inflate.eof:
                raise InvalidRecording("the gzip file breaks off")
            yield chunk
    except zlib.error as error:
        raise InvalidRecording(f"no gzip file: {error}") from None
    if inflate.unused_data:
        raise InvalidRecording("the gzip file goes on after its end: one member is read")


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line for line in lines if line.strip())
        if len(rest) > LINE_BYTES_MAX:
            raise InvalidRecording(f"a line has more than {LINE_BYTES_MAX} bytes")
    if rest.strip():
        yield rest


def _check_block(block: RecordedBlock) -> None:
    where = f"block {block.block}"
    if not 0 <= block.block < 2**63:
        raise InvalidRecording(f"{where}: a block number is at least 0 and below 2^63")
    if len(block.transactions) > TRANSACTIONS_MAX:
        raise InvalidRecording(f"{where}: {len(block.transactions)} transactions, at most {TRANSACTIONS_MAX}")
    _check_address(block.coinbase, f"{where}, coinbase")
    for account, balance in block.pre_balances.items():
        _check_address(account, f"{where}, pre_balances")
        _check_wei(balance, f"{where}, pre_balances of {account}", negative=False)
    for index, transaction in enumerate(block.transactions):
        _check_transaction(transaction, f"{where}, transaction {index}")


def _check_transaction(transaction: RecordedTransaction, where: str) -> None:
    _check_address(transaction.sender, f"{where}, sender")
    if transaction.to or not transaction.contract_call:
        _check_address(transaction.to, f"{where}, to")
    _check_wei(transaction.value, f"{where}, value", negative=False)
    if not 0 <= transaction.gas_used <= GAS_MAX:
        raise InvalidRecording(f"{where}: gas_used is at least 0 and at most {GAS_MAX}")
    for account, delta in transaction.balance_deltas.items():
        _check_address(account, f"{where}, balance_deltas")
        _check_wei(delta, f"{where}, balance_deltas of {account}", negative=True)
    for name in ("reads", "writes", "changed"):
        slots = getattr(transaction, name)
        if len(set(slots)) != len(slots):
            raise InvalidRecording(f"{where}: {name} names a slot twice")
        wrong = next((slot for slot in slots if not _SLOT.fullmatch(slot)), None)
        if wrong is not None:
            raise InvalidRecording(f"{where}, {name}: {wrong[:120]!r} is no slot: address:0x and up to 64 hex digits")
    if not set(transaction.changed) <= set(transaction.writes):
        raise InvalidRecording(f"{where}: a changed slot is not among the writes")
    if transaction.contract_call:
        return
    if transaction.reads or transaction.writes:
        raise InvalidRecording(f"{where}: a plain transfer touches no slot")
    if not transaction.succeeded:
        raise InvalidRecording(f"{where}: a plain transfer cannot fail")


def _check_address(text: str, where: str) -> None:
    if not _ADDRESS.fullmatch(text):
        raise InvalidRecording(f"{where}: {text[:80]!r} is no address: 40 lower-case hex digits")


def _check_wei(text: str, where: str, *, negative: bool) -> None:
    if not _WEI.fullmatch(text) or abs(int(text)) >= _WEI_MAX or (text[0] == "-" and not negative):
        raise InvalidRecording(f"{where}: {text[:80]!r} is no amount of wei")
