"""What a transaction did: read when a test looks, shown in one line when an assertion fails."""

from functools import cached_property
from typing import Protocol

from accountant.chain.transaction import Transaction, TransactionKind, transaction_hash
from accountant.contracts.errors import FailureKind
from accountant.execution.outcome import Outcome
from accountant.language.types import Type
from accountant.primitives.types import Hash
from accountant.sandbox.errors import BlockOpen, described
from accountant.sandbox.events import EventRecord
from accountant.sandbox.values import Names, Value, from_wire


class Looking(Protocol):
    """What a result asks of its chain."""

    names: Names

    def outcome(self, transaction: Hash) -> Outcome:
        """What a transaction of a finished block did."""

    def events(self, outcome: Outcome) -> list[EventRecord]:
        """What contracts logged in it, decoded."""

    def places(self, transaction: Hash) -> tuple[str, ...]:
        """Where a failed transaction was, innermost first: `token.py:17`; as far as source maps tell."""


class Result:
    """A transaction and what it did. It is true exactly if it succeeded."""

    def __init__(self, chain: Looking, name: str, raw: bytes, transaction: Transaction, returns: Type | None) -> None:
        """`name`: the function with its contract, for people."""
        self._chain = chain
        self._name = name
        self._returns = returns
        self.transaction = transaction
        """What was signed: its footprint, gas limit and money."""
        self.hash = transaction_hash(raw)
        """The transaction's hash."""
        self.bytes_count = len(raw)
        """The transaction's size, which its fee depends on."""
        self.open = True
        """Whether its block is still being put together."""

    @property
    def deploys(self) -> bool:
        """Whether it deploys a contract."""
        return self.transaction.kind is TransactionKind.DEPLOY

    @cached_property
    def outcome(self) -> Outcome:
        """The outcome as accountants keep it. Raises `BlockOpen`."""
        if self.open:
            raise BlockOpen(f"{self._name} waits for its block: look at results after `with chain.block():`")
        return self._chain.outcome(self.hash)

    @property
    def succeeded(self) -> bool:
        """Whether it was not rolled back."""
        return self.outcome.succeeded

    def __bool__(self) -> bool:
        return self.succeeded

    @property
    def returned(self) -> Value:
        """What the function returned; None for nothing, and after a failure."""
        return from_wire(self._returns, self.outcome.return_value, self._chain.names)

    @cached_property
    def events(self) -> list[EventRecord]:
        """What all contracts logged in it, in order."""
        return self._chain.events(self.outcome)

    @property
    def failure(self) -> FailureKind | None:
        """The kind of failure (it equals its text, as in `"out_of_gas"`); None after success."""
        return self.outcome.failure

    @property
    def detail(self) -> str:
        """What more is known of the failure."""
        return self.outcome.detail

    @property
    def reason(self) -> str | None:
        """What the failed assertion says, or the kind of another failure; None after success."""
        failure = self.outcome.failure
        return self.detail if failure is FailureKind.ASSERTION else None if failure is None else str(failure)

    @cached_property
    def trace(self) -> tuple[str, ...]:
        """Where it failed, innermost first, as `token.py:17`; empty after success, or without a source map."""
        return () if self.outcome.succeeded else self._chain.places(self.hash)

    @property
    def place(self) -> str | None:
        """Where it failed, as `token.py:17`."""
        return self.trace[0] if self.trace else None

    @property
    def line(self) -> int | None:
        """The source line that failed."""
        return int(self.trace[0].rpartition(":")[2]) if self.trace else None

    @property
    def gas_used(self) -> int:
        """Gas used; the rest of the limit returned to the sender's general balance."""
        return self.outcome.gas_used

    def __repr__(self) -> str:
        if self.open:
            return f"<{self._name}: waits for its block>"
        failure = self.failure
        if failure is None:
            returned = "" if self.returned is None else f", returned {self.returned!r}"
            return f"<{self._name}: succeeded{returned}, gas {self.gas_used:,}>"
        return f"<{self._name}: failed, {described(failure, self.detail, self.place)}, gas {self.gas_used:,}>"
