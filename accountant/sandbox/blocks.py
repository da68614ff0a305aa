"""Sending: each transaction in a block of its own, or several in one while `with chain.block():` holds it open."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from msgspec import structs

from accountant.chain.envelope import FunctionEnvelope
from accountant.chain.transaction import Transaction, sign_transaction
from accountant.primitives.keys import PrivateKey
from accountant.sandbox.errors import BlockOpen, DeploymentFailed, SandboxError
from accountant.sandbox.expected import Expectation
from accountant.sandbox.ledger import Ledger
from accountant.sandbox.result import Looking, Result
from accountant.sandbox.runs import touched_by, united
from accountant.sandbox.signature import Signature
from accountant.sandbox.wallet import finished


class Blocks:
    """The end of a chain: what is sent there, and when."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.now = ledger.index.genesis.time
        """The time of the next block, Unix seconds."""
        self.expectations: list[Expectation] = []
        """Who watches what is sent."""
        self._open: list[tuple[bytes, Result]] | None = None

    def advance(self, seconds: int) -> None:
        """Move the time, which an empty block carries at once."""
        self.demand_closed("another block")
        if seconds < 0:
            raise SandboxError(f"time goes forward: {seconds} seconds do not")
        self.now += seconds
        self._ledger.append((), self.now)

    @contextmanager
    def block(self) -> Iterator[None]:
        """One block of all that is sent inside; none if the body raises."""
        self.demand_closed("another block")
        waiting: list[tuple[bytes, Result]] = []
        self._open = waiting
        try:
            yield
        except BaseException:
            self._ledger.withdraw(raw for raw, _ in waiting)
            raise
        finally:
            self._open = None
        if waiting:
            self._close(waiting)

    def demand_closed(self, what: str) -> None:
        """Raises `BlockOpen` while a block is being put together. `what` was asked for."""
        if self._open is not None:
            raise BlockOpen(f"{what} inside `with chain.block():` would be that of the block before; ask afterwards")

    def fields(
        self, key: PrivateKey, value: int = 0, general_value: int = 0, gas: int = 0, tip: int = 0
    ) -> dict[str, int]:
        """The numbers of the key's next transaction, for `wallet`."""
        nonce = self._ledger.next_nonce(key.address)
        return {"nonce": nonce, "zero_value": value, "general_value": general_value, "gas_limit": gas, "tip": tip}

    def declared(
        self, made: Transaction, key: PrivateKey, function: FunctionEnvelope | None, memory: int | None
    ) -> Transaction:
        """With what a run on the state now touches, where the template of the function leaves that open.

        `memory`: bytes of tensors, as `@memory` says.
        """
        if function is None:
            return made
        footprint = made.footprint
        if not function.complete:
            footprint = united(footprint, touched_by(self._ledger, made, key.address, self.now))
        return structs.replace(made, footprint=finished(footprint, self._ledger.state, memory))

    def pay(self, made: Transaction, key: PrivateKey) -> None:
        """Send a transaction that nobody looks at, in a block of its own even while another one is open."""
        self._ledger.append([self._submitted(made, key)], self.now)

    def send(
        self, chain: Looking, made: Transaction, key: PrivateKey, name: str, function: Signature | None = None
    ) -> Result:
        """Sign and send. `name` shows the transaction. Raises `Refused`, `DeploymentFailed`."""
        raw = self._submitted(made, key)
        result = Result(chain, name, raw, made, None if function is None else function.returns)
        for expectation in self.expectations:
            expectation.sent(result)
        if self._open is None:
            self._close([(raw, result)])
        else:
            self._open.append((raw, result))
        return result

    def _submitted(self, made: Transaction, key: PrivateKey) -> bytes:
        raw = sign_transaction(made, key)
        self._ledger.submit(raw)
        return raw

    def _close(self, waiting: Sequence[tuple[bytes, Result]]) -> None:
        self._ledger.append([raw for raw, _ in waiting], self.now)
        for _, result in waiting:
            result.open = False
        for _, result in waiting:
            if result.deploys and not result.succeeded:
                raise DeploymentFailed(result)
