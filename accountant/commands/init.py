"""`accountant chain init`: keys and a genesis for one machine, where there is no genesis yet."""

import asyncio
from collections.abc import Sequence

from accountant.chain.genesis import Genesis
from accountant.contracts.engine import ENGINE
from accountant.node.devnet import Devnet, init_devnet, read_genesis
from accountant.node.joining import join_chain
from accountant.settings import Settings, load_settings

GENESIS_FILE = "genesis.bin"
FAUCET_FILE = "faucet.json"


def init() -> None:
    """Make what is missing of a development chain: a genesis, and the keys that it pays."""
    places = places_of(load_settings())
    genesis = ensure_chain(places)
    print(f"genesis {genesis.hash.hex()} of chain {genesis.chain_id} in {places.genesis}")


def places_of(settings: Settings) -> Devnet:
    """Where genesis and key files lie by these settings."""
    folder = settings.chain_folder
    return Devnet(
        genesis=folder / GENESIS_FILE,
        proposer_key=settings.proposer_key_path,
        accountant_key=settings.accountant_key_path,
        faucet_key=folder / FAUCET_FILE,
        password=settings.key_password_path,
    )


def ensure_chain(places: Devnet, peers: Sequence[str] = ()) -> Genesis:
    """The genesis there; if there is none, the one of the peers or else a new one, with keys. Raises `NoGenesis`."""
    if peers:
        return asyncio.run(join_chain(places, peers))
    init_devnet(places, ENGINE)
    return read_genesis(places.genesis)[1]
