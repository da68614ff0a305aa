"""The audited purse: what its contract admits, and how a penalty is split (Algorithm 5, line 2)."""

from accountant.chain.envelope import (
    AmountArg,
    Arg,
    ArgumentKind,
    Callers,
    Envelope,
    FunctionEnvelope,
    Literal,
    Self,
    Sender,
    TemplateEntry,
    TemplateKind,
)
from accountant.chain.transaction import Transaction, TransactionKind, decode_call
from accountant.oath.oath import SWEAR
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.types import AMOUNT_MAX, BLACKHOLE, Address, Amount

WITHDRAW = "withdraw"

_SWEAR = FunctionEnvelope(
    name=SWEAR,
    arguments=(ArgumentKind.BYTES, ArgumentKind.BYTES, ArgumentKind.INT, ArgumentKind.ADDRESS),
    template=(
        TemplateEntry(kind=TemplateKind.QUERY, on=(Arg(0),)),
        TemplateEntry(kind=TemplateKind.CREDIT, on=(Arg(3),)),
        TemplateEntry(kind=TemplateKind.CREDIT, on=(Literal(BLACKHOLE),)),
        TemplateEntry(kind=TemplateKind.DEBIT, on=(Self(),), cap=AmountArg(2)),
    ),
    complete=True,
    callers=Callers.DEPLOYER,
    direct=True,
    payable=False,
)

_WITHDRAW = FunctionEnvelope(
    name=WITHDRAW,
    arguments=(ArgumentKind.INT,),
    template=(
        TemplateEntry(kind=TemplateKind.CREDIT, on=(Sender(),)),
        TemplateEntry(kind=TemplateKind.DEBIT, on=(Self(),), cap=AmountArg(0)),
    ),
    complete=True,
    callers=Callers.DEPLOYER,
    direct=True,
    payable=False,
)

OATH_ENVELOPE = Envelope(functions=(_SWEAR, _WITHDRAW))
"""What the compiler derives from `accountant/library/oath.py`, written out because it is half of the audit.

Nobody but the deployer can declare a debit, and no function but these two declares one: that is what
makes the deposit's lower bound a fact of the chain's bytes. No gas minimum: an oath with too little
gas is admitted and paid for, and counts for nothing."""


def withdrawn_by(transaction: Transaction) -> Amount | None:
    """Base units that a call of `withdraw` takes out; None for any other transaction."""
    if transaction.kind != TransactionKind.CALL:
        return None
    try:
        payload = decode_call(transaction.payload)
    except InvalidEncoding:
        return None
    match payload.arguments:
        case (int(units),) if payload.function == WITHDRAW and 0 < units <= AMOUNT_MAX:
            return Amount(units)
    return None


def slash_of(penalty: Amount, beneficiary: Address) -> tuple[Amount, Amount]:
    """(burnt, paid): all is burnt without a beneficiary, else the larger half is.

    Burning a part prices accusing oneself: a beneficiary who swears a lie of his own to himself loses it.
    """
    assert penalty > 0
    paid = 0 if beneficiary == BLACKHOLE else penalty // 2
    return Amount(penalty - paid), Amount(paid)
