"""Audits: what the deposit of an oath contract is worth, proved from below, and which of its oaths are true.

"The oath smart contract account can be periodically audited by another accountant" (Section II-C). An audit starts from
what the chain's bytes prove, with every penalty counted as lost, and raises it by executing oaths, the riskiest first,
as far as a gas budget reaches. Its result is a query's answer, so it can be sworn like any other.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from msgspec.structs import replace

from accountant.accounting.certificate import MissingExecution, missing_of, reason_of
from accountant.accounting.certify import rests_on
from accountant.accounting.questions import InvalidQuestion, check_budget
from accountant.chain.query import BalanceAtLeast, TransactionSucceeded, decode_query
from accountant.chain.rows import RowKind
from accountant.execution.needs import Undecidable
from accountant.execution.outcome import Outcome
from accountant.execution.port import Heartbeat, OutcomeStore
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.index.port import ChainIndex, Event
from accountant.index.position import Place, resolve
from accountant.oath.audit_report import OATHS_MOST, Audit, AuditedOath, AuditQuestion, OathScore, OathVerdict
from accountant.oath.counts import Flaw, FlawKind, flaws_of, not_covered, owner_of, purse_flaws
from accountant.oath.deposit import deposit_bounds
from accountant.oath.oath import NotAnOath, Oath, oath_of
from accountant.primitives.encoding import encode
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.types import AMOUNT_MAX, GENESIS_SEQ, HASH_BYTES, ContractId, Gas, Seq


class Candidate(NamedTuple):
    """An oath of the contract, before the audit executes anything."""

    oath: Oath
    deposit: int
    """Base units that its purse surely held right before it, with what was known."""
    counts: bool
    known: bool
    """Whether its outcome is known already."""


class Ranking(NamedTuple):
    """What to check first."""

    order: Sequence[Oath]
    """Those whose outcome is not known."""
    scores: Mapping[Seq, OathScore]
    learned_from: int = 0
    """Verdicts that it was learned from."""


Riskiest = Callable[[Sequence[Candidate], Gas], Ranking]
"""Orders oaths for a gas budget: the one to check next first. Whatever it says, no verdict depends on it."""


def dearest_first(oaths: Sequence[Candidate], _gas: Gas) -> Ranking:
    """The highest penalty first; of equal ones the latest."""
    unknown = [candidate.oath for candidate in oaths if not candidate.known]
    return Ranking(sorted(unknown, key=lambda oath: (-oath.terms.penalty, -oath.seq)), {})


def check_audit(index: ChainIndex, question: AuditQuestion) -> None:
    """Refuse what the chain's bytes alone show to be wrong. Raises `InvalidQuestion`; executes nothing."""
    _checked(index, question)


def audit(
    index: ChainIndex,
    outcomes: OutcomeStore,
    question: AuditQuestion,
    heartbeat: Heartbeat | None = None,
    riskiest: Riskiest = dearest_first,
) -> Audit:
    """Audits a contract. Raises `InvalidQuestion`, and whatever the heartbeat raises."""
    place = _checked(index, question)
    contract = ContractId(question.contract)
    session = Session(index, outcomes, heartbeat, Gas(question.gas_budget))
    events = index.events(contract, GENESIS_SEQ, place.seq)
    oaths, earlier = _oaths(index, events)
    known = _known(session, events)
    static = deposit_bounds(index, contract, events, {}).end
    before = deposit_bounds(index, contract, events, known)
    flaws = {oath.seq: flaws_of(index, oath) for oath in oaths}
    candidates = [_candidate(oath, flaws[oath.seq], before.before[oath.seq], oath.seq in known) for oath in oaths]
    ranking = riskiest(candidates, Gas(question.gas_budget))
    checked = _check(session, ranking.order, known)
    purse = purse_flaws(index, contract, place.seq)
    genuine = all(flaw.kind not in (FlawKind.OTHER_CODE, FlawKind.NOT_DEPLOYED) for flaw in purse)
    truths = _truths(checked.selective, oaths, known, genuine)
    bounds = deposit_bounds(index, contract, events, known)
    audited = []
    for oath in oaths:
        seq = oath.seq
        why_not = [*flaws[seq], *not_covered(oath, bounds.before[seq])]
        found = _audited(oath, why_not, known.get(seq), checked.gas.get(seq, 0), truths.get(seq))
        audited.append(replace(found, score=ranking.scores.get(seq)))
    money = _money(events, known, {oath.seq for oath in oaths})
    penalties = sum(oath.penalty for oath in audited if not oath.flaws)
    outstanding = sum(o.penalty for o in audited if not o.flaws and o.verdict is OathVerdict.UNCHECKED)
    hashes = rests_on(checked.selective)
    return Audit(
        contract=contract,
        owner=owner_of(index, contract),
        previous_hash=question.position.previous_hash,
        index=question.position.index,
        flaws=tuple(flaw.kind.value for flaw in purse),
        deposit_static=static,
        deposit_known=before.end,
        deposit=bounds.end,
        deposited=money.deposited,
        withdrawals_most=money.withdrawals_most,
        slashed=money.slashed,
        penalties=penalties,
        outstanding=outstanding,
        coverage_per_mille=1_000 if not penalties else (penalties - outstanding) * 1_000 // penalties,
        oaths=tuple(audited),
        oaths_earlier=earlier,
        learned_from=ranking.learned_from,
        reason=reason_of(checked.missing[0]) if checked.missing else None,
        query=encode(BalanceAtLeast(contract, min(bounds.end, AMOUNT_MAX), question.position)),
        answer=encode(True),
        executed=tuple(hashes[seq] for seq in session.executed),
        gas_executed=session.gas_executed,
        cache_hits=len(session.cached),
        slice=tuple(hashes.values()),
        missing=checked.missing,
    )


def _checked(index: ChainIndex, question: AuditQuestion) -> Place:
    if len(question.contract) != HASH_BYTES:
        raise InvalidQuestion("invalid_account", "a contract has 32 bytes")
    place = resolve(index, question.position)
    if place is None:
        raise InvalidQuestion("unknown_position", "its block is not on the chain, or its index is past the end")
    check_budget(question.gas_budget)
    return place


def _oaths(index: ChainIndex, events: Sequence[Event]) -> tuple[list[Oath], int]:
    """The latest oaths on the contract, in chain order, and how many earlier debits were not looked at.

    An oath without a declared debit cannot be slashed, and is none of the deposit's affairs.
    """
    debits = [event.seq for event in events if event.kind == RowKind.DEBIT]
    oaths = []
    for seq in debits[-OATHS_MOST:]:
        try:
            oaths.append(oath_of(index, seq))
        except NotAnOath:
            continue  # a withdrawal, or a call of something that is no purse
    return oaths, len(debits[:-OATHS_MOST])


def _known(session: Session, events: Sequence[Event]) -> dict[Seq, Outcome]:
    """The outcomes that somebody found before."""
    seqs = [event.seq for event in events if event.kind != RowKind.SETTLED]
    session.fetch(seqs)
    return {seq: outcome for seq in dict.fromkeys(seqs) if (outcome := session.known(seq)) is not None}


class _Checked(NamedTuple):
    selective: Selective
    gas: dict[Seq, int]
    missing: tuple[MissingExecution, ...]


def _check(session: Session, oaths: Sequence[Oath], known: dict[Seq, Outcome]) -> _Checked:
    """Executes oaths in this order, as far as the budget reaches. One that is too dear does not keep others waiting."""
    selective, gas, missing = Selective(session), {}, []
    for oath in oaths:
        began = session.gas_executed
        try:
            known[oath.seq] = selective.outcome(oath.seq)
        except Undecidable as stopped:
            missing.append(missing_of(stopped))
            if len(missing) > _TOO_DEAR_MOST:
                break
        gas[oath.seq] = session.gas_executed - began
    return _Checked(selective, gas, tuple(missing))


_TOO_DEAR_MOST = 16
"""Oaths that the budget did not reach, after which an audit ends."""


def _truths(
    selective: Selective, oaths: Sequence[Oath], known: Mapping[Seq, Outcome], genuine: bool
) -> dict[Seq, bytes]:
    """The true answers of the latest lies. `genuine`: the contract's code is the audited one, so it says what is false.

    Then a slashed yes means no; what a look-alike does with its money says nothing.
    """
    lies = [oath for oath in oaths if _verdict(oath, known.get(oath.seq)) is OathVerdict.SLASHED]
    truths: dict[Seq, bytes] = {}
    for oath in lies[-TRUTHS_MOST:]:
        with suppress(Undecidable, InvalidEncoding):
            query = decode_query(oath.terms.query)
            if genuine and isinstance(query, BalanceAtLeast | TransactionSucceeded):
                truths[oath.seq] = encode(oath.terms.answer != encode(True))
                continue
            answer = selective.answer(query)
            if answer is not None:
                truths[oath.seq] = encode(answer)
    return truths


TRUTHS_MOST = 1_000
"""Lies of one audit that the true answer is told of."""


def _candidate(oath: Oath, flaws: Sequence[Flaw], deposit: int, known: bool) -> Candidate:
    return Candidate(oath, deposit, not flaws and not not_covered(oath, deposit), known)


def _audited(oath: Oath, flaws: Sequence[Flaw], outcome: Outcome | None, gas: int, truth: bytes | None) -> AuditedOath:
    return AuditedOath(
        transaction=oath.located.hash,
        seq=oath.seq,
        swearer=oath.located.sender,
        query=oath.terms.query,
        answer=oath.terms.answer,
        penalty=oath.terms.penalty,
        flaws=tuple(flaw.kind.value for flaw in flaws),
        verdict=_verdict(oath, outcome),
        gas=gas,
        truth=truth,
        score=None,
    )


def _verdict(oath: Oath, outcome: Outcome | None) -> OathVerdict:
    if outcome is None:
        return OathVerdict.UNCHECKED
    if not outcome.succeeded:
        return OathVerdict.ESCAPED
    return OathVerdict.SLASHED if outcome.debit_of(oath.contract) else OathVerdict.KEPT


class _Money(NamedTuple):
    deposited: int
    withdrawals_most: int
    slashed: int


def _money(events: Sequence[Event], known: Mapping[Seq, Outcome], oaths: set[Seq]) -> _Money:
    """The purse's history in sums."""
    deposited = sum(event.cap for event in events if event.kind == RowKind.SETTLED)
    withdrawals = slashed = 0
    for event in events:
        if event.kind != RowKind.DEBIT:
            continue
        outcome = known.get(event.seq)
        if event.seq in oaths:
            slashed += 0 if outcome is None else sum(m.units for m in outcome.debits)
        else:
            withdrawals += event.cap if outcome is None else sum(m.units for m in outcome.debits)
    return _Money(deposited, withdrawals, slashed)
