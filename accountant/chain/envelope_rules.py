"""When an envelope is well formed: checked once, at deployment, so that every later check can rely on it.

The counts bound what one call may cost its validators, whatever the contract declares.
"""

from collections.abc import Iterable
from itertools import pairwise

from accountant.chain.envelope import (
    AmountArg,
    AmountLiteral,
    Arg,
    ArgumentKind,
    Callers,
    Envelope,
    FunctionEnvelope,
    Hashed,
    Literal,
    OpenAccess,
    Part,
    TemplateEntry,
    TemplateKind,
)
from accountant.chain.errors import InvalidTransaction, Refusal
from accountant.chain.footprint import QUERY_BYTES_MAX, SLOT_BYTES_MAX
from accountant.chain.genesis import Limits
from accountant.primitives.types import ADDRESS_BYTES, AMOUNT_MAX, HASH_BYTES

NAME_BYTES_MAX = 64
ARGUMENTS_MAX = 32
LISTED_MAX = 1_024
TEMPLATE_ENTRIES_MAX = 256
TEMPLATE_PARTS_MAX = 2_048
"""Parts of one function's template, those inside hashes included."""
HASH_DEPTH_MAX = 4
PREFIXES_MAX = 64


def check_envelope(envelope: Envelope, limits: Limits) -> None:
    """Raises `InvalidTransaction` (ENVELOPE) unless the envelope is well formed."""
    names = [function.name for function in envelope.functions]
    _demand(len(names) <= limits.exports_most, f"{len(names)} functions, at most {limits.exports_most}")
    _demand(all(a < b for a, b in pairwise(names)), "functions are sorted by name, each once")
    for function in envelope.functions:
        _check_function(function)
    _check_open(envelope.open)


def _demand(holds: bool, detail: str) -> None:
    if not holds:
        raise InvalidTransaction(Refusal.ENVELOPE, detail)


def _check_function(function: FunctionEnvelope) -> None:
    name = function.name
    _demand(0 < len(name.encode()) <= NAME_BYTES_MAX, f"a function's name has 1 to {NAME_BYTES_MAX} bytes")
    _demand(len(function.arguments) <= ARGUMENTS_MAX, f"{name}: at most {ARGUMENTS_MAX} arguments")
    _demand(0 <= function.gas_least <= function.gas_most <= AMOUNT_MAX, f"{name}: 0 ≤ gas_least ≤ gas_most < 2^63")
    _demand(len(function.listed) <= LISTED_MAX, f"{name}: at most {LISTED_MAX} listed callers")
    _demand(
        bool(function.listed) == (function.callers is Callers.LISTED), f"{name}: a list of callers goes with LISTED"
    )
    _demand(
        all(len(caller) in (ADDRESS_BYTES, HASH_BYTES) for caller in function.listed),
        f"{name}: a listed caller has {ADDRESS_BYTES} or {HASH_BYTES} bytes",
    )
    _demand(len(function.template) <= TEMPLATE_ENTRIES_MAX, f"{name}: at most {TEMPLATE_ENTRIES_MAX} template entries")
    parts = sum(_check_entry(entry, function) for entry in function.template)
    _demand(parts <= TEMPLATE_PARTS_MAX, f"{name}: at most {TEMPLATE_PARTS_MAX} template parts")


def _check_entry(entry: TemplateEntry, function: FunctionEnvelope) -> int:
    """The number of parts."""
    slots = entry.kind in (TemplateKind.READ, TemplateKind.WRITE)
    _demand(slots or not entry.slot, f"{function.name}: only reads and writes have a slot")
    _demand(
        (entry.cap is not None) == (entry.kind is TemplateKind.DEBIT), f"{function.name}: debits, and they alone, cap"
    )
    if isinstance(entry.cap, AmountLiteral):
        _demand(0 <= entry.cap.units <= AMOUNT_MAX, f"{function.name}: a cap is an amount")
    elif isinstance(entry.cap, AmountArg):
        _check_index(entry.cap.index, function)
        _demand(function.arguments[entry.cap.index] is ArgumentKind.INT, f"{function.name}: a cap's argument is an INT")
    return _check_parts(entry.on, function, 0) + _check_parts(entry.slot, function, 0)


def _check_parts(parts: Iterable[Part], function: FunctionEnvelope, depth: int) -> int:
    count = 0
    for part in parts:
        count += 1
        if isinstance(part, Literal):
            _demand(len(part.value) <= QUERY_BYTES_MAX, f"{function.name}: literals up to {QUERY_BYTES_MAX} bytes")
        elif isinstance(part, Arg):
            _check_index(part.index, function)
        elif isinstance(part, Hashed):
            _demand(depth < HASH_DEPTH_MAX, f"{function.name}: hashes nest at most {HASH_DEPTH_MAX} deep")
            count += _check_parts(part.parts, function, depth + 1)
    return count


def _check_index(index: int, function: FunctionEnvelope) -> None:
    _demand(0 <= index < len(function.arguments), f"{function.name}: the template names argument {index}")


def _check_open(access: OpenAccess) -> None:
    for prefixes in (access.read_prefixes, access.write_prefixes):
        _demand(len(prefixes) <= PREFIXES_MAX, f"at most {PREFIXES_MAX} open prefixes")
        _demand(all(len(p) <= SLOT_BYTES_MAX for p in prefixes), f"a prefix has at most {SLOT_BYTES_MAX} bytes")
    for number in (access.reads_most, access.writes_most, access.debit_most, access.blobs_most):
        _demand(0 <= number <= AMOUNT_MAX, "open counts and debits are between 0 and 2^63 − 1")
