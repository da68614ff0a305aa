"""Contracts on the wire: who deployed what, and what it admits. Chain data alone, no state."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from accountant.api.fields import AccountOut, AmountOut, GasOut, HashOut, HexOut, account_of, hex_of
from accountant.chain.envelope import CONSTRUCTOR, ArgumentKind, Callers, FunctionEnvelope, OpenAccess
from accountant.index.directory import Deployment
from accountant.primitives.encoding import encode
from accountant.primitives.hashes import sha256
from accountant.primitives.types import ContractId

Kind = Literal["int", "bool", "bytes", "str", "address", "contract", "account", "hash", "cid"]
_KINDS: dict[ArgumentKind, Kind] = {
    ArgumentKind.INT: "int",
    ArgumentKind.BOOL: "bool",
    ArgumentKind.BYTES: "bytes",
    ArgumentKind.STR: "str",
    ArgumentKind.ADDRESS: "address",
    ArgumentKind.CONTRACT: "contract",
    ArgumentKind.ACCOUNT: "account",
    ArgumentKind.HASH: "hash",
    ArgumentKind.CID: "cid",
}
_CALLERS: dict[Callers, Literal["anyone", "deployer", "listed"]] = {
    Callers.ANYONE: "anyone",
    Callers.DEPLOYER: "deployer",
    Callers.LISTED: "listed",
}


class FunctionView(BaseModel):
    """An exported function: what it takes and who may call it."""

    name: str = Field(examples=["transfer"])
    arguments: Annotated[list[Kind], Field(description="The kinds of its arguments, in order.")]
    payable: Annotated[bool, Field(description="Whether value may come with a call.")]
    zero_cost: Annotated[bool, Field(description="Whether that must be all zero-cost money.")]
    direct: Annotated[bool, Field(description="Whether only transactions may call it, never another contract.")]
    complete: Annotated[
        bool, Field(description="Whether the footprint of a call follows from the call alone, without a simulation.")
    ]
    callers: Literal["anyone", "deployer", "listed"]
    listed: list[AccountOut]
    gas_least: GasOut
    gas_most: GasOut

    @classmethod
    def of(cls, function: FunctionEnvelope) -> "FunctionView":
        """The view of a function."""
        return cls(
            name=function.name,
            arguments=[_KINDS[kind] for kind in function.arguments],
            payable=function.payable,
            zero_cost=function.zero_cost,
            direct=function.direct,
            complete=function.complete,
            callers=_CALLERS[function.callers],
            listed=[account_of(account) for account in function.listed],
            gas_least=str(function.gas_least),
            gas_most=str(function.gas_most),
        )


class OpenAccessView(BaseModel):
    """What transactions may declare on the contract besides the templates of its functions."""

    read_prefixes: list[HexOut]
    write_prefixes: list[HexOut]
    reads_most: int
    writes_most: int
    debit_most: AmountOut
    callable: Annotated[bool, Field(description="Whether other contracts may call it.")]
    blobs_most: Annotated[int, Field(description="Blobs of a transaction that the template does not name.")]

    @classmethod
    def of(cls, access: OpenAccess) -> "OpenAccessView":
        """The view of open access."""
        return cls(
            read_prefixes=[hex_of(prefix) for prefix in access.read_prefixes],
            write_prefixes=[hex_of(prefix) for prefix in access.write_prefixes],
            reads_most=access.reads_most,
            writes_most=access.writes_most,
            debit_most=str(access.debit_most),
            callable=access.callable,
            blobs_most=access.blobs_most,
        )


class ContractView(BaseModel):
    """A contract as its deployment describes it."""

    contract: AccountOut
    deployer: AccountOut
    deployment: Annotated[HashOut | None, Field(description="The transaction; null for a contract of genesis.")]
    code_hash: Annotated[HashOut, Field(description="SHA-256 of the module.")]
    code_bytes: int
    functions: Annotated[list[FunctionView], Field(description="Sorted by name; the constructor is not among them.")]
    constructor: FunctionView | None
    open: OpenAccessView
    envelope: Annotated[HexOut, Field(description="Canonical bytes of all that, templates included.")]

    @classmethod
    def of(cls, contract: ContractId, deployment: Deployment) -> "ContractView":
        """The view of a contract."""
        envelope = deployment.envelope
        constructor = envelope.function(CONSTRUCTOR)
        return cls(
            contract=account_of(contract),
            deployer=account_of(deployment.deployer),
            deployment=None if deployment.transaction is None else hex_of(deployment.transaction),
            code_hash=hex_of(sha256(deployment.code)),
            code_bytes=len(deployment.code),
            functions=[FunctionView.of(one) for one in envelope.functions if one.name != CONSTRUCTOR],
            constructor=None if constructor is None else FunctionView.of(constructor),
            open=OpenAccessView.of(envelope.open),
            envelope=hex_of(encode(envelope)),
        )
