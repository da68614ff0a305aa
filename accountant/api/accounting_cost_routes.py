"""The route of the accounting cost of all outstanding money (paper, section II-E), by height."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from accountant.accounting.outstanding import AccountingCost, accounting_cost, heights_between
from accountant.api.documented import problems
from accountant.api.fields import GasOut
from accountant.api.paging import NumberIn, digits
from accountant.api.problems import InvalidParameter, NotFound
from accountant.api.resources import Res, Resources
from accountant.primitives.types import Height

router = APIRouter(tags=["chain"])

POINTS_MOST = 100


class _Heights(BaseModel):
    model_config = ConfigDict(extra="forbid")

    height: Annotated[NumberIn | None, Field(description="At the end of this block alone.")] = None
    from_height: Annotated[NumberIn | None, Field(description="The first of several; by default genesis.")] = None
    to_height: Annotated[NumberIn | None, Field(description="The last of several; by default the head.")] = None
    points: Annotated[int, BeforeValidator(digits)] = Field(
        50, ge=1, le=POINTS_MOST, description="At most so many heights, spread evenly, both ends among them."
    )


class AccountingCostView(BaseModel):
    """The cost at the end of a block: from `known` to `known` + `unknown_most`."""

    height: int
    transactions: Annotated[int, Field(description="Transactions up to there.")]
    observed: Annotated[
        int, Field(description="Of them, those whose outcomes are known; zero-cost transfers need none.")
    ]
    known: Annotated[GasOut, Field(description="Gas that the observed ones used.")]
    unknown_most: Annotated[GasOut, Field(description="Gas limits of the others: what they may use at most.")]

    @classmethod
    def of(cls, cost: AccountingCost) -> "AccountingCostView":
        """The view of a cost."""
        return cls(
            height=cost.height,
            transactions=cost.transactions,
            observed=cost.observed,
            known=str(cost.known),
            unknown_most=str(cost.unknown_most),
        )


class AccountingCostsView(BaseModel):
    """The cost of all outstanding money, by ascending height. No block lowers it."""

    items: list[AccountingCostView]


@router.get(
    "/accounting-cost",
    operation_id="getAccountingCost",
    summary="What does knowing all money cost?",
    responses=problems(
        {
            404: ("unknown_block", "there is no block of height 99 yet"),
            422: ("invalid_request", "query/points: Input should be less than or equal to 100"),
        }
    ),
)
def get_accounting_cost(resources: Res, heights: Annotated[_Heights, Query()]) -> AccountingCostsView:
    """The gas that knowing every general balance exactly, at the end of a block, takes whoever knows nothing: that of
    executing everything up to there. At one height, at several for a chart, or without parameters from genesis to the
    head. Executes nothing; each height is three look-ups.
    """
    return AccountingCostsView(items=[_at(resources, height) for height in _asked(resources, heights)])


def _asked(resources: Resources, heights: _Heights) -> list[Height]:
    if heights.height is not None:
        if heights.model_fields_set & {"from_height", "to_height", "points"}:
            raise InvalidParameter("query/height", "give height, or from_height, to_height and points")
        return [Height(heights.height)]
    last = resources.index().head().height if heights.to_height is None else Height(heights.to_height)
    first = Height(heights.from_height or 0)
    if first > last:
        raise InvalidParameter("query/from_height", f"from_height is at most to_height, {last}")
    _at(resources, last)  # before as many look-ups as there are points
    return list(heights_between(first, last, heights.points))


def _at(resources: Resources, height: Height) -> AccountingCostView:
    cost = accounting_cost(resources.index(), resources.observed, height)
    if cost is None:
        raise NotFound("unknown_block", f"there is no block of height {height} yet")
    return AccountingCostView.of(cost)
