"""Canonical encoding and amounts."""

import pytest

from accountant.primitives.amounts import amount
from accountant.primitives.encoding import Decoder, Record, encode
from accountant.primitives.errors import InvalidAmount, InvalidEncoding


class Pair(Record, frozen=True):
    """Two fields, the second with a default."""

    number: int
    data: bytes = b""


PAIRS = Decoder(Pair, 64)


def test_the_encoding_is_recorded() -> None:
    """A record is a MessagePack array of its fields, integers in their shortest form."""
    assert encode(Pair(300, b"ab")).hex() == "92cd012cc4026162"
    assert PAIRS.decode(bytes.fromhex("92cd012cc4026162")) == Pair(300, b"ab")


@pytest.mark.parametrize(
    "text",
    [
        "92cd0001c4026162",  # 1 in three bytes
        "dc0002cd012cc4026162",  # an array header of three bytes
        "92cd012cc500026162",  # a byte string header of three bytes
        "92cb4072c00000000000c4026162",  # 300.0
        "91cd012c",  # a default left out
        "93cd012cc402616200",  # a field too many
        "92cd012cc402616200",  # a byte too many
        "92cd012cc40261",  # a byte too few
        "92cd012ca26162",  # text for bytes
        "92c3c4026162",  # true for a number
        "82a66e756d626572cd012ca464617461c4026162",  # a map
        "",
        "c1",
    ],
)
def test_every_other_encoding_is_refused(text: str) -> None:
    """Bytes that are not the one encoding of a value raise `InvalidEncoding`, lenient readers or not."""
    with pytest.raises(InvalidEncoding):
        PAIRS.decode(bytes.fromhex(text))


def test_long_input_is_refused_unread() -> None:
    """More bytes than the decoder's limit are refused by their number."""
    with pytest.raises(InvalidEncoding, match="at most 64"):
        PAIRS.decode(encode(Pair(1, bytes(80))))


def test_deep_nesting_is_a_typed_error() -> None:
    """Fifty thousand nested arrays exhaust no stack."""
    with pytest.raises(InvalidEncoding):
        Decoder(list, 100_000).decode(b"\x91" * 50_000 + b"\x90")


@pytest.mark.parametrize("value", [-1, 2**63, 2**64])
def test_amounts_are_in_range(value: int) -> None:
    """An amount is at least 0 and below 2^63."""
    assert amount(0) == 0 and amount(2**63 - 1) == 2**63 - 1
    with pytest.raises(InvalidAmount):
        amount(value)
