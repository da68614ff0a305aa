"""A running transaction and its frames: what the host functions work on. Nothing here knows the engine."""

from collections.abc import Callable
from typing import Protocol

from accountant.chain.footprint import Blob, Bound, Call, Credit, Debit, Memory, Query, Read, Write
from accountant.chain.transaction import Argument
from accountant.contracts.entry import EntryPoint
from accountant.contracts.entry_text import cap_exceeded, undeclared
from accountant.contracts.errors import ContractFailure, FailureKind
from accountant.contracts.tensor_bench import TensorBench
from accountant.contracts.tensor_means import Means, Memo
from accountant.contracts.tensor_values import Held, HeldList
from accountant.contracts.world import ContractCode, Log, Run, TraceFrame, World
from accountant.primitives.addresses import show
from accountant.primitives.cid import is_cid
from accountant.primitives.types import AccountId, Amount, Cid, ContractId, Seq

HANDLE_BYTES = 64
"""What a handle counts besides the bytes behind it."""
ITEM_BYTES = 32
"""What an item of an argument list, or a log, counts at least."""
TENSOR_HANDLES = 1 << 32
"""Handles of tensors begin here, so that none is a handle of something else, and none is used twice."""


class Machine(Protocol):
    """The instance of a frame: gas and memory. See `native.Cell`."""

    def fuel(self) -> int:
        """Gas left."""

    def set_fuel(self, fuel: int) -> None:
        """Make it `fuel`."""

    def take(self, fuel: int) -> bool:
        """Take gas; False if there is less, and none is taken."""

    def read(self, pointer: int, length: int) -> bytes | None:
        """Bytes of the memory; None outside of it."""

    def write(self, pointer: int, data: bytes) -> bool:
        """Copy into the memory; False outside of it."""


class Execution:
    """One transaction while it runs: declarations, the overlay of slots, movements, logs, sizes."""

    def __init__(
        self, run: Run, world: World, enter: Callable[["Frame", EntryPoint, int], int], means: Means | None = None
    ) -> None:
        """`enter` runs an entry point in a frame with so much gas, and says how much is left.

        `means`: what the machine gives to tensors. Raises `TooLittleMemory` if what is declared is more than that.
        """
        self.run = run
        self.world = world
        self.enter = enter
        self._means = means or Means(Memo())
        self._tensors: TensorBench | None = None
        self.saved: dict[Cid, bytes] = {}
        """Files that this transaction saved, by CID."""
        self._read: dict[bytes, dict[tuple[ContractId, bytes], None]] = {}
        """Slots that held a CID when they were read, by CID, in the order of reading."""
        self._sources: dict[bytes, Seq] = {}
        self.tensor_next = TENSOR_HANDLES
        """The next handle of a tensor: no two of a transaction are alike, whatever frames they belong to."""
        self.reads: set[tuple[bytes, bytes]] = set()
        self.writes: set[tuple[bytes, bytes]] = set()
        self.credits: set[bytes] = set()
        self.caps: dict[bytes, int] = {}
        self.calls: set[bytes] = {run.contract}
        self.bounds: set[bytes] = set()
        self.queries: set[bytes] = set()
        self.blobs: set[bytes] = set()
        self.tensor_bytes_most = run.limits.tensor_bytes_free
        for entry in run.footprint:
            match entry:
                case Read():
                    self.reads.add((entry.contract, entry.slot))
                case Write():
                    self.writes.add((entry.contract, entry.slot))
                case Credit():
                    self.credits.add(entry.account)
                case Debit():
                    self.caps[entry.contract] = entry.cap
                case Call():
                    self.calls.add(entry.contract)
                case Bound():
                    self.bounds.add(entry.account)
                case Query():
                    self.queries.add(entry.query)
                case Blob():
                    self.blobs.add(entry.cid)
                case Memory():
                    self.tensor_bytes_most = entry.bytes
        self.written: dict[tuple[ContractId, bytes], bytes] = {}
        self.credited: dict[AccountId, int] = {run.contract: run.value} if run.value else {}
        self.debited: dict[ContractId, int] = {}
        self.logs: list[Log] = []
        self.logs_bytes = 0
        self.values_bytes = 0
        self.depth = 0
        self.gas_left: int | None = None
        """Set where a failure happened; None while all goes well."""
        self.trace: list[TraceFrame] | None = None
        """The frames that a failure passed, innermost first; None where nobody wants to know."""
        if self.tensor_bytes_most > run.limits.tensor_bytes_free:
            self._means.hold(self.tensor_bytes_most)

    @property
    def tensors(self) -> TensorBench:
        """Where tensors are worked on, made at the first use of one."""
        if self._tensors is None:
            self._tensors = TensorBench(self.tensor_bytes_most, self._means)
        return self._tensors

    def declares(self, cid: Cid) -> bool:
        """Whether this published file may be loaded."""
        return cid in self.blobs

    def was_read(self, contract: ContractId, slot: bytes, value: bytes) -> None:
        """A slot, as it was before this transaction, was read."""
        if is_cid(value):
            self._read.setdefault(value, {}).setdefault((contract, slot))

    def source_of(self, cid: Cid) -> Seq | None:
        """The transaction that saved this file, if a slot that was read says so. Exceptions of the world pass."""
        known = self._sources.get(cid)
        if known is None:
            for contract, slot in self._read.get(cid, ()):
                known = self.world.source(contract, slot)
                if known is not None:
                    self._sources[cid] = known
                    break
        return known

    def sources(self) -> dict[tuple[ContractId, bytes], Seq]:
        """Who saved the files whose CIDs this transaction wrote to slots, where it was not itself."""
        found = {}
        for key, value in self.written.items():
            if is_cid(value) and value not in self.saved:
                source = self.source_of(Cid(value))
                if source is not None:
                    found[key] = source
        return found

    def leave(self, frame: "Frame", ended: bool) -> None:
        """Let go of a frame's tensors. `ended`: it came to its end, rather than to something unknown."""
        if frame.tensors:
            self.tensors.release(frame, TENSOR_HANDLES, ended)

    def change(self, what: str) -> None:
        """Called before anything is written, paid or logged: `what` is to be. A view refuses."""

    def code_of(self, contract: ContractId) -> ContractCode | None:
        """A contract's code; the one under construction counts as deployed for its own constructor."""
        if self.run.deploying is not None and contract == self.run.contract:
            return self.run.deploying
        return self.world.code(contract)

    def bought(self, gas: int, price: int) -> int:
        """What is left of `gas` after a price that is due before there is an instance. Raises OUT_OF_GAS."""
        if gas < price:
            self.gas_left = 0
            raise ContractFailure(FailureKind.OUT_OF_GAS, "")
        return gas - price

    def occupy(self, size: int) -> None:
        """Count bytes that the transaction holds. Raises MEMORY_LIMIT."""
        self.values_bytes += size
        most = self.run.limits.values_bytes_most
        if self.values_bytes > most:
            raise ContractFailure(FailureKind.MEMORY_LIMIT, f"values of more than {most} bytes")

    def pay(self, payer: ContractId, account: AccountId, amount: int) -> None:
        """Move general money from a contract. `amount` ≥ 0. Needs both entries, also for 0.

        Raises UNDECLARED_ACCESS, CAP_EXCEEDED, INSUFFICIENT_CONTRACT_FUNDS; VIEW_WRITES in a view.
        """
        self.change(f"pay {show(account)}")
        cap = self.caps.get(payer)
        debited = self.debited.get(payer, 0) + amount
        if cap is None:
            raise undeclared(Debit(payer, debited))
        if account not in self.credits:
            raise undeclared(Credit(account))
        if debited > cap:
            raise cap_exceeded(Debit(payer, debited), cap)
        needed = debited - self.credited.get(payer, 0)
        if amount and needed > 0 and not self.world.covers(payer, Amount(needed)):
            raise ContractFailure(FailureKind.INSUFFICIENT_CONTRACT_FUNDS, f"{show(payer)} cannot pay {amount}")
        if amount:
            self.debited[payer] = debited
            self.credited[account] = self.credited.get(account, 0) + amount


class Arguments:
    """A list of arguments for a nested call, behind a handle."""

    __slots__ = ("items", "size")

    def __init__(self) -> None:
        self.items: list[Argument] = []
        self.size = 0


class Frame:
    """One contract running: its instance, its handles, who called it with what."""

    __slots__ = (
        *("execution", "schedule", "contract", "caller", "value", "arguments", "machine"),
        *("handles", "occupied", "known", "result", "returned", "tensors", "tensor_first"),
    )

    def __init__(
        self, execution: Execution, contract: ContractId, caller: AccountId, value: int, arguments: tuple[Argument, ...]
    ) -> None:
        self.execution = execution
        self.schedule = execution.run.schedule
        self.contract = contract
        self.caller = caller
        self.value = value
        self.arguments = arguments
        self.machine: Machine
        self.handles: list[bytes | Arguments | None] = [None]
        self.occupied = 0
        self.known: dict[int | str, int] = {}
        """Handles of what does not change in a frame: arguments by index, context values by name."""
        self.result: Argument | None = None
        self.returned: Argument | None = None
        """What the last nested call returned."""
        self.tensors: dict[int, Held | HeldList] = {}
        """Tensors, indices and lists of tensors by handle, in the order in which they were made."""
        self.tensor_first = execution.tensor_next

    def charge(self, gas: int) -> None:
        """Take gas before the work that it pays for. Raises OUT_OF_GAS."""
        if not self.machine.take(gas):
            raise ContractFailure(FailureKind.OUT_OF_GAS, "")

    def keep(self, value: bytes, unlimited: bool = False) -> int:
        """A new handle of bytes. Raises VALUE_TOO_LARGE (unless `unlimited`) and MEMORY_LIMIT."""
        size = len(value)
        if not unlimited:
            self.fits(size)
        self.occupy(HANDLE_BYTES + size)
        handles = self.handles
        handles.append(value)
        return len(handles) - 1

    def keep_list(self) -> int:
        """A new handle of an empty list of arguments. Raises MEMORY_LIMIT."""
        self.occupy(HANDLE_BYTES)
        self.handles.append(Arguments())
        return len(self.handles) - 1

    def keep_known(self, name: int | str, value: bytes) -> int:
        """The handle of a value that does not change in this frame: the same one each time."""
        handle = self.known.get(name)
        if handle is None:
            handle = self.known[name] = self.keep(value)
        return handle

    def fits(self, size: int) -> None:
        """Raises VALUE_TOO_LARGE if no value may have so many bytes."""
        most = self.execution.run.limits.value_bytes_most
        if size > most:
            raise ContractFailure(FailureKind.VALUE_TOO_LARGE, f"{size} bytes, at most {most} are allowed")

    def occupy(self, size: int) -> None:
        """Count bytes until the frame ends. Raises MEMORY_LIMIT."""
        self.occupied += size
        self.execution.occupy(size)

    def bytes_at(self, handle: int) -> bytes:
        """The bytes behind a handle. Raises INVALID_HANDLE."""
        if 0 < handle < len(self.handles):
            value = self.handles[handle]
            if type(value) is bytes:
                return value
        raise ContractFailure(FailureKind.INVALID_HANDLE, f"{handle} is no handle of bytes")

    def list_at(self, handle: int) -> Arguments:
        """The argument list behind a handle. Raises INVALID_HANDLE."""
        if 0 < handle < len(self.handles):
            value = self.handles[handle]
            if type(value) is Arguments:
                return value
        raise ContractFailure(FailureKind.INVALID_HANDLE, f"{handle} is no handle of an argument list")

    def tensor_at(self, handle: int) -> Held:
        """The tensor behind a handle. Raises INVALID_HANDLE."""
        value = self.tensors.get(handle)
        if type(value) is Held and not value.indices:
            return value
        raise ContractFailure(FailureKind.INVALID_HANDLE, f"{handle} is no handle of a tensor")

    def indices_at(self, handle: int) -> Held:
        """The indices behind a handle. Raises INVALID_HANDLE."""
        value = self.tensors.get(handle)
        if type(value) is Held and value.indices:
            return value
        raise ContractFailure(FailureKind.INVALID_HANDLE, f"{handle} is no handle of indices")

    def tensors_at(self, handle: int) -> HeldList:
        """The list of tensors behind a handle. Raises INVALID_HANDLE."""
        value = self.tensors.get(handle)
        if type(value) is HeldList:
            return value
        raise ContractFailure(FailureKind.INVALID_HANDLE, f"{handle} is no handle of a list of tensors")


def invalid(detail: str) -> ContractFailure:
    """The failure of giving a host function a value that it does not take."""
    return ContractFailure(FailureKind.INVALID_VALUE, detail)
