"""What the auction in C admits, written by hand: its compiler knows nothing of footprints."""

from accountant.chain.envelope import (
    CONSTRUCTOR,
    AmountArg,
    Arg,
    ArgumentKind,
    Callers,
    Envelope,
    FunctionEnvelope,
    Literal,
    OpenAccess,
    Part,
    Self,
    Sender,
    TemplateEntry,
    TemplateKind,
)

_SELF = (Self(),)
_BID = (Literal(b"bids:"), Sender())


def _slot(name: str) -> tuple[Part, ...]:
    return (Literal(name.encode()),)


def _read(slot: tuple[Part, ...], certain: bool = False) -> TemplateEntry:
    return TemplateEntry(TemplateKind.READ, _SELF, slot, certain=certain)


def _write(slot: tuple[Part, ...]) -> TemplateEntry:
    return TemplateEntry(TemplateKind.WRITE, _SELF, slot)


_PAYS_SENDER = (
    TemplateEntry(TemplateKind.CREDIT, (Sender(),)),
    TemplateEntry(TemplateKind.DEBIT, _SELF, cap=AmountArg(0)),
)

AUCTION = Envelope(
    (
        FunctionEnvelope(
            "bid",
            (),
            (
                _read(_slot("closes"), certain=True),
                *(_read(slot) for slot in (_BID, _slot("reserve"), _slot("best"))),
                *(_write(slot) for slot in (_BID, _slot("best"), _slot("leader"))),
            ),
            complete=True,
            direct=True,
        ),
        FunctionEnvelope(
            "bid_of",
            (ArgumentKind.ADDRESS,),
            (_read((Literal(b"bids:"), Arg(0)), certain=True),),
            complete=True,
            payable=False,
        ),
        FunctionEnvelope(
            CONSTRUCTOR,
            (ArgumentKind.INT, ArgumentKind.INT),
            (_write(_slot("reserve")), _write(_slot("closes"))),
            complete=True,
            payable=False,
        ),
        FunctionEnvelope("leader", (), (_read(_slot("leader"), certain=True),), complete=True, payable=False),
        FunctionEnvelope(
            "settle",
            (ArgumentKind.INT,),
            (
                _read(_slot("closes"), certain=True),
                *(_read(_slot(name)) for name in ("paid", "best")),
                _write(_slot("paid")),
                *_PAYS_SENDER,
            ),
            complete=True,
            callers=Callers.DEPLOYER,
            direct=True,
            payable=False,
        ),
        FunctionEnvelope(
            "withdraw",
            (ArgumentKind.INT,),
            (_read(_BID, certain=True), _read(_slot("leader")), _write(_BID), *_PAYS_SENDER),
            complete=True,
            direct=True,
            payable=False,
        ),
    ),
    OpenAccess((b"bids:", b"leader"), (), reads_most=8, callable=True),
)
"""Senders bid, withdraw and settle themselves, so all of it follows from the call; other contracts may ask."""
