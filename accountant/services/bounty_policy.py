"""Whether a bounty is worth an answer: judged from the index alone, executing nothing."""

from typing import NamedTuple

from accountant.accounting.outstanding import ObservedBefore
from accountant.accounting.query import QueryQuestion
from accountant.accounting.questions import InvalidQuestion
from accountant.accounting.quote import Used, quote_query
from accountant.chain.genesis import Genesis
from accountant.execution.port import OutcomeStore
from accountant.index.port import ChainIndex
from accountant.oath.bounty import Bounty, Claim
from accountant.oath.bounty_calls import collect_transaction, commit_transaction, reveal_transaction
from accountant.oath.bounty_flaws import commitments, flaws_of_bounty
from accountant.oath.swear import Stamp, zero_cost_of
from accountant.oath.sworn import SWORN_ANSWER_BYTES_MAX
from accountant.primitives.types import AMOUNT_MAX, UNITS_PER_TOKEN, Address, Amount, ContractId, Gas, Hash

_ANYBODY = Address(bytes(20))


class BountyPolicy(NamedTuple):
    """Which bounties are answered. Amounts in base units."""

    contracts: frozenset[ContractId] | None = None
    """These alone; None: all that are found on the chain."""
    bond: Amount = Amount(100 * UNITS_PER_TOKEN)
    """The most that is put up for one claim."""
    bonded_most: Amount = Amount(10_000 * UNITS_PER_TOKEN)
    """All bonds ever put up, those that came back among them."""
    fee: Amount = Amount(UNITS_PER_TOKEN // 10)
    """The most that one transaction of a claim costs besides the bond."""
    gas: Gas = Gas(10_000_000_000)
    """The most that answering one question executes."""
    gain: Amount = Amount(0)
    """What a reward must leave at least after fees and gas."""
    blocks: int = 3
    """Blocks that must be left for committing, and that there must be for revealing."""


class Why(NamedTuple):
    """Why a bounty is not claimed. `final`: no later block ends it."""

    reason: str
    detail: str
    final: bool


def why_not(
    index: ChainIndex,
    outcomes: OutcomeStore,
    observed: ObservedBefore,
    bounty: Bounty,
    claimant: Address,
    policy: BountyPolicy,
) -> Why | None:
    """Why the question of a bounty is not asked; None if it is worth it."""
    flaws = flaws_of_bounty(index, bounty)
    if flaws:
        worst = min(flaws, key=lambda flaw: flaw.kind.passing)
        return Why(worst.kind.value, worst.detail, not worst.kind.passing)
    return (
        _time(index, bounty, policy)
        or rivals(index, bounty, claimant)
        or _worth(index, outcomes, observed, bounty, policy)
    )


def rivals(index: ChainIndex, bounty: Bounty, claimant: Address) -> Why | None:
    """That somebody surely committed before: whoever is first among the right wins, and he may be right."""
    earlier = commitments(index, bounty, claimant, index.head().next_seq)
    if not earlier:
        return None
    return Why("claimed_before", f"0x{earlier[0].sender.hex()} committed before, in block {earlier[0].height}", True)


def fees_of(genesis: Genesis, bounty: Bounty) -> tuple[int, ...]:
    """What commitment, revelation of the longest answer and collecting cost besides the bond, all gas used."""
    stamp = Stamp(genesis.chain_id, 0, genesis.fees.gas_price_least)
    contract, bond = bounty.contract, bounty.terms.bond
    claim = Claim(bounty.terms.query, bytes(SWORN_ANSWER_BYTES_MAX), Hash(bytes(32)))
    most = Amount(min(bounty.reward + bond, AMOUNT_MAX))
    steps = (
        commit_transaction(stamp, contract, _ANYBODY, bond, claim.salt),
        reveal_transaction(stamp, contract, _ANYBODY, claim),
        collect_transaction(stamp, contract, _ANYBODY, most),
    )
    return tuple(zero_cost_of(step, genesis.fees) - step.zero_value for step in steps)


def _time(index: ChainIndex, bounty: Bounty, policy: BountyPolicy) -> Why | None:
    left = bounty.commits_until - index.head().height
    if left < policy.blocks:
        return Why(
            "too_few_blocks", f"{left} blocks are left for committing, at least {policy.blocks} are needed", True
        )
    blocks = bounty.terms.reveal_blocks
    if blocks < policy.blocks:
        return Why("too_few_blocks", f"{blocks} blocks for revealing, at least {policy.blocks} are needed", True)
    return None


def _worth(
    index: ChainIndex, outcomes: OutcomeStore, observed: ObservedBefore, bounty: Bounty, policy: BountyPolicy
) -> Why | None:
    bond, fees = bounty.terms.bond, fees_of(index.genesis, bounty)
    if bond > policy.bond:
        return Why("bond_too_high", f"the bond is {bond}, at most {policy.bond} are put up", True)
    if max(fees) > policy.fee:
        return Why("fee_too_high", f"a transaction of the claim costs {max(fees)}, at most {policy.fee} are paid", True)
    if bounty.reward < sum(fees) + policy.gain:
        return Why("not_worth_it", f"the reward is {bounty.reward}, fees are {sum(fees)}", True)
    seen = observed(index.head().next_seq)
    try:
        question = QueryQuestion(bounty.terms.query, policy.gas)
        quote = quote_query(index, outcomes, question, Used(seen.gas_used, seen.gas_limits))
    except InvalidQuestion as error:  # such as a contract that nothing deploys before the position
        return Why("no_question", error.detail, True)
    if quote.gas_least > policy.gas:
        return Why("too_dear", f"answering takes {quote.gas_least} gas at least, at most {policy.gas} are spent", False)
    cost = sum(fees) + quote.gas_expected * index.genesis.fees.gas_price_least
    if bounty.reward < cost + policy.gain:
        detail = f"the reward is {bounty.reward}, fees and about {quote.gas_expected} gas come to {cost}"
        return Why("not_worth_it", detail, False)
    return None
