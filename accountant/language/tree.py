"""The checked tree of a contract: names resolved, every expression typed, nothing left that the language refuses.

`checker` makes it from Python's own syntax tree; `emitter` turns it into WASM; `footprints` derives templates
from it. Operations are exact: what they compute is what CPython computes, or the run fails.
"""

from dataclasses import dataclass
from enum import Enum

from accountant.language.errors import Place
from accountant.language.types import StorageType, Type


class Operation(Enum):
    """Operations of one or two operands that cannot be written in terms of others. Overflow fails the run."""

    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    FLOOR_DIVIDE = "//"
    """Rounds down; by zero fails."""
    MODULO = "%"
    """Has the divisor's sign; by zero fails."""
    POWER = "**"
    """A negative exponent fails."""
    SHIFT_LEFT = "<<"
    """A negative count fails, as does a result over 64 bits."""
    SHIFT_RIGHT = ">>"
    """A negative count fails; from 64 on, 0 or −1."""
    AND = "&"
    OR = "|"
    XOR = "^"
    """The last three work on two integers or on two bools."""
    CONCATENATE = "concatenate"
    """Two bytes, or two str."""
    NEGATE = "negate"
    INVERT = "~"
    NOT = "not"


class Comparison(Enum):
    """Of two integers, two bools (EQUAL and NOT_EQUAL alone), two bytes or two str."""

    EQUAL = "=="
    NOT_EQUAL = "!="
    LESS = "<"
    LESS_EQUAL = "<="
    GREATER = ">"
    GREATER_EQUAL = ">="


class Intrinsic(Enum):
    """What the language or the host table computes. In brackets: the types of arguments and result."""

    CALLER = "caller"  # () → ACCOUNT
    SENDER = "sender"  # () → ADDRESS
    SELF = "self_id"  # () → CONTRACT
    VALUE = "value"  # () → INT
    HEIGHT = "height"  # () → INT
    INDEX = "index"  # () → INT
    NOW = "now"  # () → INT
    PREVIOUS_HASH = "previous_hash"  # () → HASH
    SHA256 = "sha256"  # (BYTES) → HASH
    KECCAK256 = "keccak256"  # (BYTES) → HASH
    BOUND = "bound"  # (ACCOUNT, BYTES) → INT
    QUERY = "query"  # (BYTES) → BYTES
    BYTES_LENGTH = "len(bytes)"  # (BYTES) → INT
    TEXT_LENGTH = "len(str)"  # (STR) → INT
    BYTE_AT = "bytes[i]"  # (BYTES, INT) → INT; a negative index counts from the end, outside fails
    TEXT_AT = "str[i]"  # (STR, INT) → STR
    BYTES_SLICE = "bytes[a:b]"  # (BYTES, INT or None, INT or None) → BYTES, with Python's clamping
    TEXT_SLICE = "str[a:b]"  # (STR, INT or None, INT or None) → STR
    TEXT_OF_INT = "str(int)"  # (INT) → STR
    INT_OF_TEXT = "int(str)"  # (STR) → INT
    ENCODE = "str.encode"  # (STR) → BYTES
    DECODE = "bytes.decode"  # (BYTES) → STR; fails unless UTF-8
    HEX = "bytes.hex"  # (BYTES) → STR
    INT_TO_BYTES = (
        "int.to_bytes"  # (INT, constant size 1 to 8, constant signed 0 or 1) → BYTES; fails if it does not fit
    )
    INT_FROM_BYTES = "int.from_bytes"  # (BYTES, constant signed 0 or 1) → INT; fails over 8 bytes or 64 bits
    CONVERT = (
        "convert"  # (BYTES) → the node's type; fails unless the length is one of SIZES (a CID's first 4 bytes too)
    )
    INT_OF_BOOL = "int(bool)"  # (BOOL) → INT
    BOOL_OF_INT = "bool(int)"  # (INT) → BOOL
    MINIMUM = "min"  # (INT, INT) → INT
    MAXIMUM = "max"  # (INT, INT) → INT
    ABSOLUTE = "abs"  # (INT) → INT


@dataclass(frozen=True)
class Constant:
    """A literal, or a constant expression already computed. `value`: int, bool, bytes or str, as `type` says.

    Of a float it is its bits (`accountant.language.reals`).
    """

    at: Place
    type: Type
    value: int | bool | bytes | str


@dataclass(frozen=True)
class Local:
    """A parameter or local variable, by its number in `Function.locals`. Surely assigned here."""

    at: Place
    type: Type
    index: int


@dataclass(frozen=True)
class Bind:
    """Assigns a local and is its value: lets an operand that is used twice be evaluated once."""

    at: Place
    type: Type
    index: int
    value: "Expression"


@dataclass(frozen=True)
class Load:
    """Reads a storage variable. `keys`: one expression for each of the variable's keys, evaluated in order."""

    at: Place
    type: Type
    variable: "Variable"
    keys: tuple["Expression", ...]


@dataclass(frozen=True)
class Exists:
    """`key in map`: whether the slot holds anything. BOOL."""

    at: Place
    type: Type
    variable: "Variable"
    keys: tuple["Expression", ...]


@dataclass(frozen=True)
class Operate:
    """An `Operation` on one or two operands, of types that fit."""

    at: Place
    type: Type
    operation: Operation
    operands: tuple["Expression", ...]


@dataclass(frozen=True)
class Compare:
    """A comparison. BOOL. Both operands are numbers, or bytes, or str."""

    at: Place
    type: Type
    comparison: Comparison
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True)
class Both:
    """`left and right` (BOOL): the right operand is evaluated only if the left one is true."""

    at: Place
    type: Type
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True)
class Either:
    """`left or right` (BOOL): the right operand is evaluated only if the left one is false."""

    at: Place
    type: Type
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True)
class Choose:
    """`then if condition else otherwise`."""

    at: Place
    type: Type
    condition: "Expression"
    then: "Expression"
    otherwise: "Expression"


@dataclass(frozen=True)
class Apply:
    """Calls a function of this contract, by name. NONE if it returns nothing."""

    at: Place
    type: Type
    function: str
    arguments: tuple["Expression", ...]


@dataclass(frozen=True)
class Compute:
    """An intrinsic. A None among the arguments is an absent slice bound."""

    at: Place
    type: Type
    intrinsic: Intrinsic
    arguments: tuple["Expression | None", ...]


@dataclass(frozen=True)
class CallContract:
    """Calls a function of another contract through an interface; fails unless it returns what `type` says."""

    at: Place
    type: Type
    interface: str
    function: str
    contract: "Expression"
    value: "Expression | None"
    arguments: tuple["Expression", ...]


@dataclass(frozen=True)
class Invoke:
    """An operator of `nn`: a row of the host table, with the row's parameters in their order.

    An argument is one expression, several INTs as one list, or None where an optional tensor is not given.
    """

    at: Place
    type: Type
    row: str
    arguments: tuple["Expression | tuple[Expression, ...] | None", ...]


@dataclass(frozen=True)
class ListTensors:
    """`[a, b]`: TENSORS of these TENSORs."""

    at: Place
    type: Type
    elements: tuple["Expression", ...]


Expression = (
    Constant
    | Local
    | Bind
    | Load
    | Exists
    | Operate
    | Compare
    | Both
    | Either
    | Choose
    | Apply
    | Compute
    | CallContract
    | Invoke
    | ListTensors
)


@dataclass(frozen=True)
class Assign:
    """`local = value`."""

    at: Place
    index: int
    value: Expression


@dataclass(frozen=True)
class Store:
    """Writes a storage variable: keys are evaluated first, in order, then the value."""

    at: Place
    variable: "Variable"
    keys: tuple[Expression, ...]
    value: Expression


@dataclass(frozen=True)
class Clear:
    """`del variable[key]`: empties the slot."""

    at: Place
    variable: "Variable"
    keys: tuple[Expression, ...]


@dataclass(frozen=True)
class If:
    """`if`; an `elif` is an `If` inside `otherwise`."""

    at: Place
    condition: Expression
    then: tuple["Statement", ...]
    otherwise: tuple["Statement", ...]


@dataclass(frozen=True)
class While:
    """`while`."""

    at: Place
    condition: Expression
    body: tuple["Statement", ...]


@dataclass(frozen=True)
class For:
    """`for local in range(start, stop, step)`: bounds are evaluated once; assigning the local inside changes no count.

    A step of zero fails. An empty range leaves the local as it was.
    """

    at: Place
    index: int
    start: Expression
    stop: Expression
    step: Expression
    body: tuple["Statement", ...]


@dataclass(frozen=True)
class Break:
    """Leaves the innermost loop."""

    at: Place


@dataclass(frozen=True)
class Continue:
    """Goes on with the innermost loop's next turn."""

    at: Place


@dataclass(frozen=True)
class Return:
    """Ends the function."""

    at: Place
    value: Expression | None


@dataclass(frozen=True)
class Assert:
    """Fails the run with the reason (STR, evaluated only then) if the condition is false."""

    at: Place
    condition: Expression
    reason: Expression


@dataclass(frozen=True)
class Evaluate:
    """An expression for its effects; its value is dropped."""

    at: Place
    value: Expression


@dataclass(frozen=True)
class Log:
    """An event; fields in the order of its declaration."""

    at: Place
    event: "EventType"
    fields: tuple[Expression, ...]


@dataclass(frozen=True)
class Pay:
    """`pay(account, amount)`: moves base units from the contract's general balance; runs no code."""

    at: Place
    account: Expression
    amount: Expression


Statement = Assign | Store | Clear | If | While | For | Break | Continue | Return | Assert | Evaluate | Log | Pay


@dataclass(frozen=True)
class Variable:
    """A storage variable. Its slots begin with `prefix`; the keys follow as `key_bytes` in `slots` says."""

    at: Place
    name: str
    type: StorageType

    @property
    def prefix(self) -> bytes:
        """What all slots of the variable begin with, and no slot of another: the name and a colon."""
        return self.name.encode() + b":"


@dataclass(frozen=True)
class Field:
    """A named type: a parameter, a local, a field of an event."""

    name: str
    type: Type


@dataclass(frozen=True)
class EventType:
    """An event's name and fields. `Log` writes topic = name, data = the fields one after the other:
    int and bool as 8 bytes, types of one fixed size as they are, all others behind their length in 8 bytes.
    """

    at: Place
    name: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Method:
    """A function of an interface to other contracts."""

    name: str
    parameters: tuple[Field, ...]
    returns: Type


@dataclass(frozen=True)
class Interface:
    """A typed interface to other contracts."""

    at: Place
    name: str
    methods: tuple[Method, ...]


class TouchKind(Enum):
    """What `@touches(...)` states, by the name it has there."""

    READS = "reads"
    WRITES = "writes"
    DEBITS = "debits"
    CREDITS = "credits"
    CALLS = "calls"
    BOUNDS = "bounds"
    QUERIES = "queries"
    BLOBS = "blobs"


@dataclass(frozen=True)
class Touch:
    """One statement of `@touches`. `variable` for READS and WRITES.

    `most`: how many different entries a call needs at most; for DEBITS a cap in base units, the name of an
    `int` parameter, or "value".
    """

    at: Place
    kind: TouchKind
    most: int | str
    variable: Variable | None = None


class CallerRule(Enum):
    """Who may call an exported function."""

    ANYONE = "anyone"
    DEPLOYER = "deployer"
    LISTED = "listed"


@dataclass(frozen=True)
class Export:
    """What the decorators say of an exported function (the constructor `init` is one)."""

    view: bool = False
    payable: bool = False
    zero_cost: bool = False
    direct: bool = False
    callers: CallerRule = CallerRule.ANYONE
    listed: tuple[bytes, ...] = ()
    gas_least: int | None = None
    gas_most: int | None = None
    touches: tuple[Touch, ...] = ()
    nested_times: int = 1
    """How often other contracts may call it in one transaction (0 if `direct`)."""
    nested_debits: int | None = None
    """The most base units that a transaction which reaches it through another contract may declare as debit."""
    memory: int | None = None
    """So many bytes of tensors are enough for a call: a hint for wallets."""


@dataclass(frozen=True)
class Function:
    """A function. The first `parameters` of `locals` are its parameters; compiler's own locals have no name."""

    at: Place
    name: str
    parameters: int
    locals: tuple[Field, ...]
    returns: Type
    body: tuple[Statement, ...]
    export: Export | None
    documentation: str = ""


@dataclass(frozen=True)
class Contract:
    """A whole contract. Functions are in the order of the source; no cycle of calls among them."""

    file: str
    source: bytes
    variables: tuple[Variable, ...]
    events: tuple[EventType, ...]
    interfaces: tuple[Interface, ...]
    functions: tuple[Function, ...]
    documentation: str = ""

    def function(self, name: str) -> Function:
        """The function of this name, which exists."""
        return next(function for function in self.functions if function.name == name)
