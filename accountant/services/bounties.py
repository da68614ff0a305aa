"""Reading bounties: what is asked, for how much, and how far this accountant came. Nothing is executed."""

from typing import NamedTuple

import sqlalchemy as sa

from accountant.index.port import ChainIndex
from accountant.oath.bounty import Bounty, bounty_of, terms_of_deployment
from accountant.oath.bounty_flaws import BountyFlaw, commitments, flaws_of_bounty
from accountant.oath.signing import Purpose
from accountant.primitives.types import Address, ContractId, Hash
from accountant.storage.bounties import Bounties, BountyRow, BountyState

_NOBODY = Address(b"")


class BountySeen(NamedTuple):
    """A bounty, and this accountant's claim on it; `row`: None where it was not looked at."""

    bounty: Bounty
    row: BountyRow | None
    steps: dict[Purpose, Hash]
    """The transactions of the claim that are signed."""


class BountyRead(NamedTuple):
    """A bounty with what the chain's bytes say of it."""

    seen: BountySeen
    flaws: tuple[BountyFlaw, ...]
    claims: int
    """Commitments that are surely there, counted up to 200."""


class BountyPage(NamedTuple):
    """Bounties, latest seen first, and whether there are more."""

    bounties: list[BountySeen]
    has_more: bool


def list_bounties(
    connection: sa.Connection, index: ChainIndex, state: BountyState | None, before: int | None, limit: int
) -> BountyPage:
    """Up to `limit` bounties that were seen, all with number < before; of one state or of all."""
    bounties = Bounties(connection)
    rows = bounties.page(state, before, limit + 1)
    shown = rows[:limit]
    steps = bounties.steps(shown)
    seen = [
        BountySeen(
            Bounty(located, row.contract, terms_of_deployment(located.transaction)),
            row,
            {steps[n].purpose: steps[n].hash for n in _numbers(row) if n in steps},
        )
        for row, located in zip(shown, index.transactions([row.seq for row in shown]), strict=True)
    ]
    return BountyPage(seen, len(rows) > limit)


def read_bounty(connection: sa.Connection, index: ChainIndex, contract: ContractId) -> BountyRead:
    """Anybody's bounty on the chain, seen before or not. Raises `NotABounty`."""
    bounty = bounty_of(index, contract)
    bounties = Bounties(connection)
    row = bounties.get(contract)
    steps = {} if row is None else bounties.steps([row])
    seen = BountySeen(bounty, row, {step.purpose: step.hash for step in steps.values()})
    claims = len(commitments(index, bounty, _NOBODY, index.head().next_seq))
    return BountyRead(seen, flaws_of_bounty(index, bounty), claims)


def _numbers(row: BountyRow) -> list[int]:
    return [n for n in (row.commit_number, row.reveal_number, row.collect_number) if n is not None]
