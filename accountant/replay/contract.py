"""The replay contract: what it compiles to, its arguments, and the gas that a call of it needs."""

from functools import cache
from importlib.resources import files
from typing import NamedTuple

from accountant.chain.genesis import GasSchedule
from accountant.chain.transaction import CallPayload
from accountant.language.compiler import Compiled, compile_source
from accountant.primitives.encoding import encode
from accountant.primitives.types import ADDRESS_BYTES, Address, Gas, Hash
from accountant.replay.names import SLOT_PREFIX

REPLAY = "replay"
FUEL_PER_GAS = 5
"""Fuel that the contract burns for each unit of recorded gas: a turn of a loop of ten instructions for two."""

KEY_BYTES = 32
"""Of a slot, behind the prefix; as many as a value that the contract writes has."""
_WORD = 8
_FAILED_BYTES = len("the recorded call failed")
_FUEL_ONCE = 400
_FUEL_OF_READ, _FUEL_OF_KEPT, _FUEL_OF_CHANGED, _FUEL_OF_PAYOUT = 124, 125, 121, 274
"""The most that the instructions around the host calls burn: once, and for each slot or payee. Tests measure them."""


class Replay(NamedTuple):
    """What one call does. Slots are those of `names.slot_of`; amounts are base units."""

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
def replay_contract() -> Compiled:
    """`accountant/library/replay.py` compiled.

    Its envelope is open on purpose: a recording may touch and pay anything, and over-declare as attackers would.
    """
    name = "replay.py"
    return compile_source(files("accountant.library").joinpath(name).read_bytes(), name)


def payload_of(replay: Replay) -> bytes:
    """The payload of the call."""
    kept = set(replay.kept)
    reads = (*replay.kept, *(slot for slot in replay.reads if slot not in kept))
    arguments = (
        replay.recorded_id,
        replay.gas,
        _keys(reads),
        len(replay.kept),
        _keys(replay.changed),
        b"".join(account for account, _ in replay.payouts),
        b"".join(units.to_bytes(_WORD, "big") for _, units in replay.payouts),
        int(replay.fails),
    )
    return encode(CallPayload(REPLAY, arguments))


def gas_limit_of(replay: Replay, gas: GasSchedule) -> Gas:
    """Enough gas for the call, whatever its slots hold: at most the gas of the host calls and loops it makes.

    The values that it reads have at most 32 bytes, since nothing else is ever written.
    """
    needed = _started(gas) + FUEL_PER_GAS * replay.gas + _read(gas) * len(replay.reads)
    if replay.fails:
        return Gas(needed + _failing(gas))
    return Gas(
        needed
        + _kept(gas) * len(replay.kept)
        + _changed(gas) * len(replay.changed)
        + _payout(gas) * len(replay.payouts)
    )


def _keys(slots: tuple[bytes, ...]) -> bytes:
    return b"".join(slot.removeprefix(SLOT_PREFIX) for slot in slots)


def _started(gas: GasSchedule) -> int:
    """The frame; eight arguments and three lengths; the constant prefix; the digest of the id."""
    return (
        gas.call_base
        + gas.code_per_byte * len(replay_contract().code)
        + gas.memory_page
        + (8 + 3) * gas.host_base
        + _copied(gas, len(SLOT_PREFIX))
        + gas.hash
        + gas.hash_per_byte * KEY_BYTES
        + _FUEL_ONCE
    )


def _failing(gas: GasSchedule) -> int:
    """The reason, made and given."""
    return _copied(gas, _FAILED_BYTES) + gas.host_base + gas.host_per_byte * _FAILED_BYTES


def _part(gas: GasSchedule, size: int) -> int:
    """A slice of an argument, and the length before it."""
    return gas.host_base + _copied(gas, size)


def _slot(gas: GasSchedule) -> int:
    """A key from an argument, its length, and the prefix before it."""
    return _part(gas, KEY_BYTES) + gas.host_base + _copied(gas, len(SLOT_PREFIX) + KEY_BYTES)


def _stored(gas: GasSchedule) -> int:
    """What reading or writing costs besides its flat part."""
    return gas.storage_per_byte * (len(SLOT_PREFIX) + 2 * KEY_BYTES)


def _read(gas: GasSchedule) -> int:
    digest = _copied(gas, 2 * KEY_BYTES) + gas.hash + gas.hash_per_byte * 2 * KEY_BYTES
    return _slot(gas) + gas.storage_read + _stored(gas) + digest + _FUEL_OF_READ


def _kept(gas: GasSchedule) -> int:
    return gas.storage_read + _stored(gas) + _written(gas) + _FUEL_OF_KEPT


def _changed(gas: GasSchedule) -> int:
    return _written(gas) + _FUEL_OF_CHANGED


def _written(gas: GasSchedule) -> int:
    return _slot(gas) + gas.storage_write + _stored(gas)


def _payout(gas: GasSchedule) -> int:
    payee = _part(gas, ADDRESS_BYTES) + gas.host_base
    number = 2 * gas.host_base + gas.host_per_byte * _WORD
    return payee + _part(gas, _WORD) + number + gas.transfer + _FUEL_OF_PAYOUT


def _copied(gas: GasSchedule, size: int) -> int:
    return gas.host_copy + gas.host_per_byte * size
