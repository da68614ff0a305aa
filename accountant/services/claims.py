"""Claims: bounties are found, judged, answered by a job, committed to, revealed and collected, each exactly once.

A round looks at every bounty that is under way and takes the next step of each. A step is one database transaction:
what it signs has its nonce from the sequence that oaths use, is stored with the change of state, and is submitted by
the publisher, byte for byte the same until a block has it. So a crash repeats nothing and loses nothing.
"""

from collections.abc import Callable

import sqlalchemy as sa
import structlog

from accountant.accounting.outstanding import ObservedBefore
from accountant.execution.port import OutcomeStore
from accountant.index.port import ChainIndex
from accountant.oath.bounty import NotABounty, bounty_of
from accountant.oath.signing import NotSigned
from accountant.primitives.addresses import show
from accountant.primitives.types import Address, ContractId
from accountant.services.bounty_policy import BountyPolicy
from accountant.services.claim_steps import Postponed, Steps, Under, ended
from accountant.services.policy import JobPolicy
from accountant.services.publish import PublisherNode, SignerAccount
from accountant.services.signing import Signer, SignerDown
from accountant.storage.bounties import Bounties, BountyState
from accountant.storage.oaths import Oaths

UNDER_WAY_MOST = 200
"""Claims at a time; while there are so many no other bounty is judged."""
JUDGED_MOST = 50
"""Open bounties that one round judges, lest strangers' bounties keep oaths waiting."""
PIECES_MOST = 10
"""Pieces of the chain's deployments that one round searches."""

_log = structlog.get_logger(__name__)


class Claims:
    """Claims bounties for one signer. Two of them on one database are safe; one is enough."""

    def __init__(
        self,
        engine: sa.Engine,
        index: ChainIndex,
        outcomes: Callable[[], OutcomeStore],
        observed: ObservedBefore,
        node: PublisherNode,
        signer: Signer,
        policy: BountyPolicy,
        jobs: JobPolicy,
    ) -> None:
        self._engine, self._index, self._node, self._signer, self._policy = engine, index, node, signer, policy
        self._steps = Steps(index, outcomes, observed, signer, policy, jobs)
        self._no_bounties: set[ContractId] = set()

    def round(self) -> int:
        """One round; how many bounties went a step further. Raises `NodeDown`.

        Without a signer nothing is done, and goes on where it was once there is one.
        """
        self._find()
        changed = 0
        try:
            address = self._signer.address()
            account = self._node.account(address)
            for contract in self._due():
                changed += self._look_at(contract, address, account)
        except SignerDown as error:  # the publisher says so
            _log.debug("claims_wait", code=error.code)
        return changed

    def _due(self) -> list[ContractId]:
        """The bounties whose next step it may be time for: bounded work, however many are open."""
        with self._engine.connect() as connection:
            bounties = Bounties(connection)
            under_way = bounties.under_way(UNDER_WAY_MOST)
            judged = bounties.to_judge(self._index.head().height, min(JUDGED_MOST, UNDER_WAY_MOST - len(under_way)))
        return under_way + judged

    def _find(self) -> None:
        """New bounties become rows: of all deployments, or those that are listed."""
        if self._policy.contracts is None:
            for _ in range(PIECES_MOST):
                with self._engine.begin() as connection:
                    if not Bounties(connection).search():
                        break
            return
        for contract in sorted(self._policy.contracts - self._no_bounties):
            with self._engine.begin() as connection:
                bounties = Bounties(connection)
                if bounties.get(contract) is not None or self._index.deployment(contract) is None:
                    continue
                try:
                    found = bounty_of(self._index, contract)
                except NotABounty as error:
                    self._no_bounties.add(contract)
                    _log.warning("not_a_bounty", contract=show(contract), detail=error.detail)
                    continue
                bounties.add(contract, found.seq, found.reward)

    def _look_at(self, contract: ContractId, address: Address, account: SignerAccount) -> bool:
        """Takes a bounty's next step, if it is time for one; whether it was."""
        with self._engine.begin() as connection:
            oaths, bounties = Oaths(connection), Bounties(connection)
            oaths.lock(address)
            row = bounties.locked(contract)
            if row is None or row.state.ended:
                return False
            under = Under(connection, bounties, oaths, address, account, self._index.head())
            bounty = bounty_of(self._index, contract)
            try:
                changes = self._steps.next(under, row, bounty)
            except Postponed as why:
                changes = ended(row.state, why.reason, why.detail)
            except NotSigned as error:  # once a bond is at stake, whoever sets the limits may still raise them
                state = BountyState.DECLINED if row.commit_number is None else row.state
                changes = ended(state, error.code, error.detail)
            if all(getattr(row, name) == value for name, value in changes.items()):
                return False
            bounties.change(row, **changes)
        if "state" not in changes or changes["state"] is row.state:
            return False
        _log.info("bounty", contract=show(contract), state=str(changes["state"]), reason=changes.get("reason"))
        return True
