"""The four transactions of a bounty, unsigned: open it, commit to an answer, reveal it, collect what is due."""

from accountant.chain.envelope import CONSTRUCTOR
from accountant.chain.fees import intrinsic_gas
from accountant.chain.footprint import Entry
from accountant.chain.genesis import GasSchedule
from accountant.chain.template import instantiate
from accountant.chain.transaction import Argument, CallPayload, DeployPayload, Transaction, TransactionKind
from accountant.oath.bounty import (
    COLLECT,
    COLLECT_GAS,
    COMMIT,
    COMMIT_GAS,
    OPEN_GAS,
    REVEAL,
    BountyTerms,
    Claim,
    reveal_gas,
)
from accountant.oath.bounty_code import BOUNTY_CODE, BOUNTY_ENVELOPE
from accountant.oath.swear import Stamp, unsigned_transaction
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.encoding import encode
from accountant.primitives.types import Address, Amount, ContractId, Gas, Hash


def open_transaction(
    stamp: Stamp, client: Address, terms: BountyTerms, reward: Amount, schedule: GasSchedule
) -> Transaction:
    """Deploys a bounty with its reward in zero-cost money: then it is there without anything being executed."""
    contract = contract_id_of(client, stamp.nonce)
    footprint = footprint_of(CONSTRUCTOR, tuple(terms), client, contract, reward)
    payload = encode(DeployPayload(BOUNTY_CODE, BOUNTY_ENVELOPE, tuple(terms)))
    blank = unsigned_transaction(stamp, TransactionKind.DEPLOY, b"", reward, Gas(0), payload, footprint)
    gas = Gas(intrinsic_gas(blank, schedule) + OPEN_GAS)
    return unsigned_transaction(stamp, TransactionKind.DEPLOY, b"", reward, gas, payload, footprint)


def commit_transaction(
    stamp: Stamp, contract: ContractId, claimant: Address, bond: Amount, commitment: Hash
) -> Transaction:
    """Claims to know the answer, with the bond in zero-cost money."""
    return _call(stamp, contract, claimant, COMMIT, (commitment,), bond, COMMIT_GAS)


def reveal_transaction(stamp: Stamp, contract: ContractId, claimant: Address, claim: Claim) -> Transaction:
    """Reveals the claim: whoever executes it finds whether it is right."""
    return _call(stamp, contract, claimant, REVEAL, tuple(claim), Amount(0), reveal_gas(claim.query))


def collect_transaction(stamp: Stamp, contract: ContractId, claimant: Address, units: Amount) -> Transaction:
    """Takes what a right claim is due, once the bounty has ended."""
    return _call(stamp, contract, claimant, COLLECT, (units,), Amount(0), COLLECT_GAS)


def footprint_of(
    function: str, arguments: tuple[Argument, ...], sender: Address, contract: ContractId, value: int
) -> tuple[Entry, ...]:
    """All that a call of the bounty touches. Raises `InvalidTransaction` where arguments make no such call."""
    admitted = BOUNTY_ENVELOPE.function(function)
    assert admitted is not None
    return instantiate(admitted, arguments, sender, contract, value)


def _call(
    stamp: Stamp,
    contract: ContractId,
    sender: Address,
    function: str,
    arguments: tuple[Argument, ...],
    value: Amount,
    gas: Gas,
) -> Transaction:
    footprint = footprint_of(function, arguments, sender, contract, value)
    payload = encode(CallPayload(function, arguments))
    return unsigned_transaction(stamp, TransactionKind.CALL, contract, value, gas, payload, footprint)
