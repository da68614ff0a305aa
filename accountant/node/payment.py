"""A plain transfer through a node: nonce and genesis are asked for, the fee is known before anything is signed."""

import asyncio
from typing import NamedTuple

from accountant.chain.block import decode_block
from accountant.chain.fees import fee_of
from accountant.chain.genesis import Genesis
from accountant.chain.transaction import VERSION, Transaction, TransactionKind, sign_transaction, transaction_hash
from accountant.node.client import NodeClient
from accountant.primitives.encoding import encode
from accountant.primitives.errors import AccountantError
from accountant.primitives.keys import SIGNATURE_BYTES, PrivateKey
from accountant.primitives.types import AccountId, Amount, Hash, Height

_LOOK_S = 5.0


class NotOnChain(AccountantError):
    """A transfer that was handed in, and is in no block yet."""

    code = "not_on_chain"


class TooPoor(AccountantError):
    """The sender's zero-cost balance does not pay for the transfer."""

    code = "unfunded"


class Transfer(NamedTuple):
    """What to pay. Base units; `general`: out of the balance that only executing shows, else zero-cost money."""

    to: AccountId
    units: Amount
    general: bool = False
    tip: int = 0


class Ready(NamedTuple):
    """A transfer to sign, and what it costs."""

    unsigned: Transaction
    fee: int
    """Base units of zero-cost money, burnt but the tip; besides what is transferred."""
    height: int
    """Where the chain ended when the nonce was read."""


async def prepare_transfer(node: NodeClient, genesis: Genesis, key: PrivateKey, transfer: Transfer) -> Ready:
    """The sender's next transaction. Raises `TooPoor`, and what the client raises.

    A node can only lie about the nonce, and then no block takes the transaction: `genesis` says what things cost.
    """
    height = (await node.head()).height
    account = await node.account(key.address)
    unsigned = Transaction(
        version=VERSION,
        chain_id=genesis.chain_id,
        nonce=account.pending_nonce,
        kind=TransactionKind.TRANSFER,
        to=transfer.to,
        zero_value=0 if transfer.general else transfer.units,
        general_value=transfer.units if transfer.general else 0,
        gas_limit=genesis.gas.general_check if transfer.general else 0,
        gas_price=genesis.fees.gas_price_least,
        tip=transfer.tip,
        payload=b"",
        footprint=(),
        signature=bytes(SIGNATURE_BYTES),
    )
    fee = fee_of(unsigned, len(encode(unsigned)), genesis.fees)
    if fee + unsigned.zero_value > account.zero_balance:
        raise TooPoor(
            f"it takes {fee + unsigned.zero_value:,} base units of zero-cost money, {account.address} has "
            f"{account.zero_balance:,}"
        )
    return Ready(unsigned, fee, height)


async def send_transfer(node: NodeClient, key: PrivateKey, ready: Ready) -> Hash:
    """Signs and hands in; its hash. Raises `Refused` and `NodeUnavailable`: it may then be handed in again."""
    return await node.submit(sign_transaction(ready.unsigned, key))


async def wait_for_block(node: NodeClient, name: Hash, after: int, seconds: float) -> Height:
    """The height of the block above `after` that has the transaction. Raises `NotOnChain`."""
    height = after
    try:
        async with asyncio.timeout(seconds):
            while True:
                for raw in await node.blocks(height + 1, wait_s=_LOOK_S):
                    height += 1
                    if any(transaction_hash(each) == name for each in decode_block(raw).transactions):
                        return Height(height)
    except TimeoutError:
        raise NotOnChain(f"0x{name.hex()} is handed in, and in no block after {seconds:.0f} s") from None
