"""Audits on the wire: what a deposit is worth, which oaths are lies, and why they were checked in this order."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from accountant.api.answers import MissingView, ViewAnswerView, answer_of
from accountant.api.fields import (
    AccountOut,
    AmountOut,
    GasOut,
    HashOut,
    HexOut,
    StoppedOut,
    account_of,
    hex_of,
    stopped_by,
)
from accountant.api.query_views import IntegerOut, QueryView
from accountant.chain.query import decode_answer, decode_query
from accountant.oath.audit_report import Audit, AuditedOath, OathScore, OathVerdict, Reason, decode_audit
from accountant.primitives.errors import InvalidEncoding
from accountant.storage.audit_history import PastAudit

OATHS_SHOWN = 100
"""Oaths, and lies, in an audit's own document: the latest. The others are read page by page."""

VerdictName = Literal["unchecked", "kept", "slashed", "escaped"]
Sworn = bool | str | ViewAnswerView | None


class ReasonView(BaseModel):
    """What one feature adds to the log-odds of a lie: below 0 it speaks for the oath."""

    feature: str = Field(examples=["stake_over_penalty_log"])
    log_odds: float = Field(examples=[1.25])

    @classmethod
    def of(cls, reason: Reason) -> "ReasonView":
        """The view of a reason."""
        return cls(feature=reason.feature, log_odds=reason.log_odds_per_mille / 1_000)


class ScoreView(BaseModel):
    """What was thought of an oath when the audit began: it decided when to check it, and no verdict."""

    trust_per_mille: Annotated[int, Field(description="1,000 for what is surely true.")]
    reasons: Annotated[list[ReasonView], Field(description="The weightiest first; none while too little is known.")]
    gain: Annotated[AmountOut, Field(description="What a lie on it is taken to be worth to its swearer.")]
    check_per_mille: Annotated[int, Field(description="The least chance of a check at which a lie does not pay.")]
    drawn: Annotated[bool, Field(description="Whether chance demanded this check.")]
    gas: Annotated[GasOut, Field(description="That checking it was thought to take.")]

    @classmethod
    def of(cls, score: OathScore) -> "ScoreView":
        """The view of a score."""
        return cls(
            trust_per_mille=score.trust_per_mille,
            reasons=[ReasonView.of(reason) for reason in score.reasons],
            gain=str(score.gain),
            check_per_mille=score.check_per_mille,
            drawn=score.drawn,
            gas=str(score.gas),
        )


class AuditedOathView(BaseModel):
    """One oath of an audit, with its verdict."""

    transaction: HashOut
    seq: int
    swearer: AccountOut
    query: Annotated[QueryView | None, Field(description="Null where the bytes are no query.")]
    answer: Annotated[Sworn, Field(description="What was sworn; null where the bytes are no answer.")]
    penalty: IntegerOut
    flaws: Annotated[list[str], Field(description="Why it does not count; none: a false answer costs the penalty.")]
    verdict: Annotated[
        VerdictName,
        Field(
            description="Kept: the answer is right. Slashed: it is wrong. Escaped: it failed, so nobody was slashed."
        ),
    ]
    truth: Annotated[Sworn, Field(description="Of a lie: the true answer, as far as the budget reached.")]
    gas: Annotated[GasOut, Field(description="That finding the verdict took in this audit.")]
    score: ScoreView | None

    @classmethod
    def of(cls, oath: AuditedOath) -> "AuditedOathView":
        """The view of an audited oath."""
        return cls(
            transaction=hex_of(oath.transaction),
            seq=oath.seq,
            swearer=account_of(oath.swearer),
            query=_query(oath.query),
            answer=_answer(oath.answer),
            penalty=str(oath.penalty),
            flaws=list(oath.flaws),
            verdict=oath.verdict.value,
            truth=None if oath.truth is None else _answer(oath.truth),
            gas=str(oath.gas),
            score=None if oath.score is None else ScoreView.of(oath.score),
        )


class OathCountsView(BaseModel):
    """How many oaths an audit looked at, by verdict."""

    all: int
    count: Annotated[int, Field(description="Those that count: without flaws.")]
    kept: int
    slashed: int
    escaped: int
    unchecked: int

    @classmethod
    def of(cls, oaths: Sequence[AuditedOath]) -> "OathCountsView":
        """The counts of these oaths."""
        by = {verdict.value: sum(oath.verdict is verdict for oath in oaths) for verdict in OathVerdict}
        return cls(all=len(oaths), count=sum(not oath.flaws for oath in oaths), **by)


class AuditView(BaseModel):
    """What an audit found. Amounts right before the position."""

    contract: AccountOut
    owner: AccountOut | None
    previous_hash: HashOut
    index: int
    solvent: Annotated[
        bool, Field(description="It is a purse, and never promised a penalty that its deposit might not have covered.")
    ]
    flaws: Annotated[list[str], Field(description="Why it is no purse that oaths can count on; none if it is one.")]
    deposit_static: Annotated[AmountOut, Field(description="Proved by bytes alone: all penalties count as lost.")]
    deposit_known: Annotated[AmountOut, Field(description="Proved with what was known before.")]
    deposit: Annotated[AmountOut, Field(description="Proved now.")]
    deposited: AmountOut
    withdrawals_most: AmountOut
    slashed: Annotated[AmountOut, Field(description="What lies have cost.")]
    penalties: Annotated[AmountOut, Field(description="Of all oaths that count.")]
    outstanding: Annotated[AmountOut, Field(description="Penalties that nobody has checked.")]
    coverage_per_mille: Annotated[int, Field(description="Share of the penalties that are checked.")]
    oath_counts: OathCountsView
    oaths: Annotated[list[AuditedOathView], Field(description="The latest 100; all: `GET /v1/audits/{id}/oaths`.")]
    oaths_earlier: Annotated[int, Field(description="Earlier debits that were not looked at: they count as lost.")]
    lies: Annotated[list[AuditedOathView], Field(description="Oaths found false: the latest 100.")]
    learned_from: Annotated[int, Field(description="Verdicts that the order of checking was learned from.")]
    floor_held: Annotated[bool, Field(description="Whether every oath that chance demanded to check is checked.")]
    reason: Annotated[StoppedOut | None, Field(description="Why not all oaths are checked.")]
    query: Annotated[HexOut, Field(description="Canonical bytes of what can be sworn: that the deposit is there.")]
    answer: bool
    executed: Annotated[int, Field(description="Contract runs that nobody had observed before.")]
    gas_executed: GasOut
    cache_hits: int
    slice: Annotated[int, Field(description="Transactions that the audit rests on.")]
    missing: list[MissingView]

    @classmethod
    def of(cls, raw: bytes) -> "AuditView":
        """The view of a stored audit."""
        audit = decode_audit(raw)
        return cls(
            **_money(audit),
            contract=account_of(audit.contract),
            owner=None if audit.owner is None else account_of(audit.owner),
            previous_hash=hex_of(audit.previous_hash),
            index=audit.index,
            solvent=audit.solvent,
            flaws=list(audit.flaws),
            coverage_per_mille=audit.coverage_per_mille,
            oath_counts=OathCountsView.of(audit.oaths),
            oaths=[AuditedOathView.of(oath) for oath in reversed(audit.oaths[-OATHS_SHOWN:])],
            oaths_earlier=audit.oaths_earlier,
            lies=[AuditedOathView.of(oath) for oath in reversed(audit.lies[-OATHS_SHOWN:])],
            learned_from=audit.learned_from,
            floor_held=audit.floor_held,
            reason=stopped_by(audit.reason),
            query=hex_of(audit.query),
            answer=decode_answer(audit.answer) is True,
            executed=len(audit.executed),
            gas_executed=str(audit.gas_executed),
            cache_hits=audit.cache_hits,
            slice=len(audit.slice),
            missing=[MissingView.of(missing) for missing in audit.missing],
        )


class AuditedOathListView(BaseModel):
    """A page of an audit's oaths, latest first."""

    items: list[AuditedOathView]
    has_more: bool
    next_cursor: str | None


class PastAuditView(BaseModel):
    """A past audit in figures. Amounts right before its position."""

    job: Annotated[str, Field(description="Its job: `GET /v1/jobs/{id}` has all that it found.")]
    finished_at: datetime
    contract: AccountOut
    owner: AccountOut | None
    previous_hash: HashOut
    index: int
    solvent: bool
    deposited: AmountOut
    deposit: Annotated[AmountOut, Field(description="Proved from below.")]
    penalties: Annotated[AmountOut, Field(description="Of all oaths that count.")]
    outstanding: Annotated[AmountOut, Field(description="Penalties that nobody had checked.")]
    slashed: Annotated[AmountOut, Field(description="What lies had cost.")]
    coverage_per_mille: Annotated[int, Field(description="Share of the penalties that were checked.")]
    oaths: int
    lies: Annotated[int, Field(description="Oaths found false until then, by this audit or before.")]
    withdrawn: Annotated[bool, Field(description="It rests on an outcome that was found to be wrong.")]

    @classmethod
    def of(cls, past: PastAudit) -> "PastAuditView":
        """The view of a past audit."""
        return cls(
            job=past.job_id,
            finished_at=past.finished_at,
            contract=account_of(past.contract),
            owner=None if past.owner is None else account_of(past.owner),
            previous_hash=hex_of(past.position.previous_hash),
            index=past.position.index,
            solvent=past.solvent,
            deposited=str(past.deposited),
            deposit=str(past.deposit),
            penalties=str(past.penalties),
            outstanding=str(past.outstanding),
            slashed=str(past.slashed),
            coverage_per_mille=past.coverage_per_mille,
            oaths=past.oaths,
            lies=past.lies,
            withdrawn=past.withdrawn,
        )


class PastAuditListView(BaseModel):
    """A page of past audits, latest first."""

    items: list[PastAuditView]
    has_more: bool
    next_cursor: str | None


def _money(audit: Audit) -> dict[str, str]:
    names = ("deposit_static", "deposit_known", "deposit", "deposited", "withdrawals_most", "slashed", "penalties")
    return {name: str(getattr(audit, name)) for name in (*names, "outstanding")}


def _query(raw: bytes) -> QueryView | None:
    try:
        return QueryView.of(decode_query(raw))
    except InvalidEncoding:
        return None


def _answer(raw: bytes) -> Sworn:
    try:
        return answer_of(decode_answer(raw))
    except InvalidEncoding:
        return None
