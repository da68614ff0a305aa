"""Blobs on the wire."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from accountant.api.problems import InvalidParameter
from accountant.primitives.cid import parse_cid, show_cid
from accountant.primitives.errors import InvalidCid
from accountant.primitives.types import Cid
from accountant.storage.blob_rows import ListedBlob

EXAMPLE_CID = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"

CidOut = Annotated[str, Field(pattern="^b[a-z2-7]{58}$", examples=[EXAMPLE_CID])]
SizeOut = Annotated[int, Field(description="Bytes.", examples=[11])]


class BlobView(BaseModel):
    """A blob that is kept."""

    cid: CidOut
    size: SizeOut


class BlobReferencesView(BaseModel):
    """Why it stays. What nothing refers to goes after a time of grace."""

    published: Annotated[bool, Field(description="A block names it: it stays for ever.")]
    saved: Annotated[int, Field(description="Outcomes that saved it: it stays as long as they do.")]
    uploaded_until: Annotated[datetime | None, Field(description="Until when an upload of yours keeps it.")]


class ListedBlobView(BlobView):
    """A blob in the list."""

    added_at: datetime
    used_at: Annotated[datetime, Field(description="To an hour.")]
    available: Annotated[bool, Field(description="False: its bytes were lost or damaged; sending them again mends it.")]
    references: BlobReferencesView

    @classmethod
    def of(cls, listed: ListedBlob) -> "ListedBlobView":
        """The view of a blob."""
        row = listed.row
        return cls(
            cid=show_cid(row.facts.cid),
            size=row.facts.size,
            added_at=row.added_at,
            used_at=row.used_at,
            available=row.missing_since is None,
            references=BlobReferencesView(
                published=listed.published, saved=listed.saved, uploaded_until=listed.uploaded_until
            ),
        )


class BlobListView(BaseModel):
    """A page of blobs, the latest first."""

    items: list[ListedBlobView]
    has_more: bool
    next_cursor: str | None


def cid_named(text: str, parameter: str) -> Cid:
    """The CID that a parameter names. Raises `InvalidParameter`."""
    try:
        return parse_cid(text)
    except InvalidCid as error:
        raise InvalidParameter(parameter, error.detail) from None
