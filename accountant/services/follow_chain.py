"""The accountant follows a node: it reads even its own through block bytes that it validates itself.

The validator's state is taken from the last values in the index, so a start validates no block again.
"""

import asyncio
import secrets
from collections.abc import Sequence

import psycopg
import structlog

from accountant.chain.admission import ModuleCheck
from accountant.chain.errors import BlockRefusal, ConflictingBlock, InvalidBlock
from accountant.chain.genesis import Genesis, decode_genesis
from accountant.chain.state import ChainHead, ChainState, check_genesis
from accountant.chain.sync import ChainSource, SourceUnavailable, greet, pull
from accountant.chain.validator import ValidatedBlock, import_block
from accountant.primitives.types import Hash, Height
from accountant.storage.chain_state import restored_state, stored_genesis, stored_hash
from accountant.storage.database import Database
from accountant.storage.importer import Importer

BATCH_BLOCKS = 256
WAIT_S = 20.0
RETRY_S = 0.5
RETRY_S_MAX = 5.0

log = structlog.get_logger(__name__)


class Follower:
    """A `chain.sync.ChainSink` over the accountant's index. One at a time on a database."""

    def __init__(self, database: Database, genesis: Genesis, check_module: ModuleCheck) -> None:
        """Begins the chain in an empty database, else takes it up. Raises `InvalidGenesis`, `DifferentGenesis`."""
        check_genesis(genesis)
        self._database = database
        self._importer = Importer(database)
        self._importer.install(genesis, secrets.token_bytes(32))
        self._genesis = genesis
        self._check_module = check_module
        self._state: ChainState | None = None

    @property
    def state(self) -> ChainState:
        """The validator's state at the head; read from the index when it is not at hand."""
        if self._state is None:
            self._state = restored_state(self._database, self._genesis)
        return self._state

    async def height(self) -> Height:
        """The height of the last block."""
        return (await asyncio.to_thread(lambda: self.state)).head.height

    async def known(self, height: Height) -> Hash | None:
        """The hash of the block at a height, genesis at 0; None above the head."""
        return await asyncio.to_thread(stored_hash, self._database, height)

    async def take(self, raws: Sequence[bytes]) -> None:
        """Validates consecutive blocks and imports them at once; one that is there already is passed over.

        Raises `InvalidBlock`, and `ConflictingBlock` after keeping the evidence; blocks before are imported.
        """
        await asyncio.to_thread(self._take, raws)

    def _take(self, raws: Sequence[bytes]) -> None:
        state = self.state
        # What is validated is ahead of the index until it is imported: should anything stop us in between,
        # the state is read from the index again.
        self._state = None
        valid: list[ValidatedBlock] = []
        try:
            for raw in raws:
                try:
                    valid.append(import_block(raw, state, self._check_module, self._known))
                except InvalidBlock as error:
                    if error.kind is not BlockRefusal.KNOWN:
                        raise
        except ConflictingBlock as error:
            log.error("conflicting block", height=error.height, known=error.known.hex(), other=error.other.hex())
            self._importer.keep_evidence(error)
            raise
        finally:
            if valid:
                self._importer.import_blocks(valid)
                log.info("imported", blocks=len(valid), height=state.head.height)
            self._state = state

    def _known(self, height: Height) -> Hash | None:
        return stored_hash(self._database, height)


async def open_follower(
    source: ChainSource, database: Database, check_module: ModuleCheck, expected: Genesis | None = None
) -> Follower:
    """A follower of the chain in the database; in an empty one, of `expected`, or else of the source's chain.

    Raises `SourceUnavailable`; `SourceMismatch` if the source follows another genesis; `DifferentGenesis` if
    the database's is not `expected`.
    """
    genesis = expected or await asyncio.to_thread(stored_genesis, database)
    if genesis is None:
        genesis = decode_genesis(await source.genesis())
    follower = await asyncio.to_thread(Follower, database, genesis, check_module)
    await greet(source, follower)
    return follower


async def follow_once(
    source: ChainSource, database: Database, check_module: ModuleCheck, expected: Genesis | None = None
) -> ChainHead:
    """Imports all that the source has now; the head after it. Raises as `open_follower` and `chain.sync.pull`."""
    follower = await open_follower(source, database, check_module, expected)
    while await pull(source, follower, BATCH_BLOCKS, 0.0):
        pass
    return follower.state.head


async def follow_forever(
    source: ChainSource, database: Database, check_module: ModuleCheck, expected: Genesis | None = None
) -> None:
    """Imports what the source has and will have, until cancelled. Waits out a source or a database that is down.

    Raises `ConflictingBlock`, `InvalidBlock` or `SourceMismatch` where the source does not extend our chain:
    nothing that it says from then on is of use, and a person has to look at the evidence.
    """
    follower: Follower | None = None
    retry_s = RETRY_S
    while True:
        try:
            if follower is None:
                follower = await open_follower(source, database, check_module, expected)
            await pull(source, follower, BATCH_BLOCKS, WAIT_S)
            retry_s = RETRY_S
        except (SourceUnavailable, psycopg.OperationalError, psycopg.InterfaceError) as error:
            # A node that was restarted on another folder is greeted, and refused, like a new one.
            follower = None
            log.warning("waiting", error=type(error).__name__, detail=str(error).strip(), retry_s=retry_s)
            await asyncio.sleep(retry_s)
            retry_s = min(2 * retry_s, RETRY_S_MAX)
