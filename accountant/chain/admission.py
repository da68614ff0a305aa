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
    Bound,
    Call,
    Credit,
    Debit,
    Entry,
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
    Transaction,
    TransactionKind,
    decode_call,
    decode_deployment,
    deployed_contract,
)
from accountant.primitives.errors import AccountantError, InvalidEncoding
from accountant.primitives.types import ADDRESS_BYTES, AMOUNT_MAX, HASH_BYTES, Address, ContractId

_TRANSFER, _CALL = TransactionKind.TRANSFER, TransactionKind.CALL
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
    """The contracts of genesis and of all deployments earlier in chain order, the same block included."""

    def contract(self, contract: ContractId) -> Deployed | None:
        """The contract; None where nothing was ever deployed."""


Payload = CallPayload | DeployPayload | None


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
    if len(transaction.to) != (HASH_BYTES if transaction.kind is _CALL else 0):
        raise InvalidTransaction(Refusal.RECIPIENT, "a call names a contract of 32 bytes, a deployment names nothing")
    _check_footprint(transaction.footprint, genesis.limits.footprint_entries_most)
    try:
        if transaction.kind is _CALL:
            return decode_call(transaction.payload)
        return decode_deployment(transaction.payload)
    except InvalidEncoding as error:
        raise InvalidTransaction(Refusal.PAYLOAD, error.detail) from None


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


def _check_footprint(footprint: tuple[Entry, ...], entries_most: int) -> None:
    if len(footprint) > entries_most:
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
            _check_rare_entry(entry, last)
        last = order


def _check_rare_entry(entry: Entry, last: tuple[int, bytes, bytes | int]) -> None:
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
    opened: dict[bytes, _Open] = {}
    for entry in footprint:
        if isinstance(entry, Debit):
            listed = entry.cap <= caps.get(entry.contract, -1)
        else:
            listed = entry in touched or (type(entry) is Call and entry.contract == callee)
        if complete and not listed:
            raise InvalidTransaction(Refusal.NOT_ADMITTED, f"the function's template has no {_show(entry)}")
        if isinstance(entry, Credit | Bound | Query):
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
