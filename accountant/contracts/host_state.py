"""Host functions on state, money, other contracts and accounting. See docs/host.md."""

from accountant.chain.footprint import SLOT_BYTES_MAX, Bound, Call, Query, Read, Write
from accountant.chain.query import view_gas
from accountant.contracts.arguments import admitted
from accountant.contracts.entry import entry_point
from accountant.contracts.entry_text import undeclared
from accountant.contracts.errors import ContractFailure, FailureKind
from accountant.contracts.frame import HANDLE_BYTES, ITEM_BYTES, Arguments, Frame, invalid
from accountant.contracts.world import Log
from accountant.primitives.types import (
    ADDRESS_BYTES,
    AMOUNT_MAX,
    HASH_BYTES,
    AccountId,
    Address,
    ContractId,
    Hash,
)

NOTHING, INTEGER, BYTES = 0, 1, 2
"""What `call` says of the return value."""

WORD_BYTES = 8


def storage_read(frame: Frame, slot: bytes) -> int:
    """A slot of the running contract; empty where nothing is."""
    return frame.keep(_read(frame, slot))


def storage_read_int(frame: Frame, slot: bytes) -> int:
    """A slot that holds an integer; 0 where nothing is."""
    value = _read(frame, slot)
    if len(value) not in (0, WORD_BYTES):
        raise invalid(f"a slot of {len(value)} bytes holds no integer: it has {WORD_BYTES}")
    return int.from_bytes(value, "big", signed=True)


def storage_write(frame: Frame, slot: bytes, value: bytes) -> None:
    """Writes a slot of the running contract; empty bytes clear it."""
    _write(frame, slot, value)


def storage_write_int(frame: Frame, slot: bytes, number: int) -> None:
    """Writes an integer: 8 bytes, big-endian, two's complement."""
    _write(frame, slot, number.to_bytes(WORD_BYTES, "big", signed=True))


def transfer(frame: Frame, account: bytes, amount: int) -> None:
    """Pays from the running contract's general balance."""
    frame.charge(frame.schedule.transfer)
    to = _account(account)
    if amount < 0:
        raise invalid(f"{amount} is no amount")
    frame.execution.pay(frame.contract, to, amount)


def log(frame: Frame, topic: bytes, data: bytes) -> None:
    """An event."""
    execution = frame.execution
    size = len(topic) + len(data)
    frame.charge(frame.schedule.log + frame.schedule.host_per_byte * size)
    execution.change("log")
    execution.logs_bytes += size + ITEM_BYTES
    most = execution.run.limits.logs_bytes_most
    if execution.logs_bytes > most:
        raise ContractFailure(FailureKind.LOG_LIMIT, f"logs of more than {most} bytes")
    execution.logs.append(Log(frame.contract, topic, data))


def args_new(frame: Frame) -> int:
    """An empty list of arguments."""
    frame.charge(frame.schedule.host_copy)
    return frame.keep_list()


def args_int(frame: Frame, arguments: Arguments, number: int) -> None:
    """Appends an integer."""
    frame.charge(frame.schedule.host_copy)
    frame.occupy(ITEM_BYTES)
    arguments.items.append(number)
    arguments.size += ITEM_BYTES + WORD_BYTES


def args_bytes(frame: Frame, arguments: Arguments, value: bytes) -> None:
    """Appends bytes."""
    frame.charge(frame.schedule.host_copy)
    frame.occupy(ITEM_BYTES)
    arguments.items.append(value)
    arguments.size += ITEM_BYTES + len(value)


def call(frame: Frame, contract: bytes, function: bytes, arguments: Arguments, value: int) -> int:
    """Calls a function and says what it returned: 0 nothing, 1 an integer, 2 bytes."""
    execution = frame.execution
    frame.charge(frame.schedule.call + frame.schedule.host_per_byte * arguments.size)
    if len(contract) != HASH_BYTES:
        raise invalid(f"{len(contract)} bytes are no contract: it has {HASH_BYTES}")
    if value < 0:
        raise invalid(f"{value} is no amount")
    callee = ContractId(contract)
    if callee not in execution.calls:
        raise undeclared(Call(callee))
    most = execution.run.limits.call_depth_most
    if execution.depth >= most:
        raise ContractFailure(FailureKind.RECURSION_LIMIT, f"more than {most} calls deep")
    entry = entry_point(callee, execution.code_of(callee), function, frame.contract, value, nested=True)
    given = tuple(arguments.items)
    admitted(entry.function, given)
    if value:
        execution.pay(frame.contract, callee, value)
    inner = Frame(execution, callee, frame.contract, value, given)
    frame.returned = None
    frame.known.pop("returned", None)
    frame.machine.set_fuel(execution.enter(inner, entry, frame.machine.fuel()))
    frame.returned = inner.result
    if inner.result is None:
        return NOTHING
    return INTEGER if isinstance(inner.result, int) else BYTES


def returned_int(frame: Frame) -> int:
    """The last call's integer; `invalid_value` if it returned none."""
    frame.charge(frame.schedule.host_base)
    if not isinstance(frame.returned, int):
        raise invalid("the last call returned no integer")
    return frame.returned


def returned_bytes(frame: Frame) -> int:
    """The last call's bytes; `invalid_value` if it returned none."""
    frame.charge(frame.schedule.host_base)
    if not isinstance(frame.returned, bytes):
        raise invalid("the last call returned no bytes")
    return frame.keep_known("returned", frame.returned)


def bound(frame: Frame, account: bytes, theta: bytes) -> int:
    """Lemma 1: a lower bound of the account's general balance under the incomes of `theta`."""
    schedule, execution = frame.schedule, frame.execution
    frame.charge(schedule.bound + schedule.bound_per_income * (len(theta) // HASH_BYTES))
    asked = _account(account)
    if asked not in execution.bounds:
        raise undeclared(Bound(asked))
    if len(theta) % HASH_BYTES:
        raise ContractFailure(FailureKind.INVALID_THETA, f"{len(theta)} bytes are no list of {HASH_BYTES}-byte hashes")
    incomes = tuple(Hash(theta[at : at + HASH_BYTES]) for at in range(0, len(theta), HASH_BYTES))
    lower = execution.world.lower_bound(asked, incomes)
    assert 0 <= lower <= AMOUNT_MAX, "minting keeps every true bound below 2^63"
    return lower


def query(frame: Frame, query: bytes) -> int:
    """The canonical answer of a canonically encoded query (`accountant/chain/query.py`)."""
    schedule, execution = frame.schedule, frame.execution
    frame.charge(schedule.query + schedule.host_per_byte * len(query))
    if query not in execution.queries:
        raise undeclared(Query(query))
    frame.charge(view_gas(query))
    # No price and no size limit on the answer: an oath must never be too dear or too large to be refuted.
    return frame.keep(execution.world.answer(query), unlimited=True)


def _read(frame: Frame, slot: bytes) -> bytes:
    schedule, execution = frame.schedule, frame.execution
    frame.charge(schedule.storage_read + schedule.storage_per_byte * len(slot))
    key = (frame.contract, _slot(slot))
    if key not in execution.reads:
        raise undeclared(Read(frame.contract, slot))
    value = execution.written.get(key)
    if value is None:
        value = execution.world.slot(frame.contract, slot)
        execution.was_read(frame.contract, slot, value)
    frame.charge(schedule.storage_per_byte * len(value))
    return value


def _write(frame: Frame, slot: bytes, value: bytes) -> None:
    schedule, execution = frame.schedule, frame.execution
    frame.charge(schedule.storage_write + schedule.storage_per_byte * (len(slot) + len(value)))
    key = (frame.contract, _slot(slot))
    execution.change("write")
    if key not in execution.writes:
        raise undeclared(Write(frame.contract, slot))
    frame.fits(len(value))
    before = execution.written.get(key)
    if before is None:
        execution.occupy(HANDLE_BYTES + len(slot) + len(value))
    else:
        execution.occupy(len(value) - len(before))
    execution.written[key] = value


def _slot(slot: bytes) -> bytes:
    if len(slot) > SLOT_BYTES_MAX:
        raise invalid(f"a slot of {len(slot)} bytes, at most {SLOT_BYTES_MAX} are allowed")
    return slot


def _account(account: bytes) -> AccountId:
    if len(account) == ADDRESS_BYTES:
        return Address(account)
    if len(account) == HASH_BYTES:
        return ContractId(account)
    raise invalid(f"{len(account)} bytes are no account: a user has {ADDRESS_BYTES}, a contract {HASH_BYTES}")
