"""Pay (Algorithm 4): did a transaction settle?"""

from accountant.accounting.certificate import Certificate, MissingExecution, Verdict, missing_of, reason_of
from accountant.accounting.certify import certify
from accountant.accounting.funding import Funding, fund
from accountant.accounting.questions import InvalidQuestion, PaymentQuestion, check_budget, check_theta
from accountant.chain.query import TransactionSucceeded
from accountant.execution.needs import Undecidable
from accountant.execution.port import Heartbeat, OutcomeStore
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.execution.transition import runs_code
from accountant.index.port import ChainIndex, Located
from accountant.index.position import position_of, resolve
from accountant.primitives.encoding import encode
from accountant.primitives.types import Gas, Hash, Seq


def check_payment(index: ChainIndex, question: PaymentQuestion) -> None:
    """Refuse what the chain's bytes alone show to be wrong. Raises `InvalidQuestion`; executes nothing."""
    _checked(index, question)


def verify_payment(
    index: ChainIndex, outcomes: OutcomeStore, question: PaymentQuestion, heartbeat: Heartbeat | None = None
) -> Certificate:
    """Whether the transaction settled: its general_value was covered and, if it runs code, that succeeded.

    Raises `InvalidQuestion`, and whatever the heartbeat raises.
    """
    located, theta = _checked(index, question)
    budget = None if question.gas_budget is None else Gas(question.gas_budget)
    selective = Selective(Session(index, outcomes, heartbeat, budget))
    funding = fund(selective, located.sender, located.transaction.general_value, located.seq, theta)
    succeeded = funding.verdict is Verdict.ACCEPTED
    if funding.verdict is not Verdict.UNDECIDED:
        try:
            succeeded = selective.outcome(located.seq).succeeded
        except Undecidable as stopped:
            if runs_code(located) and succeeded:
                funding = _undecided(funding, missing_of(stopped))
    if funding.verdict is Verdict.ACCEPTED and not succeeded:
        funding.verdict = Verdict.REJECTED
    position = position_of(index, located.seq)
    place = resolve(index, position)
    assert place is not None
    return certify(
        selective,
        account=located.sender,
        position=position,
        zero=index.zero_balance(located.sender, place.moment),
        funding=funding,
        required=located.transaction.general_value,
        query=encode(TransactionSucceeded(located.hash)),
        answer=encode(funding.verdict is Verdict.ACCEPTED),
    )


def _undecided(funding: Funding, missing: MissingExecution) -> Funding:
    reason = reason_of(missing)
    return Funding(Verdict.UNDECIDED, funding.walk, reason, funding.incomes, (missing,), funding.choice)


def _checked(index: ChainIndex, question: PaymentQuestion) -> tuple[Located, tuple[Seq, ...] | None]:
    seq = index.seq_of(Hash(question.transaction))
    if seq is None:
        raise InvalidQuestion("unknown_transaction", "no such transaction on the chain")
    located = index.transaction(seq)
    check_budget(question.gas_budget)
    return located, check_theta(index, located.sender, question.theta, seq)
