"""The route of incomes: what brought an account money, with amount and cost (Definitions 2 and 3)."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from accountant.accounting.cost import GasRange
from accountant.accounting.incomes import IncomeFilter, IncomeItem, IncomeKind, list_incomes
from accountant.api.cursors import make_cursor, read_cursor
from accountant.api.documented import problems
from accountant.api.fields import AmountOut, GasOut, HashOut, account_of, hex_of
from accountant.api.paging import PAGE_RESPONSES, NumberIn, PageIn
from accountant.api.problems import InvalidParameter
from accountant.api.resources import Key, Res
from accountant.index.port import ChainIndex
from accountant.primitives.addresses import parse_account
from accountant.primitives.encoding import encode
from accountant.primitives.errors import InvalidAddress
from accountant.primitives.types import AccountId, Height, Seq

router = APIRouter(tags=["accounts"])


class _Incomes(PageIn):
    known: Annotated[
        Literal["true", "false"] | None, Field(description="Only incomes whose amount is known, or is not.")
    ] = None
    min_amount: Annotated[NumberIn, Field(description="Only incomes that may be at least this.")] = 0
    kind: Literal["zero_cost", "deposit", "general", "own"] | None = None
    from_height: Annotated[NumberIn | None, Field(description="Only from blocks of at least this height.")] = None
    to_height: Annotated[NumberIn | None, Field(description="Only from blocks of at most this height.")] = None
    gas_price: Annotated[
        NumberIn | None,
        Field(description="Base units for a unit of gas, for `worth`; by default the transaction's own."),
    ] = None


class GasRangeView(BaseModel):
    """Gas between two bounds; known where they are equal."""

    least: GasOut
    most: GasOut

    @classmethod
    def of(cls, gas: GasRange) -> "GasRangeView":
        """The view of a range."""
        return cls(least=str(gas.least), most=str(gas.most))


class IncomeItemView(BaseModel):
    """A transaction as an income of the account (Definition 2)."""

    transaction: HashOut
    height: int
    index: int
    kind: Annotated[
        Literal["zero_cost", "deposit", "general", "own"],
        Field(
            description="`zero_cost`: to a user at inclusion. `deposit`: to a contract at inclusion. `general`: from "
            "somebody else's transaction. `own`: unused gas, returned value and payouts of an own one."
        ),
    ]
    amount: Annotated[AmountOut | None, Field(description="Null while it is not known.")]
    low: Annotated[AmountOut, Field(description="It is at least this.")]
    high: Annotated[AmountOut, Field(description="It is at most this.")]
    expense: Annotated[AmountOut, Field(description="General money that the same transaction sent (Definition 1).")]
    cost: Annotated[
        GasRangeView, Field(description="Definition 3: what determining it takes whoever knows nothing yet.")
    ]
    remaining_cost: Annotated[GasRangeView, Field(description="What of that this accountant has not observed yet.")]
    cut_off: Annotated[bool, Field(description="Bounds of the cost are as wide as they are for want of looking.")]
    gas_price: AmountOut
    worth: Annotated[
        bool | None,
        Field(description="False: determining it costs more than it brings, at the gas price. Null: that is open."),
    ]

    @classmethod
    def of(cls, item: IncomeItem) -> "IncomeItemView":
        """The view of an income."""
        return cls(
            transaction=hex_of(item.located.hash),
            height=item.located.height,
            index=item.located.index,
            kind=item.kind.value,
            amount=str(item.low) if item.low == item.high else None,
            low=str(item.low),
            high=str(item.high),
            expense=str(item.expense),
            cost=GasRangeView.of(item.cost.cost),
            remaining_cost=GasRangeView.of(item.cost.remaining),
            cut_off=item.cost.cut_off,
            gas_price=str(item.gas_price),
            worth=item.worth,
        )


class IncomeListView(BaseModel):
    """A page of incomes, latest first. It may hold fewer than `limit`, even none, and go on all the same."""

    account: str
    items: list[IncomeItemView]
    has_more: bool
    next_cursor: str | None


@router.get(
    "/accounts/{address}/incomes",
    operation_id="listIncomes",
    summary="List an account's incomes, latest first",
    responses={
        **PAGE_RESPONSES,
        **problems({422: ("invalid_request", "query/limit: Input should be less than or equal to 100")}),
    },
)
def list_account_incomes(
    resources: Res, key: Key, address: str, page: Annotated[_Incomes, Query()], response: Response
) -> IncomeListView:
    """What brought the account money, or may have: zero-cost and general, from transactions; rewards and tips of blocks
    are not among them. Executes nothing: amounts and costs are known as far as somebody looked, and bounded beyond.
    Blocks that come while pages are read belong to a list that is read anew.
    """
    account, index = _account(address), resources.index()
    of = b"incomes" + encode([account, page.from_height, page.to_height, page.known, page.min_amount, page.kind])
    after, before = _window(index, page.from_height, page.to_height)
    if page.cursor is not None:
        before = Seq(read_cursor(key, page.cursor, of))
    wanted = IncomeFilter(
        known=None if page.known is None else page.known == "true",
        amount_least=page.min_amount,
        kind=None if page.kind is None else IncomeKind(page.kind),
        gas_price=page.gas_price,
    )
    found = list_incomes(index, resources.outcomes(), account, (after, before), wanted, page.limit)
    cursor = None if found.next_before is None else make_cursor(key, found.next_before, of)
    if cursor is not None:
        given = page.model_dump(exclude={"cursor"}, exclude_unset=True)
        query = "&".join(f"{name}={value}" for name, value in {**given, "cursor": cursor}.items())
        response.headers["Link"] = f'</v1/accounts/{account_of(account)}/incomes?{query}>; rel="next"'
    return IncomeListView(
        account=account_of(account),
        items=[IncomeItemView.of(item) for item in found.items],
        has_more=cursor is not None,
        next_cursor=cursor,
    )


def _account(text: str) -> AccountId:
    try:
        return parse_account(text[:128])
    except InvalidAddress as error:
        raise InvalidParameter("path/address", error.detail) from None


def _window(index: ChainIndex, first: int | None, last: int | None) -> tuple[Seq, Seq]:
    """The numbers right before and right after the transactions of these blocks, as far as the chain goes."""
    if first is not None and last is not None and first > last:
        raise InvalidParameter("query/from_height", "from_height is at most to_height")
    head = index.head()
    begin = None if first is None else index.block(Height(first))
    end = None if last is None else index.block(Height(last))
    after = -1 if first is None else (head.next_seq if begin is None else begin.first_seq) - 1
    before = head.next_seq if end is None else end.first_seq + end.count
    return Seq(after), Seq(before)
