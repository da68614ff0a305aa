"""How contract commands show values, footprint entries, events and places to people."""

from collections.abc import Iterable, Mapping
from typing import Any

from accountant.chain.footprint import SIZE_OPEN, Blob, Bound, Call, Credit, Debit, Entry, Memory, Query, Read, Write
from accountant.chain.transaction import Argument
from accountant.chain.values import text_of
from accountant.client.client import Json
from accountant.client.contracts import Done
from accountant.client.signatures import Happened, Signature
from accountant.commands.contract_files import Described
from accountant.language.interface import Interface
from accountant.language.slot_text import shown_slot
from accountant.language.types import ARGUMENTS, Type
from accountant.primitives.addresses import account_of, show
from accountant.primitives.cid import show_cid
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Cid

_NAME_WIDTH = 13
_NOTHING = "nothing"
_LOG_FIELDS = ("topic", "data")


def line(name: str, value: object) -> str:
    """A named value, in a column with others."""
    return f"{name:<{_NAME_WIDTH}} {value}"


def shown_value(returns: Type | None, wire: Argument | None) -> str:
    """What a function returned, by its type."""
    return _NOTHING if wire is None else text_of(None if returns is None else ARGUMENTS.get(returns), wire)


def hashed_keys(function: Signature, arguments: Iterable[Argument]) -> dict[bytes, str]:
    """Texts of a call's arguments that may be in slots by their hash."""
    given = zip(function.kinds, arguments, strict=True)
    return {sha256(value): text_of(kind, value) for kind, value in given if isinstance(value, bytes)}


def shown_entry(entry: Entry, own: bytes, interface: Interface | None, hashed: Mapping[bytes, str]) -> str:
    """An entry in words. `own`: the contract that is called, which `interface` describes; its slots have names."""
    match entry:
        case Read(contract, slot) | Write(contract, slot):
            verb = "reads" if isinstance(entry, Read) else "writes"
            named = shown_slot(interface, slot, hashed) if interface is not None and contract == own else None
            raw = f"slot 0x{slot.hex()}" + ("" if contract == own else f" of {_shown(contract)}")
            return f"{verb} {raw}" if named is None else f"{verb} {named}   {raw}"
        case Credit(account):
            return f"pays to {_shown(account)}"
        case Debit(contract, cap):
            return f"pays at most {cap}" + ("" if contract == own else f" from {_shown(contract)}")
        case Call(contract):
            return f"calls {_shown(contract)}"
        case Bound(account):
            return f"bounds {_shown(account)}"
        case Query(query):
            return f"asks 0x{query.hex()}"
        case Blob(cid, size):
            return f"loads {show_cid(Cid(cid))}" + ("" if size == SIZE_OPEN else f" of {size} bytes")
        case Memory(most):
            return f"holds tensors of at most {most} bytes"


def shown_event(event: Happened, interface: Interface | None) -> str:
    """An event by its interface; a log that none explains as it is."""
    if not event.name:
        topic, data = (event.fields[field] for field in _LOG_FIELDS)
        assert isinstance(topic, bytes) and isinstance(data, bytes)
        return f"{_shown(event.contract)} logged {topic.decode('utf-8', 'backslashreplace')!r} 0x{data.hex()}"
    known = () if interface is None else interface.events
    kinds = {field.name: Type(field.type) for one in known if one.name == event.name for field in one.fields}
    fields = (f"{name}={_shown_field(kinds.get(name), value)}" for name, value in event.fields.items())
    return f"{event.name}({', '.join(fields)})"


def shown_outcome(done: Done, function: Signature | None, places: Iterable[str]) -> list[str]:
    """What a transaction did, without its events."""
    if done.succeeded:
        returned = done.returned
        wire = returned.encode() if isinstance(returned, str) else returned
        returns = None if function is None else function.returns
        said = "" if wire is None else f", returned {shown_value(returns, wire)}"
        return [line("Outcome", f"succeeded{said}; {done.gas_used:,} gas")]
    where = next(iter(places), None)
    return [line("Outcome", f"failed: {done.reason}{f' at {where}' if where else ''}; {done.gas_used:,} gas")]


def places_of(trace: Iterable[Json], source: Described | None, code_hash: str | None) -> list[str]:
    """`token.py:17` for each place of a trace that is in the source, innermost first."""
    if source is None or source.source_map is None:
        return []
    own = (place["offset"] for place in trace if place["code_hash"] == code_hash)
    found = (source.source_map.find(offset) for offset in own)
    return [f"{source.file}:{one[1].line}" for one in found if one is not None]


def _shown_field(kind: Type | None, value: object) -> str:
    if isinstance(value, str):
        return repr(value)
    assert isinstance(value, int | bytes)
    return text_of(None if kind is None else ARGUMENTS.get(kind), value)


def _shown(account: bytes) -> str:
    return show(account_of(account))


def cost_of(result: dict[str, Any]) -> str:
    """What finding an answer took."""
    executed = len(result["executed"])
    return (
        f"{int(result['gas_executed']):,} gas, {executed} transaction{'s' * (executed != 1)} executed, "
        f"{result['cache_hits']} known before"
    )
