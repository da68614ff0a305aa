"""What a run looks up in the index beside its needs: asked for again where an outcome is replayed or proved."""

from typing import assert_never

from accountant.chain.moment import Moment
from accountant.execution.needs import CodeOf, LookUp, MembersOf, PublicationOf, TargetOf
from accountant.execution.queries import target_of
from accountant.index.port import ChainIndex
from accountant.primitives.types import ADDRESS_BYTES, AccountId, Address, Amount, Hash, Seq


def members_of(index: ChainIndex, account: AccountId, theta: tuple[Hash, ...], before: Seq) -> tuple[Seq, ...] | None:
    """Θ as numbers; None if a member is no earlier transaction that may have moved the account's general balance.

    A hash of a later transaction and one of none fail alike, or the outcome would depend on how far the chain went
    when somebody looked.
    """
    members = []
    for name in theta:
        seq = index.seq_of(name)
        if seq is None or seq >= before or not index.events(account, Seq(seq - 1), Seq(seq + 1)):
            return None
        members.append(seq)
    return tuple(members)


def zero_balance(index: ChainIndex, account: AccountId, moment: Moment) -> Amount:
    """Z of a user right before `moment`; contracts have none."""
    return index.zero_balance(Address(account), moment) if len(account) == ADDRESS_BYTES else Amount(0)


def look_up(index: ChainIndex, asked: LookUp) -> None:
    """Ask the index for what a run asked it for."""
    match asked:
        case CodeOf(contract):
            index.deployment(contract)
        case MembersOf(account, theta, before, moment):
            if members_of(index, account, theta, before) is not None:
                zero_balance(index, account, moment)
        case TargetOf(query):
            target_of(index, query)
        case PublicationOf(cid):
            index.publication(cid)
        case _:
            assert_never(asked)
