"""What validators know of the chain, as far as one transaction needs it: a part of their state, by a few look-ups."""

from collections.abc import Iterable
from typing import NamedTuple

from accountant.chain.admission import Deployed, deployed
from accountant.chain.envelope import Envelope
from accountant.chain.moment import moment_before
from accountant.chain.state import Account, ChainHead, ChainState
from accountant.chain.transaction import decode_deployment
from accountant.index.port import ChainIndex, Head
from accountant.primitives.types import Address, Cid, ContractId, Hash, Seq


class Deployment(NamedTuple):
    """What a deployment carries. Whether it succeeded is known to whoever executes it."""

    deployer: Address
    transaction: Hash | None
    """None for a contract of genesis."""
    code: bytes
    envelope: Envelope


def deployment_of(index: ChainIndex, contract: ContractId) -> Deployment | None:
    """The deployment of a contract, or its place in genesis; None if it is not on the chain."""
    for listed in index.genesis.contracts:
        if listed.contract == contract:
            return Deployment(Address(listed.deployer), None, listed.code, listed.envelope)
    seq = index.deployment(contract)
    if seq is None:
        return None
    located = index.transaction(seq)
    payload = decode_deployment(located.transaction.payload)
    return Deployment(located.sender, located.hash, payload.code, payload.envelope)


def deployed_before(index: ChainIndex, contract: ContractId, before: Seq) -> Deployed | None:
    """A contract of genesis or of a deployment before transaction `before`, whether or not that succeeded."""
    for listed in index.genesis.contracts:
        if listed.contract == contract:
            return deployed(Address(listed.deployer), listed.envelope)
    seq = index.deployment(contract)
    if seq is None or seq >= before:
        return None
    located = index.transaction(seq)
    return deployed(located.sender, decode_deployment(located.transaction.payload).envelope)


def published_before(index: ChainIndex, cid: Cid, before: Seq) -> int | None:
    """The size in bytes of a blob that a transaction before `before` published."""
    found = index.publication(cid)
    return None if found is None or found.seq >= before else found.size


def account_at(index: ChainIndex, user: Address, head: Head) -> Account:
    """Nonce, zero-cost balance and expenses of a user at the head."""
    zero = index.zero_balance(user, moment_before(head.height + 1, 0))
    return Account(index.nonce(user, head.next_seq), zero, index.expenses(user, head.next_seq))


def partial_state(
    index: ChainIndex,
    head: Head,
    accounts: Iterable[tuple[Address, Account]],
    contracts: Iterable[ContractId],
    blobs: Iterable[Cid] = (),
) -> ChainState:
    """A validator's state at the head that holds these accounts, contracts and blobs alone."""
    block = index.block(head.height)
    assert block is not None
    known = ((contract, deployed_before(index, contract, head.next_seq)) for contract in contracts)
    sizes = ((cid, published_before(index, cid, head.next_seq)) for cid in blobs)
    return ChainState.restored(
        index.genesis,
        ChainHead(head.height, head.hash, block.time, head.next_seq),
        accounts,
        [(contract, there.deployer, there.envelope) for contract, there in known if there is not None],
        [(cid, size) for cid, size in sizes if size is not None],
    )
