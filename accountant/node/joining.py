"""Joining a chain that others have begun: its genesis comes from one of their nodes, the keys are made here.

The genesis is believed once, when there is none here: it says who may sign blocks. From then on it is the one that
this folder insists on, and every block is validated against it. Whoever knows the genesis puts the file there first.
"""

from collections.abc import Sequence

from accountant.chain.genesis import Genesis, decode_genesis
from accountant.chain.state import check_genesis
from accountant.chain.sync import SourceUnavailable
from accountant.node.client import NodeAnswerInvalid, NodeClient, Refused
from accountant.node.devnet import Devnet, alone_in, read_genesis
from accountant.node.keystore import SCRYPT_WORK, ensure_password, write_key, write_private
from accountant.primitives.encoding import encode
from accountant.primitives.errors import AccountantError, InvalidEncoding
from accountant.primitives.keys import PrivateKey


class NoGenesis(AccountantError):
    """There is no genesis here, and no peer gave one."""

    code = "no_genesis"


async def join_chain(places: Devnet, peers: Sequence[str], work: int = SCRYPT_WORK) -> Genesis:
    """The genesis in this folder, fetched from the first peer that has one if there is none; and the accountant's key.

    No proposer's key is made: this node follows. A crash in between is made good by the next call. `work` is scrypt's
    n of a new key. Raises `NoGenesis`, `InvalidGenesis`, `KeyFileError`.
    """
    raw = None if places.genesis.exists() else await _fetched(peers)
    with alone_in(places.genesis.parent):
        if not places.accountant_key.exists():  # opening one takes a second, and it is not needed here
            write_key(places.accountant_key, PrivateKey.generate(), ensure_password(places.password), work)
        if raw is not None and not places.genesis.exists():
            write_private(places.genesis, raw)
    return read_genesis(places.genesis)[1]


async def _fetched(peers: Sequence[str]) -> bytes:
    """The canonical bytes of the peers' genesis."""
    said = []
    for url in peers:
        try:
            async with NodeClient(url) as peer:
                genesis = decode_genesis(await peer.genesis())
        except (SourceUnavailable, NodeAnswerInvalid, Refused, InvalidEncoding) as error:
            said.append(f"{url}: {error.detail}")
            continue
        check_genesis(genesis)
        return encode(genesis)
    raise NoGenesis(
        f"there is no genesis yet, and no node to take it from is reached ({'; '.join(said) or 'none named'})"
    )
