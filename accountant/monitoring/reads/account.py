"""One account: what it surely owns and what it may own, and what brought it money. Executes nothing."""

from typing import NamedTuple

from accountant.accounting.incomes import IncomeFilter, IncomePage, list_incomes
from accountant.accounting.quote_facts import ReadOnly
from accountant.chain.envelope import CONSTRUCTOR, ArgumentKind, FunctionEnvelope
from accountant.chain.moment import moment_before
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.port import OutcomeStore
from accountant.execution.session import Session
from accountant.index.directory import Deployment, deployment_of
from accountant.index.port import ChainIndex
from accountant.primitives.types import ADDRESS_BYTES, GENESIS_SEQ, AccountId, Address, ContractId, Seq

WALKED_MOST = 256
"""Of an account's latest transactions, those whose known outcomes narrow what it may own."""
INCOMES = 20
FUNCTIONS_MOST = 100


class Interval(NamedTuple):
    """lower ≤ G ≤ upper, in base units."""

    lower: int
    upper: int


class FunctionLine(NamedTuple):
    """A function that a contract exports."""

    name: str
    arguments: str
    complete: bool
    payable: bool
    callers: str


class AccountPage(NamedTuple):
    """An account at the head. `zero`, `nonce` and `expenses` are a user's; `deployment` is a contract's."""

    account: AccountId
    zero: int | None
    nonce: int | None
    expenses: int | None
    """Q_G: everything that it sent of its general money, whether or not that left it."""
    static: Interval
    """By the chain's bytes alone."""
    known: Interval
    """With what was observed of its latest transactions."""
    deployment: Deployment | None
    functions: list[FunctionLine]
    incomes: IncomePage

    @property
    def surely(self) -> int:
        """What the account owns at least, zero-cost money included (Lemma 1)."""
        return (self.zero or 0) + self.known.lower

    @property
    def possibly(self) -> int:
        """What it owns at most."""
        return (self.zero or 0) + self.known.upper


def account_page(index: ChainIndex, outcomes: OutcomeStore, account: AccountId, before: Seq | None) -> AccountPage:
    """The account; its incomes with seq < `before`, the latest first."""
    head = index.head()
    zero = nonce = expenses = None
    deployment = None
    if len(account) == ADDRESS_BYTES:
        user = Address(account)
        zero = index.zero_balance(user, moment_before(head.height + 1, 0))
        nonce, expenses = index.nonce(user, head.next_seq), index.expenses(user, head.next_seq)
    else:
        deployment = deployment_of(index, ContractId(account))
    end = head.next_seq if before is None else min(before, head.next_seq)
    return AccountPage(
        account,
        zero,
        nonce,
        expenses,
        static_interval(index, account),
        known_interval(index, outcomes, account),
        deployment,
        [] if deployment is None else [_line(f) for f in deployment.envelope.functions[:FUNCTIONS_MOST]],
        list_incomes(index, outcomes, account, (GENESIS_SEQ, Seq(end)), IncomeFilter(), INCOMES),
    )


def static_interval(index: ChainIndex, account: AccountId) -> Interval:
    """G at the head by one look-up."""
    walk = Session(index, MemoryOutcomes()).glance(account, index.head().next_seq)
    return Interval(walk.lower, walk.upper)


def known_interval(index: ChainIndex, outcomes: OutcomeStore, account: AccountId) -> Interval:
    """G at the head, narrowed by what is known of the latest transactions that may have moved it."""
    session = Session(index, ReadOnly(outcomes, nothing=False))
    walk = session.walk(account, index.head().next_seq, WALKED_MOST)
    return Interval(walk.lower, walk.upper)


def _line(function: FunctionEnvelope) -> FunctionLine:
    arguments = ", ".join(ArgumentKind(kind).name.lower() for kind in function.arguments)
    callers = "nobody, at deployment alone" if function.name == CONSTRUCTOR else function.callers.name.lower()
    return FunctionLine(function.name, arguments, function.complete, function.payable, callers)
