"""One loop with a stack of its own drives generators of needs, so 10^5 chained dependencies overflow nothing."""

from collections.abc import Callable, Generator, Sequence
from typing import NoReturn, TypeVar, cast

from accountant.chain.query import Answer, View
from accountant.execution.needs import AllOf, AnswerOf, BlobUnavailable, Need, OutcomeOf
from accountant.execution.outcome import Outcome
from accountant.execution.session import Inputs, Session
from accountant.execution.shared_work import NOTHING, Parked
from accountant.primitives.types import Gas, Seq

T = TypeVar("T")
Value = Outcome | Answer
Steps = Generator[Need | AllOf, Value, T]

_ASKED_DEPTH = 2
"""An outcome is asked for, not merely depended on, at the stack's bottom, or right above a group there."""


class Driver:
    """Finds what needs ask for. `begin` makes a need's generator; `consulted` collects what questions rested on."""

    def __init__(
        self, session: Session, begin: Callable[[Need | AllOf, Inputs], Steps[Value]], consulted: Inputs
    ) -> None:
        self._session = session
        self._begin = begin
        self._consulted = consulted
        self._waits_for: dict[Seq, Seq | None] = {}
        """What others are to execute before the question at hand can be answered."""
        self._asked: tuple[Seq, Gas] | None = None
        """The outcome that was asked for, not merely depended on, and the gas executed before it."""

    def wait_for(self, seq: Seq) -> NoReturn:
        """Others are to execute this one. Raises `Parked`."""
        self._waits_for.setdefault(seq, None if self._asked is None else self._asked[0])
        raise Parked(self._waits_for, NOTHING)

    def resolve(self, root: Need | AllOf, into: Inputs | None = None) -> Value:
        """Drive a need's generator, and those that it waits for; what it consulted goes `into` its asker's inputs.

        Raises `Parked` where others have to execute something first, once everything else was tried.
        """
        if isinstance(root, OutcomeOf) and (known := self._session.known(root.seq)) is not None:
            (into or self._consulted).seqs.add(root.seq)
            (into or self._consulted).asked(root)
            return known
        if into is None:
            self._waits_for, self._asked = {}, None
        stack: list[tuple[Need | AllOf, Inputs, Steps[Value]]] = []
        wanted: Need | AllOf | None = root
        value: Value | None = None
        parked: Parked | None = None
        while True:
            if wanted is not None:
                if into is None:
                    self._enter(wanted, len(stack))
                inputs = Inputs()
                stack.append((wanted, inputs, self._begin(wanted, inputs)))
                wanted, value = None, None
            need, inputs, steps = stack[-1]
            try:
                if parked is None:
                    wanted = steps.send(cast(Value, value))
                else:
                    stopped, parked = parked.with_traceback(None), None
                    wanted = steps.throw(stopped)
            except StopIteration as finished:
                value = cast(Value, finished.value)
                stack.pop()
                self._leave(need)
                parent = stack[-1][1] if stack else into or self._consulted
                _pass_on(need, inputs, parent)
                if not stack:
                    return value
                continue
            except Parked as stopped:
                stack.pop()
                self._leave(need)
                if not stack:
                    if into is not None:
                        raise
                    raise Parked(self._waits_for, self._session.done()) from None
                parked = stopped
                continue
            except BaseException as error:
                if isinstance(error, BlobUnavailable):
                    self._name_loader(error, [need for need, _, _ in stack])
                for _, _, open_steps in reversed(stack):
                    open_steps.close()
                raise
            if isinstance(wanted, OutcomeOf) and (known := self._session.known(wanted.seq)) is not None:
                inputs.seqs.add(wanted.seq)
                inputs.asked(wanted)
                wanted, value = None, known

    def _name_loader(self, error: BlobUnavailable, waiting: Sequence[Need | AllOf]) -> None:
        """Say which transaction loads the blob: the innermost one that is being found."""
        loader = next((need.seq for need in reversed(waiting) if isinstance(need, OutcomeOf)), None)
        if error.transaction is None and loader is not None:
            located = self._session.index.transaction(loader)
            error.transaction, error.gas_most = located.hash, Gas(located.transaction.gas_limit)

    def _enter(self, wanted: Need | AllOf, depth: int) -> None:
        if self._asked is None and depth < _ASKED_DEPTH and isinstance(wanted, OutcomeOf):
            self._asked = wanted.seq, self._session.gas_executed

    def _leave(self, need: Need | AllOf) -> None:
        """Note the gas behind an outcome that was asked for."""
        if self._asked is not None and isinstance(need, OutcomeOf) and need.seq == self._asked[0]:
            seq, before = self._asked
            self._session.spend(seq, Gas(self._session.gas_executed - before))
            self._asked = None


def all_of(needs: Sequence[Need]) -> Steps[Value]:
    """Go on with the others where one has to wait, so that all that can start now is found in one pass."""
    values: list[Value] = []
    parked: Parked | None = None
    for need in needs:
        try:
            values.append((yield need))
        except Parked as stopped:
            parked = stopped
    if parked is not None:
        raise parked
    return cast(Value, tuple(values))


def _pass_on(need: Need | AllOf, inputs: Inputs, asker: Inputs) -> None:
    """What a need consulted was consulted by whoever asked for it; the needs of a view or a group are its asker's."""
    if isinstance(need, OutcomeOf):
        asker.seqs.add(need.seq)
    else:
        asker.merge(inputs)
    if isinstance(need, AllOf) or (isinstance(need, AnswerOf) and isinstance(need.query, View)):
        for deeper in inputs.needs:
            asker.asked(deeper)
    if not isinstance(need, AllOf):
        asker.asked(need)
