"""World states on the wire: an observation's answer, and a state that is kept for reading."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from accountant.accounting.observe import decode_observation
from accountant.api.answers import MissingView
from accountant.api.fields import (
    GasOut,
    HashOut,
    HexOut,
    StoppedOut,
    hex_of,
    stopped_by,
)
from accountant.api.schemas import BudgetIn
from accountant.primitives.types import AMOUNT_MAX
from accountant.storage.world_states import KeptState


class ObservationIn(BaseModel):
    """What is the world state at the end of this block?"""

    model_config = ConfigDict(extra="forbid", strict=True)

    height: int = Field(ge=0, le=AMOUNT_MAX, examples=[42])
    gas_budget: BudgetIn = None


class ObservationView(BaseModel):
    """The root of a world state, and what finding it took."""

    verdict: Literal["accepted", "undecided"]
    reason: StoppedOut | None
    height: int
    block_hash: HashOut
    root: Annotated[HashOut | None, Field(description="RFC 6962 over the state's leaves; null while undecided.")]
    users: int
    contracts: int
    slots: int
    transactions: Annotated[int, Field(description="On the chain up to the height.")]
    executed: Annotated[int, Field(description="Contract runs that nobody had observed before.")]
    gas_executed: GasOut
    gas_everything: Annotated[GasOut, Field(description="The most that executing everything up to it would take.")]
    missing: list[MissingView]
    canonical: Annotated[HexOut, Field(description="The certificate's canonical bytes.")]

    @classmethod
    def of(cls, raw: bytes) -> "ObservationView":
        """The view of a stored answer."""
        found = decode_observation(raw)
        return cls(
            verdict="undecided" if found.root is None else "accepted",
            reason=stopped_by(found.reason),
            height=found.height,
            block_hash=hex_of(found.block_hash),
            root=None if found.root is None else hex_of(found.root),
            users=found.users,
            contracts=found.contracts,
            slots=found.slots,
            transactions=found.transactions,
            executed=found.executed,
            gas_executed=str(found.gas_executed),
            gas_everything=str(found.gas_everything),
            missing=[MissingView.of(m) for m in found.missing],
            canonical=hex_of(raw),
        )


class KeptStateView(BaseModel):
    """An observed world state that can be read page by page."""

    height: int
    block_hash: HashOut
    root: HashOut
    leaves: int
    pages: int

    @classmethod
    def of(cls, state: KeptState) -> "KeptStateView":
        """The view of a kept state."""
        return cls(
            height=state.height,
            block_hash=hex_of(state.block_hash),
            root=hex_of(state.root),
            leaves=state.leaves,
            pages=state.pages,
        )
