"""What clients send. Unknown fields are refused: a misspelt one must not be taken for a default."""

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    StrictBool,
    Tag,
    WithJsonSchema,
)

from accountant.accounting.questions import THETA_MOST
from accountant.api.fields import AccountIn, AmountIn, GasIn, HashIn, IndexIn, UserIn
from accountant.chain.envelope_rules import ARGUMENTS_MAX, NAME_BYTES_MAX
from accountant.chain.transaction import TRANSACTION_BYTES_MAX

ThetaIn = Annotated[
    list[HashIn] | None,
    Field(
        max_length=THETA_MOST,
        description="Θ: hashes of the account's incomes to count, each once. Without it the accountant chooses.",
    ),
]
BudgetIn = Annotated[
    GasIn | None, Field(description="The most gas to execute; when it is spent the answer may be `undecided`.")
]
VIEW_GAS = 10_000_000
"""The gas limit of a view that names none."""


class RequestIn(BaseModel):
    """Base of all bodies."""

    model_config = ConfigDict(extra="forbid", strict=True)


class SwearOptionsIn(RequestIn):
    """Publish the answer as an oath, in this way."""

    together: Annotated[
        StrictBool,
        Field(
            description="In one oath with other answers whose clients agreed, under one penalty for all. A view is "
            "always sworn alone."
        ),
    ] = False
    beneficiary: Annotated[
        UserIn | None,
        Field(description="A user who gets the smaller half of a false answer's penalty; null: all of it is burnt."),
    ] = None


def _swear(value: object) -> object:
    """Options for an object: a union would put the name of our class into the pointer of an error."""
    if type(value) is not bool and not isinstance(value, dict):
        raise ValueError("a boolean, or an object with together and beneficiary")
    return value


def _swear_kind(value: object) -> str:
    return "boolean" if isinstance(value, bool) else "options"


SwearIn = Annotated[
    Annotated[StrictBool, Tag("boolean")] | Annotated[SwearOptionsIn, Tag("options")],
    Discriminator(_swear_kind),
    BeforeValidator(_swear),
    Field(description="Publish the answer as an oath on the chain when it is decided; an object says how."),
]


class TransactionIn(RequestIn):
    """A signed transaction: the hex of its canonical bytes."""

    transaction: str = Field(
        pattern="^0x([0-9a-fA-F]{2})+$", max_length=2 + 2 * TRANSACTION_BYTES_MAX, examples=["0x9d01cf"]
    )


class PaymentVerificationIn(RequestIn):
    """Algorithm 4 (Pay): did this transaction settle?"""

    transaction: HashIn
    theta: ThetaIn = None
    gas_budget: BudgetIn = None
    swear: SwearIn = False


class PositionIn(RequestIn):
    """The state right before transaction `index` of the block after the one named."""

    previous_hash: HashIn
    index: IndexIn


def _head_is_none(value: object) -> object:
    """None for the word `head`: a union would put the name of our class into the pointer of an error."""
    if value == "head":
        return None
    if not isinstance(value, dict):
        raise ValueError("a position is the word `head`, or an object with previous_hash and index")
    return value


PositionOrHeadIn = Annotated[
    PositionIn | None,
    BeforeValidator(_head_is_none),
    WithJsonSchema({"anyOf": [{"$ref": "#/components/schemas/PositionIn"}, {"type": "string", "const": "head"}]}),
]


class LowerBoundIn(RequestIn):
    """Lemma 1: what does the account own at least at the position, or is it at least `target`?"""

    account: AccountIn
    position: PositionOrHeadIn = Field(description="`head` is the end of the chain as it is now.")
    target: Annotated[AmountIn | None, Field(description="Base units. Without it the bound itself is the answer.")] = (
        None
    )
    theta: ThetaIn = None
    gas_budget: BudgetIn = None
    swear: SwearIn = False


class OutcomeIn(RequestIn):
    """What did this transaction do?"""

    transaction: HashIn
    gas_budget: BudgetIn = None


class CertificateIn(RequestIn):
    """A portable certificate of a job's answer."""

    gas_budget: Annotated[
        GasIn | None, Field(description="The most gas that the answer may rest on, executed before or not.")
    ] = None


def _argument(value: object) -> object:
    """A value whose kind the function's envelope will judge."""
    if type(value) not in (bool, int, str):
        raise ValueError("an argument is a boolean, an integer or a string")
    return value


ArgumentIn = Annotated[
    Any,
    PlainValidator(_argument),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "boolean"}]}),
]


FunctionIn = Annotated[str, Field(min_length=1, max_length=NAME_BYTES_MAX, examples=["balance_of"])]
ArgumentsIn = Annotated[
    list[ArgumentIn],
    Field(
        max_length=ARGUMENTS_MAX,
        description="In order. Integers as numbers or decimal strings, booleans, bytes as 0x and hex, text as it is, "
        "accounts, hashes and CIDs as they are shown.",
        examples=[["0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"]],
    ),
]
ViewGasIn = Annotated[
    GasIn,
    Field(description="The most gas of the function itself. Part of the question: a view that uses it up failed."),
]


class ViewIn(RequestIn):
    """What does a contract's function return at the position? It may read everything and change nothing."""

    contract: HashIn
    function: FunctionIn
    arguments: ArgumentsIn = Field(default=[])
    position: PositionOrHeadIn = Field(description="`head` is the end of the chain as it is now.")
    gas_limit: ViewGasIn = VIEW_GAS
    gas_budget: BudgetIn = None
    swear: SwearIn = False
