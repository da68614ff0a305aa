"""What clients send to ask a query: one body for each kind, told apart by `kind`."""

from typing import Annotated, Literal

from pydantic import Field

from accountant.api.fields import AccountIn, AmountIn, HashIn, SlotIn
from accountant.api.schemas import (
    VIEW_GAS,
    ArgumentsIn,
    BudgetIn,
    FunctionIn,
    PositionOrHeadIn,
    RequestIn,
    SwearIn,
    ThetaIn,
    ViewGasIn,
)
from accountant.chain.query import PARTS_MOST

_AtIn = Annotated[PositionOrHeadIn, Field(description="`head` is the end of the chain as it is now.")]


class _QueryIn(RequestIn):
    gas_budget: BudgetIn = None
    swear: SwearIn = False


class BalanceAtLeastPartIn(RequestIn):
    """Does the account own at least this much, zero-cost and general money together? Answer: a boolean."""

    kind: Literal["balance_at_least"]
    account: AccountIn
    amount: AmountIn
    position: _AtIn


class TransactionSucceededPartIn(RequestIn):
    """Did the transaction settle? Answer: a boolean."""

    kind: Literal["transaction_succeeded"]
    transaction: HashIn


class IncomePartIn(RequestIn):
    """What did the transaction bring to the account (Definition 2)? Answer: base units."""

    kind: Literal["income"]
    transaction: HashIn
    account: AccountIn


class StoragePartIn(RequestIn):
    """What is in the contract's slot? Answer: bytes, empty where nothing was written."""

    kind: Literal["storage"]
    contract: HashIn
    slot: SlotIn
    position: _AtIn


class BalanceAtLeastIn(BalanceAtLeastPartIn, _QueryIn):
    """Does the account own at least this much, zero-cost and general money together? Answer: a boolean."""


class TransactionSucceededIn(TransactionSucceededPartIn, _QueryIn):
    """Did the transaction settle? Answer: a boolean."""


class IncomeIn(IncomePartIn, _QueryIn):
    """What did the transaction bring to the account (Definition 2)? Answer: base units."""


class StorageIn(StoragePartIn, _QueryIn):
    """What is in the contract's slot? Answer: bytes, empty where nothing was written."""


class EveryIn(_QueryIn):
    """Several queries at once, views apart. Answer: a list of theirs; one oath stakes one penalty for all."""

    kind: Literal["every"]
    queries: Annotated[
        list[
            Annotated[
                BalanceAtLeastPartIn | TransactionSucceededPartIn | IncomePartIn | StoragePartIn,
                Field(discriminator="kind"),
            ]
        ],
        Field(min_length=2, max_length=PARTS_MOST),
    ]


class ViewQueryIn(_QueryIn):
    """What does the contract's function return? It may read everything and change nothing."""

    kind: Literal["view"]
    contract: HashIn
    function: FunctionIn
    arguments: ArgumentsIn = Field(default=[])
    position: _AtIn
    gas_limit: ViewGasIn = VIEW_GAS


class LowerBoundQueryIn(_QueryIn):
    """What does the account own at least, by what is known (Lemma 1)? With a budget more is found out. Never sworn."""

    kind: Literal["lower_bound"]
    account: AccountIn
    position: _AtIn


class ExactBalanceIn(_QueryIn):
    """What does the account own? Everything that moved its general balance may have to be executed. Never sworn."""

    kind: Literal["exact_balance"]
    account: AccountIn
    position: _AtIn


class PaymentQuoteIn(RequestIn):
    """Algorithm 4 (Pay), with the incomes that the sender presents."""

    kind: Literal["payment"]
    transaction: HashIn
    theta: ThetaIn = None
    gas_budget: BudgetIn = None
    swear: SwearIn = False


_AnyQueryIn = (
    BalanceAtLeastIn
    | TransactionSucceededIn
    | IncomeIn
    | StorageIn
    | ViewQueryIn
    | EveryIn
    | LowerBoundQueryIn
    | ExactBalanceIn
)
QueryIn = Annotated[_AnyQueryIn, Field(discriminator="kind")]
QuoteIn = Annotated[_AnyQueryIn | PaymentQuoteIn, Field(discriminator="kind")]
