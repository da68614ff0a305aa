"""An oath counts exactly when nothing can keep its slash from happening; every way in which something can is named."""

import msgspec
import pytest

from accountant.chain.block import Position
from accountant.chain.envelope import Envelope, OpenAccess
from accountant.chain.footprint import Credit, Debit, Query
from accountant.chain.genesis import GasSchedule, Limits
from accountant.chain.query import BalanceAtLeast, Income, Storage, TransactionSucceeded
from accountant.chain.transaction import DeployPayload, TransactionKind
from accountant.index.memory import MemoryIndex
from accountant.oath.code import OATH_CODE
from accountant.oath.counts import FlawKind
from accountant.oath.gas import OATH_GAS
from accountant.oath.oath import NotAnOath, SwornTerms, oath_of
from accountant.oath.purse import OATH_ENVELOPE
from accountant.oath.swear import deploy_transaction, swear_transaction
from accountant.oath.sworn import SWORN_ANSWER_BYTES_MAX
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.encoding import encode
from accountant.primitives.types import BLACKHOLE, ContractId
from tests.support.oath_chain import (
    CLIENT,
    GENESIS_PURSE,
    OWNER,
    RICH,
    TOKEN,
    OathChain,
    altered,
    funded,
    genesis_purse,
    genesis_with,
    terms,
    without,
)

OTHER_CODE = OATH_CODE + b"\x00\x02\x01x"
"""The same functions with an empty custom section more: an auditor has not seen these bytes."""


def test_an_oath_on_a_funded_purse_counts() -> None:
    """A purse with the audited code, a deposit above the penalty and a well-made call: the oath counts."""
    chain, purse = funded()
    standing = chain.standing(chain.swear(purse, terms(chain.rich_has(TOKEN), True)))
    assert standing.counts and standing.flaws == () and standing.deposit == 10 * TOKEN


@pytest.mark.parametrize("beneficiary", [BLACKHOLE, CLIENT, OWNER])
def test_whoever_gets_the_penalty_it_counts(beneficiary: bytes) -> None:
    """With and without a beneficiary the oath counts: where both credits coincide one entry serves both."""
    chain, purse = funded()
    seq = chain.swear(purse, terms(chain.rich_has(TOKEN), True, beneficiary=beneficiary))  # type: ignore[arg-type]
    assert chain.flaws(seq) == set()


def test_a_purse_in_genesis_counts() -> None:
    """A purse that genesis sets, with the units that genesis gives it, is as good as a deployed one."""
    chain = OathChain(genesis_purse(TOKEN))
    chain.transfer(RICH, CLIENT, 1)
    assert chain.flaws(chain.swear(GENESIS_PURSE, terms(chain.rich_has(1), True))) == set()


def test_too_little_gas() -> None:
    """One unit below the published gas the slash could run out of gas, so the oath does not count."""
    chain, purse = funded()
    oath = swear_transaction(chain.stamp(), purse, terms(chain.rich_has(TOKEN), False))
    assert chain.flaws(chain.add(altered(oath, gas_limit=OATH_GAS - 1))) == {FlawKind.TOO_LITTLE_GAS}


@pytest.mark.parametrize(("kind", "account"), [(Query, None), (Credit, BLACKHOLE), (Credit, CLIENT), (Debit, None)])
def test_a_missing_entry(kind: type, account: bytes | None) -> None:
    """Without any one of query, blackhole, beneficiary and debit in its footprint, an oath would roll back."""
    chain, purse = funded()
    oath = swear_transaction(chain.stamp(), purse, terms(chain.rich_has(TOKEN), False, beneficiary=CLIENT))
    assert chain.flaws(chain.add(without(oath, kind, account))) == {FlawKind.MISSING_ENTRY}


def test_a_query_entry_for_another_query() -> None:
    """Declaring some other query does not help."""
    chain, purse = funded()
    oath = swear_transaction(chain.stamp(), purse, terms(chain.rich_has(TOKEN), False))
    other = without(oath, Query)
    other = altered(other, footprint=(*other.footprint, Query(encode(chain.rich_has(1)))))
    assert chain.flaws(chain.add(other)) == {FlawKind.MISSING_ENTRY}


def test_a_cap_below_the_penalty() -> None:
    """A debit capped one unit below the penalty stops the slash."""
    chain, purse = funded()
    oath = swear_transaction(chain.stamp(), purse, terms(chain.rich_has(TOKEN), False))
    footprint = tuple(Debit(purse, TOKEN - 1) if isinstance(e, Debit) else e for e in oath.footprint)
    assert chain.flaws(chain.add(altered(oath, footprint=footprint))) == {FlawKind.CAP_BELOW_PENALTY}


def test_an_empty_purse() -> None:
    """A purse without a deposit has nothing to lose."""
    chain = OathChain()
    purse = chain.deploy()
    assert chain.flaws(chain.swear(purse, terms(chain.rich_has(TOKEN), False))) == {FlawKind.NOT_COVERED}


def test_an_emptied_purse() -> None:
    """What was withdrawn before the oath does not stand behind it, even one position earlier in its block."""
    chain, purse = funded(units=TOKEN)
    chain.withdraw(purse, 1)
    assert chain.flaws(chain.swear(purse, terms(chain.rich_has(TOKEN), False))) == {FlawKind.NOT_COVERED}


def test_a_later_withdrawal_changes_nothing() -> None:
    """The slash lies at the oath's own position, so emptying the purse right after it is no escape."""
    chain, purse = funded(units=TOKEN)
    seq = chain.swear(purse, terms(chain.rich_has(TOKEN), False))
    chain.withdraw(purse, TOKEN)
    assert chain.flaws(seq) == set()


def test_a_later_deposit_changes_nothing() -> None:
    """A deposit after the oath does not stand behind it."""
    chain, purse = funded(units=TOKEN - 1)
    seq = chain.swear(purse, terms(chain.rich_has(TOKEN), False))
    chain.deposit(purse, 5 * TOKEN)
    assert chain.flaws(seq) == {FlawKind.NOT_COVERED}


def test_one_deposit_sworn_away_twice() -> None:
    """The first oath may cost its penalty, so the same deposit does not cover a second one; nor a third."""
    chain, purse = funded(units=TOKEN)
    query = chain.rich_has(TOKEN)
    first, second, third = (chain.swear(purse, terms(query, True)) for _ in range(3))
    assert [chain.flaws(seq) for seq in (first, second, third)] == [
        set(),
        {FlawKind.NOT_COVERED},
        {FlawKind.NOT_COVERED},
    ]


def test_the_bound_restarts_at_zero() -> None:
    """A withdrawal far above the deposit cannot weigh on later deposits: G never goes below zero."""
    chain, purse = funded(units=TOKEN)
    chain.withdraw(purse, 2**62)
    chain.deposit(purse, TOKEN)
    assert chain.flaws(chain.swear(purse, terms(chain.rich_has(TOKEN), True))) == set()


def test_a_deposit_of_general_money_is_worth_nothing_unexecuted() -> None:
    """General money may not be there, so it does not raise the bound."""
    chain = OathChain()
    purse = chain.deploy()
    chain.transfer(OWNER, purse, 0, general=5 * TOKEN)
    assert chain.flaws(chain.swear(purse, terms(chain.rich_has(TOKEN), True))) == {FlawKind.NOT_COVERED}


def _deployed(chain: OathChain, payload: DeployPayload, general: int = 0) -> ContractId:
    stamp = chain.stamp()
    deployment = deploy_transaction(stamp, GasSchedule())
    chain.add(altered(deployment, payload=encode(payload), general_value=general, gas_limit=10**9))
    purse = contract_id_of(OWNER, stamp.nonce)
    chain.deposit(purse, 5 * TOKEN)
    return purse


def test_a_look_alike_with_other_code() -> None:
    """A contract that calls itself a purse but has other bytes is not trusted, whatever they do."""
    chain = OathChain()
    purse = _deployed(chain, DeployPayload(OTHER_CODE, OATH_ENVELOPE, ()))
    assert chain.flaws(chain.swear(purse, terms(chain.rich_has(1), False))) == {FlawKind.OTHER_CODE}


def test_a_look_alike_with_another_envelope() -> None:
    """An envelope that lets others declare debits on the purse would make the deposit's bound worthless."""
    chain = OathChain()
    open_to_all = Envelope(OATH_ENVELOPE.functions, OpenAccess(debit_most=2**62))
    purse = _deployed(chain, DeployPayload(OATH_CODE, open_to_all, ()))
    assert chain.flaws(chain.swear(purse, terms(chain.rich_has(1), False))) == {FlawKind.OTHER_ENVELOPE}


@pytest.mark.parametrize(("arguments", "general"), [((1,), 0), ((), 1)])
def test_a_deployment_that_may_have_failed(arguments: tuple[int, ...], general: int) -> None:
    """A deployment with constructor arguments or general money is not certain to have succeeded."""
    chain = OathChain()
    purse = _deployed(chain, DeployPayload(OATH_CODE, OATH_ENVELOPE, arguments), general)
    assert chain.flaws(chain.swear(purse, terms(chain.rich_has(1), False))) == {FlawKind.UNCERTAIN_DEPLOYMENT}


def test_not_deployed() -> None:
    """An id that nobody deployed has no code, though it may have money."""
    chain = OathChain()
    nowhere = contract_id_of(OWNER, 99)
    chain.deposit(nowhere, 5 * TOKEN)
    assert chain.flaws(chain.swear(nowhere, terms(chain.rich_has(1), False))) == {FlawKind.NOT_DEPLOYED}


def test_deployed_after_the_oath() -> None:
    """A purse deployed later was not there when the oath was sworn."""
    chain = OathChain()
    purse = contract_id_of(OWNER, 2)
    chain.deposit(purse, 5 * TOKEN)
    seq = chain.swear(purse, terms(chain.rich_has(1), False))
    assert chain.deploy() == purse
    assert chain.flaws(seq) == {FlawKind.NOT_DEPLOYED}


def test_somebody_elses_purse() -> None:
    """Only the deployer can swear on a purse; another signer's call would fail."""
    chain, purse = funded()
    oath = swear_transaction(chain.stamp(CLIENT), purse, terms(chain.rich_has(TOKEN), False))
    assert chain.flaws(chain.add(oath, CLIENT)) == {FlawKind.NOT_THE_OWNER}


def test_an_answer_about_the_future() -> None:
    """A position inside the oath's own block, the oath itself included, lies not in a strictly earlier block."""
    chain, purse = funded()
    head = chain.index.head()
    own = BalanceAtLeast(RICH, 1, Position(head.hash, 1))
    assert chain.flaws(chain.swear(purse, terms(own, False))) == {FlawKind.VOID_QUERY}


def test_the_beginning_of_its_own_block() -> None:
    """The beginning of the oath's own block depends on earlier blocks alone, so it can be sworn about."""
    chain, purse = funded()
    beginning = BalanceAtLeast(RICH, 1, Position(chain.index.head().hash, 0))
    assert chain.flaws(chain.swear(purse, terms(beginning, True))) == set()


def test_the_end_of_the_block_before() -> None:
    """The end of the previous block, named by that block, can be sworn about too."""
    chain, purse = funded()
    last = chain.index.block(chain.index.head().height)
    assert last is not None
    seq = chain.swear(purse, terms(BalanceAtLeast(RICH, 1, Position(last.previous_hash, last.count)), True))
    assert chain.flaws(seq) == set()


def test_an_index_past_the_blocks_end() -> None:
    """A position past the end of its block names nothing."""
    chain, purse = funded()
    last = chain.index.block(chain.index.head().height)
    assert last is not None
    query = BalanceAtLeast(RICH, 1, Position(last.previous_hash, last.count + 1))
    assert chain.flaws(chain.swear(purse, terms(query, False))) == {FlawKind.VOID_QUERY}


def test_an_answer_about_a_transaction_of_the_same_block() -> None:
    """A transaction in the oath's own block is not strictly earlier, even at a lower index."""
    chain, purse = funded()
    pay = swear_transaction(chain.stamp(), purse, terms(chain.rich_has(1), True))
    raw_hash = MemoryIndex(genesis_with()).append_unsigned([(OWNER, pay)]).transactions[0].hash
    oath = swear_transaction(chain.stamp(), purse, terms(TransactionSucceeded(raw_hash), False))
    first, second = chain.block((OWNER, pay), (OWNER, oath))
    assert chain.index.transaction(first).hash == raw_hash
    assert chain.flaws(second) == {FlawKind.VOID_QUERY}


def test_an_answer_about_another_fork() -> None:
    """A block hash that is not on the chain makes an oath void: it neither counts nor is false."""
    chain, purse = funded()
    query = BalanceAtLeast(RICH, 1, Position(b"\x77" * 32, 0))
    assert chain.flaws(chain.swear(purse, terms(query, False))) == {FlawKind.VOID_QUERY}


def test_an_answer_about_an_unknown_transaction() -> None:
    """A transaction that is not on the chain makes an oath void."""
    chain, purse = funded()
    assert chain.flaws(chain.swear(purse, terms(Income(b"\x55" * 32, RICH), 0))) == {FlawKind.VOID_QUERY}


@pytest.mark.parametrize("raw", [b"", b"\xff", b"\x93\x01\xc4\x00\x00", b"\xdc\x00\x02\x01\xc4\x01a"])
def test_a_malformed_query(raw: bytes) -> None:
    """Bytes that are no canonical query have no answer, so no answer to them can be false."""
    chain, purse = funded()
    assert chain.flaws(chain.swear(purse, terms(raw, False))) == {FlawKind.MALFORMED_QUERY}


@pytest.mark.parametrize("answer", [b"", b"\xc4\x01", b"\xcc\x01", b"\xd1\xff\xff", b"\xc3\xc3", b"\x93", b"\xc0"])
def test_a_malformed_answer(answer: bytes) -> None:
    """An answer that is not canonical bytes of a boolean, a number or bytes says nothing that a client could read."""
    chain, purse = funded()
    assert chain.flaws(chain.swear(purse, terms(chain.rich_has(1), answer))) == {FlawKind.MALFORMED_ANSWER}


def test_an_answer_of_another_type() -> None:
    """1 is no answer to a question of yes or no, and yes is no answer to a question of how much."""
    chain, purse = funded()
    head = chain.index.head()
    paid = chain.index.transaction(chain.transfer(RICH, CLIENT, 1)).hash
    assert head.height + 1 == chain.index.head().height
    last = chain.index.block(head.height)
    assert last is not None
    slot = Storage(purse, b"s", Position(last.previous_hash, 0))
    for query, answer in ((TransactionSucceeded(paid), 1), (Income(paid, CLIENT), True), (slot, 0)):
        assert chain.flaws(chain.swear(purse, terms(query, answer))) == {FlawKind.MALFORMED_ANSWER}
    for query, right in ((TransactionSucceeded(paid), True), (Income(paid, CLIENT), 0)):
        assert chain.flaws(chain.swear(purse, terms(query, right))) == set()
    assert chain.flaws(chain.swear(purse, terms(slot, encode(b"")))) == set()


def test_an_answer_too_long() -> None:
    """Answers are limited, because the published gas is measured for answers up to the limit."""
    chain, purse = funded()
    last = chain.index.block(chain.index.head().height)
    assert last is not None
    query = Storage(purse, b"s", Position(last.previous_hash, 0))
    longest = encode(bytes(SWORN_ANSWER_BYTES_MAX - 3))
    assert len(longest) == SWORN_ANSWER_BYTES_MAX
    assert chain.flaws(chain.swear(purse, terms(query, longest))) == set()
    too_long = encode(bytes(SWORN_ANSWER_BYTES_MAX - 2))
    assert chain.flaws(chain.swear(purse, terms(query, too_long))) == {FlawKind.MALFORMED_ANSWER}


@pytest.mark.parametrize("money", ["zero_value", "general_value"])
def test_value(money: str) -> None:
    """A call that carries money of either kind fails before any query is asked: the purse's functions take none."""
    chain, purse = funded()
    oath = swear_transaction(chain.stamp(), purse, terms(chain.rich_has(1), False))
    assert chain.flaws(chain.add(altered(oath, **{money: 1}))) == {FlawKind.VALUE}


@pytest.mark.parametrize("penalty", [0, -1, -(2**63)])
def test_no_penalty(penalty: int) -> None:
    """An oath that costs nothing is worth nothing."""
    chain, purse = funded()
    oath = swear_transaction(chain.stamp(), purse, terms(chain.rich_has(1), False))
    call = msgspec.msgpack.decode(oath.payload)
    call[1][2] = penalty
    assert FlawKind.NO_PENALTY in chain.flaws(chain.add(altered(oath, payload=encode(call))))


def test_a_chain_with_other_rules() -> None:
    """Where a query costs more, limits are lower or fuel is another than it was audited for, nothing counts."""
    for rules in (
        {"engine": "another engine 1.0"},
        {"gas": GasSchedule(query=100_001)},
        {"limits": Limits(values_bytes_most=16 * 1024 * 1024 - 1)},
    ):
        chain = OathChain()
        chain.index = MemoryIndex(msgspec.structs.replace(genesis_with(), **rules))
        purse = chain.deploy()
        chain.deposit(purse, TOKEN)
        assert chain.flaws(chain.swear(purse, terms(chain.rich_has(1), True))) == {FlawKind.OTHER_RULES}


def test_all_reasons_are_given_at_once() -> None:
    """A client sees everything that is wrong, not the first thing only."""
    chain = OathChain()
    purse = chain.deploy()
    oath = swear_transaction(chain.stamp(CLIENT), purse, terms(b"", b""))
    seq = chain.add(altered(oath, gas_limit=1, footprint=(), general_value=3), CLIENT)
    assert chain.flaws(seq) == {
        FlawKind.NOT_THE_OWNER,
        FlawKind.VALUE,
        FlawKind.TOO_LITTLE_GAS,
        FlawKind.MISSING_ENTRY,
        FlawKind.MALFORMED_QUERY,
        FlawKind.NOT_COVERED,
    }


def test_what_is_no_oath() -> None:
    """Transfers, deployments, other functions and other arguments swear nothing."""
    chain, purse = funded()
    oath = swear_transaction(chain.stamp(), purse, SwornTerms(b"q", b"a", 1, BLACKHOLE))  # type: ignore[arg-type]
    seqs = [
        *range(chain.index.head().next_seq),
        chain.withdraw(purse, 1),
        chain.add(altered(oath, payload=encode(["swear", [b"q", b"a", 1]]))),
        chain.add(altered(oath, payload=encode(["swear", [b"q", b"a", b"1", BLACKHOLE]]))),
        chain.add(altered(oath, payload=encode(["swear", [b"q", b"a", 1, bytes(32)]]))),
        chain.add(altered(oath, payload=b"\xff")),
    ]
    assert chain.index.transaction(seqs[0]).transaction.kind is TransactionKind.DEPLOY
    for seq in seqs:
        with pytest.raises(NotAnOath):
            oath_of(chain.index, seq)
