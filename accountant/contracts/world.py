"""What a running transaction may observe of the state right before it, and what comes of the run."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

from accountant.chain.envelope import Envelope
from accountant.chain.footprint import Entry
from accountant.chain.genesis import GasSchedule, Limits
from accountant.chain.transaction import Argument
from accountant.contracts.errors import FailureKind
from accountant.primitives.types import AccountId, Address, Amount, Cid, ContractId, Gas, Hash, Height, Seq


class ContractCode(NamedTuple):
    """A deployed contract."""

    code: bytes
    envelope: Envelope
    deployer: Address


class World(Protocol):
    """State right before the running transaction.

    Any method may raise an exception of the caller's own (the selective executor's `Unresolved`):
    the runtime lets every exception but `ContractFailure` pass through unchanged, at any call depth.
    """

    def slot(self, contract: ContractId, slot: bytes) -> bytes:
        """A slot's value; empty bytes where nothing was ever written."""

    def source(self, contract: ContractId, slot: bytes) -> Seq | None:
        """The transaction that saved the file whose CID the slot holds, if whoever wrote it knew of one."""

    def published(self, cid: Cid) -> bool:
        """Whether a file was published before. A transaction that declares it needs not ask."""

    def blob(self, cid: Cid, source: Seq | None) -> bytes:
        """A file's bytes: a published one's, or what `source` saved. May raise what is no outcome."""

    def code(self, contract: ContractId) -> ContractCode | None:
        """The contract's code; None if nothing is deployed there or the deployment failed."""

    def covers(self, contract: ContractId, amount: Amount) -> bool:
        """Whether G(contract) right before the transaction is at least `amount` (which may be ≤ 0: true)."""

    def lower_bound(self, account: AccountId, theta: tuple[Hash, ...]) -> Amount:
        """Lemma 1 under exactly these incomes. Raises `ContractFailure` (INVALID_THETA)."""

    def answer(self, query: bytes) -> bytes:
        """The canonical answer of a canonical query. Raises `ContractFailure` (QUERY_VOID, INVALID_VALUE)."""


class Log(NamedTuple):
    """An event that a contract logged."""

    contract: bytes
    topic: bytes
    data: bytes


class Run(NamedTuple):
    """What is to be run: one call or one constructor, with everything that the host table shows of it."""

    contract: ContractId
    function: str
    arguments: tuple[Argument, ...]
    sender: Address
    value: Amount
    """Credited to the contract before its code runs."""
    footprint: tuple[Entry, ...]
    height: Height
    index: int  # type: ignore[assignment]  # a tuple has a method of this name
    previous_hash: Hash
    time: int
    schedule: GasSchedule
    limits: Limits
    deploying: ContractCode | None = None
    """Set for a constructor: the code that this very transaction deploys under `contract`."""


class TraceFrame(NamedTuple):
    """A function that a failure passed on its way out. Source maps lead from the offset to a line."""

    contract: ContractId
    code_hash: Hash
    """SHA-256 of the module."""
    function: int
    """The function's index in the module, imported ones counted first."""
    offset: int
    """Of the instruction, in bytes from the beginning of the module."""


class RunResult(NamedTuple):
    """What came of a run. After a failure everything but `failure`, `detail` and `gas_used` is empty."""

    failure: FailureKind | None
    detail: str
    gas_used: Gas
    return_value: Argument | None
    logs: tuple[Log, ...]
    writes: dict[tuple[ContractId, bytes], bytes]
    credits: dict[AccountId, int]
    """Gross, over all frames; the value that came with the call included."""
    debits: dict[ContractId, int]
    """Gross, over all frames."""
    saved: Mapping[Cid, bytes] = MappingProxyType({})
    """Files that were saved, by CID."""
    sources: Mapping[tuple[ContractId, bytes], Seq] = MappingProxyType({})
    """For slots that were given a CID that this run did not save: who saved the file."""
