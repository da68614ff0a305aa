"""Whether the reward of a bounty can be won: decided from the chain's bytes, executing nothing.

Each `BountyFlaw` is one way in which a right answer might not be paid. A bounty without any holds its reward for
certain, and keeps it until it has ended: no call of the audited contract that pays succeeds before.
"""

from enum import StrEnum
from typing import NamedTuple

from accountant.chain.envelope import CONSTRUCTOR
from accountant.chain.errors import InvalidTransaction
from accountant.chain.fees import intrinsic_gas
from accountant.chain.transaction import Transaction, TransactionKind, decode_call, decode_deployment
from accountant.index.port import ChainIndex, Located
from accountant.oath.bounty import COMMIT, COMMIT_GAS, COMMITTED_SLOT, OPEN_GAS, Bounty
from accountant.oath.bounty_calls import footprint_of
from accountant.oath.bounty_code import BOUNTY_ENVELOPE
from accountant.oath.gas import rules_allow
from accountant.oath.sworn import QueryFlawKind, query_flaw
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.types import AMOUNT_MAX, Address, Amount, Height, Seq

RIVALS_MOST = 200
"""Commitments of a bounty that are looked at: the latest."""


class BountyFlawKind(StrEnum):
    """Why a right answer might not be paid. The names are shown to clients, so they are stable."""

    OTHER_ENVELOPE = "other_envelope"
    """Others might take the reward away."""
    OTHER_RULES = "other_rules"
    """This chain's gas prices, limits or engine are not those under which the contract was audited."""
    BAD_TERMS = "bad_terms"
    """The constructor fails on them."""
    UNCERTAIN_DEPLOYMENT = "uncertain_deployment"
    """It might run out of gas, or touch what it does not declare."""
    UNFUNDED = "unfunded"
    """The reward is general money that the client might not own."""
    MALFORMED_QUERY = "malformed_query"
    VOID_QUERY = "void_query"
    """The query names what is not on the chain, or not yet."""

    @property
    def passing(self) -> bool:
        """Whether a later block can end it."""
        return self is BountyFlawKind.VOID_QUERY


class BountyFlaw(NamedTuple):
    """One reason why a right answer might not be paid; `detail` is one sentence of chain data."""

    kind: BountyFlawKind
    detail: str


def flaws_of_bounty(index: ChainIndex, bounty: Bounty) -> tuple[BountyFlaw, ...]:
    """Every reason why a right answer that is revealed in the next block or later might not be paid."""
    return (
        *_flaws_of_rules(index),
        *_flaws_of_terms(bounty),
        *_flaws_of_deployment(index, bounty),
        *_flaws_of_money(index, bounty),
        *_flaws_of_query(index, bounty),
    )


def commitments(index: ChainIndex, bounty: Bounty, but: Address, before: Seq) -> list[Located]:
    """Others' claims that are surely there, in order: whichever is right comes before a later one.

    What may have failed (too late, another bond, too little gas, general money) is left out; `but`: whose do not count.
    """
    seqs = index.writers(bounty.contract, COMMITTED_SLOT, before, RIVALS_MOST)
    located = index.transactions(sorted(seqs))
    return [each for each in located if each.sender != but and is_sure_commitment(bounty, each)]


def is_sure_commitment(bounty: Bounty, located: Located) -> bool:
    """Whether a transaction surely commits to something, if it is its sender's first that does."""
    transaction = located.transaction
    if transaction.kind is not TransactionKind.CALL or transaction.to != bounty.contract:
        return False
    try:
        payload = decode_call(transaction.payload)
        if payload.function != COMMIT:
            return False
        needed = footprint_of(COMMIT, payload.arguments, located.sender, bounty.contract, bounty.terms.bond)
    except (InvalidEncoding, InvalidTransaction):
        return False
    return (
        located.height <= bounty.commits_until
        and (transaction.zero_value, transaction.general_value) == (bounty.terms.bond, 0)
        and transaction.gas_limit >= COMMIT_GAS
        and set(needed) <= set(transaction.footprint)
    )


def _flaws_of_rules(index: ChainIndex) -> list[BountyFlaw]:
    why_not = rules_allow(index.genesis)
    return [] if why_not is None else [BountyFlaw(BountyFlawKind.OTHER_RULES, why_not)]


def _flaws_of_terms(bounty: Bounty) -> list[BountyFlaw]:
    terms, said = bounty.terms, None
    if bounty.reward <= 0:
        said = "no reward came with the deployment"
    elif terms.bond < bounty.reward:
        said = f"the bond is {terms.bond}, below the reward of {bounty.reward}"
    elif min(terms.commit_blocks, terms.reveal_blocks) <= 0:
        said = f"{terms.commit_blocks} blocks to commit and {terms.reveal_blocks} to reveal"
    elif bounty.reveals_until > AMOUNT_MAX:
        said = "it ends above every height that there can be"
    return [] if said is None else [BountyFlaw(BountyFlawKind.BAD_TERMS, said)]


def _flaws_of_deployment(index: ChainIndex, bounty: Bounty) -> list[BountyFlaw]:
    transaction = bounty.located.transaction
    flaws = []
    if decode_deployment(transaction.payload).envelope != BOUNTY_ENVELOPE:
        detail = "the contract's envelope is not the audited one"
        flaws.append(BountyFlaw(BountyFlawKind.OTHER_ENVELOPE, detail))
    needed = intrinsic_gas(transaction, index.genesis.gas) + OPEN_GAS
    if transaction.gas_limit < needed:
        detail = f"the gas limit is {transaction.gas_limit}, deploying takes up to {needed}"
        flaws.append(BountyFlaw(BountyFlawKind.UNCERTAIN_DEPLOYMENT, detail))
    if not _declares_all(bounty, transaction):
        detail = "the footprint lacks what the constructor writes"
        flaws.append(BountyFlaw(BountyFlawKind.UNCERTAIN_DEPLOYMENT, detail))
    return flaws


def _declares_all(bounty: Bounty, transaction: Transaction) -> bool:
    needed = footprint_of(CONSTRUCTOR, tuple(bounty.terms), bounty.client, bounty.contract, bounty.reward)
    return set(needed) <= set(transaction.footprint)


def _flaws_of_money(index: ChainIndex, bounty: Bounty) -> list[BountyFlaw]:
    general = bounty.located.transaction.general_value
    if not general:
        return []
    latest = index.postings(bounty.client, Seq(0), bounty.seq, 1)
    lower = Amount(latest[-1].lower) if latest else Amount(0)
    if lower >= general:
        return []
    detail = f"{general} of the reward is general money, of which the client owned {lower} for certain"
    return [BountyFlaw(BountyFlawKind.UNFUNDED, detail)]


def _flaws_of_query(index: ChainIndex, bounty: Bounty) -> list[BountyFlaw]:
    flaw = query_flaw(index, bounty.terms.query, Height(index.head().height + 1))
    if flaw is None:
        return []
    malformed = flaw.kind is QueryFlawKind.MALFORMED
    kind = BountyFlawKind.MALFORMED_QUERY if malformed else BountyFlawKind.VOID_QUERY
    return [BountyFlaw(kind, flaw.detail)]
