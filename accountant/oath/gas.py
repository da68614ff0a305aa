"""The published gas of an oath, and the chain rules under which it is known to suffice.

A query's price is flat, whatever its provenance: otherwise an oath about something expensive would run
out of gas, roll back, and slash nobody.
"""

from accountant.chain.genesis import GasSchedule, Genesis, Limits
from accountant.chain.query import view_gas
from accountant.contracts.engine import ENGINE
from accountant.primitives.types import Gas

OATH_GAS = Gas(150_000)
"""Enough for `swear` with the longest query and answer that count, true or false, a view's own gas apart."""


def oath_gas(query: bytes) -> Gas:
    """Gas with which `swear` surely decides a query: a view is paid for with its whole limit."""
    return Gas(OATH_GAS + view_gas(query))


WITHDRAW_GAS = Gas(20_000)
"""Enough for `withdraw`."""

_PRICES = GasSchedule()
_PRICES_THAT_MATTER = tuple(name for name in GasSchedule.__struct_fields__ if name != "tensors")
"""An oath computes with no tensor."""
_LIMITS = Limits()
_LIMITS_THAT_MATTER = ("memory_pages_most", "value_bytes_most", "values_bytes_most", "logs_bytes_most")


def rules_allow(genesis: Genesis) -> str | None:
    """Why the published gas might not do on this chain; None if it does: engine, prices and limits."""
    if genesis.engine != ENGINE:
        return f"the chain runs contracts on {genesis.engine}, the contract was audited on {ENGINE}"
    for name in _PRICES_THAT_MATTER:
        price, audited = getattr(genesis.gas, name), getattr(_PRICES, name)
        if price > audited:
            return f"gas price {name} is {price}, the contract was audited at {audited}"
    for name in _LIMITS_THAT_MATTER:
        limit, audited = getattr(genesis.limits, name), getattr(_LIMITS, name)
        if limit < audited:
            return f"limit {name} is {limit}, the contract was audited at {audited}"
    return None
