"""Outcomes on the wire: what a transaction did, where it failed, and what knowing that rests on."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from accountant.accounting.outcome import decode_outcome_certificate
from accountant.api.answers import MissingView
from accountant.api.fields import (
    AccountOut,
    AmountOut,
    GasOut,
    HashOut,
    HexOut,
    StoppedOut,
    account_of,
    hex_of,
    stopped_by,
)
from accountant.api.preparation_views import TracePlaceView
from accountant.api.views import EntryView
from accountant.chain.values import text_of
from accountant.contracts.entry_text import missing_entry
from accountant.execution.outcome import LogEntry, Movement, Outcome, outcome_digest


class LogView(BaseModel):
    """An event that a contract logged. Its interface file says what topic and data mean."""

    contract: AccountOut
    topic: HexOut
    data: HexOut

    @classmethod
    def of(cls, log: LogEntry) -> "LogView":
        """The view of a log."""
        return cls(contract=account_of(log.contract), topic=hex_of(log.topic), data=hex_of(log.data))


class MovementView(BaseModel):
    """Gross units that arrived in, or left, an account's general balance."""

    account: AccountOut
    units: AmountOut

    @classmethod
    def of(cls, movement: Movement) -> "MovementView":
        """The view of a movement."""
        return cls(account=account_of(movement.account), units=str(movement.units))


class OutcomeView(BaseModel):
    """What a transaction did. It changed nothing if it failed, but its gas is paid."""

    failure: Annotated[str | None, Field(description="The kind of the failure.", examples=["assertion"])]
    detail: Annotated[str, Field(description="What more is known of the failure, as a failed assertion's reason.")]
    digest: Annotated[HashOut, Field(description="SHA-256 of its canonical bytes: what accountants compare.")]
    missing_entry: Annotated[
        EntryView | None, Field(description="What it touched without having declared it; preparing it again adds it.")
    ]
    gas_used: GasOut
    return_value: Annotated[str | None, Field(description="Decimal digits or hex; null where it returned nothing.")]
    logs: list[LogView]
    credits: Annotated[
        list[MovementView],
        Field(description="What arrived in general balances, value returned and unused gas included."),
    ]
    debits: Annotated[list[MovementView], Field(description="What contracts paid out.")]

    @classmethod
    def of(cls, outcome: Outcome) -> "OutcomeView":
        """The view of an outcome."""
        missing = missing_entry(outcome.failure, outcome.detail)
        return cls(
            failure=None if outcome.failure is None else outcome.failure.value,
            detail=outcome.detail,
            digest=hex_of(outcome_digest(outcome)),
            missing_entry=None if missing is None else EntryView.of(missing),
            gas_used=str(outcome.gas_used),
            return_value=None if outcome.return_value is None else text_of(None, outcome.return_value),
            logs=[LogView.of(log) for log in outcome.logs],
            credits=[MovementView.of(movement) for movement in outcome.credits],
            debits=[MovementView.of(movement) for movement in outcome.debits],
        )


class OutcomeResultView(BaseModel):
    """What a transaction did, and everything that knowing it rests on."""

    verdict: Annotated[
        Literal["accepted", "rejected", "undecided"], Field(description="Whether it succeeded (accepted) or failed.")
    ]
    reason: StoppedOut | None
    transaction: HashOut
    outcome: Annotated[OutcomeView | None, Field(description="Null while undecided.")]
    trace: Annotated[
        list[TracePlaceView],
        Field(description="Where it failed, innermost first. Empty where the gas budget left too little to find it."),
    ]
    executed: Annotated[list[HashOut], Field(description="Executed for this answer, in order of execution.")]
    gas_executed: Annotated[GasOut, Field(description="A failed transaction is run twice: for its place as well.")]
    gas_everything: Annotated[GasOut, Field(description="The most that executing everything up to it would take.")]
    cache_hits: int
    slice: Annotated[list[HashOut], Field(description="All transactions that the answer rests on, in chain order.")]
    missing: list[MissingView]
    canonical: Annotated[HexOut, Field(description="The certificate's canonical bytes, written slots included.")]

    @classmethod
    def of(cls, raw: bytes) -> "OutcomeResultView":
        """The view of a stored answer."""
        found = decode_outcome_certificate(raw)
        return cls(
            verdict=found.verdict.value,
            reason=stopped_by(found.reason),
            transaction=hex_of(found.transaction),
            outcome=None if found.outcome is None else OutcomeView.of(found.outcome),
            trace=[TracePlaceView.of(place) for place in found.trace],
            executed=[hex_of(t) for t in found.executed],
            gas_executed=str(found.gas_executed),
            gas_everything=str(found.gas_everything),
            cache_hits=found.cache_hits,
            slice=[hex_of(t) for t in found.slice],
            missing=[MissingView.of(m) for m in found.missing],
            canonical=hex_of(raw),
        )
