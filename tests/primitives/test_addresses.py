"""Accounts as bytes and as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accountant.primitives.addresses import contract_id_of, is_contract, parse_account, show
from accountant.primitives.errors import InvalidAddress
from accountant.primitives.types import Address

EIP55 = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]


@pytest.mark.parametrize("text", EIP55)
def test_eip_55_vectors(text: str) -> None:
    """The addresses of EIP-55 are shown with its checksum, and parsed from any single case too."""
    raw = bytes.fromhex(text[2:])
    assert show(Address(raw)) == text
    assert parse_account(text) == parse_account(text.lower()) == raw
    assert parse_account("0x" + text[2:].upper()) == raw


@pytest.mark.parametrize("text", EIP55[4:])
def test_a_wrong_checksum_is_refused(text: str) -> None:
    """Mixed case with one letter of the wrong case is refused, and the error says what would be right."""
    place = next(i for i in range(2, 42) if text[i].isalpha())
    wrong = text[:place] + text[place].swapcase() + text[place + 1 :]
    with pytest.raises(InvalidAddress, match=text):
        parse_account(wrong)


@pytest.mark.parametrize("text", ["", "0x", "0x12", EIP55[0][2:], EIP55[0] + "00", "0X" + "a" * 40, "0x" + "g" * 40])
def test_what_names_no_account_is_refused(text: str) -> None:
    """Anything but 0x and 40 or 64 hex digits is refused."""
    with pytest.raises(InvalidAddress):
        parse_account(text)


@given(st.one_of(st.binary(min_size=20, max_size=20), st.binary(min_size=32, max_size=32)))
def test_text_round_trips(raw: bytes) -> None:
    """Every account is what its text parses to."""
    assert parse_account(show(Address(raw))) == raw


def test_contract_ids_are_recorded() -> None:
    """A contract's id depends on deployer and nonce alone; the encoding of the pair is part of the rules."""
    deployer = Address(bytes(range(20)))
    assert contract_id_of(deployer, 1).hex() == "b039e8fdb27d26f81677322df67fb635b856027550ad9d54c38043b7e7046aaa"
    assert contract_id_of(deployer, 2) != contract_id_of(deployer, 1)
    assert is_contract(contract_id_of(deployer, 1)) and not is_contract(deployer)
