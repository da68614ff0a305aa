"""Following a chain that somebody else extends, over two ports: where blocks come from, and who takes them.

The source is not trusted. Whoever takes the bytes validates them; a source that stands on another chain is
confronted: its block at a height that is final here is fetched, so that it is kept as evidence.
"""

from collections.abc import Sequence
from typing import Protocol

from accountant.chain.errors import BlockRefusal, InvalidBlock
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Hash, Height


class SourceUnavailable(AccountantError):
    """The source does not answer now; it may later."""

    code = "source_unavailable"


class SourceMismatch(AccountantError):
    """The source follows another genesis, or contradicts itself."""

    code = "source_mismatch"


class SourceHead(Protocol):
    """Where the source's chain ends. Hashes are hex."""

    @property
    def height(self) -> int: ...
    @property
    def hash(self) -> str: ...
    @property
    def genesis_hash(self) -> str: ...


class ChainSource(Protocol):
    """Gives blocks as bytes: a node, over its HTTP interface. Every method raises `SourceUnavailable`."""

    async def genesis(self) -> bytes:
        """The genesis' canonical bytes."""

    async def head(self) -> SourceHead:
        """The end of its chain."""

    async def block(self, height: Height) -> bytes | None:
        """One block; None above the head."""

    async def blocks(self, from_height: int, limit: int, wait_s: float) -> list[bytes]:
        """Up to `limit` blocks from a height on; empty if there was none within `wait_s` seconds."""


class ChainSink(Protocol):
    """Takes blocks as bytes, validates and keeps them."""

    async def known(self, height: Height) -> Hash | None:
        """The hash of its own block at a height (genesis at 0); None above its head."""

    async def height(self) -> Height:
        """The height of its last block."""

    async def take(self, raws: Sequence[bytes]) -> None:
        """Takes consecutive blocks. One that it has already is passed over.

        Raises `InvalidBlock`, and `ConflictingBlock` after keeping the evidence; blocks before the one at
        fault are kept.
        """


async def greet(source: ChainSource, sink: ChainSink) -> None:
    """Compares genesis and heads with a source that is new, or back. Raises as `pull`."""
    ours, head = await sink.known(Height(0)), await source.head()
    assert ours is not None
    if ours.hex() != head.genesis_hash:
        raise SourceMismatch(f"the source follows genesis {head.genesis_hash}, not {ours.hex()}")
    await _compare_heads(source, sink, head)


async def pull(source: ChainSource, sink: ChainSink, limit: int, wait_s: float) -> int:
    """One round: takes what the source has next, and says how many blocks that were.

    Raises what `ChainSink.take` raises, `SourceUnavailable`, and `SourceMismatch` where the source's chain is
    not ours although it signed no second block at the height asked for.
    """
    height = await sink.height()
    raws = await source.blocks(height + 1, limit, wait_s)
    if not raws:
        await _compare_heads(source, sink, await source.head())
        return 0
    try:
        await sink.take(raws)
    except InvalidBlock as error:
        if error.kind is BlockRefusal.PREVIOUS_HASH:
            await _confront(source, sink, height)
        raise
    return len(raws)


async def _compare_heads(source: ChainSource, sink: ChainSink, head: SourceHead) -> None:
    ours = await sink.known(Height(head.height))
    if ours is not None and ours.hex() != head.hash:
        await _confront(source, sink, Height(head.height))
        raise SourceMismatch(f"at height {head.height} the source has {head.hash}, final is {ours.hex()}")


async def _confront(source: ChainSource, sink: ChainSink, height: Height) -> None:
    """Takes the source's own block at a height that is final here: the sink keeps the evidence and says so."""
    raw = await source.block(height) if height else None
    if raw is not None:
        await sink.take([raw])
