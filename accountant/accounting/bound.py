"""Lower bounds of balances (Lemma 1), with or without a target."""

from accountant.accounting.certificate import Certificate, Verdict
from accountant.accounting.certify import certify
from accountant.accounting.funding import fund, narrow
from accountant.accounting.questions import InvalidQuestion, LowerBoundQuestion, check_budget, check_theta
from accountant.chain.query import BalanceAtLeast
from accountant.execution.port import Heartbeat, OutcomeStore
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.index.port import ChainIndex
from accountant.index.position import Place, resolve
from accountant.primitives.addresses import account_of
from accountant.primitives.encoding import encode
from accountant.primitives.types import ADDRESS_BYTES, AMOUNT_MAX, HASH_BYTES, Address, Gas, Seq


def check_lower_bound(index: ChainIndex, question: LowerBoundQuestion) -> None:
    """Refuse what the chain's bytes alone show to be wrong. Raises `InvalidQuestion`; executes nothing."""
    _checked(index, question)


def lower_bound(
    index: ChainIndex, outcomes: OutcomeStore, question: LowerBoundQuestion, heartbeat: Heartbeat | None = None
) -> Certificate:
    """What the account owns at least at the position; with a target, whether it owns that much.

    Raises `InvalidQuestion`, and whatever the heartbeat raises.
    """
    place, theta = _checked(index, question)
    account = account_of(question.account)
    budget = None if question.gas_budget is None else Gas(question.gas_budget)
    selective = Selective(Session(index, outcomes, heartbeat, budget))
    zero = index.zero_balance(Address(account), place.moment) if len(account) == ADDRESS_BYTES else 0
    if question.target is None:
        funding = narrow(selective, account, place.seq, theta)
        required, claimed = None, min(zero + funding.walk.lower, AMOUNT_MAX)
    else:
        required, claimed = max(0, question.target - zero), question.target
        funding = fund(selective, account, required, place.seq, theta)
    return certify(
        selective,
        account=account,
        position=question.position,
        zero=zero,
        funding=funding,
        required=required,
        query=encode(BalanceAtLeast(account, claimed, question.position)),
        answer=encode(funding.verdict is Verdict.ACCEPTED),
    )


def _checked(index: ChainIndex, question: LowerBoundQuestion) -> tuple[Place, tuple[Seq, ...] | None]:
    if len(question.account) not in (ADDRESS_BYTES, HASH_BYTES):
        raise InvalidQuestion("invalid_account", "an account has 20 bytes (user) or 32 (contract)")
    if question.target is not None and not 0 <= question.target <= AMOUNT_MAX:
        raise InvalidQuestion("invalid_amount", "a target is an amount: 0 ≤ v < 2^63")
    place = resolve(index, question.position)
    if place is None:
        raise InvalidQuestion("unknown_position", "its block is not on the chain, or its index is past the end")
    check_budget(question.gas_budget)
    return place, check_theta(index, account_of(question.account), question.theta, place.seq)
