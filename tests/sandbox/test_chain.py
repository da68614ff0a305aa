"""The chain of contract tests: blocks, accounts, money and time are real, and what it says is what eager says."""

import pytest

from accountant.chain.envelope import Arg, ArgumentKind, Envelope, FunctionEnvelope, TemplateEntry, TemplateKind
from accountant.chain.errors import MempoolRefusal, Refusal
from accountant.chain.footprint import Blob, Credit, Debit, Read, Write
from accountant.primitives.cid import cid_of
from accountant.sandbox import BlockOpen, Chain, Contract, DeploymentFailed, Refused, SandboxError, ViewFailed
from accountant.sandbox.chain import GENESIS_TIME, RICH
from tests.support.sandbox_token import deploy_token
from tests.support.wat import admits, main_module, module


def test_a_transaction_is_signed_declared_and_included_in_a_block_of_its_own(chain: Chain, token: Contract) -> None:
    """A call carries the footprint that its template gives, and makes the next block."""
    alice, bob = chain.account("alice"), chain.account("bob")
    height = chain.height
    result = token.transfer(bob, 10, sender=alice)
    assert chain.height == height + 1
    slots = [b"balances:" + alice.address, b"balances:" + bob.address]
    declared = {kind(token.address, slot) for kind in (Read, Write) for slot in slots}
    assert set(result.transaction.footprint) == declared
    assert result.succeeded and result.returned is True


def test_views_are_evaluated_without_a_transaction(chain: Chain, token: Contract) -> None:
    """A view sees the state at the end of the chain, and adds no block."""
    alice, bob = chain.account("alice"), chain.account("bob")
    token.transfer(bob, 10, sender=alice)
    height = chain.height
    assert (token.balance_of(alice), token.balance_of(account=bob)) == (990, 10)
    assert chain.height == height


def test_balances_are_zero_cost_and_general_money_together(chain: Chain, token: Contract) -> None:
    """Money that is paid, returned or burnt is where the rules of the chain say, to the base unit."""
    alice, poor = chain.account("alice"), chain.account("poor", units=0)
    assert chain.balance(poor) == 0
    chain.transfer(token, 500, sender=alice)
    before = chain.balance(alice)
    paid = token.withdraw(200, sender=alice)
    fees = chain.genesis.fees
    debited = Debit(token.address, 200)
    assert paid.transaction.footprint == (Credit(alice.address), debited)
    # Signing with nonce and sizes as they are: the fee at inclusion is read off the transaction.
    spent = before + 200 - chain.balance(alice) - paid.gas_used
    assert spent == fees.base + fees.per_byte * paid.bytes_count + fees.per_entry * 2
    assert chain.general_balance(token) == chain.balance(token) == 300
    assert chain.zero_balance(token) == 0


def test_accounts_are_the_same_in_every_chain(chain: Chain) -> None:
    """A name gives its key everywhere, and one user however often it is asked for."""
    other = Chain()
    assert chain.account("alice").address == other.account("alice").address
    assert chain.account("alice") is chain.account("alice")
    assert chain.balance(chain.account("bob")) == RICH
    with pytest.raises(SandboxError, match=r"chain\.transfer"):
        chain.account("alice", units=5)


def test_who_cannot_pay_is_refused(chain: Chain, token: Contract) -> None:
    """A transaction that no block takes raises at the line that sends it, and leaves nothing behind."""
    poor, height = chain.account("poor", units=0), chain.height
    with pytest.raises(Refused) as refused:
        token.transfer(poor, 1, sender=poor)
    assert refused.value.kind is MempoolRefusal.UNFUNDED
    assert chain.height == height
    with pytest.raises(Refused) as refused:
        token.withdraw(1, sender=chain.account("alice"), gas=100_001)
    assert refused.value.kind is Refusal.FUNCTION_GAS


def test_a_block_holds_several_transactions_in_order(chain: Chain, token: Contract) -> None:
    """Results are known when the block is closed; before, looking at them is an error."""
    alice, bob = chain.account("alice"), chain.account("bob")
    height = chain.height
    with chain.block():
        first = token.transfer(bob, 600, sender=alice)
        second = token.transfer(bob, 600, sender=alice)
        third = token.transfer(alice, 600, sender=bob)
        assert repr(first) == "<token.transfer: waits for its block>"
        with pytest.raises(BlockOpen, match="after `with chain"):
            assert first.succeeded
        with pytest.raises(BlockOpen):
            token.balance_of(bob)
        with pytest.raises(BlockOpen):
            chain.balance(bob)
    assert chain.height == height + 1
    assert (first.succeeded, second.reason, third.succeeded) == (True, "balance too low", True)


def test_a_block_whose_body_raises_is_never_made(chain: Chain, token: Contract) -> None:
    """What was sent in it is forgotten, and the sender's nonce is free again."""
    alice, bob = chain.account("alice"), chain.account("bob")
    height = chain.height
    with pytest.raises(SandboxError, match="say who signs"), chain.block():  # noqa: PT012
        token.transfer(bob, 1, sender=alice)
        token.transfer(bob, 1)
    assert chain.height == height
    assert token.transfer(bob, 2, sender=alice).succeeded
    assert token.balance_of(bob) == 2


def test_time_stands_still_until_it_is_moved(chain: Chain, token: Contract) -> None:
    """Blocks and views have the time that the test set."""
    assert token.opened(5) == GENESIS_TIME + 5
    chain.advance(seconds=3_600)
    assert token.opened(0) == GENESIS_TIME + 3_600 == chain.now
    with pytest.raises(SandboxError, match="forward"):
        chain.advance(seconds=-1)


def test_a_footprint_that_depends_on_state_is_guessed_by_simulation(chain: Chain, token: Contract) -> None:
    """Where the template leaves entries open, a run on the state now says what to declare."""
    alice, bob = chain.account("alice"), chain.account("bob")
    token.name_heir(bob, sender=alice)
    result = token.bequeath(30, sender=alice)
    assert result.succeeded
    assert Write(token.address, b"balances:" + bob.address) in result.transaction.footprint
    assert token.balance_of(bob) == 30


def test_a_guess_that_the_block_proves_wrong_fails_as_on_any_chain(chain: Chain, token: Contract) -> None:
    """Simulation sees the state before the block; what the block changes first, it cannot know."""
    alice, bob, carol = chain.account("alice"), chain.account("bob"), chain.account("carol")
    token.name_heir(bob, sender=alice)
    with chain.block():
        token.name_heir(carol, sender=bob)
        guessed = token.bequeath(30, sender=alice)
    assert guessed.failure == "undeclared_access"


def test_a_constructor_that_fails_is_no_contract(chain: Chain) -> None:
    """A failed deployment raises with its result, inside a block at the block's end."""
    alice = chain.account("alice")
    code = module('(func (export "init") unreachable)')
    with pytest.raises(DeploymentFailed) as failed:
        chain.deploy_module(code, admits("init"), sender=alice, name="broken")
    assert failed.value.result.reason == "trap"
    with pytest.raises(DeploymentFailed), chain.block():
        chain.deploy_module(code, admits("init"), sender=alice)
    with chain.fails("trap"):
        chain.deploy_module(code, admits("init"), sender=alice)


def test_a_module_of_any_compiler_runs_without_an_interface(chain: Chain) -> None:
    """What an envelope alone says is enough to deploy and to call."""
    code = main_module("(call $return_int (call $value))")
    contract = chain.deploy_module(code, admits("main"), sender=chain.account("alice"))
    assert contract.main(sender=chain.account("bob"), value=7).returned == 7


def test_a_contract_cannot_be_called_in_the_block_that_deploys_it(chain: Chain) -> None:
    """The network's mempool would not take such a call either."""
    alice = chain.account("alice")
    with pytest.raises(BlockOpen), chain.block():
        deploy_token(chain).broken(sender=alice)


def test_a_blob_is_published_once_and_declared_with_its_size(chain: Chain) -> None:
    """What a template names by its CID alone is declared with the published size; unpublished, it is left out."""
    alice = chain.account("alice")
    names = TemplateEntry(TemplateKind.BLOB, (Arg(0),))
    main = FunctionEnvelope("main", (ArgumentKind.CID,), (names,), complete=True)
    loader = chain.deploy_module(main_module(""), Envelope((main,)), sender=alice)
    cid = chain.publish(b"weights", sender=alice)
    assert cid == cid_of(b"weights")
    assert loader.main(cid, sender=alice).transaction.footprint == (Blob(cid, 7),)
    with pytest.raises(Refused, match="published already"):
        chain.publish(b"weights", sender=chain.account("bob"))
    assert loader.main(cid_of(b"other"), sender=alice).transaction.footprint == ()
    chain.check()


def test_general_money_pays_when_asked_to(chain: Chain, token: Contract) -> None:
    """`general_value` is taken from what contracts and unused gas brought; without it the transaction fails."""
    alice, bob = chain.account("alice"), chain.account("bob")
    unfunded = chain.transfer(token, 0, sender=bob, general_value=5)
    assert unfunded.failure == "insufficient_funds"
    gas = token.transfer(bob, 1, sender=alice)
    assert chain.general_balance(alice) > 0 and gas
    funded = chain.transfer(token, 3, sender=alice, general_value=5)
    assert funded.succeeded
    assert chain.general_balance(token) == 8


def test_slots_are_read_as_they_lie_on_the_chain(chain: Chain, token: Contract) -> None:
    """A slot's bytes are those that the contract wrote; empty where it wrote nothing."""
    alice = chain.account("alice")
    assert chain.slot(token, b"balances:" + alice.address) == (1_000).to_bytes(8, "big")
    assert chain.slot(token, b"nothing") == b""


@pytest.mark.parametrize("reason", [None, "balance too low"])
def test_fails_takes_the_failure_that_it_names(chain: Chain, token: Contract, reason: str | None) -> None:
    """Transactions and views that fail for the reason satisfy it."""
    alice, bob = chain.account("alice"), chain.account("bob")
    with chain.fails(reason):
        token.transfer(bob, 1_001, sender=alice)
    with chain.fails(reason), chain.block():
        token.transfer(bob, 1_001, sender=alice)
    with chain.fails(reason):
        token.refuse()


def test_fails_raises_for_everything_else(chain: Chain, token: Contract) -> None:
    """Success, another reason, nothing at all, and an open block are assertion errors that show what happened."""
    alice, bob = chain.account("alice"), chain.account("bob")
    with pytest.raises(AssertionError, match="succeeded, returned True"), chain.fails("balance too low"):
        token.transfer(bob, 1, sender=alice)
    with pytest.raises(AssertionError, match="balance too low"), chain.fails("something else"):
        token.transfer(bob, 1_001, sender=alice)
    with pytest.raises(AssertionError, match="nothing was sent"), chain.fails():
        pass
    with pytest.raises(AssertionError, match="returned a value"), chain.fails():
        token.balance_of(bob)
    with pytest.raises(AssertionError, match="balance too low"), chain.fails("trap"):
        token.refuse()
    with chain.block(), pytest.raises(BlockOpen), chain.fails():
        token.transfer(bob, 1, sender=alice)
    with pytest.raises(ZeroDivisionError), chain.fails():
        raise ZeroDivisionError


def test_a_view_that_fails_says_why(token: Contract) -> None:
    """A failed view raises, with what its assertion says."""
    with pytest.raises(ViewFailed) as failed:
        token.refuse()
    assert (failed.value.failure, failed.value.reason) == ("assertion", "balance too low")


def test_what_a_test_was_told_is_compared_with_executing_everything(chain: Chain, token: Contract) -> None:
    """A lie about an outcome, a balance, a slot or a view is found."""
    alice = chain.account("alice")
    assert token.balance_of(alice) == 1_000 and chain.balance(alice) and chain.slot(token, b"heir:") == b""
    chain.check()
    told = chain.observations
    before, account, units = told.balances[0]
    told.balances[0] = (before, account, units + 1)
    with pytest.raises(AssertionError, match="the balance of"):
        chain.check()
    told.balances.clear()
    seq, contract, slot, _ = told.slots[0]
    told.slots[0] = (seq, contract, slot, b"lie")
    with pytest.raises(AssertionError, match="slot b'heir:'"):
        chain.check()
    told.slots.clear()
    told.answers.append((told.answers[0][0], False))
    with pytest.raises(AssertionError, match="the answer of"):
        chain.check()
    told.answers.clear()


@pytest.mark.parametrize("code", [b"no module", main_module("unreachable")])
def test_a_module_that_breaks_the_rules_is_refused(chain: Chain, code: bytes) -> None:
    """Structural limits are the chain's own, and such code is not even run to guess a footprint."""
    envelope = admits("init")
    assert not envelope.functions[0].complete
    with pytest.raises(Refused) as refused:
        chain.deploy_module(code, envelope, sender=chain.account("alice"))
    assert refused.value.kind is Refusal.MODULE
