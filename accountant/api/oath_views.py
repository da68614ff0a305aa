"""Oaths on the wire: what is sworn, at which price, and whether it counts."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from accountant.api.answers import AnswerOut, answer_of
from accountant.api.fields import AccountOut, AmountOut, HashOut, HexOut, account_of, hex_of
from accountant.api.query_views import IntegerOut, PositionView, QueryView
from accountant.oath.counts import OathStanding
from accountant.primitives.encoding import encode
from accountant.services.oaths import Included, OathView, PartView, SwornView


class SwornPartView(BaseModel):
    """What the oath's transaction says; `query` and `answer` are null where the bytes do not decode."""

    transaction: HashOut
    swearer: AccountOut
    purse: Annotated[AccountOut, Field(description="The contract whose deposit stands behind the oath.")]
    query: QueryView | None
    query_bytes: HexOut
    answer: Annotated[
        AnswerOut | None,
        Field(description="A boolean, decimal digits, hex, what a view returned, or a list of those."),
    ]
    answer_bytes: HexOut
    penalty: Annotated[IntegerOut, Field(description="Base units that a false answer costs the purse.")]
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

    @classmethod
    def of(cls, standing: OathStanding) -> "StandingView":
        """The view of a standing."""
        return cls(
            counts=standing.counts,
            flaws=[FlawView(kind=flaw.kind.value, detail=flaw.detail) for flaw in standing.flaws],
            deposit=str(standing.deposit),
        )


class OathInclusionView(BaseModel):
    """What leads from `sworn.raw` to a block: whoever trusts its hash needs nothing else to read the answer."""

    height: int
    block: Annotated[
        HashOut, Field(description="Its hash: SHA-256 of `anh/block`, a zero byte, and the header's bytes.")
    ]
    header: Annotated[HexOut, Field(description="Canonical bytes of [header, signature], as `/v1/chain/headers` has.")]
    index: int
    count: Annotated[int, Field(description="Transactions in the block: committed beside the tree's hash.")]
    path: Annotated[list[HashOut], Field(description="From the transaction to the transaction root, bottom first.")]

    @classmethod
    def of(cls, included: Included) -> "OathInclusionView":
        """The view of a proof."""
        proof = included.proof
        return cls(
            height=proof.height,
            block=hex_of(proof.block),
            header=hex_of(encode(included.header)),
            index=proof.index,
            count=proof.count,
            path=[hex_of(node) for node in proof.path],
        )


class OathPartView(BaseModel):
    """The job's own answer, of the several that the oath answers."""

    number: Annotated[int, Field(description="Its place in `sworn.query.queries` and `sworn.answer`, from 0 on.")]
    query: QueryView
    answer: AnswerOut

    @classmethod
    def of(cls, part: PartView) -> "OathPartView":
        """The view of a part."""
        return cls(number=part.number, query=QueryView.of(part.query), answer=answer_of(part.answer))


class OathResourceView(BaseModel):
    """An oath as it stands. What is not this key's own has neither id nor job."""

    id: str | None = Field(examples=["oath_7f0d3c3f0f6c4b0d9a4f1b6f0c9f8e21"])
    job: str | None
    state: Literal["declined", "pending", "submitted", "included", "displaced"]
    declined: Annotated[str | None, Field(description="Why the answer is not sworn.")]
    sworn: SwornPartView | None
    part: Annotated[
        OathPartView | None, Field(description="Null where the oath has one answer, or none is this key's.")
    ]
    seq: int | None
    position: PositionView | None
    standing: Annotated[StandingView | None, Field(description="Null until the oath is in a block.")]
    inclusion: Annotated[OathInclusionView | None, Field(description="Null until the oath is in a block.")]

    @classmethod
    def of(cls, oath: OathView) -> "OathResourceView":
        """The view of an oath."""
        return cls(
            id=oath.id,
            job=oath.job_id,
            state="declined" if oath.state is None else oath.state.value,
            declined=oath.declined,
            sworn=None if oath.sworn is None else SwornPartView.of(oath.sworn),
            part=None if oath.part is None else OathPartView.of(oath.part),
            seq=oath.seq,
            position=None if oath.position is None else PositionView.of(oath.position),
            standing=None if oath.standing is None else StandingView.of(oath.standing),
            inclusion=None if oath.included is None else OathInclusionView.of(oath.included),
        )
