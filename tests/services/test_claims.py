"""Claims: a bounty's question is answered, committed to, revealed and collected once each, whatever dies in between."""

from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from accountant.accounting.certificate import QueryCertificate, Verdict
from accountant.accounting.query import QueryQuestion
from accountant.accounting.query_answer import answer_query
from accountant.chain.block import Position
from accountant.chain.envelope import OpenAccess
from accountant.chain.query import AccountingQuery, BalanceAtLeast, TransactionSucceeded, View
from accountant.chain.transaction import DeployPayload, decode_call, sign_transaction
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.oath.bounty import Claim, bounty_of
from accountant.oath.bounty_calls import collect_transaction, commit_transaction, reveal_transaction
from accountant.oath.bounty_code import BOUNTY_CODE, BOUNTY_ENVELOPE
from accountant.oath.swear import deposit_transaction
from accountant.primitives.addresses import show
from accountant.primitives.encoding import encode
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Amount, ContractId, Gas, Hash, Seq
from accountant.services import claims as claims_module
from accountant.services.claims import Claims
from accountant.services.signing import SignerDown
from accountant.services.submit import NodeDown
from accountant.storage.bounties import Bounties, BountyState
from accountant.storage.jobs import Jobs
from tests.support.bounty_office import (
    BOND,
    BOUNTIES,
    COMMIT_BLOCKS,
    REVEAL_BLOCKS,
    REWARD,
    RIVAL,
    TOKEN,
    BountyOffice,
    bounty_genesis,
    opened_bounty_office,
)
from tests.support.oath_node import ACCOUNTANT, CUSTOMER

MORE_CODE = BOUNTY_CODE + b"\x00\x02\x01x"
"""With a custom section: it does the same, and is not the audited code."""
CLAIM = ["commit", "reveal", "collect"]
ROUNDS = 3 + COMMIT_BLOCKS + REVEAL_BLOCKS + 6
"""Blocks after which every claim has ended."""


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def office(database_url: str) -> Iterator[BountyOffice]:
    """An office with an empty database and a chain that only has its genesis."""
    with opened_bounty_office(database_url) as opened:
        yield opened


def to_the_end(office: BountyOffice, claims: Claims | None = None, rounds: int = ROUNDS) -> None:
    """Rounds and blocks, until everything has ended."""
    office.go_on(claims or office.claims(), office.publisher(), rounds)


def by_me(office: BountyOffice) -> list[tuple[str, Seq]]:
    """The accountant's calls of bounties on the chain, in order."""
    found = []
    for seq in office.office.node.seqs():
        located = office.office.node.index.transaction(seq)
        if located.sender == ACCOUNTANT.address and located.transaction.to in office.listed:
            found.append((decode_call(located.transaction.payload).function, seq))
    return found


def test_a_bounty_is_won(office: BountyOffice) -> None:
    """From its deployment to the reward: one job, one commitment, one revelation, one collecting; executed, each of
    them succeeds, and the accountant gets bond and reward; its oaths' purse is opened from the same nonces."""
    contract = office.open(office.settled_payment())
    claims, publisher = office.claims(), office.publisher()
    seen: list[BountyState] = []
    for _ in range(ROUNDS):
        office.go_on(claims, publisher)
        if not seen or seen[-1] != office.row(contract).state:
            seen.append(office.row(contract).state)
    assert seen == [
        BountyState.ASKED,
        BountyState.CLAIMED,
        BountyState.REVEALED,
        BountyState.COLLECTING,
        BountyState.WON,
    ]
    assert office.row(contract).due == REWARD + BOND and len(office.jobs()) == 2
    calls = by_me(office)
    assert [name for name, _ in calls] == CLAIM
    outcomes = [office.outcome(seq) for _, seq in calls]
    assert all(outcome.succeeded for outcome in outcomes)
    assert outcomes[2].credit_of(ACCOUNTANT.address) >= REWARD + BOND
    nonces = [nonce for nonce, _ in office.signed([*CLAIM, "deploy", "deposit"])]
    assert nonces == list(range(5))
    assert {each.purpose.value for each in office.office.signatures} == {*CLAIM, "deploy", "deposit"}


def test_what_is_false_is_claimed_as_false(office: BountyOffice) -> None:
    """A balance that is not there, a view, an amount: whatever the answer is, it is the one that is paid."""
    office.settled_payment()
    head = Position(office.office.node.index.head().hash, 0)
    questions: list[AccountingQuery] = [
        BalanceAtLeast(CUSTOMER.address, 10**6 * TOKEN, head),
        View(sha256(b"nowhere"), "f", (), 5_000, head),
    ]
    office.settled_payment()
    first = office.open(questions[0])
    to_the_end(office)
    assert office.row(first).state is BountyState.WON and office.row(first).answer == encode(False)
    nothing = office.open(questions[1])  # a view of a contract that nothing deploys is a question for nobody
    to_the_end(office, rounds=2)
    assert (office.row(nothing).state, office.row(nothing).reason) == (BountyState.DECLINED, "no_question")


def test_what_is_committed_to_is_hidden(office: BountyOffice) -> None:
    """Until it is revealed no transaction has the salt in it, and nobody sees that two commitments, of bounties on one
    query, are to the same answer."""
    query = office.settled_payment()
    contracts = [office.open(query), office.open(query)]
    to_the_end(office, rounds=4)
    rows = [office.row(contract) for contract in contracts]
    assert [row.state for row in rows] == [BountyState.CLAIMED] * 2
    salts = [row.salt for row in rows]
    assert salts[0] != salts[1]
    for (_, seq), salt in zip(by_me(office), salts, strict=True):
        raw = encode(office.office.node.index.transaction(seq).transaction)
        assert salt is not None and raw.find(salt) == -1
    arguments = [decode_call(office.office.node.index.transaction(seq).transaction.payload) for _, seq in by_me(office)]
    assert arguments[0] != arguments[1]


# Others who claim


def test_a_bounty_that_somebody_claimed_before_is_left_to_him(office: BountyOffice) -> None:
    """Whoever is first among the right is paid: behind a commitment that is surely there nothing is asked and nothing
    signed; one that surely fails is no reason."""
    query = office.settled_payment()
    taken, free = office.open(query), office.open(query)
    _, commitment = office.rival(taken, True)
    office.include(RIVAL, commitment)
    _, poor = office.rival(free, True)
    office.include(RIVAL, msgspec.structs.replace(poor, zero_value=BOND - 1))
    to_the_end(office)
    assert (office.row(taken).state, office.row(taken).reason) == (BountyState.DECLINED, "claimed_before")
    assert office.row(free).state is BountyState.WON
    assert [name for name, _ in by_me(office)] == CLAIM


def test_a_rival_who_comes_while_the_answer_is_found(office: BountyOffice) -> None:
    """The answer is there, and no bond is put up behind his."""
    contract = office.open(office.settled_payment())
    claims = office.claims()
    claims.round()
    office.work()
    _, commitment = office.rival(contract, True)
    office.include(RIVAL, commitment)
    to_the_end(office, claims)
    assert (office.row(contract).state, office.row(contract).reason) == (BountyState.DECLINED, "claimed_before")
    assert by_me(office) == []


def test_won_already_by_an_earlier_right_claim(office: BountyOffice) -> None:
    """A rival's commitment stands before ours in the same block, and is right: we reveal nevertheless, for the bond,
    and take that and no more."""
    contract = office.open(office.settled_payment())
    claims, publisher = office.claims(), office.publisher()
    claims.round()
    office.work()
    claims.round()
    publisher.round()
    claim, commitment = office.rival(contract, True)
    office.include(RIVAL, commitment)  # and what waits, behind it
    to_the_end(office, claims, COMMIT_BLOCKS)
    office.include(RIVAL, reveal_transaction(office.stamp(RIVAL), contract, RIVAL.address, claim))
    to_the_end(office, claims)
    row = office.row(contract)
    assert (row.state, row.reason, row.due) == (BountyState.LOST, "earlier_claim", BOND)
    (won,) = office.include(
        RIVAL, collect_transaction(office.stamp(RIVAL), contract, RIVAL.address, Amount(REWARD + BOND))
    )
    assert office.outcome(won).succeeded
    assert [name for name, _ in by_me(office)] == CLAIM
    assert all(office.outcome(seq).succeeded for _, seq in by_me(office))


def test_a_copied_commitment_is_worth_nothing(office: BountyOffice) -> None:
    """Somebody commits to our commitment, and reveals our answer with our salt: his bond is lost, and we are paid."""
    contract = office.open(office.settled_payment())
    claims = office.claims()
    to_the_end(office, claims, 3)
    ((_, committed),) = by_me(office)
    ours = decode_call(office.office.node.index.transaction(committed).transaction.payload).arguments[0]
    assert isinstance(ours, bytes)
    copied = commit_transaction(office.stamp(RIVAL), contract, RIVAL.address, Amount(BOND), Hash(ours))
    (seq,) = office.include(RIVAL, copied)
    to_the_end(office, claims, COMMIT_BLOCKS + 1)
    (_, _), (_, revealed) = by_me(office)
    query, answer, salt = decode_call(office.office.node.index.transaction(revealed).transaction.payload).arguments
    assert isinstance(query, bytes) and isinstance(answer, bytes) and isinstance(salt, bytes)
    stolen = Claim(query, answer, Hash(salt))
    (theft,) = office.include(RIVAL, reveal_transaction(office.stamp(RIVAL), contract, RIVAL.address, stolen))
    assert office.outcome(seq).succeeded and office.outcome(theft).detail == "something else was committed to"
    to_the_end(office, claims)
    assert office.row(contract).state is BountyState.WON
    grab = collect_transaction(office.stamp(RIVAL), contract, RIVAL.address, Amount(BOND))
    (nothing,) = office.include(RIVAL, grab)
    assert office.outcome(nothing).detail == "nothing is due"


# Bounties that are not answered


def reason_of(office: BountyOffice, contract: ContractId) -> tuple[BountyState, str | None]:
    """How a bounty ended, and why."""
    return office.row(contract).state, office.row(contract).reason


def test_undecided_answers_are_never_claimed(office: BountyOffice) -> None:
    """A job that ends undecided, fails, or was cancelled: nothing is signed."""
    contracts = [office.open(office.settled_payment(), commit_blocks=20) for _ in range(3)]
    claims = office.claims()
    claims.round()
    for contract, ending in zip(contracts, ("undecided", "failed", "cancelled"), strict=True):
        name = office.row(contract).job
        assert name is not None
        with office.office.engine.begin() as connection:
            jobs = Jobs(connection)
            row = jobs.get(name)
            assert row is not None
            if ending == "cancelled":
                jobs.cancel(row.number)
                continue
            lease = jobs.take(name, "worker", 60.0)
            assert lease is not None
            if ending == "failed":
                assert jobs.fail(lease, "too_heavy", "it was too heavy")
            else:
                assert jobs.finish(lease, encode(undecided(office, contract)), 0)
    to_the_end(office, claims)
    reasons = [reason_of(office, contract) for contract in contracts]
    assert reasons == [(BountyState.DECLINED, why) for why in ("undecided", "no_answer", "no_answer")]
    assert by_me(office) == []


def undecided(office: BountyOffice, contract: ContractId) -> QueryCertificate:
    """What a worker says whose budget was spent."""
    index = office.office.node.index
    query = bounty_of(index, contract).terms.query
    answered = answer_query(index, MemoryOutcomes(), QueryQuestion(query))
    assert isinstance(answered, QueryCertificate)
    return msgspec.structs.replace(answered, verdict=Verdict.UNDECIDED, answer=None)


def test_a_look_alike_is_no_bounty(office: BountyOffice) -> None:
    """Other code under the same functions, though somebody listed it: it is never a row, and nothing is signed. With
    the audited code and an envelope that lets others in, it is declined."""
    query = encode(office.settled_payment())
    arguments = (query, BOND, COMMIT_BLOCKS, REVEAL_BLOCKS)
    admitting = msgspec.structs.replace(BOUNTY_ENVELOPE, open=OpenAccess(debit_most=1))
    look_alike, open_to_all = (
        office.open(query, payload=encode(DeployPayload(code, envelope, arguments)), gas_limit=10**7)
        for code, envelope in ((MORE_CODE, BOUNTY_ENVELOPE), (BOUNTY_CODE, admitting))
    )
    assert all(office.office.node.index.deployment(c) is not None for c in (look_alike, open_to_all))
    with capture_logs() as logs:
        to_the_end(office, rounds=3)
    assert [log["contract"] for log in logs if log["event"] == "not_a_bounty"] == [show(look_alike)]
    with office.office.engine.connect() as connection:
        assert Bounties(connection).get(look_alike) is None
    assert reason_of(office, open_to_all) == (BountyState.DECLINED, "other_envelope")
    assert by_me(office) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"zero_value": 0, "general_value": REWARD, "gas_limit": 10**7}, "unfunded"),
        ({"bond": REWARD - 1}, "bad_terms"),
        ({"reward": 0}, "bad_terms"),
        ({"footprint": ()}, "uncertain_deployment"),
        ({"commit_blocks": BOUNTIES.blocks - 1}, "too_few_blocks"),
        ({"reveal_blocks": BOUNTIES.blocks - 1}, "too_few_blocks"),
        ({"bond": BOUNTIES.bond + 1}, "bond_too_high"),
        ({"reward": 1_000}, "not_worth_it"),
    ],
)
def test_what_is_not_worth_an_answer(office: BountyOffice, changes: dict[str, Any], reason: str) -> None:
    """It is declined at first sight, for its own reason, before anything is asked or signed."""
    contract = office.open(office.settled_payment(), **changes)
    office.claims().round()
    office.claims().round()
    assert reason_of(office, contract) == (BountyState.DECLINED, reason)
    assert office.jobs() == [] and office.office.signatures == []


def test_a_query_that_makes_revealing_dear(office: BountyOffice) -> None:
    """A view's whole gas is paid for by whoever reveals: more than the fee allows is declined."""
    office.settled_payment()
    purse = office.open(office.settled_payment())
    view = View(purse, "reward_of", (), BOUNTIES.fee, Position(office.office.node.index.head().hash, 0))
    office.settled_payment()
    contract = office.open(view, reward=5 * TOKEN, bond=6 * TOKEN)
    office.claims().round()
    assert reason_of(office, contract) == (BountyState.DECLINED, "fee_too_high")


def test_an_answer_that_costs_more_than_is_spent(office: BountyOffice) -> None:
    """While it is too dear it stays open with the reason; it is asked once others have executed it, or expires."""
    paying = deposit_transaction(office.stamp(CUSTOMER), ContractId(RIVAL.address), Amount(0))
    general = msgspec.structs.replace(paying, general_value=5, gas_limit=2_000)
    seqs = office.include(CUSTOMER, general, msgspec.structs.replace(general, nonce=general.nonce + 1))
    queries = [TransactionSucceeded(located.hash) for located in office.office.node.index.transactions(seqs)]
    executed, never = (office.open(query) for query in queries)
    claims = office.claims(BOUNTIES._replace(gas=Gas(0)))
    to_the_end(office, claims, 1)
    assert [reason_of(office, c) for c in (executed, never)] == [(BountyState.OPEN, "too_dear")] * 2
    Selective(Session(office.office.node.index, office.outcomes)).outcome(seqs[0])
    to_the_end(office, claims)
    assert reason_of(office, executed) == (BountyState.WON, None)
    assert reason_of(office, never) == (BountyState.EXPIRED, "too_dear")
    assert [name for name, _ in by_me(office)] == ["commit", "reveal", "collect"]


def test_a_question_about_the_future(office: BountyOffice) -> None:
    """A transaction that is on no chain yet: nothing is asked while it is not, the bounty is answered once it is, and
    expires where it never comes."""
    later = deposit_transaction(office.stamp(CUSTOMER)._replace(nonce=2), ContractId(bytes(32)), Amount(7))
    raw = sign_transaction(later, CUSTOMER)
    comes, never = office.open(TransactionSucceeded(sha256(raw))), office.open(TransactionSucceeded(bytes(32)))
    claims = office.claims()
    claims.round()
    assert [reason_of(office, c) for c in (comes, never)] == [(BountyState.OPEN, "void_query")] * 2
    assert office.jobs() == []
    office.office.node.make_block(raw)
    to_the_end(office, claims)
    assert reason_of(office, comes) == (BountyState.WON, None)
    assert reason_of(office, never) == (BountyState.EXPIRED, "void_query")


def test_an_expired_bounty(office: BountyOffice) -> None:
    """Seen when commitments have ended, or answered only then: nothing is signed, and the client gets it all back."""
    seen_late = office.open(office.settled_payment())
    office.until(office.office.node.index.head().height + COMMIT_BLOCKS)
    answered_late = office.open(office.settled_payment())
    claims = office.claims()
    claims.round()
    office.until(office.office.node.index.head().height + COMMIT_BLOCKS)
    office.work()
    to_the_end(office, claims)
    assert reason_of(office, seen_late) == (BountyState.EXPIRED, "seen_too_late")
    assert reason_of(office, answered_late) == (BountyState.EXPIRED, "answered_too_late")
    assert by_me(office) == []
    for contract in (seen_late, answered_late):
        assert office.reclaim(contract, REWARD).succeeded


def test_many_bounties_are_judged_some_in_a_round(office: BountyOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that wait longest come first, and each again with a new block; more claims than there may be at a time wait
    their turn."""
    monkeypatch.setattr(claims_module, "JUDGED_MOST", 2)
    monkeypatch.setattr(claims_module, "UNDER_WAY_MOST", 2)
    void = [office.open(TransactionSucceeded(bytes(32)), commit_blocks=60) for _ in range(3)]
    good = [office.open(office.settled_payment(), commit_blocks=60) for _ in range(3)]
    claims = office.claims()
    for _ in range(3):
        claims.round()
    states = sorted(office.row(contract).state for contract in good)
    assert states == [BountyState.ASKED, BountyState.ASKED, BountyState.OPEN]
    assert all(office.row(contract).state is BountyState.OPEN for contract in void)
    monkeypatch.setattr(claims_module, "UNDER_WAY_MOST", 4)
    office.settled_payment()
    for _ in range(2):
        claims.round()
    assert all(office.row(contract).state is BountyState.ASKED for contract in good)


# Money, and the signer


def test_bonds_have_a_limit(office: BountyOffice) -> None:
    """All bonds ever put up count, those that came back too; what is left over stays open and expires."""
    contracts = [office.open(office.settled_payment(), commit_blocks=20) for _ in range(3)]
    to_the_end(office, office.claims(BOUNTIES._replace(bonded_most=Amount(2 * BOND))), 35)
    reasons = sorted(reason_of(office, contract) for contract in contracts)
    assert reasons == [(BountyState.EXPIRED, "bonds_exhausted"), (BountyState.WON, None), (BountyState.WON, None)]
    assert sum(each.bond for each in office.office.signatures) == 2 * BOND


def test_the_signers_limits_are_its_own(office: BountyOffice) -> None:
    """A publisher that would put up more than the signer does gets no signature, and lets the bounty be."""
    contract = office.open(office.settled_payment())
    strict = office.limits()._replace(bond=Amount(BOND - 1))
    to_the_end(office, office.claims(limits=strict))
    assert reason_of(office, contract) == (BountyState.DECLINED, "not_signed")
    assert [each for each in office.office.signatures if each.bond] == []


def test_without_money_a_claim_waits(database_url: str) -> None:
    """Bond and all fees have to be there before a claim is made: one that could never be revealed loses its bond."""
    with opened_bounty_office(database_url, bounty_genesis(BOND + 10_000)) as poor:
        contract = poor.open(poor.settled_payment())
        claims = poor.claims()
        for _ in range(3):
            claims.round()
            poor.work()
        assert reason_of(poor, contract) == (BountyState.ASKED, "out_of_zero_cost_money")
        assert poor.office.signatures == []
        rich = deposit_transaction(poor.stamp(CUSTOMER), ContractId(ACCOUNTANT.address), Amount(TOKEN))
        poor.include(CUSTOMER, rich)
        claims.round()
        assert reason_of(poor, contract) == (BountyState.CLAIMED, None)


def test_without_a_signer_nothing_is_lost(office: BountyOffice) -> None:
    """Rounds without it do nothing, and the claim goes on where it was."""
    contract = office.open(office.settled_payment())
    claims = office.claims()
    claims.round()
    office.work()
    office.signing(lambda _: down())
    assert office.claims().round() == 0
    assert office.row(contract).state is BountyState.ASKED
    office.signing(None)
    to_the_end(office)
    assert office.row(contract).state is BountyState.WON and [name for name, _ in by_me(office)] == CLAIM


def down() -> None:
    raise SignerDown("nobody answers")


# Crashes


@pytest.mark.parametrize("at", ["before", "after"])
@pytest.mark.parametrize("step", range(3))
def test_killed_at_a_signature(office: BountyOffice, step: int, at: str) -> None:
    """The process dies before or after a signature is given, and before it is stored: the next one signs again, with
    the same nonce, and the chain has each step once."""
    contract = office.open(office.settled_payment())
    office.publisher_settled()
    signatures = len(office.office.signatures)

    def die(count: int) -> None:
        if count == step:
            office.signing(None)
            raise Killed

    office.signing(die, after=at == "after")
    for _ in range(ROUNDS + 1):
        with suppress(Killed):
            office.go_on(office.claims(), office.publisher())
    assert office.hook == (None, False) and office.row(contract).state is BountyState.WON
    calls = by_me(office)
    assert [name for name, _ in calls] == CLAIM
    assert all(office.outcome(seq).succeeded for _, seq in calls)
    assert len(office.office.signatures) == signatures + 3 + (at == "after")
    nonces = [nonce for nonce, _ in office.signed([*CLAIM, "deploy", "deposit"])]
    assert nonces == list(range(5))


@pytest.mark.parametrize("seed", range(4))
def test_killed_anywhere(office: BountyOffice, seed: int) -> None:
    """The node does not answer, forgets its mempool, or the process dies while it submits, at random: three bounties
    are won, each with one commitment, one revelation and one collecting, and no nonce is skipped."""
    random = Random(seed)
    contracts = [office.open(office.settled_payment(), commit_blocks=20, reveal_blocks=20) for _ in range(3)]
    node = office.office.node

    def die(_: bytes) -> None:
        if random.random() < 0.3:
            raise Killed

    node.before_submit = die
    for _ in range(70):
        node.down = random.random() < 0.2
        with suppress(Killed, NodeDown):
            office.claims().round()
            office.publisher().round()
        node.down = False
        if random.random() < 0.2:
            node.forget()
        office.work()
        office.settled_payment()
    node.before_submit = lambda _: None
    to_the_end(office, rounds=5)
    assert [office.row(contract).state for contract in contracts] == [BountyState.WON] * 3
    assert sorted(name for name, _ in by_me(office)) == sorted(CLAIM * 3)
    nonces = [nonce for nonce, _ in office.signed([*CLAIM, "deploy", "deposit"])]
    assert nonces == list(range(11))


def test_a_nonce_that_somebody_else_took(office: BountyOffice) -> None:
    """Another transaction of the key is included instead of the commitment, of the revelation, and of the collecting:
    each is signed again under the next nonce, for the same answer and salt."""
    contract = office.open(office.settled_payment(), commit_blocks=10, reveal_blocks=10)
    claims, publisher = office.claims(), office.publisher()
    displaced, salts = 0, set()
    for _ in range(45):
        claims.round()
        publisher.round()
        office.work()
        row = office.row(contract)
        salts.add(row.salt)
        waiting = {"claimed": 0, "revealed": 1, "collecting": 2}.get(row.state.value)
        if waiting == displaced and office.waits():
            office.office.node.forget()
            office.include(ACCOUNTANT, deposit_transaction(office.stamp(ACCOUNTANT), ContractId(bytes(32)), Amount(1)))
            displaced += 1
        else:
            office.settled_payment()
        publisher.round()
    assert displaced == 3 and office.row(contract).state is BountyState.WON
    assert [name for name, _ in by_me(office)] == CLAIM and len(salts - {None}) == 1


def test_two_of_them_on_one_database(office: BountyOffice) -> None:
    """Two processes take turns, with what each knew: every step is taken once."""
    contract = office.open(office.settled_payment())
    pairs = [(office.claims(), office.publisher()) for _ in range(2)]
    for _ in range(ROUNDS):
        for claims, publisher in pairs:
            claims.round()
            claims.round()
            publisher.round()
        office.work()
        office.settled_payment()
    to_the_end(office, rounds=2)
    assert office.row(contract).state is BountyState.WON
    assert [name for name, _ in by_me(office)] == CLAIM and len(office.jobs()) == 2


def test_a_withdrawn_answer_is_not_committed_to(office: BountyOffice) -> None:
    """The job's answer was withdrawn and is asked again: the claim waits for the other job's answer."""
    contract = office.open(office.settled_payment())
    claims = office.claims()
    claims.round()
    first = office.row(contract).job
    office.work()
    assert first is not None
    office.withdraw(first)
    claims.round()
    second = office.row(contract).job
    assert (office.row(contract).state, second == first) == (BountyState.ASKED, False)
    to_the_end(office, claims)
    assert office.row(contract).state is BountyState.WON
