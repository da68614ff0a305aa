"""A deployed contract as an object: its functions and its events are attributes."""

from collections.abc import Mapping
from typing import Any, Protocol

from accountant.chain.transaction import Argument
from accountant.primitives.types import ContractId
from accountant.sandbox.errors import SandboxError
from accountant.sandbox.events import EventRecord, event_class
from accountant.sandbox.result import Result
from accountant.sandbox.signature import Signature, Signatures
from accountant.sandbox.values import NamedAccount, Names, User, Value


class Running(Protocol):
    """What a contract asks of its chain."""

    names: Names

    def call(
        self, contract: "Contract", function: Signature, arguments: tuple[Argument, ...], sender: User, **money: int
    ) -> Result:
        """Send a transaction that calls a function."""

    def view(self, contract: "Contract", function: Signature, arguments: tuple[Argument, ...]) -> Value:
        """What a view returns on the state now. Raises `ViewFailed`."""


class Function:
    """A function of a deployed contract. Calling it sends a transaction, or evaluates it if it is a view."""

    def __init__(self, chain: Running, contract: "Contract", signature: Signature) -> None:
        self._chain = chain
        self._contract = contract
        self._signature = signature

    def __call__(
        self,
        *given: object,
        sender: User | None = None,
        value: int = 0,
        general_value: int = 0,
        gas: int = 0,
        tip: int = 0,
        **named: object,
    ) -> Any:
        """A `Result` (of a view: the value), for arguments by position or name.

        `value`: zero-cost money that comes with the call; `general_value`: general money besides. `gas`: the gas
        limit, 0 for the sandbox's. A parameter of one of these names is given by position.
        Raises `WrongArgument`, `SandboxError`, `Refused`; `ViewFailed`.
        """
        arguments = self._signature.arguments(repr(self._contract), given, named)
        where = f"{self._contract!r}.{self._signature.name}"
        if self._signature.view:
            if sender is not None or value or general_value or gas or tip:
                raise SandboxError(f"{where} is a view: it is evaluated without a transaction, sender or money")
            return self._chain.view(self._contract, self._signature, arguments)
        if not isinstance(sender, User):
            raise SandboxError(f"{where} is a transaction: say who signs it, as in sender=chain.account('alice')")
        return self._chain.call(
            self._contract,
            self._signature,
            arguments,
            sender,
            value=value,
            general_value=general_value,
            gas=gas,
            tip=tip,
        )

    def __repr__(self) -> str:
        return f"<{self._contract!r}.{self._signature}>"


class Contract:
    """A contract on the chain. `contract["name"]` is a function that has the name of an attribute of this class."""

    def __init__(self, chain: Running, address: NamedAccount, signatures: Signatures, deployment: Result) -> None:
        self.address = address
        """The contract's id, 32 bytes."""
        self.deployment = deployment
        """What the deployment did."""
        self._functions = {name: Function(chain, self, signature) for name, signature in signatures.functions.items()}
        self._events = {name: event_class(name, fields, chain.names) for name, fields in signatures.events.items()}

    @property
    def id(self) -> ContractId:
        """The contract's id as the chain's own type."""
        return ContractId(bytes(self.address))

    @property
    def event_classes(self) -> Mapping[str, type[EventRecord]]:
        """The classes of the contract's events by name."""
        return self._events

    def __getitem__(self, name: str) -> Function:
        if name in self._functions:
            return self._functions[name]
        raise SandboxError(f"{self!r} has no function {name!r}; it has {', '.join(self._functions) or 'none'}")

    def __getattr__(self, name: str) -> Any:
        found = None if name.startswith("_") else self._functions.get(name) or self._events.get(name)
        if found is None:
            known = ", ".join([*self.__dict__.get("_functions", ()), *self.__dict__.get("_events", ())])
            raise AttributeError(f"{self.__dict__.get('address', 'a contract')!r} has no {name!r}; it has {known}")
        return found

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._functions, *self._events]

    def __repr__(self) -> str:
        return repr(self.address)
