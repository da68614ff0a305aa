"""The order in which an audit checks oaths: chance first, so that no lie pays, then where a lie is likeliest for its
gas.

It decides what is checked next and nothing else. Oaths that do not count come last: they are worth nothing, whatever
they say.
"""

from collections.abc import Sequence
from random import Random

from accountant.accounting.quote import quote_outcome
from accountant.execution.port import OutcomeStore
from accountant.index.port import ChainIndex
from accountant.oath.audit import Candidate, Ranking, Riskiest, dearest_first
from accountant.oath.audit_report import OathScore, Reason
from accountant.oath.oath import Oath
from accountant.primitives.types import AMOUNT_MAX, Gas
from accountant.trust import choice
from accountant.trust.floor import check_per_mille
from accountant.trust.knowledge import PER_MILLE, Knowledge, thousandths
from accountant.trust.model import Score, TrustModel, Verdict
from accountant.trust.seen import Seen, histories_of, seen_of

QUOTED_MOST = 200
"""Oaths whose checking is quoted, the latest; of the others the gas limit is taken for the cost."""
QUOTE_LOOK_UPS = 200
REASONS_MOST = 5


def ranking(index: ChainIndex, outcomes: OutcomeStore, knowledge: Knowledge, random: Random) -> Riskiest:
    """Ranks by what is known of swearers. Nobody must be able to foretell `random`: give it `random.SystemRandom()`."""

    def riskiest(candidates: Sequence[Candidate], gas: Gas) -> Ranking:
        model = model_of(knowledge)
        histories = histories_of([c.oath for c in candidates], knowledge.histories)
        quoted = {c.oath.seq for c in [c for c in candidates if not c.known][-QUOTED_MOST:]}
        seen = [
            seen_of(
                index,
                c.oath,
                c.deposit,
                histories[c.oath.located.sender],
                cost_of(index, outcomes, c.oath, c.oath.seq in quoted),
            )
            for c in candidates
        ]
        scores = model.scores([one.features for one in seen])
        open_ones = [i for i, c in enumerate(candidates) if c.counts and not c.known]
        chosen = choice.choose(
            [choice.Candidate(scores[i], seen[i].gain, seen[i].oath.terms.penalty, seen[i].cost) for i in open_ones],
            gas,
            random,
        )
        first = [open_ones[i] for i in chosen.order]
        drawn = {open_ones[i] for i in chosen.drawn}
        # What a quote took to be too dear may be cheap: the audit's own budget says how far it reaches.
        rest = sorted(set(open_ones) - set(first), key=lambda i: (i not in drawn, seen[i].cost, i))
        worthless = dearest_first([c for c in candidates if not c.counts], gas).order
        return Ranking(
            [*(seen[i].oath for i in (*first, *rest)), *worthless],
            {one.oath.seq: _score(one, scores[i], i in drawn) for i, one in enumerate(seen)},
            len(knowledge.verdicts) if model.learned else 0,
        )

    return riskiest


def model_of(knowledge: Knowledge) -> TrustModel:
    """The model that these verdicts teach."""
    return TrustModel([Verdict(learned.features, learned.lied) for learned in knowledge.verdicts])


def cost_of(index: ChainIndex, outcomes: OutcomeStore, oath: Oath, quoted: bool) -> int:
    """Gas that checking an oath probably takes: never a reason to check it or not, only when."""
    if not quoted:
        return oath.transaction.gas_limit
    quote = quote_outcome(index, outcomes, oath.seq, False, QUOTE_LOOK_UPS)
    return quote.gas_expected if quote.cut_off else quote.gas_most


def reasons_of(score: Score) -> tuple[Reason, ...]:
    """The weightiest reasons for a score."""
    return tuple(Reason(name, round(share * PER_MILLE)) for name, share in score.reasons[:REASONS_MOST])


def _score(seen: Seen, score: Score, drawn: bool) -> OathScore:
    return OathScore(
        trust_per_mille=score.trust_per_mille,
        reasons=reasons_of(score),
        gain=seen.gain,
        check_per_mille=check_per_mille(seen.gain, max(0, seen.oath.terms.penalty)),
        drawn=drawn,
        gas=min(seen.cost, AMOUNT_MAX),
        features=thousandths(seen.features),
    )
