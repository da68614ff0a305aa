"""A service in one process on a random chain: jobs and executions in real rows, workers that a test drives."""

import threading
from collections import Counter
from collections.abc import Iterable
from random import Random

import sqlalchemy as sa

from accountant.accounting.certificate import Certificate, Verdict, decode_certificate
from accountant.accounting.outcome import OutcomeQuestion, decode_outcome_certificate
from accountant.accounting.questions import LowerBoundQuestion, PaymentQuestion
from accountant.chain.block import Position
from accountant.execution.eager import EagerState, execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.outcome import Observed
from accountant.execution.transition import runs_code
from accountant.index.position import resolve
from accountant.primitives.addresses import account_of
from accountant.primitives.types import ADDRESS_BYTES, AMOUNT_MAX, AccountId, Address, Seq
from accountant.services.ask import ask
from accountant.services.attempt import Attempt
from accountant.services.dispatch import dispatch
from accountant.services.execute import execute
from accountant.services.policy import JobPolicy
from accountant.services.questions import Question, QuestionKind, answering, decode_question
from accountant.services.sharing import Sharing
from accountant.services.sweep import sweep
from accountant.services.work import work
from accountant.storage.jobs import JobRow, Jobs, JobState
from accountant.storage.outbox import EXECUTION_PREFIX
from tests.support.random_chain import RandomChain

POLICY = JobPolicy(lease_s=3_600.0, attempts_most=1_000, retry_delay_s=0.0, patience_s=3_600.0, delegate_gas=0)

_CLEAN = sa.text(
    "truncate accountant.jobs, accountant.job_events, accountant.outbox, accountant.executions, "
    "accountant.execution_waits cascade"
)
_VANISH = [
    sa.text(f"update accountant.{table} set lease_until = clock_timestamp() - interval '1 s' where state = 'running'")
    for table in ("jobs", "executions")
]
_WRONG = sa.text(
    "select (select count(*) from accountant.jobs j where (state = 'waiting') <> exists "
    "(select from accountant.execution_waits w where w.job_number = j.number)) + "
    "(select count(*) from accountant.executions e where (state = 'waiting') <> exists "
    "(select from accountant.execution_waits w where w.by_seq = e.seq)) + "
    "(select count(*) from accountant.execution_waits w join accountant.executions e on e.seq = w.seq "
    "where e.finished_at is not null)"
)
"""Who waits without waiting for anything, waits for what has ended, or goes on while it waits."""


class Killed(BaseException):
    """The process was killed here."""


class Fate:
    """Kills the thread that set it after a number of steps; a step is a commit, a beginning, or a use of the store."""

    def __init__(self) -> None:
        self._steps = threading.local()

    def set(self, steps: int | None) -> None:
        self._steps.left = steps

    def step(self, *_: object) -> None:
        left = getattr(self._steps, "left", None)
        if left is None:
            return
        self._steps.left = left - 1 if left else None
        if not left:
            raise Killed


class FatalOutcomes(MemoryOutcomes):
    """Outcomes in memory; whoever uses them may be killed before or after."""

    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self._fate = fate

    def get(self, seq: Seq) -> Observed | None:
        self._fate.step()
        return super().get(seq)

    def put(self, seq: Seq, observed: Observed) -> bool:
        self._fate.step()
        first = super().put(seq, observed)
        self._fate.step()
        return first


class SharedService:
    """Jobs on one random chain, and everything that works on them."""

    def __init__(
        self,
        engine: sa.Engine,
        key_prefix: str,
        random: Random,
        policy: JobPolicy = POLICY,
        chain: RandomChain | None = None,
    ) -> None:
        """`chain`: one that is grown already; a random one if not given."""
        self.engine, self.key_prefix, self.random, self.policy = engine, key_prefix, random, policy
        self.chain = RandomChain(random) if chain is None else chain
        if chain is None:
            self.chain.grow(6)
        self.eager: EagerState = execute_everything(self.chain.index)
        self.fate = Fate()
        self.outcomes = FatalOutcomes(self.fate)
        self.sharing = Sharing(self.chain.index, lambda: self.outcomes, policy)
        self.answer = answering(self.chain.index, self.outcomes)
        self.messages: list[str] = []
        self.ended: Counter[Attempt] = Counter()
        with engine.begin() as connection:
            connection.execute(_CLEAN)

    # Questions

    def question(self) -> Question:
        """A question about a random transaction or account."""
        index, random = self.chain.index, self.random
        seq = Seq(random.randrange(len(self.eager.outcomes)))
        choice = random.randrange(3)
        if choice == 0:
            return OutcomeQuestion(index.transaction(seq).hash)
        if choice == 1:
            return PaymentQuestion(index.transaction(seq).hash)
        account = random.choice(self.chain.accounts)
        target = min(AMOUNT_MAX, max(0, self._owned(account) + random.choice([-100, -1, 0, 1, 100])))
        return LowerBoundQuestion(account, Position(index.head().hash, 0), target)

    def _owned(self, account: AccountId) -> int:
        """What an account owns at the head."""
        index, head = self.chain.index, self.chain.index.head()
        place = resolve(index, Position(head.hash, 0))
        assert place is not None
        zero = index.zero_balance(Address(account), place.moment) if len(account) == ADDRESS_BYTES else 0
        return zero + self.eager.general_before(account, place.seq)

    def ask(self, question: Question) -> str:
        """The id of a new job."""
        with self.engine.begin() as connection:
            return ask(connection, self.chain.index, self.key_prefix, question, False, self.policy).id

    def job(self, job_id: str) -> JobRow:
        """A job as it stands."""
        with self.engine.connect() as connection:
            row = Jobs(connection).get(job_id)
        assert row is not None
        return row

    # Driving

    def run(self, task: str, owner: str = "worker") -> Attempt:
        """One message is acted on."""
        if task.startswith(EXECUTION_PREFIX):
            ended = execute(self.engine, Seq(int(task.removeprefix(EXECUTION_PREFIX))), owner, self.sharing)
        else:
            ended = work(self.engine, self.answer, task, owner, self.policy, self.sharing)
        self.ended[ended] += 1
        return ended

    def publish(self, lost: float = 0.0, twice: float = 0.0) -> None:
        """What is due goes to the broker, which may lose it or deliver it twice."""
        published: list[str] = []
        dispatch(self.engine, lambda task, _queue: published.append(task))
        for task in published:
            copies = 0 if self.random.random() < lost else 2 if self.random.random() < twice else 1
            self.messages += [task] * copies

    def end_all(self, jobs: Iterable[str], kills: float, lost: float, twice: float) -> None:
        """Acts on messages in random order until all jobs have ended; kills, loses and repeats as it likes."""
        jobs = list(jobs)
        idle = 0
        while not all(self.job(job).state.ended for job in jobs):
            self.publish(lost, twice)
            self.check()
            if not self.messages:
                idle += 1
                assert idle < 1_000, "somebody waits for ever"
                self.vanish()
                sweep(self.engine, self.policy, broker_forgot=True)
                continue
            task = self.messages.pop(self.random.randrange(len(self.messages)))
            steps = self.random.randrange(self.random.choice([4, 12, 40]))
            self.fate.set(steps if self.random.random() < kills else None)
            try:
                self.run(task)
            except Killed:
                pass
            finally:
                self.fate.set(None)

    def vanish(self) -> None:
        """Time passes: whoever holds a lease now is dead."""
        with self.engine.begin() as connection:
            for statement in _VANISH:
                connection.execute(statement)

    def check(self) -> None:
        """Nobody waits for nothing, or for what has ended."""
        with self.engine.connect() as connection:
            assert connection.execute(_WRONG).scalar_one() == 0

    # Truth

    def right(self, job_id: str) -> list[bytes]:
        """That the answer of a job is the eager one; what was executed for it."""
        row = self.job(job_id)
        assert row.state is JobState.DONE and row.certificate is not None, row
        question = decode_question(QuestionKind(row.kind), row.request)
        if isinstance(question, OutcomeQuestion):
            found = decode_outcome_certificate(row.certificate)
            assert found.outcome == self.eager.outcomes[self._seq(question.transaction)]
            return list(found.executed)
        certificate = decode_certificate(row.certificate)
        assert isinstance(certificate, Certificate)
        assert (certificate.verdict is Verdict.ACCEPTED) == self._truth(question)
        assert certificate.verdict is not Verdict.UNDECIDED
        return list(certificate.executed)

    def _truth(self, question: Question) -> bool:
        if isinstance(question, PaymentQuestion):
            return self.eager.outcomes[self._seq(question.transaction)].succeeded
        assert isinstance(question, LowerBoundQuestion) and question.target is not None
        return self._owned(account_of(question.account)) >= question.target

    def _seq(self, name: bytes) -> Seq:
        seq = self.chain.index.seq_of(name)  # type: ignore[arg-type]
        assert seq is not None
        return seq

    def executed(self) -> dict[bytes, int]:
        """How often each transaction that runs code was executed, by hash; those that never were left out."""
        counts = {one.hash: self.outcomes.executions(one.seq) for one in self.eager.located if runs_code(one)}
        return {name: count for name, count in counts.items() if count}

    def unfunded(self) -> set[bytes]:
        """Transactions that failed for want of money, for which no code runs."""
        return {
            one.hash for one, outcome in zip(self.eager.located, self.eager.outcomes, strict=True) if not outcome.funded
        }
