"""What a wallet asks for when it wants a transaction to sign, and what it gets. Nothing here is sworn."""

from enum import StrEnum
from typing import NamedTuple

from accountant.accounting.questions import InvalidQuestion
from accountant.chain.envelope import CONSTRUCTOR, FunctionEnvelope
from accountant.chain.envelope_rules import check_envelope
from accountant.chain.errors import InvalidTransaction
from accountant.chain.footprint import Entry
from accountant.chain.template import check_arguments, instantiate
from accountant.chain.transaction import (
    TRANSACTION_BYTES_MAX,
    CallPayload,
    DeployPayload,
    TransactionKind,
    decode_call,
    decode_deployment,
)
from accountant.contracts.errors import FailureKind
from accountant.index.directory import account_at, deployed_before
from accountant.index.port import ChainIndex
from accountant.primitives.addresses import contract_id_of, show
from accountant.primitives.encoding import Decoder, Record
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.types import ADDRESS_BYTES, AMOUNT_MAX, Address, ContractId, Hash

PREPARED_BYTES_MAX = 16 * 1024 * 1024

_GAS_CHOSEN_MOST = 2**30
"""More than any gas limit that follows from a simulated run and a payload."""

_FEE_ROOM = 2**56
"""More base units than base fee, bytes and entries of one transaction come to."""

_NAMES_SHOWN = 10
"""Functions of a contract that an error names."""


class PreparationQuestion(Record, frozen=True):
    """A call or a deployment that somebody means to sign. What is None the accountant chooses.

    `payload` is the transaction's own. `failed`: an earlier transaction with the same payload, whose entries, and
    the one that it lacked, are declared too where the function's template leaves them open.
    """

    sender: bytes
    kind: TransactionKind
    to: bytes
    payload: bytes
    zero_value: int = 0
    general_value: int = 0
    gas_price: int | None = None
    gas_limit: int | None = None
    tip: int = 0
    nonce: int | None = None
    failed: bytes | None = None


class EntrySource(StrEnum):
    """How an entry was found."""

    TEMPLATE = "template"
    """The function's template gives it: validators find the same."""
    FAILED = "failed"
    """The earlier transaction declared it, or failed for want of it."""
    SIMULATION = "simulation"
    """A simulated run touched it. When the transaction is executed it may touch something else."""


class PreparedEntry(Record, frozen=True):
    """An entry of the footprint and how it was found."""

    entry: Entry
    source: EntrySource
    rests_on_unobserved: int
    """Transactions that nobody has executed yet and on which finding it rested; 0 for what the template gives."""

    @property
    def guess(self) -> bool:
        """Whether the state may be another when the transaction is executed, and the entry with it."""
        return self.source is not EntrySource.TEMPLATE


class TracePlace(Record, frozen=True):
    """A function that a failure passed: see `contracts.world.TraceFrame`."""

    contract: bytes
    code_hash: bytes
    function: int
    offset: int


class SimulationReport(Record, frozen=True):
    """What a simulated run at the head did. `gas_most` is what the code was given, `gas_used` what it used."""

    failure: FailureKind | None
    detail: str
    gas_used: int
    gas_most: int
    return_value: int | bytes | None
    touched: int
    """How many entries the run touched."""
    rests_on_unobserved: int
    """Transactions that the run asked for and nobody has executed yet."""
    trace: tuple[TracePlace, ...]


class FailedReport(Record, frozen=True):
    """The earlier transaction. `observed`: whether somebody has executed it; `missing`: the entry that it lacked."""

    transaction: bytes
    observed: bool
    failure: FailureKind | None
    detail: str
    missing: Entry | None


class Prepared(Record, frozen=True):
    """A transaction to sign, and what is known of it at the head.

    `transaction` has a blank signature: the last 65 bytes are to be replaced by the signature of `signing_hash`
    (EIP-191). Both are None where the simulation failed and nothing else says what the call touches.
    """

    height: int
    previous_hash: bytes
    contract: bytes
    """What is called, or will be deployed."""
    next_nonce: int
    """The sender's next nonce on the chain."""
    complete: bool
    """Whether the footprint follows from the call alone."""
    entries: tuple[PreparedEntry, ...]
    """The footprint, in its order; of a transaction that was not made, what the simulation touched."""
    transaction: bytes | None
    signing_hash: bytes | None
    fee: int
    """Base units that leave the sender's Z besides zero_value: gas_limit × gas_price included."""
    zero_needed: int
    """What Z must have."""
    zero_balance: int
    """What Z has."""
    covered: bool | None
    """Whether G has general_value now; None where what was observed leaves that open."""
    refusal: str | None
    """Why no block would take the transaction now; None if one would."""
    refusal_detail: str
    simulation: SimulationReport | None
    failed: FailedReport | None


_prepared = Decoder(Prepared, PREPARED_BYTES_MAX)


def decode_prepared(raw: bytes) -> Prepared:
    """The answer that `raw` encodes. Raises `InvalidEncoding`."""
    return _prepared.decode(raw)


class Prospect(NamedTuple):
    """A question with what the chain's bytes alone say of it."""

    contract: ContractId
    function: FunctionEnvelope | None
    """None for a deployment without a constructor."""
    payload: CallPayload | DeployPayload
    template: tuple[Entry, ...]
    """What the function's template gives: sorted, each once."""


def check_preparation(index: ChainIndex, question: PreparationQuestion) -> Prospect:
    """Refuse what no transaction can be made of. Raises `InvalidQuestion`; executes nothing."""
    if len(question.sender) != ADDRESS_BYTES:
        raise InvalidQuestion("invalid_sender", "the sender of a transaction is a user, an address of 20 bytes")
    numbers = (question.zero_value, question.general_value, question.tip)
    chosen = (question.gas_price, question.gas_limit, question.nonce)
    if not all(0 <= number <= AMOUNT_MAX for number in (*numbers, *(n for n in chosen if n is not None))):
        raise InvalidQuestion("invalid_amount", "every number is at least 0 and below 2^63")
    if question.zero_value + question.general_value > AMOUNT_MAX:
        raise InvalidQuestion("invalid_amount", "zero_value and general_value together are below 2^63")
    if len(question.payload) > TRANSACTION_BYTES_MAX:
        raise InvalidQuestion("payload_too_large", f"a transaction has at most {TRANSACTION_BYTES_MAX} bytes")
    if question.failed is not None and index.seq_of(Hash(question.failed)) is None:
        raise InvalidQuestion("unknown_transaction", "the failed transaction is not on the chain")
    try:
        prospect = _prospect(index, question)
    except InvalidTransaction as refusal:
        raise InvalidQuestion(refusal.kind.value, refusal.detail) from None
    except InvalidEncoding as error:
        raise InvalidQuestion("invalid_payload", error.detail) from None
    _check_price(index, question, prospect)
    return prospect


def _check_price(index: ChainIndex, question: PreparationQuestion, prospect: Prospect) -> None:
    """No account can have more than `AMOUNT_MAX`, so that nobody can pay what passes it. Raises `InvalidQuestion`."""
    least = 0 if prospect.function is None else prospect.function.gas_least
    limit = max(least, _GAS_CHOSEN_MOST) if question.gas_limit is None else question.gas_limit
    price = index.genesis.fees.gas_price_least if question.gas_price is None else question.gas_price
    if limit * price + question.tip + question.zero_value > AMOUNT_MAX - _FEE_ROOM:
        raise InvalidQuestion(
            "too_expensive",
            f"a gas limit of up to {limit} at {price} base units, tip and zero_value come to more than any account has",
        )


def _prospect(index: ChainIndex, question: PreparationQuestion) -> Prospect:
    sender, head = Address(question.sender), index.head()
    payload: CallPayload | DeployPayload
    if question.kind is TransactionKind.CALL:
        contract, payload = ContractId(question.to), decode_call(question.payload)
        function = called_function(index, contract, payload.function)
    else:
        if question.kind is not TransactionKind.DEPLOY or question.to:
            raise InvalidQuestion("invalid_payload", "a call or a deployment is prepared; a deployment names nothing")
        payload = decode_deployment(question.payload)
        check_envelope(payload.envelope, index.genesis.limits)
        nonce = account_at(index, sender, head).nonce if question.nonce is None else question.nonce
        contract, constructor = contract_id_of(sender, nonce), payload.envelope.function(CONSTRUCTOR)
        if constructor is None:
            if payload.arguments:
                raise InvalidQuestion("arguments", "without a constructor there are no arguments")
            return Prospect(contract, None, payload, ())
        function = constructor
    check_arguments(function.arguments, payload.arguments)
    value = question.zero_value + question.general_value
    return Prospect(contract, function, payload, instantiate(function, payload.arguments, sender, contract, value))


def called_function(index: ChainIndex, contract: ContractId, name: str) -> FunctionEnvelope:
    """The function that would be called. Raises `InvalidQuestion` (unknown_contract, unknown_function, constructor)."""
    there = deployed_before(index, contract, index.head().next_seq)
    if there is None:
        raise InvalidQuestion("unknown_contract", f"nothing is deployed at {show(contract)}")
    if name == CONSTRUCTOR:
        raise InvalidQuestion("constructor", "a constructor runs at deployment only")
    function = there.functions.get(name)
    if function is None:
        known = [shown for shown in there.functions if shown != CONSTRUCTOR]
        more = ", …" if len(known) > _NAMES_SHOWN else ""
        raise InvalidQuestion(
            "unknown_function",
            f"{show(contract)} has no function {name[:64]!r}; it has {', '.join(known[:_NAMES_SHOWN]) or 'none'}{more}",
        )
    return function
