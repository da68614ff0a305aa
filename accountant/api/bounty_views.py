"""Bounties on the wire: what is asked, for how much, whether a right answer is paid, and this accountant's claim."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from accountant.api.fields import AccountOut, AmountOut, HashOut, HexOut, account_of, hex_of
from accountant.api.query_views import IntegerOut, QueryView
from accountant.chain.query import decode_query
from accountant.oath.signing import Purpose
from accountant.primitives.errors import InvalidEncoding
from accountant.services.bounties import BountyRead, BountySeen

StateName = Literal["open", "asked", "claimed", "revealed", "collecting", "won", "lost", "expired", "declined"]


class ClaimView(BaseModel):
    """How far this accountant's claim came."""

    state: Annotated[
        StateName,
        Field(
            description="`open`: not claimed yet; `asked`: a job finds the answer; `claimed`, `revealed`, "
            "`collecting`: signed so far; `won`, `lost`, `expired` (no claim in time), `declined`: ended."
        ),
    ]
    reason: Annotated[str | None, Field(description="Why it is not further, or how it ended: stable.")]
    detail: Annotated[str | None, Field(description="The same for people.")]
    commit: Annotated[HashOut | None, Field(description="The transaction that commits to an answer.")]
    reveal: HashOut | None
    collect: HashOut | None
    due: Annotated[AmountOut | None, Field(description="What the contract owes the claim, once it has ended.")]

    @classmethod
    def of(cls, seen: BountySeen) -> "ClaimView | None":
        """The view of a claim; None where the bounty was not looked at."""
        row = seen.row
        if row is None:
            return None
        hashes = {purpose: hex_of(name) for purpose, name in seen.steps.items()}
        return cls(
            state=row.state.value,
            reason=row.reason,
            detail=row.detail,
            commit=hashes.get(Purpose.COMMIT),
            reveal=hashes.get(Purpose.REVEAL),
            collect=hashes.get(Purpose.COLLECT),
            due=None if row.due is None else str(row.due),
        )


class BountyView(BaseModel):
    """A bounty, and this accountant's claim on it. `query` is null where the bytes do not decode."""

    contract: AccountOut
    client: Annotated[AccountOut, Field(description="Who pays.")]
    transaction: Annotated[HashOut, Field(description="What deploys it.")]
    query: QueryView | None
    query_bytes: HexOut
    reward: AmountOut
    bond: Annotated[IntegerOut, Field(description="Base units that each claim puts up.")]
    height: Annotated[int, Field(description="Of the block that deploys it.")]
    commits_until: Annotated[IntegerOut, Field(description="The last height at which commitments are taken.")]
    reveals_until: Annotated[IntegerOut, Field(description="The last height at which claims are revealed.")]
    claim: Annotated[ClaimView | None, Field(description="Null where this accountant did not look at it.")]

    @classmethod
    def of(cls, seen: BountySeen) -> "BountyView":
        """The view of a bounty."""
        bounty = seen.bounty
        return cls(
            contract=hex_of(bounty.contract),
            client=account_of(bounty.client),
            transaction=hex_of(bounty.located.hash),
            query=_query(bounty.terms.query),
            query_bytes=hex_of(bounty.terms.query),
            reward=str(bounty.reward),
            bond=str(bounty.terms.bond),
            height=bounty.located.height,
            commits_until=str(bounty.commits_until),
            reveals_until=str(bounty.reveals_until),
            claim=ClaimView.of(seen),
        )


class BountyFlawView(BaseModel):
    """One reason why a right answer might not be paid. `kind` is stable; `detail` is for people."""

    kind: str = Field(examples=["unfunded"])
    detail: str


class BountyResourceView(BountyView):
    """A bounty with what the chain's bytes say of it: nothing is executed."""

    flaws: Annotated[list[BountyFlawView], Field(description="None: the reward is there and stays until the end.")]
    claims: Annotated[int, Field(description="Commitments that are surely there, counted up to 200.")]

    @classmethod
    def read(cls, found: BountyRead) -> "BountyResourceView":
        """The view of a bounty that was read."""
        flaws = [BountyFlawView(kind=flaw.kind.value, detail=flaw.detail) for flaw in found.flaws]
        common = BountyView.of(found.seen)
        return cls(
            **{name: getattr(common, name) for name in BountyView.model_fields}, flaws=flaws, claims=found.claims
        )


class BountyListView(BaseModel):
    """A page of bounties, latest seen first."""

    items: list[BountyView]
    has_more: bool
    next_cursor: str | None


def _query(raw: bytes) -> QueryView | None:
    try:
        return QueryView.of(decode_query(raw))
    except InvalidEncoding:
        return None
