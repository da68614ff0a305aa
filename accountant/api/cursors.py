"""List cursors: opaque, and signed with the key that they were given to."""

import base64
import binascii

from accountant.api.problems import InvalidParameter
from accountant.services.api_keys import is_signature, signature
from accountant.storage.keys_store import StoredKey

_NUMBER_BYTES = 8


def make_cursor(key: StoredKey, number: int, of: bytes = b"") -> str:
    """The cursor of a list that goes on after the row with this number; `of`: which list, where there are several."""
    raw = number.to_bytes(_NUMBER_BYTES, "big")
    return base64.urlsafe_b64encode(raw + signature(key, raw + of)).decode()


def read_cursor(key: StoredKey, text: str, of: bytes = b"") -> int:
    """The number in a cursor. Raises `InvalidParameter` for all that we did not give to this key for this list."""
    try:
        data = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        data = b""
    raw, mac = data[:_NUMBER_BYTES], data[_NUMBER_BYTES:]
    if len(raw) != _NUMBER_BYTES or not is_signature(key, raw + of, mac):
        raise InvalidParameter("query/cursor", "a cursor is the `next_cursor` of a page, unchanged")
    return int.from_bytes(raw, "big")
