"""Outcomes: what a transaction did. A pure function of the chain, so an outcome is kept for ever."""

from accountant.contracts.errors import FailureKind
from accountant.execution.needs import Asked
from accountant.primitives.encoding import Decoder, Record
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.types import AccountId

OUTCOME_BYTES_MAX = 64 * 1024 * 1024


class SlotWrite(Record, frozen=True):
    """A slot's new value. Empty bytes clear the slot."""

    contract: bytes
    slot: bytes
    value: bytes


class Movement(Record, frozen=True):
    """Gross units credited to, or debited from, the general balance of an account."""

    account: bytes
    units: int


class LogEntry(Record, frozen=True):
    """An event that a contract logged."""

    contract: bytes
    topic: bytes
    data: bytes


class Outcome(Record, frozen=True):
    """What executing one transaction in its place did. Equal outcomes have equal bytes.

    `writes`, `credits` and `debits` are sorted and unique. `credits` holds everything that arrives in a
    general balance, value returned and unused gas included; `debits` holds contracts' payouts only: a
    sender's general_value left it unless `failure` is INSUFFICIENT_FUNDS.
    """

    failure: FailureKind | None
    detail: str
    gas_used: int
    return_value: int | bytes | None = None
    logs: tuple[LogEntry, ...] = ()
    writes: tuple[SlotWrite, ...] = ()
    credits: tuple[Movement, ...] = ()
    debits: tuple[Movement, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether the transaction was not rolled back."""
        return self.failure is None

    @property
    def funded(self) -> bool:
        """Whether the sender's general_value really left it."""
        return self.failure is not FailureKind.INSUFFICIENT_FUNDS

    def credit_of(self, account: AccountId) -> int:
        """Gross units that arrived in an account's general balance."""
        return next((m.units for m in self.credits if m.account == account), 0)

    def debit_of(self, account: AccountId) -> int:
        """Gross units that a contract paid out."""
        return next((m.units for m in self.debits if m.account == account), 0)

    def written(self, contract: bytes, slot: bytes) -> bytes | None:
        """The value written to a slot; None if the slot was not written."""
        return next((w.value for w in self.writes if w.slot == slot and w.contract == contract), None)


class BalanceInput(Record, frozen=True):
    """A balance that was consulted right before transaction `before`: all earlier outcomes that move it count."""

    account: bytes
    before: int


class Observed(Record, frozen=True):
    """An outcome and what it was computed from.

    `inputs`: the numbers of the transactions whose outcomes were consulted for slots, code, bounds and
    queries. `balances`: the balances whose intervals were consulted. Both depend on what was already
    known, so they are no part of the outcome itself.

    `needs`: what the transaction asked of the past, in the order in which it first asked: a function of the
    chain like the outcome. Answering them again leads to the outcome without running a contract. None where
    nobody recorded them.
    """

    outcome: Outcome
    inputs: tuple[int, ...]
    balances: tuple[BalanceInput, ...] = ()
    needs: tuple[Asked, ...] | None = None


class _WithoutNeeds(Record, frozen=True):
    """What was kept before needs were recorded."""

    outcome: Outcome
    inputs: tuple[int, ...]
    balances: tuple[BalanceInput, ...]


_observed = Decoder(Observed, OUTCOME_BYTES_MAX)
_without_needs = Decoder(_WithoutNeeds, OUTCOME_BYTES_MAX)


def decode_observed(raw: bytes) -> Observed:
    """The observed outcome that `raw` encodes. Raises `InvalidEncoding`."""
    try:
        return _observed.decode(raw)
    except InvalidEncoding as error:
        try:
            old = _without_needs.decode(raw)
        except InvalidEncoding:
            raise error from None
        return Observed(old.outcome, old.inputs, old.balances)
