"""Instantiating a function's template: the footprint of a call, from the call alone.

Wallets compute with it what to declare, validators what may be declared; neither executes anything.
"""

from accountant.chain.envelope import (
    AmountArg,
    AmountExpression,
    AmountLiteral,
    Arg,
    ArgumentKind,
    FunctionEnvelope,
    Hashed,
    Literal,
    Part,
    Sender,
    TemplateEntry,
    TemplateKind,
)
from accountant.chain.errors import InvalidTransaction, Refusal
from accountant.chain.footprint import (
    QUERY_BYTES_MAX,
    SIZE_OPEN,
    SLOT_BYTES_MAX,
    Blob,
    Bound,
    Call,
    Credit,
    Debit,
    Entry,
    Query,
    Read,
    Write,
    canonical_footprint,
)
from accountant.chain.kinds import is_of_kind
from accountant.chain.transaction import Argument
from accountant.primitives.cid import is_cid
from accountant.primitives.hashes import sha256
from accountant.primitives.types import ADDRESS_BYTES, AMOUNT_MAX, HASH_BYTES, Address, ContractId

INSTANTIATION_BYTES_MAX = 64 * 1024
"""What evaluating a template may put together, besides four times the size of the arguments."""


def check_arguments(kinds: tuple[ArgumentKind, ...], arguments: tuple[Argument, ...]) -> None:
    """Raises `InvalidTransaction` (ARGUMENTS) unless the arguments are of these kinds."""
    if len(kinds) != len(arguments):
        raise InvalidTransaction(Refusal.ARGUMENTS, f"{len(kinds)} arguments are expected, not {len(arguments)}")
    for index, (kind, value) in enumerate(zip(kinds, arguments, strict=True)):
        if not is_of_kind(kind, value):
            raise InvalidTransaction(Refusal.ARGUMENTS, f"argument {index} is no {kind.name}")


def instantiate(
    function: FunctionEnvelope, arguments: tuple[Argument, ...], sender: Address, contract: ContractId, value: int
) -> tuple[Entry, ...]:
    """The footprint that the template of `function` of `contract` gives for one call: sorted and unique.

    `arguments` are of the function's kinds (`check_arguments`). Caps of one contract add up; a DEBIT with a
    negative amount is left out; the sizes of blobs are open. Raises `InvalidTransaction` (TEMPLATE) where the
    arguments give a contract, account, slot or query of impossible length or something that is no CID, or make
    the template larger than validators evaluate.
    """
    return canonical_footprint(template_entries(function.template, arguments, sender, contract, value))


def template_entries(
    template: tuple[TemplateEntry, ...],
    arguments: tuple[Argument, ...],
    sender: Address,
    contract: ContractId,
    value: int,
) -> list[Entry]:
    """The entries in the template's own order, duplicates included. Errors as `instantiate`."""
    call = _Call(arguments, sender, contract, value)
    entries = (call.entry(entry) for entry in template)
    return [entry for entry in entries if entry is not None]


class _Call:
    """Everything that a template may refer to, and how much evaluating it may still cost."""

    __slots__ = ("_arguments", "_bytes_left", "_contract", "_sender", "_value")

    def __init__(self, arguments: tuple[Argument, ...], sender: Address, contract: ContractId, value: int) -> None:
        self._arguments = arguments
        self._sender = sender
        self._contract = contract
        self._value = value
        size = sum(8 if isinstance(a, int) else len(a) for a in arguments)
        self._bytes_left = INSTANTIATION_BYTES_MAX + 4 * size

    def entry(self, template: TemplateEntry) -> Entry | None:
        kind = template.kind
        on = self._join(template.on)
        if kind is TemplateKind.READ:
            return Read(_contract(on), self._slot(template))
        if kind is TemplateKind.WRITE:
            return Write(_contract(on), self._slot(template))
        if kind is TemplateKind.CREDIT:
            return Credit(_account(on))
        if kind is TemplateKind.BOUND:
            return Bound(_account(on))
        if kind is TemplateKind.CALL:
            return Call(_contract(on))
        if kind is TemplateKind.QUERY:
            if not 0 < len(on) <= QUERY_BYTES_MAX:
                raise InvalidTransaction(Refusal.TEMPLATE, f"a query of {len(on)} bytes")
            return Query(on)
        if kind is TemplateKind.BLOB:
            if not is_cid(on):
                raise InvalidTransaction(Refusal.TEMPLATE, f"0x{on.hex()[:80]} is no CID")
            return Blob(on, SIZE_OPEN)
        assert template.cap is not None
        cap = self._amount(template.cap)
        return None if cap < 0 else Debit(_contract(on), min(cap, AMOUNT_MAX))

    def _slot(self, template: TemplateEntry) -> bytes:
        slot = self._join(template.slot)
        if len(slot) > SLOT_BYTES_MAX:
            raise InvalidTransaction(Refusal.TEMPLATE, f"a slot of {len(slot)} bytes, at most {SLOT_BYTES_MAX}")
        return slot

    def _join(self, parts: tuple[Part, ...]) -> bytes:
        if len(parts) == 1:
            return self._bytes(parts[0])
        return b"".join([self._bytes(part) for part in parts])

    def _bytes(self, part: Part) -> bytes:
        if isinstance(part, Literal):
            found = part.value
        elif isinstance(part, Arg):
            argument = self._arguments[part.index]
            found = argument if isinstance(argument, bytes) else argument.to_bytes(8, "big", signed=True)
        elif isinstance(part, Hashed):
            found = sha256(self._join(part.parts))
        elif isinstance(part, Sender):
            found = self._sender
        else:
            found = self._contract
        self._bytes_left -= len(found)
        if self._bytes_left < 0:
            raise InvalidTransaction(Refusal.TEMPLATE, "the template is too large for these arguments")
        return found

    def _amount(self, expression: AmountExpression) -> int:
        if isinstance(expression, AmountArg):
            argument = self._arguments[expression.index]
            assert isinstance(argument, int)
            return argument
        return expression.units if isinstance(expression, AmountLiteral) else self._value


def _contract(on: bytes) -> bytes:
    if len(on) != HASH_BYTES:
        raise InvalidTransaction(Refusal.TEMPLATE, f"a contract of {len(on)} bytes")
    return on


def _account(on: bytes) -> bytes:
    if len(on) not in (ADDRESS_BYTES, HASH_BYTES):
        raise InvalidTransaction(Refusal.TEMPLATE, f"an account of {len(on)} bytes")
    return on
