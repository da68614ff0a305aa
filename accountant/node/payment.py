"""Transfers and publications through a node: the nonce is asked for, the fee is known before anything is signed."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from accountant.chain.block import decode_block
from accountant.chain.draft import publication
from accountant.chain.fees import fee_of
from accountant.chain.genesis import Genesis
from accountant.chain.transaction import VERSION, Transaction, TransactionKind, sign_transaction, transaction_hash
from accountant.node.client import NodeClient
from accountant.primitives.encoding import encode
from accountant.primitives.errors import AccountantError
from accountant.primitives.keys import SIGNATURE_BYTES, PrivateKey
from accountant.primitives.types import AccountId, Amount, Cid, Hash, Height

_LOOK_S = 5.0


class NotOnChain(AccountantError):
    """A transaction that was handed in, and is in no block yet."""

    code = "not_on_chain"


class TooPoor(AccountantError):
    """The sender's zero-cost balance does not pay for the transaction."""

    code = "unfunded"


class Transfer(NamedTuple):
    """What to pay. Base units; `general`: out of the balance that only executing shows, else zero-cost money."""

    to: AccountId
    units: Amount
    general: bool = False
    tip: int = 0


class Ready(NamedTuple):
    """A transaction to sign, and what it costs."""

    unsigned: Transaction
    fee: int
    """Base units of zero-cost money, burnt but the tip; besides what it carries."""
    height: int
    """Where the chain ended when the nonce was read."""


async def prepare_transfer(node: NodeClient, genesis: Genesis, key: PrivateKey, transfer: Transfer) -> Ready:
    """The sender's next transaction. Raises `TooPoor`, and what the client raises.

    A node can only lie about the nonce, and then no block takes the transaction: `genesis` says what things cost.
    """

    def made(nonce: int) -> Transaction:
        return Transaction(
            version=VERSION,
            chain_id=genesis.chain_id,
            nonce=nonce,
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

    return await _ready(node, genesis, key, made)


async def prepare_publication(
    node: NodeClient, genesis: Genesis, key: PrivateKey, blob: tuple[Cid, int], tip: int = 0
) -> Ready:
    """The transaction that publishes a blob, given by CID and size in bytes. Raises as `prepare_transfer`.

    Its bytes go first: `NodeClient.put_blob`.
    """
    return await _ready(node, genesis, key, lambda nonce: publication(genesis, nonce, *blob, tip))


async def _ready(node: NodeClient, genesis: Genesis, key: PrivateKey, made: Callable[[int], Transaction]) -> Ready:
    height = (await node.head()).height
    account = await node.account(key.address)
    unsigned = made(account.pending_nonce)
    fee = fee_of(unsigned, len(encode(unsigned)), genesis.fees)
    if fee + unsigned.zero_value > account.zero_balance:
        raise TooPoor(
            f"it takes {fee + unsigned.zero_value:,} base units of zero-cost money, {account.address} has "
            f"{account.zero_balance:,}"
        )
    return Ready(unsigned, fee, height)


async def send_ready(node: NodeClient, key: PrivateKey, ready: Ready) -> Hash:
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
