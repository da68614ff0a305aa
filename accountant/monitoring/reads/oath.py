"""One oath of the chain as a page shows it, whoever swore it. Executes nothing."""

from typing import NamedTuple

import sqlalchemy as sa

from accountant.chain.query import (
    AccountingQuery,
    Answer,
    BalanceAtLeast,
    Every,
    Income,
    Storage,
    TransactionSucceeded,
    View,
    ViewAnswer,
)
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.session import Session
from accountant.index.port import ChainIndex
from accountant.monitoring.reads.oaths import VerdictLine, verdict_on
from accountant.monitoring.reads.transaction import Shown, cut, shown_bytes
from accountant.oath.counts import Flaw, flaws_of, not_covered
from accountant.oath.oath import Oath, oath_of
from accountant.primitives.addresses import account_of, show
from accountant.primitives.types import BLACKHOLE, Seq
from accountant.services.oaths import SwornView, sworn_on_chain


class OathPage(NamedTuple):
    """An oath. `deposit`: what its purse surely held right before it, in base units."""

    oath: Oath
    sworn: SwornView
    question: Shown
    answer: Shown
    deposit: int
    flaws: list[Flaw]
    verdict: VerdictLine | None

    @property
    def burnt(self) -> bool:
        """Whether nobody gets the penalty."""
        return self.oath.terms.beneficiary == BLACKHOLE


def oath_page(connection: sa.Connection, index: ChainIndex, seq: Seq) -> OathPage:
    """The oath that the transaction with this number swears. Raises `NotAnOath`."""
    oath = oath_of(index, seq)
    deposit = Session(index, MemoryOutcomes()).glance(oath.contract, seq).lower
    sworn = sworn_on_chain(oath)
    return OathPage(
        oath,
        sworn,
        shown_bytes(oath.terms.query) if sworn.query is None else cut(question_text(sworn.query)),
        shown_bytes(oath.terms.answer) if sworn.answer is None else cut(answer_text(sworn.answer)),
        deposit,
        [*flaws_of(index, oath), *not_covered(oath, deposit)],
        verdict_on(connection, seq),
    )


def question_text(query: AccountingQuery) -> str:
    """A query as a question."""
    match query:
        case BalanceAtLeast(account, amount):
            return f"Does {show(account_of(account))} own at least {amount} units?"
        case TransactionSucceeded(transaction):
            return f"Did transaction 0x{transaction.hex()} succeed?"
        case Income(transaction, account):
            return f"How many units did transaction 0x{transaction.hex()} bring to {show(account_of(account))}?"
        case Storage(contract, slot):
            return f"What does slot 0x{slot.hex()} of contract 0x{contract.hex()} hold?"
        case View(contract, function):
            return f"What does {function} of contract 0x{contract.hex()} return?"
        case Every(queries):
            return " ".join(question_text(one) for one in queries)


def answer_text(answer: Answer) -> str:
    """An answer in words."""
    match answer:
        case bool():
            return "yes" if answer else "no"
        case int():
            return str(answer)
        case bytes():
            return f"0x{answer.hex()}" if answer else "nothing"
        case ViewAnswer(failure, value):
            if failure is not None:
                return f"it fails: {failure}"
            return "nothing" if value is None else answer_text(value)
        case tuple():
            return "; ".join(answer_text(one) for one in answer)
