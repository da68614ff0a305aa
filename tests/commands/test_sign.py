"""The signer's limits, and the bonds that its log of signatures names."""

import json
from pathlib import Path

import pytest

from accountant.commands.publish import bounty_policy_of
from accountant.commands.sign import bonded_in, limits_of, logging_to
from accountant.oath.signing import Purpose
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Amount, ContractId
from accountant.services.bounty_policy import BountyPolicy
from accountant.services.signing import Signature
from accountant.settings import InvalidSettings, Settings, load_settings

NAME = "0x" + "5c" * 32


def signature(number: int, purpose: Purpose = Purpose.COMMIT, bond: int = 7) -> Signature:
    return Signature(purpose, number, bytes(32), Amount(bond), sha256(bytes([number])))


def test_the_log_names_bonds(tmp_path: Path) -> None:
    """What was logged is read again, each transaction once; other purposes put up nothing."""
    path = tmp_path / "signatures.jsonl"
    assert bonded_in(path) == {}
    log = logging_to(path)
    for each in (signature(1), signature(1), signature(2, Purpose.REVEAL, 0), signature(3, bond=2**62)):
        log(each)
    assert bonded_in(path) == {sha256(b"\x01"): 7, sha256(b"\x03"): 2**62}
    entry = json.loads(path.read_text().splitlines()[0])
    assert (entry["purpose"], entry["bond"], entry["transaction"]) == ("commit", "7", "0x" + sha256(b"\x01").hex())


def test_a_line_that_was_cut_off(tmp_path: Path) -> None:
    """A crash in the middle of a line gave no signature away; what is logged after it is read all the same."""
    path = tmp_path / "signatures.jsonl"
    log = logging_to(path)
    log(signature(1))
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    assert bonded_in(path) == {sha256(b"\x01"): 7}
    log(signature(2))
    assert bonded_in(path) == {sha256(b"\x01"): 7, sha256(b"\x02"): 7}


def test_a_log_from_before_bounties(tmp_path: Path) -> None:
    """Its lines have no bond, and put up none."""
    path = tmp_path / "signatures.jsonl"
    path.write_text(json.dumps({"purpose": "oath", "nonce": 1, "to": NAME, "transaction": NAME}) + "\n[]\n\n")
    assert bonded_in(path) == {}


def test_limits_follow_the_settings() -> None:
    """While bounties are off, nothing is signed for them and none is looked for, whatever else is set."""
    off = Settings(bounty_bond=5, bounty_fee=6, bounty_bonded_most=7)
    assert limits_of(off)[2:] == (0, 0, 0) and bounty_policy_of(off) is None
    listed = off.model_copy(update={"bounties": f"{NAME} {NAME}"})
    assert limits_of(listed)[2:] == (5, 6, 7)
    policy = bounty_policy_of(listed)
    assert policy is not None and policy.contracts == frozenset({ContractId(bytes.fromhex(NAME[2:]))})
    assert (policy.bond, policy.fee, policy.bonded_most) == (5, 6, 7)
    assert bounty_policy_of(Settings(bounties="all")) == BountyPolicy()


@pytest.mark.parametrize("value", ["on", "", "ALL", "0x12", NAME + ",", f"all {NAME}", NAME[2:]])
def test_bounties_are_all_none_or_contracts(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """Another word is refused before anything starts, without being repeated."""
    monkeypatch.setenv("ANH_BOUNTIES", value)
    with pytest.raises(InvalidSettings, match="0x and 64 hex digits each"):
        load_settings()
