"""What the accountant's key may sign for bounties: a claim's commitment, its revelation, and taking what it is due.

The signer knows no chain. That a contract is the audited bounty shows in its deployment: the contract's id is made of
whoever signed that, and of its nonce. Two deployments signed for one nonce would show another contract than the chain
has; whoever does that gets what a bounty of his own and a wrong claim would give him too: a bond within the limits.
"""

from accountant.chain.fees import fee_of
from accountant.chain.footprint import QUERY_BYTES_MAX
from accountant.chain.genesis import Genesis
from accountant.chain.transaction import Transaction, decode_call, decode_deployment, decode_transaction, sender_of
from accountant.oath.bounty import COLLECT, COMMIT, REVEAL, BountyTerms, Claim, NotABounty, terms_of_deployment
from accountant.oath.bounty_calls import collect_transaction, commit_transaction, reveal_transaction
from accountant.oath.bounty_code import BOUNTY_ENVELOPE
from accountant.oath.signing import NotSigned, Purpose, SigningLimits, demand_same
from accountant.oath.swear import Stamp
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.encoding import encode
from accountant.primitives.errors import InvalidEncoding, InvalidSignature
from accountant.primitives.types import HASH_BYTES, Address, Amount, ContractId, Hash


def purpose_of_claim(
    genesis: Genesis, signer: Address, unsigned: Transaction, deployment: bytes, limits: SigningLimits
) -> Purpose:
    """Why a transaction may be signed that goes to the bounty of a signed deployment. Raises `NotSigned`.

    It must equal, to the byte, what the bounty's own builders make of its arguments, for the bond that the deployment
    names and the query that it asks.
    """
    bounty, terms = _bounty(deployment)
    if unsigned.to != bounty:
        raise NotSigned("it does not go to the bounty of this deployment")
    stamp = Stamp(genesis.chain_id, unsigned.nonce, genesis.fees.gas_price_least)
    purpose, wanted = _claim(stamp, signer, unsigned, bounty, terms, limits)
    fee = fee_of(wanted, len(encode(wanted)), genesis.fees)
    if fee > limits.fee:
        raise NotSigned(f"a fee of {fee} units, at most {limits.fee} are paid for a transaction of a claim")
    demand_same(unsigned, wanted)
    return purpose


def _bounty(deployment: bytes) -> tuple[ContractId, BountyTerms]:
    """The audited bounty that a signed deployment makes. Raises `NotSigned`."""
    try:
        transaction = decode_transaction(deployment)
        terms = terms_of_deployment(transaction)
        client = sender_of(deployment, transaction)
    except (InvalidEncoding, InvalidSignature, NotABounty) as error:
        raise NotSigned(f"no bounty is known that it goes to: {error.detail}") from None
    if decode_deployment(transaction.payload).envelope != BOUNTY_ENVELOPE:
        raise NotSigned("the envelope is not the audited bounty's")
    return contract_id_of(client, transaction.nonce), terms


def _claim(
    stamp: Stamp, signer: Address, unsigned: Transaction, bounty: ContractId, terms: BountyTerms, limits: SigningLimits
) -> tuple[Purpose, Transaction]:
    try:
        call = decode_call(unsigned.payload)
    except InvalidEncoding as error:
        raise NotSigned(f"the call does not decode: {error.detail}") from None
    match call.function, call.arguments:
        case (str(name), (bytes(commitment),)) if name == COMMIT and len(commitment) == HASH_BYTES:
            if not 0 < terms.bond <= limits.bond:
                raise NotSigned(f"a bond of {terms.bond} units, at most {limits.bond} are put up for a claim")
            return Purpose.COMMIT, commit_transaction(stamp, bounty, signer, terms.bond, Hash(commitment))
        case (str(name), (bytes(query), bytes(answer), bytes(salt))) if name == REVEAL and query == terms.query:
            if len(salt) == HASH_BYTES and 0 < len(query) <= QUERY_BYTES_MAX:
                return Purpose.REVEAL, reveal_transaction(stamp, bounty, signer, Claim(query, answer, Hash(salt)))
        case (str(name), (int(units),)) if name == COLLECT and units >= 0:
            return Purpose.COLLECT, collect_transaction(stamp, bounty, signer, Amount(units))
    raise NotSigned("it is no commitment, no revelation of an answer to the bounty's query, and no collecting")
