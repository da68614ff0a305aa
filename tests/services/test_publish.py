"""The publisher: each finished answer is sworn once, whatever dies in between, and never beyond the deposit."""

from collections.abc import Callable, Iterator
from contextlib import suppress

import msgspec
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from accountant.accounting.certificate import Verdict
from accountant.accounting.query import ExactBalance, LowerBound, QueryQuestion
from accountant.accounting.query_answer import answer_query
from accountant.accounting.questions import ViewQuestion
from accountant.accounting.view import view
from accountant.api.answers import ViewAnswerView
from accountant.api.oath_views import OathResourceView
from accountant.chain.block import Position
from accountant.chain.genesis import GasSchedule
from accountant.chain.query import BalanceAtLeast, Income, Storage, TransactionSucceeded, View, ViewAnswer
from accountant.chain.transaction import Transaction, TransactionKind, sign_transaction
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.oath.audit import audit
from accountant.oath.audit_report import AuditQuestion
from accountant.oath.counts import counts
from accountant.oath.gas import OATH_GAS
from accountant.oath.oath import NotAnOath
from accountant.oath.signing import Purpose, SigningLimits
from accountant.oath.swear import Stamp, deposit_transaction
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.encoding import encode
from accountant.primitives.types import Address, Amount, ContractId
from accountant.services.oaths import UnknownOath, read_oath
from accountant.services.publish import Publisher, PublisherPolicy
from accountant.services.signing import KeySigner, SignerDown
from accountant.services.submit import NodeDown
from accountant.storage.oaths import Oaths, SignedState
from tests.support.oath_node import ACCOUNTANT, CUSTOMER, oath_genesis
from tests.support.oath_office import POLICY, TOKEN, Office, opened_office, store_job


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    """An office with an empty database and a chain that only has its genesis."""
    with opened_office(database_url, oath_genesis()) as opened:
        yield opened


def test_first_start_deploys_and_then_deposits(office: Office) -> None:
    """The purse is deployed once, and money follows only when the deployment is in a block; then nothing happens."""
    publisher = office.publisher()
    for _ in range(6):
        publisher.round()
        office.node.make_block()
    kinds = [office.node.index.transaction(seq).transaction.kind for seq in office.node.seqs()]
    assert kinds == [TransactionKind.DEPLOY, TransactionKind.TRANSFER]
    deposit = office.node.index.transaction(office.node.seqs()[1]).transaction
    assert deposit.zero_value == POLICY.deposit and deposit.general_value == 0


def test_a_finished_answer_is_sworn_and_counts(office: Office) -> None:
    """A done job that wished it gets one oath, which counts, and reading it says so; the job knows its oath."""
    publisher = office.settled()
    query = office.question()
    job = office.finish_job(query=query)
    assert publisher.round().sworn == 1
    office.node.make_block()
    publisher.round()
    (oath,) = office.oaths()
    assert counts(office.node.index, oath).counts
    assert oath.terms.query == encode(query) and oath.terms.answer == encode(True) and oath.terms.penalty == TOKEN
    assert office.job(job).oath == oath.located.hash
    with office.engine.connect() as connection:
        by_hash = read_oath(connection, office.node.index, oath.located.hash.hex())
        assert by_hash.id is not None and by_hash.job_id == job
        assert read_oath(connection, office.node.index, by_hash.id) == by_hash
    assert by_hash.state is SignedState.INCLUDED and by_hash.standing is not None and by_hash.standing.counts
    assert by_hash.sworn is not None and by_hash.sworn.query == query and by_hash.sworn.answer is True
    assert by_hash.sworn.swearer == ACCOUNTANT.address


def test_a_view_is_sworn_and_counts(office: Office) -> None:
    """What a worker certified of a view is sworn with the view's own gas, which the fee pays for."""
    publisher = office.settled()
    (purse,) = {office.node.index.transaction(seq).transaction.to for seq in office.node.seqs()} - {b""}
    head = Position(office.node.index.head().hash, 0)
    question = ViewQuestion(purse, "withdraw", (1,), 300_000, head)
    certificate = view(office.node.index, MemoryOutcomes(), question)
    job = store_job(office.engine, office.key_prefix, certificate)
    assert publisher.round().sworn == 1
    office.node.make_block()
    publisher.round()
    (oath,) = office.oaths()
    assert counts(office.node.index, oath).counts
    assert oath.terms.query == certificate.query and oath.terms.answer == encode(ViewAnswer("not_callable", None))
    assert oath.transaction.gas_limit == OATH_GAS + 300_000
    outcome = Selective(Session(office.node.index, MemoryOutcomes())).outcome(oath.seq)
    assert outcome.return_value == 1 and office.job(job).oath == oath.located.hash
    with office.engine.connect() as connection:
        shown = OathResourceView.of(read_oath(connection, office.node.index, oath.located.hash.hex()))
    assert shown.sworn is not None and shown.sworn.query is not None
    assert (shown.sworn.query.kind, shown.sworn.query.function, shown.sworn.query.arguments) == (
        "view",
        "withdraw",
        ["1"],
    )
    assert shown.sworn.answer == ViewAnswerView(failure="not_callable", value=None)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("balance_at_least", True),
        ("transaction_succeeded", True),
        ("income", 10 * TOKEN),
        ("storage", b""),
        ("view", ViewAnswer("not_callable", None)),
    ],
)
def test_every_kind_that_can_be_sworn_is_sworn_and_counts(office: Office, name: str, answer: object) -> None:
    """What a worker certified of each kind goes through to an oath in a block, which counts and is not slashed."""
    publisher = office.settled()
    deployment, deposit = (office.node.index.transaction(seq) for seq in office.node.seqs()[:2])
    purse, head = ContractId(deposit.transaction.to), Position(office.node.index.head().hash, 0)
    query = {
        "balance_at_least": BalanceAtLeast(purse, 5 * TOKEN, head),
        "transaction_succeeded": TransactionSucceeded(deployment.hash),
        "income": Income(deposit.hash, purse),
        "storage": Storage(purse, b"any", head),
        "view": View(purse, "withdraw", (1,), 300_000, head),
    }[name]
    certificate = answer_query(office.node.index, MemoryOutcomes(), QueryQuestion(encode(query)))
    job = store_job(office.engine, office.key_prefix, certificate)
    assert publisher.round().sworn == 1
    office.node.make_block()
    publisher.round()
    (oath,) = office.oaths()
    assert counts(office.node.index, oath).counts
    assert (oath.terms.query, oath.terms.answer) == (encode(query), encode(answer))
    assert office.job(job).oath == oath.located.hash
    outcome = Selective(Session(office.node.index, MemoryOutcomes())).outcome(oath.seq)
    assert outcome.succeeded and outcome.return_value == 1 and not outcome.debits
    with office.engine.connect() as connection:
        shown = OathResourceView.of(read_oath(connection, office.node.index, oath.located.hash.hex()))
    assert shown.sworn is not None and shown.sworn.query is not None and shown.sworn.query.kind == name


@pytest.mark.parametrize("kind", [LowerBound, ExactBalance])
def test_bounds_and_exact_balances_are_never_sworn(office: Office, kind: type[LowerBound | ExactBalance]) -> None:
    """Should such an answer wish for an oath all the same, it is declined, and nothing is signed."""
    publisher = office.settled()
    query = kind(CUSTOMER.address, Position(office.node.index.head().hash, 0))
    certificate = answer_query(office.node.index, MemoryOutcomes(), QueryQuestion(encode(query)))
    job = store_job(office.engine, office.key_prefix, certificate)
    assert (publisher.round().sworn, office.declined(job) is None) == (0, False)


def test_an_audit_is_sworn_and_counts(office: Office) -> None:
    """What an audit proved, however far its gas reached, is sworn as the deposit being there."""
    publisher = office.settled()
    purse = contract_id_of(ACCOUNTANT.address, 0)
    question = AuditQuestion(purse, Position(office.node.index.head().hash, 0), 0)
    found = audit(office.node.index, MemoryOutcomes(), question)
    job = store_job(office.engine, office.key_prefix, found)
    assert publisher.round().sworn == 1
    office.node.make_block()
    publisher.round()
    (oath,) = office.oaths()
    assert counts(office.node.index, oath).counts and office.job(job).oath == oath.located.hash
    assert oath.terms.query == encode(BalanceAtLeast(purse, 10 * TOKEN, question.position))


def test_reading_before_the_block(office: Office) -> None:
    """An oath that waits for its block can be read, but has no standing yet; unknown names are unknown."""
    publisher = office.settled()
    job = office.finish_job(query=office.question())
    office.node.down = True
    with pytest.raises(NodeDown):
        publisher.round()
    office.node.down = False
    publisher.round()
    transaction = office.job(job).oath
    assert transaction is not None
    with office.engine.connect() as connection:
        view = read_oath(connection, office.node.index, "0x" + transaction.hex())
        assert view.state is SignedState.SUBMITTED and view.standing is None and view.sworn is not None
        for name in ("oath_none", "zz", "00" * 32, "", "0x"):
            with pytest.raises(UnknownOath):
                read_oath(connection, office.node.index, name)
        deployment = office.node.index.transaction(office.node.seqs()[0]).hash
        with pytest.raises(NotAnOath):
            read_oath(connection, office.node.index, deployment.hex())


def test_who_did_not_wish_it(office: Office) -> None:
    """A job that did not ask for an oath gets none."""
    publisher = office.settled()
    office.finish_job(query=office.question(), swear=False)
    assert publisher.round().sworn == 0


@pytest.mark.parametrize(
    ("verdict", "query", "answer"),
    [
        (Verdict.UNDECIDED, "question", True),
        (Verdict.ACCEPTED, None, True),
        (Verdict.ACCEPTED, b"\xff", True),
        (Verdict.ACCEPTED, BalanceAtLeast(CUSTOMER.address, 1, Position(b"\x77" * 32, 0)), True),
        (Verdict.ACCEPTED, "question", 1),
        (Verdict.ACCEPTED, "question", b"long" * 2000),
    ],
)
def test_what_is_never_sworn(office: Office, verdict: Verdict, query: object, answer: object) -> None:
    """Undecided answers, answers to no query, void queries and answers that would not count are declined, once."""
    publisher = office.settled()
    asked = office.question() if query == "question" else query
    job = office.finish_job(verdict, asked, answer)  # type: ignore[arg-type]
    assert publisher.round().declined == 1
    assert publisher.round().declined == 0
    assert office.declined(job) and office.job(job).oath is None and office.oaths() == []


def test_an_answer_about_the_head_is_sworn_at_once(office: Office) -> None:
    """The beginning of the next block depends on nothing that is still to come, so it needs no waiting for a block."""
    publisher = office.settled()
    job = office.finish_job(query=BalanceAtLeast(CUSTOMER.address, 1, Position(office.node.state.head.hash, 0)))
    assert publisher.round().sworn == 1 and office.job(job).oath is not None
    office.node.make_block()
    (oath,) = office.oaths()
    assert counts(office.node.index, oath).counts


@pytest.mark.parametrize("nth", range(4))
@pytest.mark.parametrize("after", [False, True])
def test_a_kill_neither_repeats_nor_skips_an_oath(office: Office, nth: int, after: bool) -> None:
    """Killed right before or right after any submission, the next process goes on: three answers, three oaths."""
    submitted = 0

    def kill(raw: bytes) -> None:
        nonlocal submitted
        submitted += 1
        if submitted == nth + 1:
            if after:
                office.node.before_submit = lambda _: None
                office.node.submit(raw)
            raise Killed

    office.settled()
    for _ in range(3):
        office.finish_job(query=office.question())
    office.node.before_submit = kill
    with suppress(Killed):
        office.publisher().round()
    office.node.before_submit = lambda _: None
    for _ in range(3):
        office.publisher().round()
        office.node.make_block()
    assert len(office.oaths()) == 3 and all(counts(office.node.index, oath).counts for oath in office.oaths())


def test_a_kill_before_the_commit_signs_nothing(office: Office) -> None:
    """A database that dies under the signature leaves no oath and no gap in the nonces."""
    office.settled()
    job = office.finish_job(query=office.question())

    def broken(connection: sa.Connection) -> None:
        raise Killed

    sa.event.listen(office.engine, "commit", broken)
    with pytest.raises(Killed):
        office.publisher().round()
    sa.event.remove(office.engine, "commit", broken)
    office.engine.dispose()
    assert office.job(job).oath is None
    for _ in range(2):
        office.publisher().round()
        office.node.make_block()
    assert len(office.oaths()) == 1


def test_a_lost_mempool(office: Office) -> None:
    """What the node forgot is submitted again, byte for byte, until a block has it."""
    publisher = office.settled()
    office.finish_job(query=office.question())
    publisher.round()
    office.node.forget()
    office.node.make_block()
    assert office.oaths() == []
    publisher.round()
    office.node.make_block()
    assert len(office.oaths()) == 1
    assert office.node.submissions[-1] == office.node.submissions[-2]


def test_an_index_that_lags(office: Office) -> None:
    """While the accountant's index has not seen the block, the oath is neither given up nor sworn again."""
    publisher = office.settled()
    office.finish_job(query=office.question())
    publisher.round()
    office.node.make_block(index_follows=False)
    for _ in range(3):
        done = publisher.round()
        assert done.displaced == done.sworn == 0
    office.node.catch_up()
    assert publisher.round().included == 1 and len(office.oaths()) == 1


def test_a_nonce_taken_by_somebody_with_the_same_key(office: Office) -> None:
    """If another transaction of the key took the nonce, the oath is sworn again under a new one, and counts once."""
    publisher = office.settled()
    job = office.finish_job(query=office.question())
    publisher.round()
    first = office.job(job).oath
    office.node.forget()
    nonce = office.node.state.account(ACCOUNTANT.address).nonce
    other = deposit_transaction(Stamp(7, nonce), ContractId(CUSTOMER.address), Amount(1))
    office.node.make_block(sign_transaction(other, ACCOUNTANT))
    assert publisher.round().displaced == 1
    office.node.make_block()
    publisher.round()
    (oath,) = office.oaths()
    assert office.job(job).oath == oath.located.hash != first and counts(office.node.index, oath).counts


def test_a_displaced_deployment_takes_no_money_with_it(office: Office) -> None:
    """If the deployment's nonce is taken, no deposit was signed for the purse that will never be."""
    office.publisher().round()
    office.node.forget()
    other = deposit_transaction(Stamp(7, 0), ContractId(CUSTOMER.address), Amount(1))
    office.node.make_block(sign_transaction(other, ACCOUNTANT))
    office.settled()
    office.node.make_block()
    deposits = [
        t
        for t in (office.node.index.transaction(seq).transaction for seq in office.node.seqs())
        if t.kind is TransactionKind.TRANSFER and t.zero_value == POLICY.deposit
    ]
    deployed = [office.node.index.deployment(ContractId(t.to)) for t in deposits]
    assert len(deposits) == 1 and deployed != [None]


def test_no_penalty_beyond_the_deposit(office: Office) -> None:
    """Ten answers use up a deposit of ten; the eleventh waits for a second purse; after twenty, publishing stops."""
    publisher = office.settled()
    for _ in range(25):
        office.finish_job(query=office.question())
    with capture_logs() as logs:
        for _ in range(8):
            done = publisher.round()
            office.node.make_block()
            held = [counts(office.node.index, oath) for oath in office.oaths()]
            assert all(standing.counts for standing in held)
    assert len(office.oaths()) == 20 and done.stopped == "purse_exhausted"
    stops = [log for log in logs if log["event"] == "publisher_stopped"]
    assert len(stops) == 1 and stops[0]["code"] == "purse_exhausted"


def test_too_little_zero_cost_money(database_url: str) -> None:
    """Without money for the next transaction the publisher says so once, signs nothing, and goes on when it comes."""
    with opened_office(database_url, oath_genesis(units=1_000)) as office:
        _poor(office)


def _poor(office: Office) -> None:
    publisher = office.publisher()
    with capture_logs() as logs:
        for _ in range(3):
            assert publisher.round().stopped == "out_of_zero_cost_money"
    assert [log["event"] for log in logs] == ["publisher_stopped", "publisher_low"] and office.node.submissions == []
    gift = deposit_transaction(Stamp(7, 0), ContractId(ACCOUNTANT.address), Amount(100 * TOKEN))
    office.node.make_block(sign_transaction(gift, CUSTOMER))
    with capture_logs() as logs:
        assert publisher.round().stopped is None
    assert "publisher_goes_on" in [log["event"] for log in logs]


def test_a_chain_where_no_oath_counts(database_url: str) -> None:
    """Where the rules are others than the audited ones, nothing is sworn."""
    genesis = msgspec.structs.replace(oath_genesis(), gas=GasSchedule(query=100_001))
    with opened_office(database_url, genesis) as office:
        publisher = office.settled()
        office.finish_job(query=office.question())
        assert publisher.round().stopped == "purse_not_ready"


def test_two_publishers_on_one_database(office: Office) -> None:
    """A second publisher by mistake costs nothing: nonces are chosen one at a time, answers sworn once."""
    first, second = office.settled(), office.publisher()
    for _ in range(4):
        office.finish_job(query=office.question())
    rounds: list[Callable[[], object]] = [first.round, second.round, second.round, first.round]
    for one in rounds:
        one()
        office.node.make_block()
    assert len(office.oaths()) == 4
    with office.engine.connect() as connection:
        assert Oaths(connection).open(ACCOUNTANT.address) == []


def test_the_next_epoch_opens_without_a_gap(office: Office) -> None:
    """An answer a round, far more than one purse covers: each is sworn in the round after its job ended, and counts."""
    policy = PublisherPolicy(Amount(TOKEN), Amount(10 * TOKEN), Amount(1_000 * TOKEN), Amount(0))
    publisher = office.settled(policy)
    for _ in range(35):
        office.finish_job(query=office.question())
        done = publisher.round()
        assert (done.sworn, done.stopped) == (1, None)
        office.node.make_block()
    sworn = office.oaths()
    assert len(sworn) == 35 and all(counts(office.node.index, oath).counts for oath in sworn)
    purses = list(dict.fromkeys(oath.contract for oath in sworn))
    assert len(purses) == 4, "ten oaths each, the next one opened before the last is used up"
    deposits = [s for s in office.signatures if s.purpose is Purpose.DEPOSIT]
    assert [s.to for s in deposits][: len(purses)] == purses, "one deposit for each purse"


def test_the_alarm_comes_before_the_end(database_url: str) -> None:
    """Running low on zero-cost money is told once, while oaths are still published; and its end is told too."""
    policy = PublisherPolicy(Amount(TOKEN), Amount(10 * TOKEN), Amount(20 * TOKEN), Amount(5 * TOKEN))
    with opened_office(database_url, oath_genesis(units=12 * TOKEN)) as office:
        with capture_logs() as logs:
            publisher = office.settled(policy)
            office.finish_job(query=office.question())
            done = publisher.round()
            assert done.low and done.stopped is None and done.sworn == 1
        assert [log["event"] for log in logs if log["log_level"] == "warning"] == ["publisher_low"]
        gift = deposit_transaction(Stamp(7, 0), ContractId(ACCOUNTANT.address), Amount(50 * TOKEN))
        office.node.make_block(sign_transaction(gift, CUSTOMER))
        with capture_logs() as logs:
            assert not publisher.round().low
        assert "publisher_low_no_more" in [log["event"] for log in logs]


class _Absent:
    """A signer that is down."""

    def address(self) -> Address:
        raise SignerDown("nobody there")

    def sign(self, unsigned: Transaction, purse_nonce: int, bounty: bytes = b"") -> bytes:
        raise SignerDown("nobody there")


class _Dying(_Absent):
    """A signer that dies when it is to sign."""

    def address(self) -> Address:
        return ACCOUNTANT.address


def test_without_a_signer_nothing_is_lost(office: Office) -> None:
    """While the signer is away the publisher says so and signs nothing; later it goes on, each answer sworn once."""
    office.settled()
    job = office.finish_job(query=office.question())
    for signer in (_Absent(), _Dying()):
        without = Publisher(office.engine, office.node.index, office.node, signer, POLICY)
        assert without.round().stopped == "signer_unavailable"
        assert office.job(job).oath is None
    office.publisher().round()
    office.node.make_block()
    assert len(office.oaths()) == 1


def test_what_the_signer_refuses_is_not_sworn(office: Office) -> None:
    """A penalty above what the signer's own limits allow is refused there, whatever the publisher was set to."""
    office.settled()
    job = office.finish_job(query=office.question())
    limits = SigningLimits(Amount(TOKEN - 1), POLICY.deposit)
    strict = KeySigner(ACCOUNTANT, office.node.index.genesis, limits, office.signatures.append)
    publisher = Publisher(office.engine, office.node.index, office.node, strict, POLICY)
    assert publisher.round().stopped == "not_signed"
    assert office.job(job).oath is None and office.node.submissions[-1:] == office.node.submissions[1:2]


def test_no_signature_without_its_log_entry(office: Office) -> None:
    """If the log of signatures cannot be written, nothing signed leaves the signer."""

    def full(_signature: object) -> None:
        raise OSError("no space left")

    office.settled()
    limits = SigningLimits(POLICY.penalty, POLICY.deposit)
    signer = KeySigner(ACCOUNTANT, office.node.index.genesis, limits, full)
    job = office.finish_job(query=office.question())
    with pytest.raises(OSError, match="no space left"):
        Publisher(office.engine, office.node.index, office.node, signer, POLICY).round()
    assert office.job(job).oath is None
