"""Signed headers, as they were imported: what somebody trusts who does not follow the chain."""

import sqlalchemy as sa

from accountant.chain.block import Header
from accountant.chain.headers import SignedHeader
from accountant.primitives.encoding import Decoder
from accountant.primitives.types import Height
from accountant.storage.tables import blocks, genesis

_HEADER_BYTES_MAX = 1024

_headers = Decoder(Header, _HEADER_BYTES_MAX)


def signed_headers(connection: sa.Connection, from_height: int, limit: int) -> tuple[SignedHeader, ...]:
    """Up to `limit` headers from a height on, ascending; genesis has none."""
    rows = connection.execute(
        sa.select(blocks.c.header, blocks.c.signature)
        .where(blocks.c.height >= max(1, from_height))
        .order_by(blocks.c.height)
        .limit(limit)
    )
    return tuple(SignedHeader(_headers.decode(header), signature) for header, signature in rows)


def signed_header(connection: sa.Connection, height: Height) -> SignedHeader | None:
    """The header at a height; None where there is none."""
    return next(iter(signed_headers(connection, height, 1)), None)


def genesis_bytes(connection: sa.Connection) -> bytes | None:
    """The canonical bytes of genesis; None without a chain."""
    raw: bytes | None = connection.execute(sa.select(genesis.c.raw)).scalar_one_or_none()
    return raw
