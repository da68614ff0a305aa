"""What an audit of an oath contract asks, and what it reports (Section II-C)."""

from enum import StrEnum

from accountant.accounting.certificate import MissingExecution, UndecidedReason
from accountant.chain.block import Position
from accountant.oath.counts import FlawKind
from accountant.primitives.encoding import Decoder, Record

OATHS_MOST = 10_000
"""Oaths of one contract that one audit looks at: the latest."""

AUDIT_BYTES_MAX = 256 * 1024 * 1024


class AuditQuestion(Record, frozen=True):
    """What is the deposit of this contract worth at the position, and which of its oaths are true?

    `gas_budget`: the most gas that oaths may be executed for; 0 executes none.
    """

    contract: bytes
    position: Position
    gas_budget: int


class OathVerdict(StrEnum):
    """What executing an oath showed."""

    UNCHECKED = "unchecked"
    KEPT = "kept"
    """Its answer is right."""
    SLASHED = "slashed"
    """Its answer is wrong, and the penalty left the deposit."""
    ESCAPED = "escaped"
    """It failed, so nobody was slashed, whatever its answer: it was worth nothing."""


class Reason(Record, frozen=True):
    """What one feature adds to the chance that an oath is a lie: thousandths of log-odds, below 0 it speaks for it."""

    feature: str
    log_odds_per_mille: int


class OathScore(Record, frozen=True):
    """What was thought of an oath when the audit began: it decided when to check it, and no verdict."""

    trust_per_mille: int
    """1,000 for what is surely true."""
    reasons: tuple[Reason, ...]
    """The weightiest first; empty while too little is known to learn from."""
    gain: int
    """Base units that a lie on it is taken to be worth to its swearer."""
    check_per_mille: int
    """The least chance of a check at which a lie does not pay, rounded up."""
    drawn: bool
    """Whether chance demanded this check."""
    gas: int
    """Gas that checking it was thought to take."""
    features: tuple[int, ...]
    """Thousandths, in the order of `trust.features.NAMES`."""


class AuditedOath(Record, frozen=True):
    """One oath of the contract. `flaws`: why it does not count; none if a false answer is sure to cost the penalty."""

    transaction: bytes
    seq: int
    swearer: bytes
    query: bytes
    answer: bytes
    penalty: int
    flaws: tuple[str, ...]
    verdict: OathVerdict
    gas: int
    """Gas that finding the verdict took in this audit."""
    truth: bytes | None
    """Of a lie: what the true answer is, as far as the budget reached. None otherwise."""
    score: OathScore | None


class Audit(Record, frozen=True):
    """What an audit found. Amounts in base units, right before the position.

    `query` and `answer` say the same as `deposit` in a form that can be sworn.
    """

    contract: bytes
    owner: bytes | None
    previous_hash: bytes
    index: int
    flaws: tuple[str, ...]
    """Why the contract is no purse that oaths can count on; none if it is one."""
    deposit_static: int
    """Proved from the chain's bytes: every penalty and withdrawal counts as lost."""
    deposit_known: int
    """Proved with what this accountant knew before."""
    deposit: int
    """Proved now."""
    deposited: int
    """All zero-cost deposits."""
    withdrawals_most: int
    """Caps of all withdrawals, and what those of them took that are known."""
    slashed: int
    """Penalties that oaths found false have cost."""
    penalties: int
    """Penalties of all oaths that count."""
    outstanding: int
    """Penalties of those that nobody has checked."""
    coverage_per_mille: int
    """Share of the penalties that are checked: 1,000 if there are none."""
    oaths: tuple[AuditedOath, ...]
    """In chain order; the latest `OATHS_MOST`."""
    oaths_earlier: int
    """Earlier debits that were not looked at; what they may have taken counts as lost."""
    learned_from: int
    """Verdicts that the order of checking was learned from; 0: it went by a fixed rule."""
    reason: UndecidedReason | None
    query: bytes
    answer: bytes
    executed: tuple[bytes, ...]
    gas_executed: int
    cache_hits: int
    slice: tuple[bytes, ...]
    missing: tuple[MissingExecution, ...] = ()

    @property
    def solvent(self) -> bool:
        """Whether the contract is a purse, and never promised a penalty that its deposit might not have covered."""
        return not self.flaws and not any(FlawKind.NOT_COVERED.value in oath.flaws for oath in self.oaths)

    @property
    def floor_held(self) -> bool:
        """Whether every oath that chance demanded to check is checked."""
        return not any(o.score and o.score.drawn and o.verdict is OathVerdict.UNCHECKED for o in self.oaths)

    @property
    def lies(self) -> tuple[AuditedOath, ...]:
        """The oaths that were found false. Where a look-alike slashes a true answer, that is no lie."""
        return tuple(o for o in self.oaths if o.verdict is OathVerdict.SLASHED and o.truth != o.answer)


_audits = Decoder(Audit, AUDIT_BYTES_MAX)


def decode_audit(raw: bytes) -> Audit:
    """The audit that `raw` encodes. Raises `InvalidEncoding`."""
    return _audits.decode(raw)
