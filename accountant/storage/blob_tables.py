"""Tables of blobs: what is known of each, what refers to it, and uploads that take several requests."""

import sqlalchemy as sa

from accountant.storage import job_tables
from accountant.storage.tables import metadata

_NOW = sa.text("clock_timestamp()")

CHECKPOINT_KIND = 3

blobs = sa.Table(
    "blobs",
    metadata,
    sa.Column("cid", sa.LargeBinary, primary_key=True),
    sa.Column("number", sa.BigInteger, sa.Identity(always=True), nullable=False, unique=True, comment="Order added."),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("pieces", sa.LargeBinary, nullable=False, comment="SHA-256 of each MiB, where there are several."),
    sa.Column("added_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.Column("used_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW, comment="To an hour."),
    sa.Column("kept_until", sa.DateTime(timezone=True), nullable=False, comment="Whatever refers to it."),
    sa.Column(
        "missing_since",
        sa.DateTime(timezone=True),
        server_default=_NOW,
        comment="Null while the bytes are in the store: a row comes before its bytes.",
    ),
    sa.CheckConstraint("size >= 0", name="size_not_negative"),
    sa.Index("ix_blobs_kept_until", "kept_until"),
    sa.Index("ix_blobs_size_number", "size", "number"),
)
"""Blobs whose bytes are in the store, or are on their way there, or were."""

blob_references = sa.Table(
    "blob_references",
    metadata,
    sa.Column("cid", sa.LargeBinary, nullable=False),
    sa.Column("kind", sa.SmallInteger, nullable=False, comment="1 uploaded, 2 saved by an outcome, 3 checkpoint."),
    sa.Column("holder", sa.LargeBinary, nullable=False, comment="The API key, the transaction's number, the run."),
    sa.Column("expires_at", sa.DateTime(timezone=True), comment="Null: never."),
    sa.PrimaryKeyConstraint("cid", "kind", "holder"),
    sa.Index("ix_blob_references_kind_holder", "kind", "holder"),
    sa.Index("ix_blob_references_expires_at", "expires_at"),
    sa.Index(
        "ix_blob_references_checkpoint",
        "holder",
        unique=True,
        postgresql_where=sa.text(f"kind = {CHECKPOINT_KIND}"),
    ),
)
"""Why a blob stays, besides that the chain names it, which the postings say. A reference needs no row of `blobs`."""

blob_uploads = sa.Table(
    "blob_uploads",
    metadata,
    sa.Column("number", sa.BigInteger, sa.Identity(always=True), primary_key=True, comment="Names its file."),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("key_prefix", sa.Text, sa.ForeignKey(job_tables.api_keys.c.prefix), nullable=False, comment="Whose."),
    sa.Column("length", sa.BigInteger, nullable=False),
    sa.Column("wanted", sa.LargeBinary, comment="The CID that was announced."),
    sa.Column("cid", sa.LargeBinary, comment="The blob, once all of it is there."),
    sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.CheckConstraint("length >= 0", name="length_not_negative"),
    sa.Index("ix_blob_uploads_touched_at", "touched_at"),
    sa.Index("ix_blob_uploads_key_prefix", "key_prefix"),
)
"""Uploads that take several requests. How far one came, its file says."""
