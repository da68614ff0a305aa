"""The route that makes transactions ready to sign."""

from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator
from starlette.responses import Response

from accountant.api.documented import LOCATION, POST_PROBLEMS, problems
from accountant.api.fields import AccountIn, AmountIn, GasIn, HashIn
from accountant.api.job_views import JobView
from accountant.api.posting import Digest, IdempotencyKey, json_only
from accountant.api.question_routes import asked
from accountant.api.resources import Key, Res
from accountant.chain.envelope_rules import ARGUMENTS_MAX, NAME_BYTES_MAX
from accountant.chain.transaction import TRANSACTION_BYTES_MAX
from accountant.primitives.types import Address, ContractId, Hash
from accountant.services.prepare import CallWanted, DeploymentWanted, RetryWanted, Terms, preparation_of

router = APIRouter(dependencies=[Depends(json_only)])

BytesIn = Annotated[
    str, Field(pattern="^0x([0-9a-fA-F]{2})+$", max_length=2 + 2 * TRANSACTION_BYTES_MAX, examples=["0x0061736d"])
]


def _list_of_values(value: object) -> list[Any]:
    """JSON values as they came: which of them are right depends on the function."""
    if not isinstance(value, list) or len(value) > ARGUMENTS_MAX:
        raise ValueError(f"arguments are a list of at most {ARGUMENTS_MAX}")
    return value


_ArgumentsIn = Annotated[
    list[Any],
    PlainValidator(_list_of_values),
    WithJsonSchema({"type": "array", "items": {}, "maxItems": ARGUMENTS_MAX, "default": []}),
]


class PreparationIn(BaseModel):
    """A call (`contract`, `function`), a deployment (`code`, `envelope`), or an earlier one again (`failed`)."""

    model_config = ConfigDict(extra="forbid", strict=True)

    sender: Annotated[
        AccountIn | None, Field(description="Whose key will sign. With `failed`, by default who signed that.")
    ] = None
    contract: Annotated[AccountIn | None, Field(description="What is called.")] = None
    function: Annotated[str | None, Field(min_length=1, max_length=NAME_BYTES_MAX, examples=["transfer"])] = None
    code: Annotated[BytesIn | None, Field(description="The WASM module of a deployment.")] = None
    envelope: Annotated[BytesIn | None, Field(description="The canonical bytes of a deployment's envelope.")] = None
    arguments: Annotated[
        _ArgumentsIn,
        Field(
            description="In order. Integers as numbers or decimal strings, booleans, bytes as 0x and hex, text as it "
            "is, accounts, hashes and CIDs as they are shown."
        ),
    ] = []
    failed: Annotated[
        HashIn | None,
        Field(
            description="A transaction on the chain that failed: the new one has its call, and declares its entries "
            "and the one that it lacked."
        ),
    ] = None
    zero_value: AmountIn | None = None
    general_value: AmountIn | None = None
    gas_price: Annotated[AmountIn | None, Field(description="By default the chain's least.")] = None
    gas_limit: Annotated[
        GasIn | None, Field(description="By default what the simulation used, and a quarter more.")
    ] = None
    tip: AmountIn = 0
    nonce: Annotated[
        AmountIn | None,
        Field(description="By default the next one on the chain: name it where others wait for a block."),
    ] = None

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        """Exactly one of the three forms."""
        forms = (
            (self.contract is not None, self.function is not None),
            (self.code is not None, self.envelope is not None),
            (self.failed is not None,),
        )
        if sum(any(form) for form in forms) != 1 or not any(all(form) for form in forms):
            raise ValueError("give contract and function, or code and envelope, or failed")
        if self.failed is not None and self.arguments:
            raise ValueError("with failed the arguments are those of that transaction")
        return self

    def wanted(self) -> CallWanted | DeploymentWanted | RetryWanted:
        """What is to be prepared."""
        if self.failed is not None:
            return RetryWanted(Hash(self.failed))
        if self.contract is not None and self.function is not None:
            return CallWanted(ContractId(self.contract), self.function, self.arguments)
        assert self.code is not None and self.envelope is not None
        return DeploymentWanted(bytes.fromhex(self.code[2:]), bytes.fromhex(self.envelope[2:]), self.arguments)

    def terms(self) -> Terms:
        """The rest of the transaction."""
        return Terms(
            sender=None if self.sender is None else Address(self.sender),
            zero_value=self.zero_value,
            general_value=self.general_value,
            gas_price=self.gas_price,
            gas_limit=self.gas_limit,
            tip=self.tip,
            nonce=self.nonce,
        )


@router.post(
    "/transactions/prepare",
    tags=["chain"],
    operation_id="prepareTransaction",
    summary="Make a transaction ready to sign",
    status_code=202,
    response_model=JobView,
    responses={
        202: {"headers": LOCATION},
        **problems({**POST_PROBLEMS, 404: ("unknown_function", "the contract has no function of this name")}),
    },
)
def prepare_transaction(
    resources: Res, key: Key, body: PreparationIn, digest: Digest, idempotency_key: IdempotencyKey = None
) -> Response:
    """Nonce, footprint, gas limit and fee of a call or a deployment, and the bytes to sign, as a job.

    The function's template says what is declared, as far as it goes; the rest is found by a simulated run on the state
    at the head, of which only what somebody observed is known: such entries are marked as guesses. Nothing earlier is
    executed for it, and nothing is signed or sent.
    """
    question = preparation_of(resources.index(), body.wanted(), body.terms())
    return asked(resources, key, idempotency_key, digest, question, swear=False)
