"""What a wallet does: the footprint of a call from its template, a gas limit, and a signature."""

from accountant.chain.admission import Directory
from accountant.chain.draft import DraftEntry, can_be_declared, merged, sized
from accountant.chain.envelope import CONSTRUCTOR, Envelope, FunctionEnvelope
from accountant.chain.errors import InvalidTransaction
from accountant.chain.fees import intrinsic_gas
from accountant.chain.footprint import Entry, Memory, canonical_footprint
from accountant.chain.genesis import Genesis
from accountant.chain.template import check_arguments, instantiate
from accountant.chain.transaction import (
    VERSION,
    Argument,
    CallPayload,
    DeployPayload,
    Transaction,
    TransactionKind,
    deployed_contract,
)
from accountant.primitives.encoding import encode
from accountant.primitives.types import AccountId, Address, ContractId
from accountant.sandbox.errors import Refused

GAS = 20_000_000
"""The gas limit of calls and constructors, beyond what the transaction uses whatever its code does."""

Fields = dict[str, int]
"""nonce, zero_value, general_value, gas_limit and tip of a transaction; a gas limit of 0 asks for the sandbox's."""


class Wallet:
    """Makes transactions for one chain. Nothing is sent."""

    def __init__(self, genesis: Genesis) -> None:
        self._genesis = genesis

    def transfer(self, to: AccountId, fields: Fields) -> Transaction:
        """A transfer of zero-cost and general money."""
        return self._made(TransactionKind.TRANSFER, to, b"", (), fields, None)

    def call(
        self,
        contract: ContractId,
        function: FunctionEnvelope,
        arguments: tuple[Argument, ...],
        sender: Address,
        fields: Fields,
    ) -> Transaction:
        """A call with the footprint that the function's template gives."""
        payload = encode(CallPayload(function.name, arguments))
        footprint = _footprint(function, arguments, sender, contract, fields)
        return self._made(TransactionKind.CALL, contract, payload, footprint, fields, function)

    def deployment(
        self, code: bytes, envelope: Envelope, arguments: tuple[Argument, ...], sender: Address, fields: Fields
    ) -> Transaction:
        """A deployment, with the footprint of its constructor."""
        payload = encode(DeployPayload(code, envelope, arguments))
        function = envelope.function(CONSTRUCTOR)
        made = self._made(TransactionKind.DEPLOY, b"", payload, (), fields, function)
        if function is None:
            return made
        footprint = _footprint(function, arguments, sender, deployed_contract(sender, made), fields)
        return self._made(TransactionKind.DEPLOY, b"", payload, footprint, fields, function)

    def _made(
        self,
        kind: TransactionKind,
        to: bytes,
        payload: bytes,
        footprint: tuple[Entry, ...],
        fields: Fields,
        function: FunctionEnvelope | None,
    ) -> Transaction:
        def with_gas(gas_limit: int) -> Transaction:
            return Transaction(
                version=VERSION,
                chain_id=self._genesis.chain_id,
                nonce=fields["nonce"],
                kind=kind,
                to=bytes(to),
                zero_value=fields["zero_value"],
                general_value=fields["general_value"],
                gas_limit=gas_limit,
                gas_price=self._genesis.fees.gas_price_least,
                tip=fields["tip"],
                payload=payload,
                footprint=footprint,
                signature=b"",
            )

        if fields["gas_limit"]:
            return with_gas(fields["gas_limit"])
        gas_limit = intrinsic_gas(with_gas(0), self._genesis.gas)
        if function is not None:
            gas_limit = max(function.gas_least, min(function.gas_most, gas_limit + GAS))
        return with_gas(gas_limit)


def finished(footprint: tuple[Entry, ...], directory: Directory, memory: int | None) -> tuple[Entry, ...]:
    """With the sizes of published blobs, without blobs that nobody published, and with the memory that is asked for."""
    entries = [sized(entry, directory) for entry in footprint]
    entries += [] if memory is None else [Memory(memory)]
    drafts = merged(DraftEntry(entry, 0, 0) for entry in entries if can_be_declared(entry))
    return canonical_footprint(draft.entry for draft in drafts)


def _footprint(
    function: FunctionEnvelope, arguments: tuple[Argument, ...], sender: Address, contract: ContractId, fields: Fields
) -> tuple[Entry, ...]:
    value = fields["zero_value"] + fields["general_value"]
    try:
        check_arguments(function.arguments, arguments)
        return instantiate(function, arguments, sender, contract, value)
    except InvalidTransaction as error:
        raise Refused(error) from None
