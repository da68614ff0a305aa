"""Prepared transactions on the wire: what was asked for, and what is to be signed."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from accountant.accounting.preparation import (
    FailedReport,
    PreparationQuestion,
    Prepared,
    PreparedEntry,
    SimulationReport,
    TracePlace,
    decode_prepared,
)
from accountant.api.fields import AccountOut, AmountOut, GasOut, HashOut, HexOut, account_of, hex_of
from accountant.api.views import EntryView
from accountant.chain.transaction import TransactionKind, decode_call, decode_deployment, decode_transaction
from accountant.chain.values import text_of

Kind = Literal["call", "deploy"]


class PreparationView(BaseModel):
    """A transaction that somebody means to sign. What is null the accountant chooses."""

    kind: Kind
    sender: AccountOut
    contract: Annotated[AccountOut | None, Field(description="Null for a deployment.")]
    function: Annotated[str | None, Field(description="Null for a deployment.")]
    arguments: Annotated[list[str], Field(description="Decimal digits or hex.")]
    zero_value: AmountOut
    general_value: AmountOut
    gas_price: AmountOut | None
    gas_limit: GasOut | None
    tip: AmountOut
    nonce: int | None
    failed: HashOut | None

    @classmethod
    def of(cls, question: PreparationQuestion) -> "PreparationView":
        """The view of a question."""
        calls = question.kind is TransactionKind.CALL
        call = decode_call(question.payload) if calls else None
        arguments = decode_deployment(question.payload).arguments if call is None else call.arguments
        return cls(
            kind="call" if calls else "deploy",
            sender=account_of(question.sender),
            contract=account_of(question.to) if calls else None,
            function=None if call is None else call.function,
            arguments=[text_of(None, argument) for argument in arguments],
            zero_value=str(question.zero_value),
            general_value=str(question.general_value),
            gas_price=_digits(question.gas_price),
            gas_limit=_digits(question.gas_limit),
            tip=str(question.tip),
            nonce=question.nonce,
            failed=None if question.failed is None else hex_of(question.failed),
        )


class PreparedEntryView(BaseModel):
    """An entry of the footprint and how it was found."""

    entry: EntryView
    source: Annotated[
        Literal["template", "failed", "simulation"],
        Field(description="The function's template, the earlier transaction, or a simulated run at the head."),
    ]
    guess: Annotated[bool, Field(description="Whether the run may touch something else when it is executed.")]
    rests_on_unobserved: Annotated[
        int, Field(description="Transactions that nobody has executed yet, on which finding the entry rested.")
    ]

    @classmethod
    def of(cls, prepared: PreparedEntry) -> "PreparedEntryView":
        """The view of an entry."""
        return cls(
            entry=EntryView.of(prepared.entry),
            source=prepared.source.value,
            guess=prepared.guess,
            rests_on_unobserved=prepared.rests_on_unobserved,
        )


class TracePlaceView(BaseModel):
    """A function that a failure passed on its way out. The module's source map leads from the offset to a line."""

    contract: AccountOut
    code_hash: Annotated[HashOut, Field(description="SHA-256 of the module.")]
    function: Annotated[int, Field(description="The function's index in the module, imports counted first.")]
    offset: Annotated[int, Field(description="Bytes from the beginning of the module.")]

    @classmethod
    def of(cls, place: TracePlace) -> "TracePlaceView":
        """The view of a place."""
        return cls(
            contract=account_of(place.contract),
            code_hash=hex_of(place.code_hash),
            function=place.function,
            offset=place.offset,
        )


class SimulationView(BaseModel):
    """What a run of the call on the observed state at the head did."""

    failure: Annotated[str | None, Field(description="The kind of the failure.", examples=["assertion"])]
    detail: str
    gas_used: Annotated[GasOut, Field(description="By the code alone.")]
    gas_most: Annotated[GasOut, Field(description="What the code was given.")]
    return_value: Annotated[str | None, Field(description="Decimal digits or hex; null where it returned nothing.")]
    touched: Annotated[int, Field(description="How many entries it touched.")]
    rests_on_unobserved: Annotated[int, Field(description="Transactions it asked for that nobody has executed yet.")]
    trace: Annotated[list[TracePlaceView], Field(description="Where it failed, innermost first.")]

    @classmethod
    def of(cls, report: SimulationReport) -> "SimulationView":
        """The view of a report."""
        return cls(
            failure=None if report.failure is None else report.failure.value,
            detail=report.detail,
            gas_used=str(report.gas_used),
            gas_most=str(report.gas_most),
            return_value=None if report.return_value is None else text_of(None, report.return_value),
            touched=report.touched,
            rests_on_unobserved=report.rests_on_unobserved,
            trace=[TracePlaceView.of(place) for place in report.trace],
        )


class FailedView(BaseModel):
    """The earlier transaction: whether somebody executed it, how it failed, and the entry that it lacked."""

    transaction: HashOut
    observed: bool
    failure: str | None
    detail: str
    missing: EntryView | None

    @classmethod
    def of(cls, report: FailedReport) -> "FailedView":
        """The view of a report."""
        return cls(
            transaction=hex_of(report.transaction),
            observed=report.observed,
            failure=None if report.failure is None else report.failure.value,
            detail=report.detail,
            missing=None if report.missing is None else EntryView.of(report.missing),
        )


class DraftView(BaseModel):
    """What is to be signed. A wallet signs `signing_hash` as a personal message of 32 bytes (EIP-191)."""

    unsigned: Annotated[
        HexOut, Field(description="Canonical bytes; the last 65 are zeros, to be replaced by the signature.")
    ]
    signing_hash: HashOut
    nonce: int
    gas_limit: GasOut
    gas_price: AmountOut
    tip: AmountOut


class RefusalView(BaseModel):
    """Why no block would take the transaction now. `kind` is stable."""

    kind: str = Field(examples=["unpaid"])
    detail: str


class PreparedView(BaseModel):
    """A transaction to sign, and what is known of it at the head."""

    height: Annotated[int, Field(description="Of the block at whose end the state was looked at.")]
    previous_hash: HashOut
    contract: Annotated[AccountOut, Field(description="What is called, or will be deployed.")]
    transaction: Annotated[
        DraftView | None, Field(description="Null where the simulation failed and the template is not complete.")
    ]
    fee: Annotated[AmountOut, Field(description="Leaves the zero-cost balance besides zero_value; gas included.")]
    zero_needed: Annotated[AmountOut, Field(description="What the zero-cost balance must have.")]
    zero_balance: Annotated[AmountOut, Field(description="What it has.")]
    covered: Annotated[
        bool | None, Field(description="Whether the general balance has general_value; null while that is open.")
    ]
    next_nonce: Annotated[int, Field(description="The sender's next nonce on the chain.")]
    complete: Annotated[bool, Field(description="Whether the footprint follows from the call alone.")]
    entries: list[PreparedEntryView]
    refusal: RefusalView | None
    simulation: Annotated[
        SimulationView | None, Field(description="Null where no code would run, or where it may not.")
    ]
    failed: FailedView | None

    @classmethod
    def of(cls, raw: bytes) -> "PreparedView":
        """The view of a stored answer."""
        prepared = decode_prepared(raw)
        return cls(
            height=prepared.height,
            previous_hash=hex_of(prepared.previous_hash),
            contract=account_of(prepared.contract),
            transaction=_draft(prepared),
            fee=str(prepared.fee),
            zero_needed=str(prepared.zero_needed),
            zero_balance=str(prepared.zero_balance),
            covered=prepared.covered,
            next_nonce=prepared.next_nonce,
            complete=prepared.complete,
            entries=[PreparedEntryView.of(entry) for entry in prepared.entries],
            refusal=None
            if prepared.refusal is None
            else RefusalView(kind=prepared.refusal, detail=prepared.refusal_detail),
            simulation=None if prepared.simulation is None else SimulationView.of(prepared.simulation),
            failed=None if prepared.failed is None else FailedView.of(prepared.failed),
        )


def _draft(prepared: Prepared) -> DraftView | None:
    if prepared.transaction is None or prepared.signing_hash is None:
        return None
    transaction = decode_transaction(prepared.transaction)
    return DraftView(
        unsigned=hex_of(prepared.transaction),
        signing_hash=hex_of(prepared.signing_hash),
        nonce=transaction.nonce,
        gas_limit=str(transaction.gas_limit),
        gas_price=str(transaction.gas_price),
        tip=str(transaction.tip),
    )


def _digits(value: int | None) -> str | None:
    return None if value is None else str(value)
