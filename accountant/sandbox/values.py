"""Values between a test and the wire: accounts have names, results have the types that the interface promises."""

from dataclasses import dataclass
from typing import Protocol

from accountant.chain.transaction import Argument
from accountant.language.types import INT_LEAST, INT_MOST, SIZES, Type
from accountant.primitives.addresses import account_of, parse_account, show
from accountant.primitives.errors import InvalidAddress
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import ADDRESS_BYTES, HASH_BYTES, AccountId
from accountant.sandbox.errors import WrongArgument

Value = int | bool | bytes | str | None
"""What a function returns, and what an event's field holds."""

_ACCOUNTS = {Type.ADDRESS: "a user", Type.CONTRACT: "a contract", Type.ACCOUNT: "a user or a contract"}


class NamedAccount(bytes):
    """An account's bytes that show themselves by the name that the test gave it."""

    name: str

    def __new__(cls, account: bytes, name: str) -> "NamedAccount":
        """The account, shown as `name`."""
        made = super().__new__(cls, account)
        made.name = name
        return made

    def __repr__(self) -> str:
        return self.name


class Names:
    """What a test calls its accounts."""

    def __init__(self) -> None:
        self._names: dict[bytes, str] = {}

    def give(self, account: AccountId, name: str) -> NamedAccount:
        """Name an account. A second one of the same name is shown with a number."""
        taken = set(self._names.values())
        free, number = name, 2
        while free in taken:
            free, number = f"{name}#{number}", number + 1
        self._names[account] = free
        return NamedAccount(account, free)

    def of(self, account: bytes) -> NamedAccount:
        """An account as its name, or as its address where it has none."""
        return NamedAccount(account, self._names.get(account) or show(account_of(account)))


class HasAddress(Protocol):
    """Whatever stands for an account: a user, or a deployed contract."""

    @property
    def address(self) -> NamedAccount:
        """20 bytes of a user, 32 of a contract."""


@dataclass(frozen=True, repr=False)
class User:
    """Somebody with a key, derived from the name: the same name gives the same account in every test."""

    address: NamedAccount
    key: PrivateKey

    @property
    def name(self) -> str:
        """What the test calls this user."""
        return self.address.name

    def __repr__(self) -> str:
        return self.name


AccountLike = HasAddress | bytes | str
"""A user, a contract, their bytes, or their text."""


def account(given: object) -> AccountId:
    """The account that somebody means. Raises `WrongArgument`."""
    address = getattr(given, "address", None)
    if isinstance(address, NamedAccount):
        return account_of(address)
    if isinstance(given, bytes) and len(given) in (ADDRESS_BYTES, HASH_BYTES):
        return account_of(given)
    if isinstance(given, str):
        try:
            return parse_account(given)
        except InvalidAddress as error:
            raise WrongArgument(error.detail) from None
    raise WrongArgument(f"{given!r} is no account: give a user, a contract, or their bytes")


def to_wire(of: str, kind: Type, given: object) -> Argument:
    """An argument as it goes into a transaction. `of` names it in errors. Raises `WrongArgument`."""
    if kind is Type.INT and isinstance(given, int) and not isinstance(given, bool):
        if not INT_LEAST <= given <= INT_MOST:
            raise WrongArgument(f"{of} has 64 bits, which {given} leaves")
        return given
    if kind is Type.BOOL and isinstance(given, bool):
        return int(given)
    if kind is Type.STR and isinstance(given, str):
        return given.encode()
    if kind in _ACCOUNTS:
        return _account_to_wire(of, kind, given)
    if kind is Type.BYTES and isinstance(address := getattr(given, "address", None), NamedAccount):
        return bytes(address)
    if kind in (Type.BYTES, Type.HASH, Type.CID) and isinstance(given, bytes):
        sizes = SIZES.get(kind)
        if sizes and len(given) not in sizes:
            raise WrongArgument(f"{of} is a {kind.value} of {sizes[0]} bytes, not of {len(given)}")
        return bytes(given)
    raise WrongArgument(f"{of} is {_described(kind)}, not {given!r}")


def _account_to_wire(of: str, kind: Type, given: object) -> bytes:
    try:
        found = account(given)
    except WrongArgument as error:
        raise WrongArgument(f"{of} is {_described(kind)}: {error.detail}") from None
    if len(found) not in SIZES[kind]:
        raise WrongArgument(f"{of} is {_described(kind)}, which {given!r} is not")
    return bytes(found)


def _described(kind: Type) -> str:
    article = "an" if kind.value[0] in "aeiouA" else "a"
    return f"{article} {kind.value}" + (f" ({_ACCOUNTS[kind]})" if kind in _ACCOUNTS else "")


def from_wire(kind: Type | None, value: Argument | None, names: Names) -> Value:
    """What a function returned, as its interface types it; as it is where no type is known or it does not fit."""
    if kind is Type.BOOL and value in (0, 1):
        return bool(value)
    if not isinstance(value, bytes) or kind is None:
        return value
    if kind is Type.STR:
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value
    return names.of(value) if kind in _ACCOUNTS and len(value) in SIZES[kind] else value
