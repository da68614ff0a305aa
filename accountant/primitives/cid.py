"""Content identifiers: CIDv1 of raw bytes under SHA-256, which name blobs on this chain and in IPFS alike.

Binary form (36 bytes): version 1, codec raw (0x55), hash function sha2-256 (0x12), its length (32), the digest.
Text form: the multibase letter `b`, then RFC 4648 base32 in lower case without padding.
Source: the CID, multicodec, multihash and multibase specifications.
"""

import base64
import re

from accountant.primitives.errors import InvalidCid
from accountant.primitives.hashes import sha256
from accountant.primitives.types import HASH_BYTES, Cid

CID_PREFIX = bytes([0x01, 0x55, 0x12, HASH_BYTES])
CID_BYTES = len(CID_PREFIX) + HASH_BYTES

_MULTIBASE = "b"
_TEXT = re.compile(r"b[a-z2-7]{58}", re.ASCII)


def cid_of(data: bytes) -> Cid:
    """The CID of these bytes."""
    return Cid(CID_PREFIX + sha256(data))


def is_cid(raw: bytes) -> bool:
    """Whether these bytes are a binary CID of the one kind that this chain knows."""
    return len(raw) == CID_BYTES and raw.startswith(CID_PREFIX)


def show_cid(cid: Cid) -> str:
    """The text of a CID, 59 characters that begin with `bafkrei`."""
    assert is_cid(cid)
    return _MULTIBASE + base64.b32encode(cid).decode().rstrip("=").lower()


def parse_cid(text: str) -> Cid:
    """The CID that `text` names. Raises `InvalidCid`."""
    if not _TEXT.fullmatch(text):
        raise InvalidCid("a CID is b and 58 characters of lower-case base32, as IPFS shows a CIDv1 of raw bytes")
    raw = base64.b32decode(text[1:].upper() + "=" * (-(len(text) - 1) % 8))
    if not is_cid(raw):
        raise InvalidCid("a CID is of version 1, codec raw and hash function sha2-256: it begins with bafkrei")
    if show_cid(Cid(raw)) != text:
        raise InvalidCid("a CID's last character leaves the two bits over unset")
    return Cid(raw)
