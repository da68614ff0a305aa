"""The names that a contract file imports: what editors and type checkers see, and what CPython runs.

Everything that follows from its arguments alone does here what it does on the chain. What needs a chain
(`caller`, `pay`, `log`, maps, …) raises `OutsideChain`; `accountant.sandbox` runs contracts on one.
"""

import hashlib
from collections.abc import Callable
from typing import Any, Generic, NoReturn, Self, TypeVar, dataclass_transform

from accountant.primitives.addresses import parse_account
from accountant.primitives.cid import is_cid, parse_cid
from accountant.primitives.errors import AccountantError
from accountant.primitives.hashes import keccak256 as _keccak256
from accountant.primitives.types import ADDRESS_BYTES, HASH_BYTES

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class OutsideChain(AccountantError):
    """A contract file was run as an ordinary program, and reached what only a chain has."""

    code = "outside_chain"


def _outside(name: str) -> NoReturn:
    raise OutsideChain(f"{name} needs a chain; test contracts with accountant.sandbox")


class Account(bytes):
    """A user's address (20 bytes) or a contract's id (32 bytes)."""

    _sizes: tuple[int, ...] = (ADDRESS_BYTES, HASH_BYTES)

    def __new__(cls, value: bytes | str) -> Self:
        made = super().__new__(cls, parse_account(value) if isinstance(value, str) else value)
        if len(made) not in cls._sizes:
            raise ValueError(f"{len(made)} bytes are no {cls.__name__}")
        return made


class Address(Account):
    """A user's address, 20 bytes."""

    _sizes = (ADDRESS_BYTES,)


class Contract(Account):
    """A contract's id, 32 bytes."""

    _sizes = (HASH_BYTES,)


class Hash(bytes):
    """A hash, 32 bytes."""

    def __new__(cls, value: bytes | str) -> Self:
        made = super().__new__(cls, bytes.fromhex(value.removeprefix("0x")) if isinstance(value, str) else value)
        if len(made) != HASH_BYTES:
            raise ValueError(f"{len(made)} bytes are no Hash")
        return made


class Cid(bytes):
    """A content identifier: CIDv1 of raw bytes under SHA-256, 36 bytes."""

    def __new__(cls, value: bytes | str) -> Self:
        made = super().__new__(cls, parse_cid(value) if isinstance(value, str) else value)
        if not isinstance(value, Cid) and not is_cid(made):
            raise ValueError(f"{len(made)} bytes are no Cid")
        return made


class Map(Generic[_Key, _Value]):
    """A map in storage. A key that was never set reads as zero, False, empty, or zero bytes."""

    def __getitem__(self, key: _Key) -> _Value:
        _outside("a map")

    def __setitem__(self, key: _Key, value: _Value) -> None:
        _outside("a map")

    def __delitem__(self, key: _Key) -> None:
        _outside("a map")

    def __contains__(self, key: _Key) -> bool:
        _outside("a map")


@dataclass_transform()
class Event:
    """Base of events: annotated fields, and nothing else."""

    def __init__(self, *fields: Any, **named: Any) -> None:
        self.fields, self.named = fields, named


class Interface:
    """Base of typed interfaces to other contracts: methods with hints whose body is `elsewhere()`."""

    def __init__(self, contract: Contract, value: int = 0) -> None:
        """`value`: base units that go with the call."""
        self.contract, self.value = contract, value


class Touch:
    """One statement of `@touches`."""


class Deployer:
    """The type of `deployer`."""


deployer = Deployer()
"""For `@only(deployer)`."""


def export(function: _Function) -> _Function:
    """Anyone may call the function."""
    return function


def view(function: _Function) -> _Function:
    """An exported function that changes nothing."""
    return function


def payable(function: _Function) -> _Function:
    """Base units may come with a call."""
    return function


def zero_cost(function: _Function) -> _Function:
    """The base units that come must all be zero-cost."""
    return function


def direct(function: _Function) -> _Function:
    """Only transactions may call it, never other contracts."""
    return function


def only(*callers: Deployer | Account | str) -> Callable[[_Function], _Function]:
    """Only these may call it: `deployer` alone, or a list of accounts."""
    return lambda function: function


def gas(least: int = 0, most: int | None = None) -> Callable[[_Function], _Function]:
    """The gas limit that a transaction must give it."""
    return lambda function: function


def memory(most: int) -> Callable[[_Function], _Function]:
    """So many bytes of tensors at once are enough for a call: wallets declare it in the transaction's footprint."""
    return lambda function: function


def nested(times: int, debits: int = 0) -> Callable[[_Function], _Function]:
    """How often other contracts may call it within one transaction (1 unless said), and what they may make it pay."""
    return lambda function: function


def touches(*statements: Touch) -> Callable[[_Function], _Function]:
    """What the function may touch where that does not follow from its arguments."""
    return lambda function: function


def reads(variable: object, most: int = 1) -> Touch:
    """At most so many slots of a storage variable are read."""
    return Touch()


def writes(variable: object, most: int = 1) -> Touch:
    """At most so many slots of a storage variable are written."""
    return Touch()


def debits(most: int | str) -> Touch:
    """A call pays at most so much: base units, the name of an `int` parameter, or "value"."""
    return Touch()


def credits(most: int = 1) -> Touch:
    """At most so many accounts are paid that do not follow from the arguments."""
    return Touch()


def calls(most: int = 1) -> Touch:
    """At most so many other contracts are called."""
    return Touch()


def bounds(most: int = 1) -> Touch:
    """At most so many accounts are bounded that do not follow from the arguments."""
    return Touch()


def queries(most: int = 1) -> Touch:
    """At most so many queries are asked that do not follow from the arguments."""
    return Touch()


def blobs(most: int = 1) -> Touch:
    """At most so many published blobs are loaded whose identifiers do not follow from the arguments."""
    return Touch()


def caller() -> Account:
    """Who called this function: the signer, or the calling contract."""
    _outside("caller()")


def sender() -> Address:
    """Who signed the transaction."""
    _outside("sender()")


def elsewhere() -> NoReturn:
    """The body of an interface's methods: another contract has it."""
    _outside("another contract")


def self_id() -> Contract:
    """This contract's id."""
    _outside("self_id()")


def value() -> int:
    """Base units that came with this call; they are already the contract's."""
    _outside("value()")


def height() -> int:
    """The height of the transaction's block."""
    _outside("height()")


def index() -> int:
    """The transaction's index in its block."""
    _outside("index()")


def now() -> int:
    """The block's time, Unix seconds."""
    _outside("now()")


def previous_hash() -> Hash:
    """The hash of the block before."""
    _outside("previous_hash()")


def sha256(data: bytes) -> Hash:
    """SHA-256."""
    return Hash(hashlib.sha256(data).digest())


def keccak256(data: bytes) -> Hash:
    """Keccak-256, as Ethereum uses it."""
    return Hash(_keccak256(data))


def pay(account: Account, amount: int) -> None:
    """Pays base units from this contract's general balance. No code runs."""
    _outside("pay()")


def log(event: Event) -> None:
    """Logs an event."""
    _outside("log()")


def bound(account: Account, theta: bytes) -> int:
    """Lemma 1: a lower bound of the account's general balance, under the incomes whose hashes Θ strings together."""
    _outside("bound()")


def query(query: bytes) -> bytes:
    """The canonical answer of a canonically encoded accounting query."""
    _outside("query()")
