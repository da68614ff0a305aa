"""Preparing: what a client gives of a transaction that it means to sign becomes a question for a worker.

Contract code never runs where requests are answered, only in a confined worker: so this is a job like the others.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from accountant.accounting.preparation import PreparationQuestion, called_function
from accountant.accounting.questions import InvalidQuestion
from accountant.chain.envelope import CONSTRUCTOR, Envelope
from accountant.chain.transaction import (
    TRANSACTION_BYTES_MAX,
    Argument,
    CallPayload,
    DeployPayload,
    TransactionKind,
)
from accountant.chain.values import WrongArguments, arguments_of, parameters_of
from accountant.index.port import ChainIndex
from accountant.primitives.encoding import Decoder, encode
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.types import Address, ContractId, Hash

Given = Sequence[object] | Mapping[str, object]
"""Arguments as people write them (`chain.values`): JSON values in order."""

_envelopes = Decoder(Envelope, TRANSACTION_BYTES_MAX)


class CallWanted(NamedTuple):
    """A function of a contract."""

    contract: ContractId
    function: str
    arguments: Given


class DeploymentWanted(NamedTuple):
    """A module, the canonical bytes of its envelope, and its constructor's arguments."""

    code: bytes
    envelope: bytes
    arguments: Given


class RetryWanted(NamedTuple):
    """The call or deployment of an earlier transaction again."""

    transaction: Hash


class Terms(NamedTuple):
    """The rest of a transaction. What is None the accountant chooses, or takes from the earlier transaction."""

    sender: Address | None = None
    zero_value: int | None = None
    general_value: int | None = None
    gas_price: int | None = None
    gas_limit: int | None = None
    tip: int = 0
    nonce: int | None = None


def preparation_of(
    index: ChainIndex, wanted: CallWanted | DeploymentWanted | RetryWanted, terms: Terms
) -> PreparationQuestion:
    """The question for a worker.

    Raises `InvalidQuestion`, `InvalidArgument` or `WrongArguments` where the chain's bytes alone show that no
    transaction can be made of it.
    """
    if isinstance(wanted, RetryWanted):
        return _again(index, wanted, terms)
    if terms.sender is None:
        raise InvalidQuestion("invalid_sender", "name the sender: whose key will sign")
    if isinstance(wanted, CallWanted):
        function = called_function(index, wanted.contract, wanted.function)
        arguments = arguments_of(parameters_of(function.arguments), wanted.arguments)
        return _question(
            terms, terms.sender, TransactionKind.CALL, wanted.contract, encode(CallPayload(function.name, arguments))
        )
    try:
        envelope = _envelopes.decode(wanted.envelope)
    except InvalidEncoding as error:
        raise InvalidQuestion("invalid_envelope", error.detail) from None
    payload = DeployPayload(wanted.code, envelope, _constructor_arguments(envelope, wanted.arguments))
    return _question(terms, terms.sender, TransactionKind.DEPLOY, b"", encode(payload))


def _constructor_arguments(envelope: Envelope, given: Given) -> tuple[Argument, ...]:
    constructor = envelope.function(CONSTRUCTOR)
    if constructor is None:
        if given:
            raise WrongArguments("without a constructor there are no arguments")
        return ()
    return arguments_of(parameters_of(constructor.arguments), given)


def _question(
    terms: Terms, sender: Address, kind: TransactionKind, to: bytes, payload: bytes, failed: Hash | None = None
) -> PreparationQuestion:
    return PreparationQuestion(
        sender=sender,
        kind=kind,
        to=to,
        payload=payload,
        zero_value=terms.zero_value or 0,
        general_value=terms.general_value or 0,
        gas_price=terms.gas_price,
        gas_limit=terms.gas_limit,
        tip=terms.tip,
        nonce=terms.nonce,
        failed=failed,
    )


def _again(index: ChainIndex, wanted: RetryWanted, terms: Terms) -> PreparationQuestion:
    seq = index.seq_of(wanted.transaction)
    if seq is None:
        raise InvalidQuestion("unknown_transaction", "the failed transaction is not on the chain")
    located = index.transaction(seq)
    earlier = located.transaction
    if earlier.kind in (TransactionKind.TRANSFER, TransactionKind.PUBLISH):
        raise InvalidQuestion("nothing_to_prepare", "transfers and publications touch nothing that could be declared")
    terms = terms._replace(
        zero_value=earlier.zero_value if terms.zero_value is None else terms.zero_value,
        general_value=earlier.general_value if terms.general_value is None else terms.general_value,
    )
    sender = located.sender if terms.sender is None else terms.sender
    return _question(terms, sender, earlier.kind, earlier.to, earlier.payload, wanted.transaction)
