"""A chain for one machine: new keys, and a genesis that pays them. Made where no genesis is configured.

Everything lands in one folder, which should lie outside the tree of the embedded database:

    genesis.bin      the genesis' canonical bytes
    proposer.json    signs the blocks
    accountant.json  signs oaths; owns zero-cost money for their fees and deposits
    faucet.json      owns the rest: hand it out to try things
    password         opens the three key files (256 random bits; mode 0600)
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from accountant.chain.genesis import Genesis, GenesisAccount, GenesisContract, decode_genesis
from accountant.node.keystore import SCRYPT_WORK, ensure_password, read_key, write_key, write_private
from accountant.primitives.encoding import encode
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import UNITS_PER_TOKEN, Address

CHAIN_ID = 31_337
ACCOUNTANT_UNITS = 100_000_000 * UNITS_PER_TOKEN
FAUCET_UNITS = 1_000_000_000 * UNITS_PER_TOKEN


class Devnet(NamedTuple):
    """Where the parts of a development chain lie."""

    genesis: Path
    proposer_key: Path
    accountant_key: Path
    faucet_key: Path
    password: Path


def devnet_in(folder: Path) -> Devnet:
    """The places in `folder`, whether or not anything is there yet."""
    names = ("genesis.bin", "proposer.json", "accountant.json", "faucet.json", "password")
    return Devnet(*(folder / name for name in names))


def init_devnet(
    places: Devnet,
    engine: str,
    chain_id: int = CHAIN_ID,
    accounts: tuple[GenesisAccount, ...] = (),
    contracts: tuple[GenesisContract, ...] = (),
    work: int = SCRYPT_WORK,
) -> None:
    """Makes genesis and keys where there is no genesis; keys that are there are used. Nothing that is there changes.

    A crash in between is made good by the next call.

    `accounts` and `contracts` go into genesis besides the accountant and the faucet; `work` is scrypt's n.
    Raises `KeyFileError` where a key file does not open.
    """
    with alone_in(places.genesis.parent):
        if not places.genesis.exists():
            password = ensure_password(places.password)
            proposer, accountant, faucet = (
                _ensure_key(path, password, work)
                for path in (places.proposer_key, places.accountant_key, places.faucet_key)
            )
            paid = (GenesisAccount(accountant, ACCOUNTANT_UNITS), GenesisAccount(faucet, FAUCET_UNITS), *accounts)
            genesis = Genesis(
                chain_id=chain_id,
                time=int(time.time()),
                engine=engine,
                proposers=(proposer,),
                accounts=tuple(sorted(paid, key=lambda account: account.address)),
                contracts=contracts,
            )
            # Written last: where there is a genesis there are its keys.
            write_private(places.genesis, encode(genesis))


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Makes a chain folder, and keeps whoever else begins a chain there waiting."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder / "init.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def read_genesis(path: Path) -> tuple[bytes, Genesis]:
    """The bytes of a genesis file, and the genesis. Raises `InvalidEncoding` and `OSError`."""
    raw = path.read_bytes()
    return raw, decode_genesis(raw)


def _ensure_key(path: Path, password: bytes, work: int) -> Address:
    if path.exists():
        return read_key(path, password).address
    key = PrivateKey.generate()
    write_key(path, key, password, work)
    return key.address
