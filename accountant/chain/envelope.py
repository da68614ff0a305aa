"""Admission envelopes: what a contract lets callers declare on it (DESIGN section 2).

A declaration costs its maker a fee and everyone who meets the slot later an execution, so a
contract says at deployment what it admits, and validators check that without executing anything.
Instantiation and the check itself are in `chain.admission`.
"""

from enum import IntEnum

import msgspec

from accountant.primitives.encoding import Record

CONSTRUCTOR = "init"
"""The function that a deployment runs, if the envelope has it; nobody can call it."""


class _Tagged(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, gc=False, tag_field="kind"):
    """Base of the template parts: encoded as [tag, fields…]."""


class Literal(_Tagged, frozen=True, tag=0):
    """These bytes."""

    value: bytes


class Arg(_Tagged, frozen=True, tag=1):
    """An argument: bytes as they are, an integer as 8 bytes big-endian (two's complement)."""

    index: int


class Sender(_Tagged, frozen=True, tag=2):
    """The transaction's signer, 20 bytes."""


class Self(_Tagged, frozen=True, tag=3):
    """The contract's own id, 32 bytes."""


class Hashed(_Tagged, frozen=True, tag=4):
    """SHA-256 of the concatenated parts."""

    parts: tuple["Part", ...]


Part = Literal | Arg | Sender | Self | Hashed


class TemplateKind(IntEnum):
    """The kinds of template entries; the numbers are those of the footprint entries."""

    READ = 0
    WRITE = 1
    CREDIT = 2
    DEBIT = 3
    CALL = 4
    BOUND = 5
    QUERY = 6
    BLOB = 7


class AmountArg(_Tagged, frozen=True, tag=0):
    """The value of an integer argument; negative values admit nothing."""

    index: int


class AmountLiteral(_Tagged, frozen=True, tag=1):
    """A fixed number of base units."""

    units: int


class AmountValue(_Tagged, frozen=True, tag=2):
    """The value that the transaction carries."""


AmountExpression = AmountArg | AmountLiteral | AmountValue


class TemplateEntry(Record, frozen=True):
    """One footprint entry over arguments, sender and own id.

    `on`: parts whose concatenation is the contract (READ, WRITE, DEBIT, CALL), the account (CREDIT,
    BOUND), the query (QUERY) or the binary CID (BLOB, which admits every size). `slot`: parts of the
    slot (READ and WRITE). `cap`: the most that a DEBIT may declare. `certain`: the function surely
    touches it, so it may be resolved ahead of time.
    """

    kind: TemplateKind
    on: tuple[Part, ...]
    slot: tuple[Part, ...] = ()
    cap: AmountExpression | None = None
    certain: bool = False


class ArgumentKind(IntEnum):
    """Argument types. The wire has integers and bytes; these say which values are allowed."""

    INT = 0
    BOOL = 1
    BYTES = 2
    STR = 3
    ADDRESS = 4
    CONTRACT = 5
    ACCOUNT = 6
    HASH = 7
    CID = 8
    """A binary CIDv1 of raw bytes under SHA-256, 36 bytes (`primitives.cid`)."""


class Callers(IntEnum):
    """Who may call a function."""

    ANYONE = 0
    DEPLOYER = 1
    LISTED = 2


class FunctionEnvelope(Record, frozen=True):
    """What one exported function admits.

    `complete`: the template covers all that the function ever touches, so a call may declare its
    entries and nothing else; otherwise entries on this contract may also fall under `Envelope.open`.
    """

    name: str
    arguments: tuple[ArgumentKind, ...]
    template: tuple[TemplateEntry, ...]
    complete: bool
    callers: Callers = Callers.ANYONE
    listed: tuple[bytes, ...] = ()
    zero_cost: bool = False
    """The value must be all zero-cost money."""
    direct: bool = False
    """Only a transaction may call it, never another contract."""
    gas_least: int = 0
    gas_most: int = 2**62
    payable: bool = True
    """Whether value may come with a call."""


class OpenAccess(Record, frozen=True):
    """What may be declared where keys depend on state, or by transactions that call another contract first.

    Prefixes admit every slot that begins with one of them (the empty prefix: every slot);
    `debit_most` is the largest cap a transaction may declare; the counts limit entries per transaction.
    """

    read_prefixes: tuple[bytes, ...] = ()
    write_prefixes: tuple[bytes, ...] = ()
    reads_most: int = 0
    writes_most: int = 0
    debit_most: int = 0
    callable: bool = False
    blobs_most: int = 0
    """Blobs whose CIDs the callee's template does not name."""


class Envelope(Record, frozen=True):
    """All that a contract admits: its functions by name (sorted, unique), and its open access."""

    functions: tuple[FunctionEnvelope, ...]
    open: OpenAccess = OpenAccess()

    def function(self, name: str) -> FunctionEnvelope | None:
        """The envelope of an exported function, if there is one."""
        return next((f for f in self.functions if f.name == name), None)
