"""Content identifiers as bytes and as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accountant.primitives.cid import CID_BYTES, CID_PREFIX, cid_of, is_cid, parse_cid, show_cid
from accountant.primitives.errors import InvalidCid

VECTORS = {
    b"": "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    b"hello world": "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e",
}
"""What `ipfs add --cid-version=1 --raw-leaves` calls these bytes."""

HELLO = VECTORS[b"hello world"]


@pytest.mark.parametrize(("data", "text"), VECTORS.items())
def test_vectors_of_ipfs(data: bytes, text: str) -> None:
    """A raw leaf has the CID that IPFS gives it, and its text names it."""
    assert show_cid(cid_of(data)) == text
    assert parse_cid(text) == cid_of(data)


@given(st.binary(max_size=100))
def test_text_round_trips(data: bytes) -> None:
    """Every CID is what its text parses to and has 36 bytes."""
    cid = cid_of(data)
    assert parse_cid(show_cid(cid)) == cid
    assert is_cid(cid) and len(cid) == CID_BYTES


@pytest.mark.parametrize(
    "text",
    [
        "", "b", HELLO[1:], HELLO[:-1], HELLO + "a", HELLO.upper(), HELLO[:-1] + "E", HELLO + "=", HELLO + "\n",
        "z" + HELLO[1:], HELLO[:-1] + "1", "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o",
        "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi",
    ],
)  # fmt: skip
def test_what_names_no_cid_is_refused(text: str) -> None:
    """Other versions, codecs, bases and lengths are refused: one content has one text."""
    with pytest.raises(InvalidCid):
        parse_cid(text)


def test_bits_over_are_zero() -> None:
    """The last character carries two bits that mean nothing: set, they would give one CID several texts."""
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    last = letters.index(HELLO[-1])
    for bits in (1, 2, 3):
        with pytest.raises(InvalidCid, match="bits"):
            parse_cid(HELLO[:-1] + letters[last ^ bits])


@pytest.mark.parametrize("raw", [b"", bytes(36), bytes(32), CID_PREFIX, CID_PREFIX + bytes(31), CID_PREFIX + bytes(33)])
def test_other_bytes_are_no_cid(raw: bytes) -> None:
    """The prefix and the length are the whole rule."""
    assert not is_cid(raw)
