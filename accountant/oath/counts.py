"""Whether an oath counts: decided from the chain's bytes, executing nothing (DESIGN section 5).

An oath counts if and only if a false answer is sure to cost the penalty: nothing that the swearer
wrote, and nothing that anybody did before or does later, can make the slash fail. Each `Flaw` is one
way in which it might.
"""

from enum import StrEnum
from typing import NamedTuple

from accountant.chain.footprint import Credit, Debit, Entry, Query
from accountant.chain.transaction import TransactionKind, decode_deployment
from accountant.execution.port import OutcomeStore
from accountant.index.port import ChainIndex
from accountant.oath.code import OATH_CODE_HASH
from accountant.oath.deposit import deposit_bound
from accountant.oath.gas import oath_gas, rules_allow
from accountant.oath.oath import Oath
from accountant.oath.purse import OATH_ENVELOPE
from accountant.oath.sworn import QueryFlawKind, answer_flaw, query_flaw
from accountant.primitives.hashes import sha256
from accountant.primitives.types import BLACKHOLE, Amount, ContractId, Seq


class FlawKind(StrEnum):
    """Why an oath does not count. The names are shown to clients, so they are stable."""

    NOT_DEPLOYED = "not_deployed"
    OTHER_CODE = "other_code"
    OTHER_ENVELOPE = "other_envelope"
    UNCERTAIN_DEPLOYMENT = "uncertain_deployment"
    """The deployment carries general money or arguments, so it might have failed."""
    OTHER_RULES = "other_rules"
    """This chain's gas prices, limits or engine are not those under which the contract was audited."""
    NOT_THE_OWNER = "not_the_owner"
    VALUE = "value"
    TOO_LITTLE_GAS = "too_little_gas"
    NO_PENALTY = "no_penalty"
    MISSING_ENTRY = "missing_entry"
    CAP_BELOW_PENALTY = "cap_below_penalty"
    MALFORMED_QUERY = "malformed_query"
    VOID_QUERY = "void_query"
    """The query names what is not on the chain, or does not lie in a strictly earlier block."""
    MALFORMED_ANSWER = "malformed_answer"
    NOT_COVERED = "not_covered"
    """The purse may hold less than the penalty."""


class Flaw(NamedTuple):
    """One reason why an oath does not count; `detail` is one sentence of chain data."""

    kind: FlawKind
    detail: str


class OathStanding(NamedTuple):
    """What reading an oath says of it."""

    flaws: tuple[Flaw, ...]
    """All reasons why it does not count; empty if it counts."""
    deposit: int
    """Base units that the purse held at least right before the oath."""

    @property
    def counts(self) -> bool:
        """Whether a false answer was sure to cost the penalty."""
        return not self.flaws


def counts(index: ChainIndex, oath: Oath, outcomes: OutcomeStore | None = None) -> OathStanding:
    """Whether the oath counts, with every reason why it does not.

    `outcomes` may only raise the deposit's bound, so knowing more never makes an oath count less.
    """
    deposit = deposit_bound(index, oath.contract, oath.seq, outcomes)
    return OathStanding((*flaws_of(index, oath), *not_covered(oath, deposit)), deposit)


def flaws_of(index: ChainIndex, oath: Oath) -> list[Flaw]:
    """Every reason why an oath does not count, but that its purse may hold too little."""
    return [
        *_flaws_of_rules(index),
        *_flaws_of_contract(index, oath),
        *_flaws_of_call(oath),
        *_flaws_of_footprint(oath),
        *_flaws_of_sworn(index, oath),
    ]


def not_covered(oath: Oath, deposit: int) -> list[Flaw]:
    """That the purse may hold too little, if it surely holds only `deposit` right before the oath."""
    penalty = oath.terms.penalty
    if penalty <= deposit:
        return []
    return [Flaw(FlawKind.NOT_COVERED, f"the purse holds {deposit} for certain, the penalty is {penalty}")]


def purse_flaws(index: ChainIndex, contract: ContractId, before: Seq) -> tuple[Flaw, ...]:
    """Why a contract is not, right before transaction `before`, a purse that oaths can count on."""
    if any(c.contract == contract for c in index.genesis.contracts):
        return _flaws_of_code(*_genesis_code(index, contract))
    seq = index.deployment(contract)
    if seq is None or seq >= before:
        return (Flaw(FlawKind.NOT_DEPLOYED, "no earlier transaction deploys the contract"),)
    payload = decode_deployment(index.transaction(seq).transaction.payload)
    flaws = _flaws_of_code(payload.code, payload.envelope)
    if payload.arguments or index.transaction(seq).transaction.general_value:
        flaws += (Flaw(FlawKind.UNCERTAIN_DEPLOYMENT, "the deployment carries arguments or general money"),)
    return flaws


def owner_of(index: ChainIndex, contract: ContractId) -> bytes | None:
    """Who deployed a contract; None if nothing on the chain does."""
    for listed in index.genesis.contracts:
        if listed.contract == contract:
            return listed.deployer
    seq = index.deployment(contract)
    return None if seq is None else index.transaction(seq).sender


def _genesis_code(index: ChainIndex, contract: ContractId) -> tuple[bytes, object]:
    listed = next(c for c in index.genesis.contracts if c.contract == contract)
    return listed.code, listed.envelope


def _flaws_of_code(code: bytes, envelope: object) -> tuple[Flaw, ...]:
    flaws = []
    if sha256(code) != OATH_CODE_HASH:
        flaws.append(Flaw(FlawKind.OTHER_CODE, "the contract's code is not the audited one"))
    if envelope != OATH_ENVELOPE:
        flaws.append(Flaw(FlawKind.OTHER_ENVELOPE, "the contract's envelope is not the audited one"))
    return tuple(flaws)


def _flaws_of_rules(index: ChainIndex) -> list[Flaw]:
    why_not = rules_allow(index.genesis)
    return [] if why_not is None else [Flaw(FlawKind.OTHER_RULES, why_not)]


def _flaws_of_contract(index: ChainIndex, oath: Oath) -> list[Flaw]:
    flaws = list(purse_flaws(index, oath.contract, oath.seq))
    if flaws and flaws[0].kind is FlawKind.NOT_DEPLOYED:
        return flaws
    if owner_of(index, oath.contract) != oath.located.sender:
        flaws.append(Flaw(FlawKind.NOT_THE_OWNER, "only the purse's deployer can swear on it"))
    return flaws


def _flaws_of_call(oath: Oath) -> list[Flaw]:
    transaction = oath.transaction
    assert transaction.kind == TransactionKind.CALL
    flaws = []
    if transaction.value:
        flaws.append(Flaw(FlawKind.VALUE, f"an oath takes no value, not {transaction.value}"))
    needed = oath_gas(oath.terms.query)
    if transaction.gas_limit < needed:
        flaws.append(
            Flaw(FlawKind.TOO_LITTLE_GAS, f"the gas limit is {transaction.gas_limit}, swearing takes up to {needed}")
        )
    if oath.terms.penalty <= 0:
        flaws.append(Flaw(FlawKind.NO_PENALTY, f"the penalty is {oath.terms.penalty}"))
    return flaws


def _flaws_of_footprint(oath: Oath) -> list[Flaw]:
    declared = set(oath.transaction.footprint)
    flaws = [
        Flaw(FlawKind.MISSING_ENTRY, f"the footprint lacks {name}")
        for name, entry in _needed(oath).items()
        if entry not in declared
    ]
    caps = [e.cap for e in oath.transaction.footprint if isinstance(e, Debit) and e.contract == oath.contract]
    if not caps:
        flaws.append(Flaw(FlawKind.MISSING_ENTRY, "the footprint lacks the purse's debit"))
    elif caps[0] < oath.terms.penalty:
        flaws.append(Flaw(FlawKind.CAP_BELOW_PENALTY, f"the cap is {caps[0]}, the penalty {oath.terms.penalty}"))
    return flaws


def _needed(oath: Oath) -> dict[str, Entry]:
    return {
        "the query": Query(oath.terms.query),
        "the blackhole's credit": Credit(BLACKHOLE),
        "the beneficiary's credit": Credit(oath.terms.beneficiary),
    }


def _flaws_of_sworn(index: ChainIndex, oath: Oath) -> list[Flaw]:
    flaw = query_flaw(index, oath.terms.query, oath.located.height)
    if flaw is not None:
        malformed = flaw.kind is QueryFlawKind.MALFORMED
        return [Flaw(FlawKind.MALFORMED_QUERY if malformed else FlawKind.VOID_QUERY, flaw.detail)]
    why_not = answer_flaw(oath.terms.query, oath.terms.answer)
    return [] if why_not is None else [Flaw(FlawKind.MALFORMED_ANSWER, why_not)]


def coverage(index: ChainIndex, contract: ContractId, outcomes: OutcomeStore | None = None) -> Amount:
    """Base units that a purse is sure to hold at the head: what the next oath on it may stake at most."""
    return Amount(deposit_bound(index, contract, index.head().next_seq, outcomes))
