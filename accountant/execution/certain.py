"""Reads that a call surely makes: resolved ahead of time, so that the call need not stop and run again for them."""

from accountant.chain.envelope import TemplateKind
from accountant.chain.errors import InvalidTransaction
from accountant.chain.fees import intrinsic_gas
from accountant.chain.footprint import Read
from accountant.chain.genesis import GasSchedule
from accountant.chain.template import check_arguments, template_entries
from accountant.chain.transaction import TransactionKind, decode_call
from accountant.contracts.binary import memory_pages
from accountant.contracts.world import ContractCode
from accountant.index.port import Located
from accountant.primitives.types import ContractId


def certain_reads(located: Located, code: ContractCode | None, gas: GasSchedule) -> list[Read]:
    """The declared reads that the called function's template marks as certain; none for what cannot get so far.

    The mark is the contract author's word. Where it is wrong, more is executed than was needed, and no
    answer is another.
    """
    transaction = located.transaction
    if code is None or transaction.kind != TransactionKind.CALL:
        return []
    entering = gas.code_per_byte * len(code.code) + gas.memory_page * memory_pages(code.code)
    if transaction.gas_limit < intrinsic_gas(transaction, gas) + entering + gas.storage_read:
        return []
    payload = decode_call(transaction.payload)
    function = code.envelope.function(payload.function)
    if function is None:
        return []
    marked = tuple(entry for entry in function.template if entry.certain and entry.kind is TemplateKind.READ)
    if not marked:
        return []
    try:
        check_arguments(function.arguments, payload.arguments)
        contract = ContractId(transaction.to)
        entries = template_entries(marked, payload.arguments, located.sender, contract, transaction.value)
    except InvalidTransaction:
        return []
    declared = set(transaction.footprint)
    return [entry for entry in entries if isinstance(entry, Read) and entry in declared]
