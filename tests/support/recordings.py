"""Small recordings made by hand: accounts named by a letter, slots by a number, amounts in base units."""

from collections.abc import Mapping, Sequence

from accountant.replay.ledger import WEI_PER_UNIT
from accountant.replay.recording import RecordedBlock, RecordedTransaction

COINBASE = "c0" * 20
PLENTY = 10**12
"""Base units: pays for any transaction in a test."""


def account(letter: str) -> str:
    """The recorded address of this letter."""
    return (letter.encode().hex() * 20)[:40]


def slot(number: int) -> str:
    """A recorded slot."""
    return f"{account('k')}:{number:#x}"


def transfer(sender: str, to: str, units: int) -> RecordedTransaction:
    """A plain transfer of base units."""
    return RecordedTransaction(
        sender=account(sender),
        to=account(to),
        value=str(units * WEI_PER_UNIT),
        gas_used=21_000,
        contract_call=False,
        succeeded=True,
        reads=(),
        writes=(),
        changed=(),
        balance_deltas={account(to): str(units * WEI_PER_UNIT)},
    )


def call(
    sender: str,
    reads: Sequence[int] = (),
    writes: Sequence[int] = (),
    changed: Sequence[int] | None = None,
    units: int = 0,
    pays: Mapping[str, int] | None = None,
    gas_used: int = 30_000,
    succeeded: bool = True,
) -> RecordedTransaction:
    """A contract call; `changed` defaults to all that it writes, `pays` is in base units by letter."""
    gains = {account(letter): str(paid * WEI_PER_UNIT) for letter, paid in (pays or {}).items()}
    return RecordedTransaction(
        sender=account(sender),
        to=account("k"),
        value=str(units * WEI_PER_UNIT),
        gas_used=gas_used,
        contract_call=True,
        succeeded=succeeded,
        reads=tuple(map(slot, reads)),
        writes=tuple(map(slot, writes)),
        changed=tuple(map(slot, writes if changed is None else changed)),
        balance_deltas=gains,
    )


def block(
    *transactions: RecordedTransaction, number: int = 1, balances: Mapping[str, int] | None = None
) -> RecordedBlock:
    """A recorded block. `balances` in base units by letter; a sender that it does not name has plenty."""
    units = {transaction.sender: PLENTY for transaction in transactions}
    units |= {account(letter): balance for letter, balance in (balances or {}).items()}
    return RecordedBlock(
        block=number,
        coinbase=COINBASE,
        pre_balances={name: str(balance * WEI_PER_UNIT) for name, balance in units.items()},
        transactions=transactions,
    )
