"""Headers alone: what follows what, signed by whose turn it is, and nothing else."""

from random import Random

import msgspec
import pytest

from accountant.chain.headers import (
    InvalidHeaders,
    SignedHeader,
    decode_headers,
    encode_headers,
    validate_headers,
)
from accountant.chain.state import ChainState
from tests.support.chains import ALICE, BOB, PROPOSER, extend, genesis, key, transfer

SECOND = key("second")
GENESIS = genesis(proposers=(PROPOSER, SECOND))


def _signed() -> list[SignedHeader]:
    state = ChainState.at_genesis(GENESIS)
    signed = []
    for height in range(4):
        block = extend(state, [transfer(ALICE, height, BOB.address, zero=1)], (PROPOSER, SECOND)[height % 2])
        signed.append(SignedHeader(block.header, block.signature))
    return signed


def test_headers_of_validated_blocks_are_taken() -> None:
    """Heights, hashes and the numbers of first transactions follow from the headers."""
    headers = decode_headers(encode_headers(GENESIS, _signed()))
    assert headers.height == 4
    assert headers.hashes[0] == GENESIS.hash
    assert [header.previous_hash for header in headers.headers] == list(headers.hashes[:-1])
    assert headers.first_seqs == (0, 0, 1, 2, 3)
    assert validate_headers(GENESIS, []).height == 0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"version": 2}, "header 3: version"),
        ({"chain_id": 8}, "header 3: chain_id"),
        ({"height": 4}, "header 3: height"),
        ({"previous_hash": bytes(32)}, "header 3: previous_hash"),
        ({"time": 0}, "header 3: time"),
        ({"proposer": SECOND.address}, "header 3: proposer"),
        ({"transaction_root": bytes(32)}, "header 4: previous_hash"),
        ({"footprint_root": bytes(32)}, "header 4: previous_hash"),
        ({"transaction_count": -1}, "header 3: transaction_count"),
        ({"transaction_count": 2**40}, "header 3: transaction_count"),
    ],
)
def test_a_header_that_says_something_else_is_named(changes: dict[str, object], says: str) -> None:
    """Even signed by the right proposer: the header at fault, or the one that does not follow it, is named."""
    signed = _signed()
    header = msgspec.structs.replace(signed[2].header, **changes)
    signed[2] = SignedHeader(header, PROPOSER.sign(header.hash))
    with pytest.raises(InvalidHeaders) as refused:
        validate_headers(GENESIS, signed)
    assert refused.value.detail.startswith(says)


def test_another_signature_order_or_genesis_is_refused() -> None:
    """Somebody else's signature, a header left out or twice, and headers of another genesis."""
    signed = _signed()
    for wrong in (
        [*signed[:3], SignedHeader(signed[3].header, PROPOSER.sign(signed[3].header.hash))],
        [*signed[:3], SignedHeader(signed[3].header, b"")],
        [*signed[:2], signed[3]],
        [signed[0], signed[0], *signed[1:]],
        signed[1:],
    ):
        with pytest.raises(InvalidHeaders):
            validate_headers(GENESIS, wrong)
    with pytest.raises(InvalidHeaders, match="genesis, or header 1"):
        validate_headers(msgspec.structs.replace(GENESIS, block_reward=1), signed)
    with pytest.raises(InvalidHeaders, match="genesis"):
        validate_headers(msgspec.structs.replace(GENESIS, proposers=()), signed)


def test_a_changed_byte_of_a_headers_file_is_caught_and_named() -> None:
    """Every byte is under a signature, a hash that follows, or the encoding itself."""
    raw, random = encode_headers(GENESIS, _signed()), Random(1)
    for place in range(len(raw)):
        changed = raw[:place] + bytes([raw[place] ^ random.randrange(1, 256)]) + raw[place + 1 :]
        with pytest.raises(InvalidHeaders) as refused:
            decode_headers(changed)
        assert refused.value.detail
    for wrong in (raw[:-1], raw + b"\0", b"", b"\xdd\xff\xff\xff\xff"):
        with pytest.raises(InvalidHeaders):
            decode_headers(wrong)
