"""Admission: everything that a validator checks of one transaction without state, executing nothing.

`check_form` needs the transaction alone; `check_admission` also asks a `Directory` for the envelopes of the
contracts that the transaction names. Nonce, signature and money are `chain.inclusion`'s part.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from accountant.chain.envelope import CONSTRUCTOR, Callers, Envelope, FunctionEnvelope, OpenAccess
from accountant.chain.envelope_rules import check_envelope
from accountant.chain.errors import InvalidTransaction, Refusal
from accountant.chain.fees import intrinsic_gas
from accountant.chain.footprint import (
    SLOT_BYTES_MAX,
    Blob,
    Bound,
    Call,
    Credit,
    Debit,
    Entry,
    Memory,
    Query,
    Read,
    Write,
    entry_order,
)
from accountant.chain.genesis import Genesis, Limits
from accountant.chain.query import decode_query
from accountant.chain.template import check_arguments, template_entries
from accountant.chain.transaction import (
    VERSION,
    Argument,
    CallPayload,
    DeployPayload,
    PublishPayload,
    Transaction,
    TransactionKind,
    decode_call,
    decode_deployment,
    decode_publication,
    deployed_contract,
)
from accountant.primitives.cid import is_cid, show_cid
from accountant.primitives.errors import AccountantError, InvalidEncoding
from accountant.primitives.types import ADDRESS_BYTES, AMOUNT_MAX, HASH_BYTES, Address, Cid, ContractId

_TRANSFER, _CALL, _PUBLISH = TransactionKind.TRANSFER, TransactionKind.CALL, TransactionKind.PUBLISH
_ACCOUNT_BYTES = (ADDRESS_BYTES, HASH_BYTES)

ModuleCheck = Callable[[bytes, Envelope, Limits], None]
"""Checks a WASM module against the structural limits; raises an `AccountantError` (`InvalidModule`)."""


class Deployed(NamedTuple):
    """What validators know of a contract: chain data, whether or not its deployment succeeded."""

    deployer: Address
    envelope: Envelope
    functions: Mapping[str, FunctionEnvelope]


def deployed(deployer: Address, envelope: Envelope) -> Deployed:
    """The directory's record of a contract."""
    return Deployed(deployer, envelope, {function.name: function for function in envelope.functions})


class Directory(Protocol):
    """Genesis' contracts, and all deployments and publications earlier in chain order, the same block included."""

    def contract(self, contract: ContractId) -> Deployed | None:
        """The contract; None where nothing was ever deployed."""

    def blob(self, cid: Cid) -> int | None:
        """The size in bytes of a published blob; None where nobody published it."""


Payload = CallPayload | DeployPayload | PublishPayload | None


def check_form(transaction: Transaction, genesis: Genesis) -> Payload:
    """Fields, sizes, sums and the footprint's form; the decoded payload. Raises `InvalidTransaction`."""
    if transaction.version != VERSION:
        raise InvalidTransaction(Refusal.VERSION, f"version {transaction.version}, not {VERSION}")
    if transaction.chain_id != genesis.chain_id:
        raise InvalidTransaction(Refusal.CHAIN_ID, f"chain {transaction.chain_id}, not {genesis.chain_id}")
    _check_amounts(transaction, genesis)
    if transaction.kind is _TRANSFER:
        if transaction.payload:
            raise InvalidTransaction(Refusal.TRANSFER_PAYLOAD, "a transfer has no payload")
        if transaction.footprint:
            raise InvalidTransaction(Refusal.TRANSFER_FOOTPRINT, "a transfer has no footprint")
        if len(transaction.to) not in _ACCOUNT_BYTES:
            raise InvalidTransaction(Refusal.RECIPIENT, "a recipient has 20 bytes (user) or 32 (contract)")
        return None
    if transaction.kind is _PUBLISH:
        return _checked_publication(transaction, genesis.limits.blob_bytes_most)
    if len(transaction.to) != (HASH_BYTES if transaction.kind is _CALL else 0):
        raise InvalidTransaction(Refusal.RECIPIENT, "a call names a contract of 32 bytes, a deployment names nothing")
    _check_footprint(transaction.footprint, genesis.limits)
    try:
        if transaction.kind is _CALL:
            return decode_call(transaction.payload)
        return decode_deployment(transaction.payload)
    except InvalidEncoding as error:
        raise InvalidTransaction(Refusal.PAYLOAD, error.detail) from None


def _checked_publication(transaction: Transaction, bytes_most: int) -> PublishPayload:
    """A publication says which bytes there are, and does nothing else."""
    if transaction.to or transaction.footprint or transaction.value or transaction.gas_limit:
        raise InvalidTransaction(
            Refusal.PUBLICATION, "a publication has no recipient, no value, no gas and no footprint"
        )
    try:
        payload = decode_publication(transaction.payload)
    except InvalidEncoding as error:
        raise InvalidTransaction(Refusal.PAYLOAD, error.detail) from None
    if not is_cid(payload.cid):
        raise InvalidTransaction(Refusal.PUBLICATION, "a CID is a CIDv1 of raw bytes under SHA-256, 36 bytes")
    if not 0 < payload.size <= bytes_most:
        raise InvalidTransaction(Refusal.PUBLICATION, f"a blob has 1 to {bytes_most} bytes, not {payload.size}")
    return payload


def _check_amounts(transaction: Transaction, genesis: Genesis) -> None:
    general, gas_limit, gas_price = transaction.general_value, transaction.gas_limit, transaction.gas_price
    zero, tip, nonce = transaction.zero_value, transaction.tip, transaction.nonce
    # All six are in range exactly if their bitwise union is.
    if not 0 <= zero | general | tip | gas_limit | gas_price | nonce <= AMOUNT_MAX:
        raise InvalidTransaction(Refusal.AMOUNT, "every number is at least 0 and below 2^63")
    if gas_price < genesis.fees.gas_price_least:
        raise InvalidTransaction(Refusal.GAS_PRICE, f"the gas price is at least {genesis.fees.gas_price_least}")
    if gas_limit > genesis.limits.gas_limit_most:
        raise InvalidTransaction(Refusal.GAS_LIMIT, f"the gas limit is at most {genesis.limits.gas_limit_most}")
    if zero + general + gas_limit * gas_price > AMOUNT_MAX:
        raise InvalidTransaction(Refusal.AMOUNT_SUM, "value and gas_limit × gas_price together are below 2^63")
    if (general or transaction.kind is not _TRANSFER) and gas_limit < intrinsic_gas(transaction, genesis.gas):
        least = intrinsic_gas(transaction, genesis.gas)
        raise InvalidTransaction(Refusal.GAS_BELOW_INTRINSIC, f"the gas limit is at least {least}")


def _check_footprint(footprint: tuple[Entry, ...], limits: Limits) -> None:
    if len(footprint) > (entries_most := limits.footprint_entries_most):
        raise InvalidTransaction(Refusal.FOOTPRINT_SIZE, f"{len(footprint)} entries, at most {entries_most}")
    last: tuple[int, bytes, bytes | int] = (-1, b"", b"")
    for entry in footprint:
        order = entry_order(entry)
        if order <= last:
            raise InvalidTransaction(Refusal.FOOTPRINT_ORDER, "entries are sorted by kind and fields, each once")
        kind, on, detail = order
        if kind <= 1 or kind == 4:
            if len(on) != HASH_BYTES or len(detail) > SLOT_BYTES_MAX:  # type: ignore[arg-type]
                raise InvalidTransaction(
                    Refusal.FOOTPRINT_ENTRY, f"a contract has 32 bytes, a slot at most {SLOT_BYTES_MAX}"
                )
        else:
            _check_rare_entry(entry, last, limits)
        last = order


def _check_rare_entry(entry: Entry, last: tuple[int, bytes, bytes | int], limits: Limits) -> None:
    if isinstance(entry, Credit | Bound):
        if len(entry.account) not in (ADDRESS_BYTES, HASH_BYTES):
            raise InvalidTransaction(Refusal.FOOTPRINT_ENTRY, "an account has 20 bytes (user) or 32 (contract)")
    elif isinstance(entry, Debit):
        if len(entry.contract) != HASH_BYTES or not 0 <= entry.cap <= AMOUNT_MAX:
            raise InvalidTransaction(Refusal.FOOTPRINT_ENTRY, "a debit names a contract of 32 bytes and an amount")
        if last[0] == 3 and last[1] == entry.contract:
            raise InvalidTransaction(Refusal.FOOTPRINT_ORDER, "one debit for each contract")
    elif isinstance(entry, Query):
        try:
            decode_query(entry.query)
        except InvalidEncoding as error:
            raise InvalidTransaction(Refusal.FOOTPRINT_ENTRY, f"no query: {error.detail}") from None
    elif isinstance(entry, Blob):
        if not is_cid(entry.cid) or not 0 < entry.size <= limits.blob_bytes_most:
            raise InvalidTransaction(
                Refusal.FOOTPRINT_ENTRY, f"a blob has a CID of 36 bytes and 1 to {limits.blob_bytes_most} bytes"
            )
        if last[0] == 7 and last[1] == entry.cid:
            raise InvalidTransaction(Refusal.FOOTPRINT_ORDER, "one entry for each blob")
    elif isinstance(entry, Memory):
        if not 0 < entry.bytes <= limits.tensor_bytes_most:
            raise InvalidTransaction(
                Refusal.FOOTPRINT_ENTRY, f"tensors take 1 to {limits.tensor_bytes_most} bytes, not {entry.bytes}"
            )
        if last[0] == 8:
            raise InvalidTransaction(Refusal.FOOTPRINT_ORDER, "one memory entry")


def check_sums(transaction: Transaction, fee: int) -> None:
    """Fee, and value + caps + gas cost, stay below 2^63: so does every row's cap. Raises `InvalidTransaction`."""
    if fee > AMOUNT_MAX:
        raise InvalidTransaction(Refusal.FEE_TOO_LARGE, "the fee is below 2^63")
    if transaction.footprint:
        caps = sum(entry.cap for entry in transaction.footprint if type(entry) is Debit)
        if caps and caps + transaction.value + transaction.gas_limit * transaction.gas_price > AMOUNT_MAX:
            raise InvalidTransaction(Refusal.AMOUNT_SUM, "value, caps and gas cost together are below 2^63")


def check_admission(
    transaction: Transaction,
    payload: Payload,
    sender: Address,
    directory: Directory,
    limits: Limits,
    check_module: ModuleCheck,
) -> tuple[ContractId, Deployed] | None:
    """What the envelopes say, given a transaction of good form. Returns the contract that a deployment adds.

    Raises `InvalidTransaction`; a module's own error becomes one of kind MODULE.
    """
    if payload is None:
        return None
    if isinstance(payload, PublishPayload):
        if directory.blob(Cid(payload.cid)) is not None:
            raise InvalidTransaction(Refusal.ALREADY_PUBLISHED, f"{show_cid(Cid(payload.cid))} is published already")
        return None
    if isinstance(payload, CallPayload):
        callee = ContractId(transaction.to)
        contract = directory.contract(callee)
        if contract is None:
            raise InvalidTransaction(Refusal.UNKNOWN_CONTRACT, f"nothing is deployed at 0x{callee.hex()}")
        if payload.function == CONSTRUCTOR:
            raise InvalidTransaction(Refusal.CONSTRUCTOR, "a constructor runs at deployment only")
        function = contract.functions.get(payload.function)
        if function is None:
            raise InvalidTransaction(
                Refusal.UNKNOWN_FUNCTION, f"the contract has no function {payload.function[:64]!r}"
            )
        _check_run(transaction, sender, callee, contract, function, payload.arguments, directory)
        return None
    callee = deployed_contract(sender, transaction)
    if directory.contract(callee) is not None:
        raise InvalidTransaction(Refusal.CONTRACT_EXISTS, f"0x{callee.hex()} is there already")
    check_envelope(payload.envelope, limits)
    contract = deployed(sender, payload.envelope)
    function = contract.functions.get(CONSTRUCTOR)
    if function is None and payload.arguments:
        raise InvalidTransaction(Refusal.ARGUMENTS, "without a constructor there are no arguments")
    _check_run(transaction, sender, callee, contract, function, payload.arguments, directory)
    try:
        check_module(payload.code, payload.envelope, limits)
    except AccountantError as error:
        raise InvalidTransaction(Refusal.MODULE, error.detail) from error
    return callee, contract


def _check_run(
    transaction: Transaction,
    sender: Address,
    callee: ContractId,
    contract: Deployed,
    function: FunctionEnvelope | None,
    arguments: tuple[Argument, ...],
    directory: Directory,
) -> None:
    template: list[Entry] = []
    if function is not None:
        check_arguments(function.arguments, arguments)
        if function.callers is not Callers.ANYONE:
            admitted = (contract.deployer,) if function.callers is Callers.DEPLOYER else function.listed
            if sender not in admitted:
                raise InvalidTransaction(Refusal.CALLER, f"0x{sender.hex()} may not call {function.name}")
        if not function.payable and transaction.value:
            raise InvalidTransaction(Refusal.NOT_PAYABLE, f"{function.name} takes no value, not {transaction.value}")
        if function.zero_cost and transaction.general_value:
            raise InvalidTransaction(Refusal.ZERO_COST, f"{function.name} takes zero-cost money only")
        if not function.gas_least <= transaction.gas_limit <= function.gas_most:
            raise InvalidTransaction(
                Refusal.FUNCTION_GAS, f"the gas limit is between {function.gas_least} and {function.gas_most}"
            )
        if transaction.footprint and function.template:
            template = template_entries(function.template, arguments, sender, callee, transaction.value)
    if transaction.footprint:
        complete = function is not None and function.complete
        _check_entries(transaction.footprint, template, complete, callee, contract, directory)


def _check_entries(
    footprint: tuple[Entry, ...],
    template: list[Entry],
    complete: bool,
    callee: ContractId,
    contract: Deployed,
    directory: Directory,
) -> None:
    """Every entry against the template, and every entry on a contract against that contract's envelope."""
    caps: dict[bytes, int] = {}
    for entry in template:
        if type(entry) is Debit:
            caps[entry.contract] = caps.get(entry.contract, 0) + entry.cap
    touched = frozenset(template)
    named = frozenset(entry.cid for entry in template if type(entry) is Blob)
    blobs_left = contract.envelope.open.blobs_most
    opened: dict[bytes, _Open] = {}
    for entry in footprint:
        if type(entry) is Memory:
            continue
        if isinstance(entry, Debit):
            listed = entry.cap <= caps.get(entry.contract, -1)
        elif isinstance(entry, Blob):
            _check_published(entry, directory)
            listed = entry.cid in named
        else:
            listed = entry in touched or (type(entry) is Call and entry.contract == callee)
        if complete and not listed:
            raise InvalidTransaction(Refusal.NOT_ADMITTED, f"the function's template has no {_show(entry)}")
        if isinstance(entry, Credit | Bound | Query | Memory):
            continue
        if isinstance(entry, Blob):
            blobs_left -= not listed
            if blobs_left < 0:
                raise InvalidTransaction(Refusal.NOT_ADMITTED, f"the contract's open access has no {_show(entry)}")
            continue
        if listed and entry.contract == callee:
            continue
        access = opened.get(entry.contract)
        if access is None:
            there = contract if entry.contract == callee else directory.contract(ContractId(entry.contract))
            if there is None:
                raise InvalidTransaction(Refusal.UNKNOWN_CONTRACT, f"nothing is deployed at 0x{entry.contract.hex()}")
            access = opened[entry.contract] = _Open(there.envelope.open)
        if not access.admits(entry):
            raise InvalidTransaction(Refusal.NOT_ADMITTED, f"the contract's open access has no {_show(entry)}")


def _check_published(entry: Blob, directory: Directory) -> None:
    size = directory.blob(Cid(entry.cid))
    if size is None:
        raise InvalidTransaction(Refusal.UNPUBLISHED, f"no earlier transaction published {show_cid(Cid(entry.cid))}")
    if size != entry.size:
        raise InvalidTransaction(
            Refusal.BLOB_SIZE, f"{show_cid(Cid(entry.cid))} was published with {size} bytes, not {entry.size}"
        )


class _Open:
    """What one transaction may still declare on one contract under its open access."""

    __slots__ = ("_access", "_reads_left", "_writes_left")

    def __init__(self, access: OpenAccess) -> None:
        self._access = access
        self._reads_left = access.reads_most
        self._writes_left = access.writes_most

    def admits(self, entry: Read | Write | Debit | Call) -> bool:
        access = self._access
        if isinstance(entry, Read):
            self._reads_left -= 1
            return self._reads_left >= 0 and entry.slot.startswith(access.read_prefixes)
        if isinstance(entry, Write):
            self._writes_left -= 1
            return self._writes_left >= 0 and entry.slot.startswith(access.write_prefixes)
        if isinstance(entry, Debit):
            return 0 < access.debit_most >= entry.cap
        return access.callable


def _show(entry: Entry) -> str:
    _, on, detail = entry_order(entry)
    where = detail.hex() if isinstance(detail, bytes) else str(detail)
    return f"{type(entry).__name__.lower()} {on.hex()}{' ' if where else ''}{where}"
