"""What the accountant's key signs for bounties: claims on audited ones, to the byte, within bond and fee."""

from typing import Any

import msgspec
import pytest

from accountant.chain.block import Position
from accountant.chain.footprint import Credit
from accountant.chain.query import TransactionSucceeded, View
from accountant.chain.transaction import (
    DeployPayload,
    Transaction,
    TransactionKind,
    decode_deployment,
    sign_transaction,
)
from accountant.oath.bounty import BountyTerms, Claim
from accountant.oath.bounty_calls import (
    collect_transaction,
    commit_transaction,
    footprint_of,
    open_transaction,
    reveal_transaction,
)
from accountant.oath.bounty_code import BOUNTY_CODE, BOUNTY_ENVELOPE
from accountant.oath.bounty_signing import purpose_of_claim
from accountant.oath.purse import OATH_ENVELOPE
from accountant.oath.signing import NotSigned, Purpose, SigningLimits
from accountant.oath.swear import Stamp, deposit_transaction
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.encoding import encode
from accountant.primitives.hashes import sha256
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import Amount, ContractId, Hash
from accountant.services.signing import KeySigner, Signature
from tests.support.oath_node import ACCOUNTANT, CUSTOMER, oath_genesis

GENESIS = oath_genesis()
PRICE = GENESIS.fees.gas_price_least
STAMP, ELSE = Stamp(GENESIS.chain_id, 9, PRICE), Stamp(GENESIS.chain_id, 4, PRICE)
QUERY, BOND = encode(TransactionSucceeded(bytes(32))), Amount(100)
LIMITS = SigningLimits(Amount(1), Amount(1), bond=BOND, fee=Amount(10**6), bonded_most=Amount(250))
TERMS = BountyTerms(QUERY, BOND, 5, 5)
CLAIM = Claim(QUERY, encode(True), Hash(b"\x01" * 32))


def opening(terms: BountyTerms = TERMS) -> Transaction:
    return open_transaction(ELSE, CUSTOMER.address, terms, Amount(90), GENESIS.gas)


DEPLOYMENT = sign_transaction(opening(), CUSTOMER)
BOUNTY = contract_id_of(CUSTOMER.address, ELSE.nonce)
ME = ACCOUNTANT.address
COMMIT = commit_transaction(STAMP, BOUNTY, ME, BOND, sha256(b"commitment"))
REVEAL = reveal_transaction(STAMP, BOUNTY, ME, CLAIM)
COLLECT = collect_transaction(STAMP, BOUNTY, ME, Amount(190))


def purpose(unsigned: Transaction, deployment: bytes = DEPLOYMENT, limits: SigningLimits = LIMITS) -> Purpose:
    return purpose_of_claim(GENESIS, ME, unsigned, deployment, limits)


def test_what_is_signed() -> None:
    """A commitment with the bond, a revelation of an answer to the bounty's query, and taking what is due."""
    assert [purpose(t) for t in (COMMIT, REVEAL, COLLECT)] == [Purpose.COMMIT, Purpose.REVEAL, Purpose.COLLECT]


@pytest.mark.parametrize("built", [COMMIT, REVEAL, COLLECT], ids=["commit", "reveal", "collect"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", 2),
        ("chain_id", 8),
        ("to", bytes(32)),
        ("to", CUSTOMER.address),
        ("zero_value", 99),
        ("zero_value", 101),
        ("general_value", 1),
        ("gas_limit", 10**9),
        ("gas_price", PRICE + 1),
        ("tip", 1),
        ("payload", b"else"),
        ("footprint", ()),
        ("footprint", (Credit(CUSTOMER.address),)),
        ("kind", TransactionKind.TRANSFER),
        ("kind", TransactionKind.DEPLOY),
    ],
)
def test_nothing_else_is_signed(built: Transaction, field: str, value: Any) -> None:
    """Whichever field differs from what such a transaction has, the key does not sign."""
    with pytest.raises(NotSigned):
        purpose(msgspec.structs.replace(built, **{field: value}))


def test_only_audited_bounties() -> None:
    """Not another contract than the deployment makes, not other code or another envelope, and nothing that is no
    signed deployment."""
    payload = decode_deployment(opening().payload)
    others = [
        DeployPayload(BOUNTY_CODE + b"\x00\x02\x01x", BOUNTY_ENVELOPE, payload.arguments),
        DeployPayload(BOUNTY_CODE, OATH_ENVELOPE, payload.arguments),
        DeployPayload(BOUNTY_CODE, BOUNTY_ENVELOPE, payload.arguments[:2]),
    ]
    raws = [sign_transaction(msgspec.structs.replace(opening(), payload=encode(other)), CUSTOMER) for other in others]
    raws += [
        sign_transaction(opening(), PrivateKey.from_seed(b"else")),
        sign_transaction(deposit_transaction(ELSE, BOUNTY, Amount(1)), CUSTOMER),
        encode(opening()),
        DEPLOYMENT[:-1],
        b"\x00",
    ]
    for raw in raws:
        for built in (COMMIT, REVEAL, COLLECT):
            with pytest.raises(NotSigned):
                purpose(built, raw)


def test_limits() -> None:
    """No bond and no fee above what the key's holder allows, none at all while bounties are off; another query's answer
    is no revelation."""
    with pytest.raises(NotSigned, match="a bond of 100 units, at most 99"):
        purpose(COMMIT, limits=LIMITS._replace(bond=Amount(99)))
    for built in (COMMIT, REVEAL, COLLECT):
        with pytest.raises(NotSigned):
            purpose(built, limits=SigningLimits(Amount(1), Amount(1)))
    view = encode(View(bytes(32), "f", (), 10**6, Position(bytes(32), 0)))
    dear = reveal_transaction(STAMP, BOUNTY, ME, CLAIM._replace(query=view))
    with pytest.raises(NotSigned, match="no revelation of an answer to the bounty's query"):
        purpose(dear)
    with pytest.raises(NotSigned, match="a fee of 1"):
        purpose(dear, sign_transaction(opening(TERMS._replace(query=view)), CUSTOMER))


def test_other_functions_are_not_signed() -> None:
    """Neither what only the client may do nor a call of nothing."""
    for name, arguments in (("reclaim", (5,)), ("recover", (5,))):
        entries = footprint_of(name, arguments, ME, BOUNTY, 0)
        payload = msgspec.structs.replace(COLLECT, footprint=entries).payload.replace(b"collect", name.encode())
        with pytest.raises(NotSigned):
            purpose(msgspec.structs.replace(COLLECT, payload=payload, footprint=entries))


def test_all_bonds_together_have_a_limit() -> None:
    """Of all that the key ever signed, also before it was started again; the same bytes count once, and each signature
    names its bond."""
    log: list[Signature] = []
    first = KeySigner(ACCOUNTANT, GENESIS, LIMITS, log.append)
    commits = [commit_transaction(STAMP, BOUNTY, ME, BOND, sha256(bytes([i]))) for i in range(3)]
    for unsigned in (commits[0], commits[0], REVEAL, COLLECT, commits[1]):
        first.sign(unsigned, 0, DEPLOYMENT)
    assert [(each.purpose, each.bond) for each in log[1:4]] == [
        (Purpose.COMMIT, BOND),
        (Purpose.REVEAL, 0),
        (Purpose.COLLECT, 0),
    ]
    again = KeySigner(
        ACCOUNTANT, GENESIS, LIMITS, log.append, {each.transaction: each.bond for each in log if each.bond}
    )
    for signer in (first, again):
        with pytest.raises(NotSigned, match="300 units of bonds in all, at most 250"):
            signer.sign(commits[2], 0, DEPLOYMENT)
        signer.sign(commits[1], 0, DEPLOYMENT)
    assert len(log) == 7


def test_a_claim_without_its_deployment_is_not_signed() -> None:
    """Without evidence a call is an oath or nothing."""
    signer = KeySigner(ACCOUNTANT, GENESIS, LIMITS, lambda _: None)
    for built in (COMMIT, REVEAL, COLLECT):
        with pytest.raises(NotSigned):
            signer.sign(built, 0)
    assert ContractId(COMMIT.to) == BOUNTY
