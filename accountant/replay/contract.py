"""The replay contract: its code, what it admits, its arguments, and the gas that a call of it needs."""

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import wasmtime

from accountant.chain.envelope import ArgumentKind, Envelope, FunctionEnvelope, OpenAccess
from accountant.chain.genesis import GasSchedule
from accountant.chain.transaction import CallPayload
from accountant.primitives.encoding import encode
from accountant.primitives.types import AMOUNT_MAX, Address, Gas, Hash

REPLAY = "replay"
FUEL_PER_GAS = 5
"""Fuel that the contract burns for each unit of recorded gas: one turn of a loop of five instructions."""

SLOT_BYTES = 32
ENTRIES_MOST = 2**31
_FUEL_PER_ITEM = 40
_FUEL_OF_FRAME = 200
"""More than the instructions around the host calls: for each slot or payee, and once."""

REPLAY_ENVELOPE = Envelope(
    functions=(
        FunctionEnvelope(
            name=REPLAY,
            arguments=(
                ArgumentKind.HASH,
                ArgumentKind.INT,
                ArgumentKind.BYTES,
                ArgumentKind.INT,
                ArgumentKind.BYTES,
                ArgumentKind.BYTES,
                ArgumentKind.BYTES,
                ArgumentKind.BOOL,
            ),
            template=(),
            complete=False,
            direct=True,
        ),
    ),
    open=OpenAccess(
        read_prefixes=(b"",),
        write_prefixes=(b"",),
        reads_most=ENTRIES_MOST,
        writes_most=ENTRIES_MOST,
        debit_most=AMOUNT_MAX,
    ),
)
"""Open on purpose: a recording may touch and pay anything, and over-declare as attackers would."""


class Replay(NamedTuple):
    """What one call does. Slots have 32 bytes; amounts are base units."""

    recorded_id: Hash
    gas: int
    """Recorded gas."""
    reads: tuple[bytes, ...]
    kept: tuple[bytes, ...]
    """Stored to without a change: written back with the value read. A part of `reads`."""
    changed: tuple[bytes, ...]
    payouts: tuple[tuple[Address, int], ...]
    fails: bool


@cache
def replay_code() -> bytes:
    """The contract's WASM module."""
    return bytes(wasmtime.wat2wasm(files("accountant.replay").joinpath("replay.wat").read_text()))


def payload_of(replay: Replay) -> bytes:
    """The payload of the call."""
    kept = set(replay.kept)
    reads = (*replay.kept, *(slot for slot in replay.reads if slot not in kept))
    arguments = (
        replay.recorded_id,
        replay.gas,
        b"".join(reads),
        len(replay.kept),
        b"".join(replay.changed),
        b"".join(account for account, _ in replay.payouts),
        b"".join(units.to_bytes(8, "big") for _, units in replay.payouts),
        int(replay.fails),
    )
    return encode(CallPayload(REPLAY, arguments))


def gas_limit_of(replay: Replay, gas: GasSchedule) -> Gas:
    """Enough gas for the call, whatever its slots hold: at most the gas of the host calls and loops it makes.

    The values that it reads have at most 32 bytes, since nothing else is ever written.
    """
    host, copy, word = gas.host_base, gas.host_copy, gas.host_per_byte * SLOT_BYTES
    read = (
        (copy + word)  # bytes_slice
        + (gas.storage_read + gas.storage_per_byte * 2 * SLOT_BYTES)
        + (copy + 2 * word)  # bytes_concat
        + (gas.hash + gas.hash_per_byte * 2 * SLOT_BYTES)
    )
    write = (copy + word) + (gas.storage_write + gas.storage_per_byte * 2 * SLOT_BYTES)
    pay = host + 2 * copy + gas.host_per_byte * (20 + 8 + 8) + gas.transfer
    arguments = 12 * host + gas.hash + gas.hash_per_byte * SLOT_BYTES
    items = len(replay.reads) + len(replay.kept) + len(replay.changed) + len(replay.payouts)
    return Gas(
        gas.call_base
        + gas.code_per_byte * len(replay_code())
        + gas.memory_page
        + arguments
        + _FUEL_OF_FRAME
        + _FUEL_PER_ITEM * items
        + FUEL_PER_GAS * replay.gas
        + read * len(replay.reads)
        + write * (len(replay.kept) + len(replay.changed))
        + pay * len(replay.payouts)
    )
