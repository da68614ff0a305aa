"""Portable certificates on the wire: what a job made. The bytes themselves are fetched from the job."""

from typing import Annotated

from pydantic import BaseModel, Field

from accountant.accounting.proof.export import decode_exported
from accountant.accounting.proof.inclusion import Inclusion
from accountant.api.fields import HashOut, hex_of
from accountant.primitives.hashes import sha256


class ExportedView(BaseModel):
    """A portable certificate is there: `GET …/certificate` of this job."""

    file_bytes: int
    file_sha256: Annotated[HashOut, Field(description="SHA-256 of the file.")]

    @classmethod
    def of(cls, raw: bytes) -> "ExportedView":
        """The view of a stored answer."""
        file = decode_exported(raw).file
        return cls(file_bytes=len(file), file_sha256=hex_of(sha256(file)))


class InclusionView(BaseModel):
    """A transaction of the slice, and what leads from it to the transaction root in its block's header."""

    transaction: HashOut
    height: int
    block: HashOut
    index: int
    count: Annotated[int, Field(description="Transactions in the block: committed beside the tree's hash.")]
    path: Annotated[list[HashOut], Field(description="Siblings, bottom first (RFC 6962, section 2.1.1).")]

    @classmethod
    def of(cls, proof: Inclusion) -> "InclusionView":
        """The view of a proof."""
        return cls(
            transaction=hex_of(proof.transaction),
            height=proof.height,
            block=hex_of(proof.block),
            index=proof.index,
            count=proof.count,
            path=[hex_of(node) for node in proof.path],
        )


class InclusionListView(BaseModel):
    """Proofs of the transactions that an answer rests on, in chain order."""

    items: list[InclusionView]
    has_more: bool
