"""Another accountant on this machine: settings of its own beside the first one's, and money for its oaths."""

import asyncio
import re
from pathlib import Path
from typing import NamedTuple

from accountant.commands.init import places_of
from accountant.node.client import NodeAnswerInvalid, NodeClient, NodeUnavailable, Refused
from accountant.node.devnet import Devnet, devnet_in, read_genesis
from accountant.node.joining import join_chain
from accountant.node.keystore import read_key, read_password
from accountant.node.payment import TooPoor, Transfer, prepare_transfer, send_ready
from accountant.primitives.errors import AccountantError
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import Address, Amount
from accountant.settings import Settings

PORT = 8100
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
_PURSES = 10
"""Deposits that the faucet pays for at once."""
_ATTEMPTS = 5


class InvalidBeside(AccountantError):
    """Another accountant that cannot be told from the first one."""

    code = "invalid_accountant"


class Joined(NamedTuple):
    """Where another accountant stands before it starts."""

    signer: Address
    genesis_hash: str
    paid: int
    """Base units of zero-cost money that the faucet pays it now."""
    lacks: int
    """Base units that somebody has to pay it before it can swear; 0 if it has them, or if nobody could be asked."""


def beside(first: Settings, name: str, port: int = PORT, follow: str | None = None) -> Settings:
    """The settings of the accountant `name` beside the first: folder, servers, keys and ports are its own.

    Its API listens on `port`, its node on the next one, its dashboard on the one after; 0: free ones. It follows the
    node at `follow`, else the peers that the settings name, else the first accountant's node. Raises `InvalidBeside`.
    """
    if not _NAME.fullmatch(name):
        raise InvalidBeside(f"{name!r} names no accountant: write up to 32 of a-z, 0-9 and -, beginning with a letter")
    if first.database_url is not None:
        raise InvalidBeside("DATABASE_URL and REDIS_URL are the first accountant's: unset them for another one")
    if not 0 <= port < 65_534:
        raise InvalidBeside(f"port {port} leaves none after it for node and dashboard: at most 65533")
    peers = follow or first.node_peers or first.node
    own: dict[str, object] = {
        "data_dir": first.data_dir.with_name(f"{first.data_dir.absolute().name}-{name}"),
        "api_port": port,
        "node_port": port + 1 if port else 0,
        "dashboard_port": port + 2 if port else 0,
        "node_peers": peers,
    }
    shared_no_more = ("node_url", "chain_dir", "accountant_key", "proposer_key", "key_password_file")
    return first.model_copy(update={**own, **dict.fromkeys(shared_no_more)})


def join(settings: Settings, first_chain: Path) -> Joined:
    """Genesis and key, made where missing; the faucet in `first_chain` pays if it is of the same chain.

    Raises `NoGenesis`, `InvalidGenesis`, `KeyFileError`.
    """
    return asyncio.run(_join(settings, first_chain))


async def _join(settings: Settings, first_chain: Path) -> Joined:
    peers = settings.node_peers.split()
    places = places_of(settings)
    genesis = await join_chain(places, peers)
    signer = read_key(places.accountant_key, read_password(places.password)).address
    joined = Joined(signer, genesis.hash.hex(), 0, 0)
    for url in peers:
        async with NodeClient(url) as peer:
            try:
                owned = (await peer.account(signer)).zero_balance
                if owned >= settings.oath_deposit + settings.oath_alarm:
                    return joined
                wanted = _PURSES * settings.oath_deposit + settings.oath_alarm
                faucet = _faucet(places, first_chain)
                if faucet is None:
                    return joined._replace(lacks=wanted)
                await _pay(peer, places, faucet, Transfer(signer, Amount(wanted)))
                return joined._replace(paid=wanted)
            except TooPoor:
                return joined._replace(lacks=wanted)
            except (NodeUnavailable, NodeAnswerInvalid, Refused):
                continue  # another peer may know, or a later start
    return joined


def _faucet(places: Devnet, first_chain: Path) -> PrivateKey | None:
    """The faucet's key, if it is at hand and pays on our chain."""
    first = devnet_in(first_chain)
    if not (first.genesis.exists() and first.faucet_key.exists() and first.password.exists()):
        return None
    if read_genesis(first.genesis)[0] != read_genesis(places.genesis)[0]:
        return None
    return read_key(first.faucet_key, read_password(first.password))


async def _pay(peer: NodeClient, places: Devnet, faucet: PrivateKey, transfer: Transfer) -> None:
    """Pays; where somebody else used the faucet's nonce meanwhile, with the next one."""
    genesis = read_genesis(places.genesis)[1]
    for attempt in range(1, _ATTEMPTS + 1):
        ready = await prepare_transfer(peer, genesis, faucet, transfer)
        try:
            await send_ready(peer, faucet, ready)
        except Refused as error:
            if attempt == _ATTEMPTS or error.reason not in ("stale_nonce", "replacement_tip"):
                raise
        else:
            return
