"""Portable certificates on the wire: what a job made. The bytes themselves are fetched from the job."""

from typing import Annotated

from pydantic import BaseModel, Field

from accountant.accounting.proof.export import decode_exported
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
