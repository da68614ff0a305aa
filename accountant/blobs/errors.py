"""What may go wrong with blobs, besides that one is not there."""

from accountant.primitives.cid import show_cid
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Cid


class InvalidBlobsUrl(AccountantError):
    """ANH_BLOBS names no store that we know. The detail repeats no part of it: it may hold a password."""

    code = "invalid_blobs_url"


class StoreUnavailable(AccountantError):
    """The store of blobs cannot be reached, or refuses: a full disk, a wrong key, a server that is down."""

    code = "blob_store_unavailable"


class BlobTooLarge(AccountantError):
    """More bytes than allowed."""

    code = "blob_too_large"

    def __init__(self, bytes_most: int) -> None:
        super().__init__(f"a blob has at most {bytes_most} bytes here")


class CidMismatch(AccountantError):
    """Bytes that are not the ones that were announced."""

    code = "cid_mismatch"

    def __init__(self, wanted: Cid, found: Cid) -> None:
        super().__init__(f"the bytes are {show_cid(found)}, not {show_cid(wanted)}")


class BlobUnavailable(AccountantError):
    """A blob that is known, and whose bytes are not there, or are not its bytes any more. Sending it again mends it."""

    code = "blob_unavailable"

    def __init__(self, cid: Cid, why: str) -> None:
        super().__init__(f"the bytes of {show_cid(cid)} {why}")
        self.cid = cid
