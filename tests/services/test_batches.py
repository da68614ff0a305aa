"""Answers sworn together: which ones go into one oath, and that crashes lose and repeat none of them."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.accounting.certificate import Verdict
from accountant.chain.block import Position
from accountant.chain.footprint import QUERY_BYTES_MAX
from accountant.chain.query import (
    PARTS_MOST,
    AccountingQuery,
    BalanceAtLeast,
    Every,
    Storage,
    View,
    ViewAnswer,
    decode_answer,
    decode_query,
)
from accountant.chain.transaction import sign_transaction
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.oath.counts import counts
from accountant.oath.oath import SwornTerms
from accountant.oath.purse import slash_of
from accountant.oath.swear import Stamp, deposit_transaction
from accountant.oath.sworn import SWORN_ANSWER_BYTES_MAX, answer_flaw
from accountant.primitives.encoding import encode
from accountant.primitives.hashes import sha256
from accountant.primitives.types import BLACKHOLE, Address, Amount, ContractId
from accountant.services.ask import OathWish
from accountant.services.batches import Batch, ToSwear, batches_of
from accountant.services.oaths import read_oath
from accountant.storage.keys_store import Keys, StoredKey
from tests.support.oath_node import ACCOUNTANT, CUSTOMER, oath_genesis
from tests.support.oath_office import TOKEN, Office, finish_job, opened_office

HERE = Position(b"\x11" * 32, 0)
TOGETHER = OathWish(together=True)


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    """An office with an empty database and a chain that only has its genesis."""
    with opened_office(database_url, oath_genesis()) as opened:
        yield opened


def to_swear(
    number: int, query: AccountingQuery, answer: object = True, together: bool = True, beneficiary: Address = BLACKHOLE
) -> ToSwear:
    return ToSwear(number, SwornTerms(encode(query), encode(answer), Amount(TOKEN), beneficiary), together)


def owns(units: int) -> BalanceAtLeast:
    return BalanceAtLeast(CUSTOMER.address, units, HERE)


def jobs_of(batch: Batch) -> list[tuple[int, int | None]]:
    return [(one.job_number, one.part) for one in batch.answered]


def test_who_agreed_goes_together() -> None:
    """In order, each knowing its place; who did not agree, or names another beneficiary, or asked a view, does not."""
    view = View(b"\xcc" * 32, "price", (), 0, HERE)
    batches = batches_of(
        [
            to_swear(0, owns(1)),
            to_swear(1, owns(2), together=False),
            to_swear(2, owns(3), False),
            to_swear(3, owns(4), beneficiary=CUSTOMER.address),
            to_swear(4, view, ViewAnswer(None, 5)),
            to_swear(5, owns(5), beneficiary=CUSTOMER.address),
            to_swear(6, Every((owns(6), owns(7))), (True, True)),
        ]
    )
    assert [jobs_of(batch) for batch in batches] == [
        [(0, 0), (2, 1)],
        [(1, None)],
        [(3, 0), (5, 1)],
        [(4, None)],
        [(6, None)],
    ]
    assert batches[0].terms.query == encode(Every((owns(1), owns(3))))
    assert batches[0].terms.answer == encode((True, False)) and batches[0].terms.penalty == TOKEN
    assert batches[2].terms.beneficiary == CUSTOMER.address and batches[3].terms.query == encode(view)


def test_one_query_asked_twice() -> None:
    """It is sworn once for both; where the two answers differ one is wrong, so it spoils nobody else's oath."""
    assert [jobs_of(batch) for batch in batches_of([to_swear(n, owns(1)) for n in (3, 4)])] == [[(3, None), (4, None)]]
    batches = batches_of(
        [to_swear(0, owns(1)), to_swear(1, owns(1), False), to_swear(2, owns(2)), to_swear(3, owns(1))]
    )
    assert [jobs_of(batch) for batch in batches] == [[(0, 0), (2, 1), (3, 0)], [(1, None)]]
    assert batches[0].terms.answer == encode((True, True))


PART = st.one_of(
    st.builds(lambda n: (owns(n), True), st.integers(0, 30)),
    st.builds(
        lambda n, m: (Storage(b"\xdd" * 32, b"s" * n, HERE), b"v" * m), st.integers(0, 128), st.integers(0, 4_000)
    ),
)


@settings(max_examples=200)
@given(st.lists(st.tuples(PART, st.booleans(), st.sampled_from([BLACKHOLE, CUSTOMER.address])), max_size=60))
def test_every_answer_is_sworn_once_and_within_the_limits(
    drawn: list[tuple[tuple[AccountingQuery, object], bool, Address]],
) -> None:
    """Whatever agrees, each job is answered by exactly one oath, its own query and answer in their place."""
    answers = [to_swear(n, query, said, agreed, to) for n, ((query, said), agreed, to) in enumerate(drawn)]
    seen = {}
    for batch in batches_of(answers):
        query, answer = decode_query(batch.terms.query), decode_answer(batch.terms.answer)
        assert len(batch.terms.query) <= QUERY_BYTES_MAX and len(batch.terms.answer) <= SWORN_ANSWER_BYTES_MAX
        assert answer_flaw(batch.terms.query, batch.terms.answer) is None
        for number, part in batch.answered:
            assert number not in seen
            asked = answers[number]
            assert batch.terms.beneficiary == asked.terms.beneficiary
            if part is None:
                seen[number] = query, answer
            else:
                assert asked.together and isinstance(query, Every) and isinstance(answer, tuple)
                assert 2 <= len(query.queries) <= PARTS_MOST
                seen[number] = query.queries[part], answer[part]
            assert (encode(seen[number][0]), encode(seen[number][1])) == (asked.terms.query, asked.terms.answer)
    assert seen.keys() == set(range(len(answers)))


def questions(office: Office, count: int) -> list[BalanceAtLeast]:
    """Does the customer own 1, 2, … units at the head?"""
    head = Position(office.node.index.head().hash, 0)
    return [BalanceAtLeast(CUSTOMER.address, units + 1, head) for units in range(count)]


def test_answers_of_one_round_become_one_oath(office: Office) -> None:
    """It counts, costs one fee and one penalty, and each client reads its own answer in it, and only its own job."""
    publisher = office.settled()
    other = "0123456789ab"
    with office.engine.begin() as connection:
        Keys(connection).add(StoredKey(other, sha256(b"other")))
    asked = questions(office, 3)
    mine = [office.finish_job(query=query, wish=TOGETHER) for query in asked[:2]]
    theirs = finish_job(office.engine, other, Verdict.ACCEPTED, asked[2], True, wish=TOGETHER)
    alone = office.finish_job(query=asked[0])
    assert publisher.round().sworn == 4
    with office.engine.connect() as connection:
        waiting = read_oath(connection, office.node.index, office.job(theirs).oath.hex(), other)  # type: ignore[union-attr]
    assert waiting.part is not None and waiting.part.query == asked[2]
    office.node.make_block()
    publisher.round()
    together, single = office.oaths()
    assert all(counts(office.node.index, oath).counts for oath in (together, single))
    assert single.terms.query == encode(asked[0]) and office.job(alone).oath == single.located.hash
    name = together.located.hash.hex()
    with office.engine.connect() as connection:
        for number, (job, key) in enumerate(
            [(mine[0], office.key_prefix), (mine[1], office.key_prefix), (theirs, other)]
        ):
            assert office.job(job).oath == together.located.hash
            oath_id = connection.exec_driver_sql(
                "select oaths.id from accountant.oaths join accountant.jobs on number = job_number where jobs.id = %s",
                (job,),
            ).scalar_one()
            view = read_oath(connection, office.node.index, oath_id, key)
            assert view.job_id == job and view.part is not None
            assert (view.part.number, view.part.query, view.part.answer) == (number, asked[number], True)
        assert read_oath(connection, office.node.index, name, office.key_prefix).job_id == mine[0]
        assert read_oath(connection, office.node.index, name, other).job_id == theirs
        assert read_oath(connection, office.node.index, name, "ffffffffffff").job_id is None


def test_one_false_answer_in_it_is_slashed_once(office: Office) -> None:
    """The penalty that several answers share is lost when any of them is a lie; the beneficiary gets its half."""
    publisher = office.settled()
    for number, query in enumerate(questions(office, 3)):
        wish = OathWish(together=True, beneficiary=CUSTOMER.address)
        office.finish_job(query=query, answer=number != 1, wish=wish)
    publisher.round()
    office.node.make_block()
    (oath,) = office.oaths()
    outcome = Selective(Session(office.node.index, MemoryOutcomes())).outcome(oath.seq)
    burnt, paid = slash_of(Amount(TOKEN), CUSTOMER.address)
    assert outcome.debit_of(oath.contract) == TOKEN == burnt + paid
    assert (outcome.credit_of(BLACKHOLE), outcome.credit_of(CUSTOMER.address)) == (burnt, paid)


def test_more_than_one_query_holds(office: Office) -> None:
    """Twenty answers are two oaths; the deposit is staked once for each oath, not for each answer."""
    publisher = office.settled()
    for query in questions(office, 20):
        office.finish_job(query=query, wish=TOGETHER)
    assert publisher.round().sworn == 20
    office.node.make_block()
    oaths = office.oaths()
    sizes = [len(decode_query(oath.terms.query).queries) for oath in oaths]  # type: ignore[union-attr]
    assert sum(sizes) == 20 and len(oaths) <= 3 and all(size <= PARTS_MOST for size in sizes)
    assert all(counts(office.node.index, oath).counts for oath in oaths)


@pytest.mark.parametrize("after", [False, True])
def test_a_kill_neither_repeats_nor_skips_an_answer(office: Office, after: bool) -> None:
    """Killed right before or right after the submission, the next process goes on: three answers, one oath."""

    def kill(raw: bytes) -> None:
        if after:
            office.node.before_submit = lambda _: None
            office.node.submit(raw)
        raise Killed

    office.settled()
    jobs = [office.finish_job(query=query, wish=TOGETHER) for query in questions(office, 3)]
    office.node.before_submit = kill
    with suppress(Killed):
        office.publisher().round()
    office.node.before_submit = lambda _: None
    for _ in range(3):
        office.publisher().round()
        office.node.make_block()
    (oath,) = office.oaths()
    assert {office.job(job).oath for job in jobs} == {oath.located.hash} and counts(office.node.index, oath).counts


def test_a_taken_nonce_frees_all_of_them(office: Office) -> None:
    """If another transaction of the key took the nonce, every answer is sworn again, together, under a new one."""
    publisher = office.settled()
    jobs = [office.finish_job(query=query, wish=TOGETHER) for query in questions(office, 3)]
    publisher.round()
    first = office.job(jobs[0]).oath
    office.node.forget()
    nonce = office.node.state.account(ACCOUNTANT.address).nonce
    other = deposit_transaction(Stamp(7, nonce), ContractId(CUSTOMER.address), Amount(1))
    office.node.make_block(sign_transaction(other, ACCOUNTANT))
    assert publisher.round().displaced == 1
    office.node.make_block()
    publisher.round()
    (oath,) = office.oaths()
    assert {office.job(job).oath for job in jobs} == {oath.located.hash} != {first}


def test_a_beneficiary_of_ones_own(office: Office) -> None:
    """Whom the client named stands in the oath; who named nobody has all of it burnt."""
    publisher = office.settled()
    first, second = questions(office, 2)
    office.finish_job(query=first, wish=OathWish(beneficiary=CUSTOMER.address))
    office.finish_job(query=second)
    publisher.round()
    office.node.make_block()
    named, burnt = office.oaths()
    assert (named.terms.beneficiary, burnt.terms.beneficiary) == (CUSTOMER.address, BLACKHOLE)
    assert counts(office.node.index, named).counts
