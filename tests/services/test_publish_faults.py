"""Publisher, signer and node killed between every two steps of a publication: no oath is lost, and none is there twice.

The steps: each statement that writes, each commit, each call of the signer (before it signs, before and after it logs),
each call of the node (before and after it takes effect). For every k something dies at the k-th of them, until a run
has no k-th step any more.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count

import pytest
import sqlalchemy as sa

from accountant.accounting.certificate import Verdict
from accountant.chain.block import Position
from accountant.chain.query import BalanceAtLeast, decode_query
from accountant.chain.transaction import Transaction, TransactionKind
from accountant.oath.counts import counts
from accountant.oath.oath import NotAnOath, oath_of
from accountant.oath.signing import Purpose, SigningLimits
from accountant.primitives.types import Address, Amount, Hash, Height, Seq
from accountant.services.publish import Publisher, PublisherNode, PublisherPolicy, SignerAccount
from accountant.services.signing import KeySigner, Signature, SignerDown
from accountant.services.submit import NodeDown
from accountant.storage.oaths import Oaths
from tests.support.oath_node import ACCOUNTANT, CUSTOMER, ChainNode, oath_genesis
from tests.support.oath_office import TOKEN, Office, finish_job, opened_office

POLICY = PublisherPolicy(Amount(TOKEN), Amount(10_000 * TOKEN), Amount(20_000 * TOKEN), Amount(0))
VICTIMS = ("publisher", "signer", "node")
MEANWHILE = ("nothing", "a block", "a mempool lost")
"""What happens to the chain before whoever died is there again."""


class Killed(BaseException):
    """The publisher's process ends here."""


class Faults:
    """Counts steps, and has one process die at one of them. It stays dead until `revive`."""

    def __init__(self) -> None:
        self.victim, self.at, self.dead = "", 0, ""
        self.steps = 0
        self.last = ""

    def arm(self, victim: str, at: int) -> None:
        """`victim` dies at its step number `at`, counted from 0."""
        self.victim, self.at, self.dead, self.steps = victim, at, "", 0

    def revive(self) -> None:
        """All are there again, and nobody dies any more."""
        self.victim = self.dead = ""

    def step(self, of: str, name: str) -> None:
        """A step of one process's work. The publisher may die at each of them: it waits for the others."""
        if self.dead == "publisher":  # its database rolls back; nothing else of it runs
            return
        if self.dead != of and self.victim in (of, "publisher"):
            self.steps += 1
            if self.steps == self.at + 1:
                self.dead, self.last = self.victim, f"{of}: {name}"
                if self.victim == "publisher":
                    raise Killed(self.last)
        if self.dead == of == "signer":
            raise SignerDown(self.last)
        if self.dead == of == "node":
            raise NodeDown(self.last)


class DyingSigner:
    """A `Signer` with the key."""

    def __init__(self, office: Office, faults: Faults) -> None:
        limits = SigningLimits(POLICY.penalty, POLICY.deposit)
        self._faults, self._log = faults, office.signatures
        self._signer = KeySigner(ACCOUNTANT, office.node.index.genesis, limits, self._logged)

    def address(self) -> Address:
        self._faults.step("signer", "asked who it is")
        return self._signer.address()

    def sign(self, unsigned: Transaction, purse_nonce: int, bounty: bytes = b"") -> bytes:
        self._faults.step("signer", "before it signs")
        return self._signer.sign(unsigned, purse_nonce, bounty)

    def _logged(self, signature: Signature) -> None:
        self._faults.step("signer", "before it logs")
        self._log.append(signature)
        self._faults.step("signer", "before it answers")


class DyingNode:
    """A `PublisherNode` before the chain."""

    def __init__(self, node: ChainNode, faults: Faults) -> None:
        self._node, self._faults = node, faults

    def account(self, address: Address) -> SignerAccount:
        self._faults.step("node", "asked for an account")
        return self._node.account(address)

    def height(self) -> Height:
        self._faults.step("node", "asked for its height")
        return self._node.height()

    def submit(self, raw: bytes) -> None:
        self._faults.step("node", "before it takes a transaction")
        self._node.submit(raw)
        self._faults.step("node", "before it says so")


@contextmanager
def writes_as_steps(engine: sa.Engine, faults: Faults) -> Iterator[None]:
    """Each statement that writes, and each commit, is a step of the publisher's."""

    def before(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")):
            faults.step("publisher", statement.split(" SET ")[0][:60])

    def commits(_connection: object) -> None:
        faults.step("publisher", "commit")

    sa.event.listen(engine, "before_cursor_execute", before)
    sa.event.listen(engine, "commit", commits)
    yield
    sa.event.remove(engine, "before_cursor_execute", before)
    sa.event.remove(engine, "commit", commits)


class Desk(Office):
    """An office whose publisher, signer and node may die, and what must hold of it at the end."""

    def dying(self, faults: Faults) -> Publisher:
        """A new process of the publisher."""
        node: PublisherNode = DyingNode(self.node, faults)
        return Publisher(self.engine, self.node.index, node, DyingSigner(self, faults), POLICY)

    def ask(self, number: int) -> str:
        """A finished job whose question nobody else asks."""
        query = BalanceAtLeast(CUSTOMER.address, number, Position(self.node.index.head().hash, 0))
        return finish_job(self.engine, self.key_prefix, Verdict.ACCEPTED, query, True)

    def sworn(self, since: int) -> Counter[int]:
        """How many oaths that count answer each question, from this transaction on."""
        found: Counter[int] = Counter()
        for seq in range(since, self.node.index.head().next_seq):
            with suppress(NotAnOath):
                oath = oath_of(self.node.index, Seq(seq))
                query = decode_query(oath.terms.query)
                assert isinstance(query, BalanceAtLeast) and counts(self.node.index, oath).counts
                found[query.amount] += 1
        return found

    def open(self) -> int:
        """What is signed and not known to be in a block."""
        with self.engine.connect() as connection:
            return len(Oaths(connection).open(ACCOUNTANT.address))

    def unsworn(self) -> int:
        """Answers that are still to be sworn."""
        with self.engine.begin() as connection:
            return len(Oaths(connection).unsworn(1))

    def oath_of_job(self, job: str) -> Hash | None:
        """The oath that a job names."""
        return self.job(job).oath


def tried(publisher: Publisher) -> None:
    """A round, whoever dies in it."""
    with suppress(Killed, NodeDown):
        publisher.round()


def came(desk: Desk, meanwhile: str) -> None:
    """What happened to the chain while somebody was dead."""
    if meanwhile == "a block":
        desk.node.make_block()
    elif meanwhile == "a mempool lost":
        desk.node.forget()


def settle(desk: Desk, publisher: Publisher) -> None:
    """Rounds and blocks until nothing is left to do, one of each at least."""
    for _ in range(5):
        publisher.round()
        if not desk.open() and not desk.unsworn():
            return
        desk.node.make_block()
    raise AssertionError("it does not come to an end")


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    with opened_office(database_url, oath_genesis()) as opened:
        yield Desk(*opened)


@pytest.mark.parametrize(
    ("victim", "meanwhile"),
    [*(("publisher", (what,)) for what in MEANWHILE), ("signer", MEANWHILE), ("node", MEANWHILE)],
)
def test_every_answer_is_sworn_once(desk: Desk, victim: str, meanwhile: tuple[str, ...]) -> None:
    """Reserve, sign, log, store, submit, include, settle, two answers at once: whoever dies at whichever step, each
    answer has exactly one oath, which counts, and the job names it."""
    faults, numbers = Faults(), count(1)
    ready = desk.dying(faults)
    for _ in range(3):
        ready.round()
        desk.node.make_block()
    with writes_as_steps(desk.engine, faults):
        for at in count():
            since = desk.node.index.head().next_seq
            asked = {number: desk.ask(number) for number in (next(numbers), next(numbers))}
            publisher = desk.dying(faults)
            faults.arm(victim, at)
            for _ in range(2):  # the second one settles
                tried(publisher)
                if faults.dead:
                    break
                desk.node.make_block()
            died = faults.last if faults.dead else None
            faults.revive()
            came(desk, meanwhile[at % len(meanwhile)])
            settle(desk, desk.dying(faults) if victim == "publisher" else publisher)
            assert desk.sworn(since) == dict.fromkeys(asked, 1), died
            assert desk.open() == 0, died
            for seq in range(since, desk.node.index.head().next_seq):
                located = desk.node.index.transaction(Seq(seq))
                assert located.hash in {desk.oath_of_job(job) for job in asked.values()}, died
            if died is None:
                break
    assert at >= {"publisher": 20, "signer": 6, "node": 8}[victim], "the steps were there"


@pytest.mark.parametrize("victim", VICTIMS)
def test_one_purse_and_one_deposit(desk: Desk, database_url: str, victim: str) -> None:
    """The same from the very first transaction on: one purse, one deposit, and the answer that waited for both."""
    faults = Faults()
    prefix = desk.key_prefix
    for at in count():
        fresh = Desk(desk.engine, ChainNode(oath_genesis()), desk.api_key, [])
        with desk.engine.begin() as connection:
            for table in ("oaths", "signed_transactions", "outbox", "jobs"):
                connection.execute(sa.text(f"delete from accountant.{table}"))
        query = BalanceAtLeast(CUSTOMER.address, 1, Position(fresh.node.index.head().hash, 0))
        job = finish_job(desk.engine, prefix, Verdict.ACCEPTED, query, True)
        faults.arm(victim, at)
        publisher = fresh.dying(faults)
        with writes_as_steps(desk.engine, faults):
            for _ in range(4):
                tried(publisher)
                if faults.dead or (fresh.oath_of_job(job) is not None and not fresh.open()):
                    break
                fresh.node.make_block()
        died = faults.last if faults.dead else None
        faults.revive()
        came(fresh, MEANWHILE[at % 3])
        settle(fresh, fresh.dying(faults) if victim == "publisher" else publisher)
        on_chain = [fresh.node.index.transaction(seq) for seq in fresh.node.seqs()]
        kinds = [located.transaction.kind for located in on_chain]
        assert kinds == [TransactionKind.DEPLOY, TransactionKind.TRANSFER, TransactionKind.CALL], died
        assert on_chain[1].transaction.zero_value == POLICY.deposit, died
        assert on_chain[2].hash == fresh.oath_of_job(job) and fresh.sworn(0) == {1: 1}, died
        logged = {(s.purpose, s.transaction) for s in fresh.signatures}
        purposes = (Purpose.DEPLOY, Purpose.DEPOSIT, Purpose.OATH)
        assert logged >= {(p, located.hash) for p, located in zip(purposes, on_chain, strict=True)}, died
        if died is None:
            break
    assert at >= {"publisher": 25, "signer": 10, "node": 12}[victim], "the steps were there"
