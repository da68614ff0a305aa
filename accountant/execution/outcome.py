"""Outcomes: what a transaction did. A pure function of the chain, so an outcome is kept for ever."""

from contextlib import suppress

from accountant.contracts.errors import FailureKind
from accountant.execution.needs import Asked
from accountant.primitives.encoding import Decoder, Record, encode
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.hashes import sha256
from accountant.primitives.types import AccountId, Hash

OUTCOME_BYTES_MAX = 64 * 1024 * 1024


class SlotWrite(Record, frozen=True):
    """A slot's new value. Empty bytes clear the slot.

    `source`: the number of the transaction that saved the file whose CID the value is, if the writer saved it, or
    read it from a slot of which the same is known. Whoever reads the slot may load the file.
    """

    contract: bytes
    slot: bytes
    value: bytes
    source: int | None = None


class Movement(Record, frozen=True):
    """Gross units credited to, or debited from, the general balance of an account."""

    account: bytes
    units: int


class LogEntry(Record, frozen=True):
    """An event that a contract logged."""

    contract: bytes
    topic: bytes
    data: bytes


class SavedBlob(Record, frozen=True):
    """A file of tensors that a contract saved. Executing the transaction again gives its bytes again."""

    cid: bytes
    size: int


class Outcome(Record, frozen=True):
    """What executing one transaction in its place did. Equal outcomes have equal bytes.

    `writes`, `credits`, `debits` and `saved` are sorted and unique. `credits` holds everything that arrives in a
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
    saved: tuple[SavedBlob, ...] = ()

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
        write = self.write_of(contract, slot)
        return None if write is None else write.value

    def write_of(self, contract: bytes, slot: bytes) -> SlotWrite | None:
        """What was written to a slot; None if the slot was not written."""
        return next((w for w in self.writes if w.slot == slot and w.contract == contract), None)


def outcome_digest(outcome: Outcome) -> Hash:
    """The digest under which an outcome is stored and compared.

    What an outcome is that has nothing to do with files of tensors did not change when there began to be some.
    """
    files = outcome.saved or any(write.source is not None for write in outcome.writes)
    return sha256(encode(outcome if files else _OldOutcome.of(outcome)))


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


class _OldWrite(Record, frozen=True):
    """A write as it was kept before there were files of tensors."""

    contract: bytes
    slot: bytes
    value: bytes


class _OldOutcome(Record, frozen=True):
    """An outcome as it was kept before there were files of tensors."""

    failure: FailureKind | None
    detail: str
    gas_used: int
    return_value: int | bytes | None
    logs: tuple[LogEntry, ...]
    writes: tuple[_OldWrite, ...]
    credits: tuple[Movement, ...]
    debits: tuple[Movement, ...]

    @classmethod
    def of(cls, outcome: Outcome) -> "_OldOutcome":
        """An outcome that has nothing to do with files, as it was kept then."""
        writes = tuple(_OldWrite(write.contract, write.slot, write.value) for write in outcome.writes)
        return cls(
            *(outcome.failure, outcome.detail, outcome.gas_used, outcome.return_value, outcome.logs, writes),
            *(outcome.credits, outcome.debits),
        )

    def renewed(self) -> Outcome:
        """The same as it is kept now."""
        writes = tuple(SlotWrite(write.contract, write.slot, write.value) for write in self.writes)
        return Outcome(
            *(self.failure, self.detail, self.gas_used, self.return_value, self.logs, writes),
            *(self.credits, self.debits),
        )


class _WithoutFiles(Record, frozen=True):
    """What was kept before there were files of tensors."""

    outcome: _OldOutcome
    inputs: tuple[int, ...]
    balances: tuple[BalanceInput, ...]
    needs: tuple[Asked, ...] | None


class _WithoutNeeds(Record, frozen=True):
    """What was kept before needs were recorded."""

    outcome: _OldOutcome
    inputs: tuple[int, ...]
    balances: tuple[BalanceInput, ...]


_observed = Decoder(Observed, OUTCOME_BYTES_MAX)
_without_files = Decoder(_WithoutFiles, OUTCOME_BYTES_MAX)
_without_needs = Decoder(_WithoutNeeds, OUTCOME_BYTES_MAX)


def decode_observed(raw: bytes) -> Observed:
    """The observed outcome that `raw` encodes, as it is kept now or was kept before. Raises `InvalidEncoding`."""
    try:
        return _observed.decode(raw)
    except InvalidEncoding as error:
        for decoder in (_without_files, _without_needs):
            with suppress(InvalidEncoding):
                old = decoder.decode(raw)
                needs = old.needs if isinstance(old, _WithoutFiles) else None
                return Observed(old.outcome.renewed(), old.inputs, old.balances, needs)
        raise error from None
