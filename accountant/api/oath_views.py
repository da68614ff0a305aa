"""Oaths on the wire: what is sworn, at which price, and whether it counts."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from accountant.api.certificates import ViewAnswerView, answer_of
from accountant.api.fields import AccountOut, AmountOut, GasOut, HashOut, HexOut, account_of, hex_of
from accountant.chain.block import Position
from accountant.chain.query import (
    AccountingQuery,
    BalanceAtLeast,
    Income,
    Storage,
    TransactionSucceeded,
    View,
    query_hash,
)
from accountant.chain.values import text_of
from accountant.services.oaths import OathView, SwornView

_IntegerOut = Annotated[str, Field(pattern="^-?[0-9]+$", examples=["1000000000"])]
"""What somebody else wrote into a transaction may be negative, though no honest oath says so."""


class PositionView(BaseModel):
    """The state right before a transaction: the hash of the block before it, and its index in the next."""

    previous_hash: HashOut
    index: int

    @classmethod
    def of(cls, position: Position) -> "PositionView":
        """The view of a position."""
        return cls(previous_hash=hex_of(position.previous_hash), index=position.index)


class QueryView(BaseModel):
    """An accounting query. Which fields it has depends on its kind."""

    kind: Literal["balance_at_least", "transaction_succeeded", "income", "storage", "view"]
    hash: Annotated[HashOut, Field(description="What names the query.")]
    account: AccountOut | None = None
    amount: _IntegerOut | None = None
    transaction: HashOut | None = None
    contract: AccountOut | None = None
    slot: HexOut | None = None
    function: str | None = None
    arguments: Annotated[list[str] | None, Field(description="Decimal digits or hex.")] = None
    gas_limit: GasOut | None = None
    position: PositionView | None = None

    @classmethod
    def of(cls, query: AccountingQuery) -> "QueryView":
        """The view of a query."""
        name = hex_of(query_hash(query))
        match query:
            case BalanceAtLeast(account=account, amount=amount, position=position):
                return cls(
                    kind="balance_at_least",
                    hash=name,
                    account=account_of(account),
                    amount=str(amount),
                    position=PositionView.of(position),
                )
            case TransactionSucceeded(transaction=transaction):
                return cls(kind="transaction_succeeded", hash=name, transaction=hex_of(transaction))
            case Income(transaction=transaction, account=account):
                return cls(kind="income", hash=name, transaction=hex_of(transaction), account=account_of(account))
            case Storage(contract=contract, slot=slot, position=position):
                return cls(
                    kind="storage",
                    hash=name,
                    contract=hex_of(contract),
                    slot=hex_of(slot),
                    position=PositionView.of(position),
                )
            case View():
                return cls(
                    kind="view",
                    hash=name,
                    contract=hex_of(query.contract),
                    function=query.function,
                    arguments=[text_of(None, argument) for argument in query.arguments],
                    gas_limit=str(query.gas_limit),
                    position=PositionView.of(query.position),
                )


class SwornPartView(BaseModel):
    """What the oath's transaction says; `query` and `answer` are null where the bytes do not decode."""

    transaction: HashOut
    swearer: AccountOut
    purse: Annotated[AccountOut, Field(description="The contract whose deposit stands behind the oath.")]
    query: QueryView | None
    query_bytes: HexOut
    answer: Annotated[
        bool | str | ViewAnswerView | None,
        Field(description="A boolean, decimal digits, hex, or what a view returned."),
    ]
    answer_bytes: HexOut
    penalty: Annotated[_IntegerOut, Field(description="Base units that a false answer costs the purse.")]
    beneficiary: Annotated[AccountOut, Field(description="Who gets what is not burnt; address zero: all is burnt.")]
    raw: Annotated[HexOut, Field(description="The transaction's canonical bytes, signature included.")]

    @classmethod
    def of(cls, sworn: SwornView) -> "SwornPartView":
        """The view of what is sworn."""
        return cls(
            transaction=hex_of(sworn.transaction),
            swearer=account_of(sworn.swearer),
            purse=hex_of(sworn.purse),
            query=None if sworn.query is None else QueryView.of(sworn.query),
            query_bytes=hex_of(sworn.terms.query),
            answer=None if sworn.answer is None else answer_of(sworn.answer),
            answer_bytes=hex_of(sworn.terms.answer),
            penalty=str(sworn.terms.penalty),
            beneficiary=account_of(sworn.terms.beneficiary),
            raw=hex_of(sworn.raw),
        )


class FlawView(BaseModel):
    """One reason why an oath does not count. `kind` is stable; `detail` is for people."""

    kind: str = Field(examples=["not_covered"])
    detail: str = Field(examples=["the purse holds 0 for certain, the penalty is 1000000000"])


class StandingView(BaseModel):
    """Whether a false answer was sure to cost the penalty: decided from the chain's bytes, executing nothing."""

    counts: bool
    flaws: list[FlawView]
    deposit: Annotated[AmountOut, Field(description="The purse held at least this right before the oath.")]


class OathResourceView(BaseModel):
    """An oath as it stands. What is not this key's own has neither id nor job."""

    id: str | None = Field(examples=["oath_7f0d3c3f0f6c4b0d9a4f1b6f0c9f8e21"])
    job: str | None
    state: Literal["declined", "pending", "submitted", "included", "displaced"]
    declined: Annotated[str | None, Field(description="Why the answer is not sworn.")]
    sworn: SwornPartView | None
    seq: int | None
    position: PositionView | None
    standing: Annotated[StandingView | None, Field(description="Null until the oath is in a block.")]

    @classmethod
    def of(cls, oath: OathView) -> "OathResourceView":
        """The view of an oath."""
        standing = oath.standing
        return cls(
            id=oath.id,
            job=oath.job_id,
            state="declined" if oath.state is None else oath.state.value,
            declined=oath.declined,
            sworn=None if oath.sworn is None else SwornPartView.of(oath.sworn),
            seq=oath.seq,
            position=None if oath.position is None else PositionView.of(oath.position),
            standing=None
            if standing is None
            else StandingView(
                counts=standing.counts,
                flaws=[FlawView(kind=flaw.kind.value, detail=flaw.detail) for flaw in standing.flaws],
                deposit=str(standing.deposit),
            ),
        )
