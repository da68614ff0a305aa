"""Questions about a growing chain, asked cold and in turns, for `benchmarks.scaling`."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from accountant.accounting.bound import lower_bound
from accountant.accounting.certificate import Certificate, Verdict
from accountant.accounting.pay import verify_payment
from accountant.accounting.questions import LowerBoundQuestion, PaymentQuestion
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.port import Heartbeat
from accountant.index.port import ChainIndex
from accountant.index.position import position_of, resolve
from accountant.primitives.types import Gas, Seq
from benchmarks.economy import Asked


class Answer(NamedTuple):
    """One cold answer."""

    seconds: float
    gas: int
    slice: int | None
    """Transactions whose outcomes were consulted; None if it was given up, and then it counts as all of them."""
    accepted: bool | None
    before: Seq
    """Executing eagerly would execute so many transactions."""


Ask = Callable[[ChainIndex, Heartbeat], Certificate]


class _GivenUp(Exception):
    """The answer takes too long."""


@dataclass
class Questions:
    """Questions of one kind at one size, and how they were answered so far."""

    kind: str
    size: int
    asks: Iterator[tuple[Seq, Ask]]
    new_index: Callable[[], ChainIndex]
    """An index that has looked nothing up yet."""
    answers: list[Answer] = field(default_factory=list)
    empty: int = 0
    """Questions that were answered without executing anything."""

    def next(self, seconds_most: float) -> bool:
        """Ask until one more had a slice that is not empty; whether there was one."""
        for before, ask in self.asks:
            answer = _timed(ask, self.new_index(), before, seconds_most)
            if answer.gas or answer.accepted is None:
                self.answers.append(answer)
                return True
            self.empty += 1
        return False


def ask_in_turns(questions: Sequence[Questions], most: int, seconds_most: float) -> None:
    """One of each, over and over, until each has so many answers: what else the machine does meets all alike."""
    for _ in range(most):
        for some in questions:
            some.next(seconds_most)


def balance(asked: Asked) -> Ask:
    """Is the balance at least so much? The zero-cost balance alone never covers it."""

    def ask(index: ChainIndex, heartbeat: Heartbeat) -> Certificate:
        position = position_of(index, asked.seq)
        place = resolve(index, position)
        assert place is not None
        target = index.zero_balance(asked.account, place.moment) + asked.units
        return lower_bound(index, MemoryOutcomes(), LowerBoundQuestion(asked.account, position, target), heartbeat)

    return ask


def payment(seq: Seq) -> Ask:
    """Did the payment settle?"""

    def ask(index: ChainIndex, heartbeat: Heartbeat) -> Certificate:
        question = PaymentQuestion(index.transaction(seq).hash)
        return verify_payment(index, MemoryOutcomes(), question, heartbeat)

    return ask


def _timed(ask: Ask, index: ChainIndex, before: Seq, seconds_most: float) -> Answer:
    begin, gas = time.perf_counter(), 0

    def heartbeat(executed: Gas) -> None:
        nonlocal gas
        gas = executed
        taken = time.perf_counter() - begin
        if taken > (seconds_most if executed else 1 + 10 * seconds_most):
            raise _GivenUp

    try:
        certificate = ask(index, heartbeat)
    except _GivenUp:
        return Answer(time.perf_counter() - begin, gas, None, None, before)
    seconds = time.perf_counter() - begin
    assert certificate.verdict is not Verdict.UNDECIDED
    accepted = certificate.verdict is Verdict.ACCEPTED
    return Answer(seconds, certificate.gas_executed, len(certificate.slice), accepted, before)
