"""Bounties, read from the chain's bytes: which of them surely pay a right answer, and what surely claims them."""

from pathlib import Path
from typing import Any

import pytest

import accountant.library
from accountant.chain.block import Position
from accountant.chain.footprint import QUERY_BYTES_MAX, SLOT_BYTES_MAX
from accountant.chain.genesis import GenesisContract
from accountant.chain.query import (
    PARTS_MOST,
    AccountingQuery,
    BalanceAtLeast,
    Every,
    Storage,
    TransactionSucceeded,
    View,
    ViewAnswer,
)
from accountant.chain.transaction import DeployPayload, decode_deployment
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.language.compiler import compile_file
from accountant.oath.bounty import (
    COLLECT_GAS,
    COMMIT_GAS,
    DUE_GAS,
    OPEN_GAS,
    BountyTerms,
    NotABounty,
    bounty_of,
    reveal_gas,
)
from accountant.oath.bounty_code import BOUNTY_CODE, BOUNTY_CODE_HASH, BOUNTY_ENVELOPE
from accountant.oath.bounty_flaws import BountyFlawKind, commitments
from accountant.oath.code import OATH_CODE
from accountant.oath.purse import OATH_ENVELOPE
from accountant.oath.swear import deposit_transaction
from accountant.oath.sworn import SWORN_ANSWER_BYTES_MAX
from accountant.primitives.encoding import encode
from accountant.primitives.hashes import sha256
from accountant.primitives.types import AMOUNT_MAX, Amount, ContractId
from tests.support.bounty_chain import BLOCKS, BOND, REWARD, BountyChain, claim_of
from tests.support.oath_chain import CLIENT, OWNER, RICH, altered

SOURCE = Path(accountant.library.__path__[0]) / "bounty.py"
MARGIN = 1_000


def test_the_committed_contract_is_the_compiled_source() -> None:
    """Code and envelope are what the library's source compiles to: whoever audits the source audits them."""
    compiled = compile_file(SOURCE)
    assert (compiled.code, sha256(compiled.code)) == (BOUNTY_CODE, BOUNTY_CODE_HASH)
    assert encode(compiled.envelope) == encode(BOUNTY_ENVELOPE)


def test_a_bounty_without_a_flaw_pays() -> None:
    """What is read from the bytes is what the contract does: reward, bond, heights; and the right claim is paid."""
    chain = BountyChain()
    query = chain.payment()
    contract = chain.open(query)
    bounty = chain.bounty(contract)
    assert (bounty.client, bounty.reward, bounty.terms) == (
        CLIENT,
        REWARD,
        BountyTerms(encode(query), Amount(BOND), BLOCKS, BLOCKS),
    )
    assert chain.kinds(contract) == set()
    claim = claim_of(query, True)
    chain.commit(contract, claim)
    chain.until(bounty.commits_until)
    revealed = chain.reveal(contract, claim)
    chain.until(bounty.reveals_until)
    collected = chain.collect(contract, REWARD + BOND)
    outcomes = chain.outcomes()
    assert outcomes[revealed].return_value == 1 and outcomes[collected].succeeded
    assert outcomes[collected].credit_of(OWNER) >= REWARD + BOND


@pytest.mark.parametrize("early", [0, 1])
def test_heights_are_those_of_the_contract(early: int) -> None:
    """The last block for commitments takes one and the next does not; a revelation is taken from the next one on."""
    chain = BountyChain()
    query = chain.payment()
    contract = chain.open(query)
    bounty, claim = chain.bounty(contract), claim_of(query, True)
    chain.until(bounty.commits_until - early)
    committed = chain.commit(contract, claim)
    chain.until(bounty.commits_until)
    revealed = chain.reveal(contract, claim)
    in_time = early == 1
    outcomes = chain.outcomes()
    assert (outcomes[committed].succeeded, outcomes[revealed].succeeded) == (in_time, in_time)
    assert bool(commitments(chain.index, bounty, RICH, chain.index.head().next_seq)) is in_time
    chain.until(bounty.reveals_until)
    due = chain.collect(contract, BOND + REWARD)
    assert chain.outcomes()[due].succeeded is in_time


def test_what_is_void() -> None:
    """A query about a block or a transaction that is not there, or not yet: a later block may end that."""
    chain = BountyChain()
    unknown = TransactionSucceeded(sha256(b"not there"))
    for query in (BalanceAtLeast(RICH, 1, Position(sha256(b"not there"), 0)), unknown):
        assert chain.kinds(chain.place(chain.opening(encode(query)))) == {BountyFlawKind.VOID_QUERY}
    head = chain.index.head()
    future = chain.place(chain.opening(encode(BalanceAtLeast(RICH, 1, Position(head.hash, 1)))))
    assert chain.kinds(future) == set()  # the block of the deployment itself, which is earlier by now
    assert [kind for kind in BountyFlawKind if kind.passing] == [BountyFlawKind.VOID_QUERY]


def test_every_flaw() -> None:
    """Each way in which a right answer might not be paid has its name, and the bounty beside it has none."""
    chain = BountyChain()
    query = encode(chain.payment())

    def kinds(*terms: int, raw: bytes = query, **changes: Any) -> set[BountyFlawKind]:
        return chain.kinds(chain.place(chain.opening(raw, *terms), **changes))

    opening = chain.opening(query)
    payload = decode_deployment(opening.payload)
    other = encode(DeployPayload(BOUNTY_CODE, OATH_ENVELOPE, payload.arguments))
    assert kinds() == set()
    assert kinds(REWARD, REWARD - 1) == {BountyFlawKind.BAD_TERMS}
    assert kinds(0) == {BountyFlawKind.BAD_TERMS}
    assert kinds(REWARD, BOND, 0) == {BountyFlawKind.BAD_TERMS}
    assert kinds(REWARD, BOND, -1) == {BountyFlawKind.BAD_TERMS}
    assert kinds(REWARD, BOND, AMOUNT_MAX // 2 + 1) == {BountyFlawKind.BAD_TERMS}
    general: dict[str, Any] = {
        "zero_value": 0,
        "general_value": REWARD,
        "gas_limit": opening.gas_limit + chain.index.genesis.gas.general_check,
    }
    assert kinds(**general) == {BountyFlawKind.UNFUNDED}
    assert kinds(gas_limit=opening.gas_limit - 1) == {BountyFlawKind.UNCERTAIN_DEPLOYMENT}
    assert kinds(footprint=()) == {BountyFlawKind.UNCERTAIN_DEPLOYMENT}
    assert kinds(footprint=opening.footprint[1:]) == {BountyFlawKind.UNCERTAIN_DEPLOYMENT}
    assert kinds(payload=other) == {BountyFlawKind.OTHER_ENVELOPE}
    assert kinds(raw=b"\xc1") == {BountyFlawKind.MALFORMED_QUERY}
    assert kinds(raw=bytes(QUERY_BYTES_MAX + 1)) == {BountyFlawKind.MALFORMED_QUERY}


def test_what_is_flawed_may_not_be_there() -> None:
    """Executed, the flawed deployments fail indeed, so no code and no reward is where a claim would go."""
    chain = BountyChain()
    query = encode(chain.payment())
    flawed: list[dict[str, object]] = [
        {"zero_value": 0, "general_value": REWARD},
        {"gas_limit": chain.opening(query).gas_limit - OPEN_GAS},
        {"footprint": ()},
    ]
    placed = [chain.place(chain.opening(query), **changes) for changes in flawed]
    placed += [chain.place(chain.opening(query, *terms)) for terms in ((REWARD, REWARD - 1), (0,), (REWARD, BOND, 0))]
    outcomes = chain.outcomes()
    for contract in placed:
        seq = chain.index.deployment(contract)
        assert seq is not None and not outcomes[seq].succeeded


def test_general_money_that_is_surely_there_is_a_reward() -> None:
    """What a deployment carries of general money counts as far as the client surely owned it, and then it is paid."""
    chain = BountyChain()
    query = encode(chain.payment())
    spare = deposit_transaction(chain.stamp(CLIENT), ContractId(RICH), Amount(1))
    chain.add(altered(spare, gas_limit=2 * REWARD - 1), CLIENT)  # gas that a transfer cannot use comes back for certain
    more = chain.index.genesis.gas.general_check
    rich, poor = (
        chain.place(opening, zero_value=0, general_value=REWARD, gas_limit=opening.gas_limit + more)
        for opening in (chain.opening(query), chain.opening(query))
    )
    assert (chain.kinds(rich), chain.kinds(poor)) == (set(), {BountyFlawKind.UNFUNDED})
    outcomes = chain.outcomes()
    deployed = [chain.index.deployment(contract) for contract in (rich, poor)]
    assert [outcomes[seq].succeeded for seq in deployed if seq is not None] == [True, True]  # unspent gas, this time


def test_a_look_alike_is_no_bounty() -> None:
    """Other code with the same functions, a call, a transfer and a contract that nobody deployed."""
    chain = BountyChain()
    query = encode(chain.payment())
    payload = decode_deployment(chain.opening(query).payload)
    longer = encode(DeployPayload(BOUNTY_CODE + b"\x00\x02\x01x", BOUNTY_ENVELOPE, payload.arguments))
    fewer = encode(DeployPayload(BOUNTY_CODE, BOUNTY_ENVELOPE, payload.arguments[:3]))
    for changed, why in ((longer, "audited"), (fewer, "two numbers of blocks")):
        with pytest.raises(NotABounty, match=why):
            bounty_of(chain.index, chain.place(chain.opening(query), payload=changed))
    with pytest.raises(NotABounty, match="no transaction deploys"):
        bounty_of(chain.index, ContractId(bytes(32)))


def test_only_sure_commitments_count() -> None:
    """Others' commitments in order, without those that may fail: they do fail, and one's own is no rival."""
    chain = BountyChain()
    query = chain.payment()
    contract = chain.place(chain.opening(encode(query), blocks=9))
    claim = claim_of(query, True)
    bad = [
        chain.commit(contract, claim, RICH, zero_value=0, general_value=BOND),
        chain.commit(contract, claim, RICH, zero_value=BOND - 1),
        chain.commit(contract, claim, RICH, gas_limit=COMMIT_GAS // 2),
        chain.commit(contract, claim, RICH, footprint=()),
    ]
    before = chain.index.head().next_seq
    good = chain.commit(contract, claim, RICH)
    own = chain.commit(contract, claim)
    bounty = chain.bounty(contract)
    end = chain.index.head().next_seq
    assert [each.seq for each in commitments(chain.index, bounty, OWNER, end)] == [good]
    assert [each.seq for each in commitments(chain.index, bounty, RICH, end)] == [own]
    assert commitments(chain.index, bounty, OWNER, before) == []
    outcomes = chain.outcomes()
    assert [outcomes[seq].succeeded for seq in (*bad, good, own)] == [False] * 4 + [True] * 2


HOLDER, SLOT = ContractId(b"\xbb" * 32), b"s" * SLOT_BYTES_MAX
STORED = b"v" * (SWORN_ANSWER_BYTES_MAX - 3)
"""With its length in front the longest answer that can be sworn."""


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("kind", ["storage", "view", "every"])
def test_the_published_gas_suffices(kind: str, right: bool) -> None:
    """The longest queries and answers, true and false, use less than is published, with some to spare."""
    chain = BountyChain(GenesisContract(HOLDER, OWNER, OATH_CODE, OATH_ENVELOPE, 0, ((SLOT, STORED),)))
    head = Position(chain.index.head().hash, 0)
    chain.payment()
    query: AccountingQuery = Storage(HOLDER, SLOT, head)
    answer: object = STORED if right else STORED[:-1] + b"w"
    if kind == "view":
        query = View(sha256(b"nowhere"), "f" * 64, (b"a" * 879,), 5_000, head)
        answer = ViewAnswer("no_code", None) if right else ViewAnswer(None, STORED[:-3])
    if kind == "every":
        parts = tuple(BalanceAtLeast(OWNER, 1 + at, head) for at in range(PARTS_MOST))
        query, answer = Every(parts), [True] * (PARTS_MOST - 1) + [right]
    contract = chain.open(query)
    bounty, claim = chain.bounty(contract), claim_of(query, answer)
    assert len(claim.query) <= QUERY_BYTES_MAX and len(claim.answer) <= SWORN_ANSWER_BYTES_MAX
    committed = chain.commit(contract, claim)
    chain.until(bounty.commits_until)
    revealed = chain.reveal(contract, claim)
    chain.until(bounty.reveals_until)
    collected = chain.collect(contract, REWARD + BOND)
    opened, outcomes = chain.index.deployment(contract), chain.outcomes()
    assert opened is not None and outcomes[revealed].return_value == int(right)
    opening = chain.index.transaction(opened).transaction
    assert outcomes[opened].gas_used <= opening.gas_limit - MARGIN
    assert outcomes[committed].gas_used <= COMMIT_GAS - MARGIN
    assert outcomes[revealed].gas_used <= reveal_gas(claim.query) - MARGIN
    assert outcomes[collected].gas_used <= COLLECT_GAS - MARGIN
    due = View(contract, "due_to", (OWNER,), DUE_GAS, Position(chain.index.head().hash, 0))
    assert Selective(Session(chain.index, MemoryOutcomes())).answer(due) == ViewAnswer(None, 0)
