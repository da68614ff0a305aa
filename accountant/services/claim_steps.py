"""The steps of a claim: from a bounty that was seen to its reward. Each returns what changes in the bounty's row."""

import secrets
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import sqlalchemy as sa

from accountant.accounting.certificate import Verdict, decode_certificate
from accountant.accounting.outstanding import ObservedBefore
from accountant.accounting.query import QueryQuestion
from accountant.accounting.questions import InvalidQuestion, ViewQuestion
from accountant.chain.block import Position
from accountant.chain.query import ViewAnswer, decode_answer
from accountant.chain.transaction import Transaction, transaction_hash
from accountant.execution.port import OutcomeStore
from accountant.index.port import ChainIndex, Head
from accountant.oath.bounty import DUE_GAS, DUE_TO, Bounty, Claim, commitment_of
from accountant.oath.bounty_calls import collect_transaction, commit_transaction, reveal_transaction
from accountant.oath.signing import Purpose
from accountant.oath.swear import Stamp, zero_cost_of
from accountant.oath.sworn import answer_flaw
from accountant.primitives.encoding import encode
from accountant.primitives.types import Address, Amount, ContractId, Hash
from accountant.services.ask import ask
from accountant.services.bounty_policy import BountyPolicy, Why, fees_of, rivals, why_not
from accountant.services.policy import JobPolicy
from accountant.services.publish import SignerAccount
from accountant.services.questions import Question
from accountant.services.signing import Signer
from accountant.storage.bounties import Bounties, BountyRow, BountyState, Step
from accountant.storage.jobs import JobRow, Jobs, JobState
from accountant.storage.keys_store import Keys
from accountant.storage.oaths import NewSigned, Oaths, SignedState


class Postponed(Exception):
    """The next step has to wait; `reason` and `detail` say for what."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


class Under(NamedTuple):
    """What one step works with: everything within one database transaction."""

    connection: sa.Connection
    bounties: Bounties
    oaths: Oaths
    address: Address
    account: SignerAccount
    head: Head


class Steps:
    """The steps of one signer's claims. Whoever calls has locked the signer's nonces and the row."""

    def __init__(
        self,
        index: ChainIndex,
        outcomes: Callable[[], OutcomeStore],
        observed: ObservedBefore,
        signer: Signer,
        policy: BountyPolicy,
        jobs: JobPolicy,
    ) -> None:
        self._index, self._outcomes, self._observed = index, outcomes, observed
        self._signer, self._policy, self._jobs = signer, policy, jobs

    def next(self, under: Under, row: BountyRow, bounty: Bounty) -> dict[str, object]:
        """What changes in the row. Raises `Postponed`, `NotSigned`, `SignerDown`."""
        steps = under.bounties.steps([row])
        match row.state:
            case BountyState.OPEN:
                return self._consider(under, row, bounty)
            case BountyState.ASKED:
                return self._commit(under, row, bounty)
            case BountyState.CLAIMED:
                return self._reveal(under, row, bounty, steps[row.commit_number or 0])
            case BountyState.REVEALED:
                return self._end(under, row, bounty, steps[row.reveal_number or 0])
        assert row.state is BountyState.COLLECTING
        if row.due is None:
            return self._due(under, row)
        return self._collect(under, row, bounty, steps.get(row.collect_number or 0))

    def _consider(self, under: Under, row: BountyRow, bounty: Bounty) -> dict[str, object]:
        """Open: is it worth an answer? Judged again with each block, until commitments end."""
        head = under.head
        if row.looked_height == head.height:
            return {}
        left = bounty.commits_until - head.height
        if left <= 0 or (row.reason is not None and left < self._policy.blocks):
            return _expired(row, bounty, "seen_too_late")
        why = why_not(self._index, self._outcomes(), self._observed, bounty, under.address, self._policy)
        if why is None:
            why = self._bonds_left(under, bounty)
        if why is not None:
            state = BountyState.DECLINED if why.final else BountyState.OPEN
            return {**ended(state, why.reason, why.detail), "looked_height": head.height}
        try:
            job = self._ask(under, QueryQuestion(bounty.terms.query, self._policy.gas))
        except InvalidQuestion as error:
            return ended(BountyState.DECLINED, "no_question", error.detail)
        return {"state": BountyState.ASKED, "job": job, "reason": None, "detail": None}

    def _bonds_left(self, under: Under, bounty: Bounty) -> Why | None:
        together = under.bounties.bonded(under.address) + bounty.terms.bond
        if together <= self._policy.bonded_most:
            return None
        detail = f"{together} units of bonds in all, at most {self._policy.bonded_most} are put up"
        return Why("bonds_exhausted", detail, False)

    def _commit(self, under: Under, row: BountyRow, bounty: Bounty) -> dict[str, object]:
        """Asked: once the answer is there, it is committed to. What is undecided is never claimed."""
        assert row.job is not None
        if under.head.height >= bounty.commits_until:
            return _expired(row, bounty, "answered_too_late")
        job = self._finished(under, row.job)
        if job is None:
            return {}
        if job.id != row.job:
            return {"job": job.id}
        if job.state is not JobState.DONE or job.certificate is None:
            return ended(BountyState.DECLINED, "no_answer", f"job {job.id} is {job.state}")
        found = decode_certificate(job.certificate)
        if found.verdict is Verdict.UNDECIDED or found.answer is None or found.query != bounty.terms.query:
            return ended(BountyState.DECLINED, "undecided", "an undecided answer is never claimed")
        unfit = answer_flaw(bounty.terms.query, found.answer)
        if unfit is not None:
            return ended(BountyState.DECLINED, "unfit_answer", unfit)
        why = rivals(self._index, bounty, under.address) or self._bonds_left(under, bounty)
        if why is not None and not why.final:
            raise Postponed(why.reason, why.detail)
        if why is not None:
            return ended(BountyState.DECLINED, why.reason, why.detail)
        claim = Claim(bounty.terms.query, found.answer, Hash(secrets.token_bytes(32)))
        number = self._sign_commitment(under, bounty, claim)
        return {
            "state": BountyState.CLAIMED,
            "answer": claim.answer,
            "salt": claim.salt,
            "commit_number": number,
            "reason": None,
            "detail": None,
        }

    def _sign_commitment(self, under: Under, bounty: Bounty, claim: Claim) -> int:
        bond = bounty.terms.bond
        build = partial(
            commit_transaction,
            contract=bounty.contract,
            claimant=under.address,
            bond=bond,
            commitment=commitment_of(bounty.contract, under.address, claim),
        )
        later = sum(fees_of(self._index.genesis, bounty)[1:])  # or a claim could be made that is never revealed
        return self._signed(under, bounty, Purpose.COMMIT, bond, build, later)

    def _reveal(self, under: Under, row: BountyRow, bounty: Bounty, commit: Step) -> dict[str, object]:
        """Claimed: once the commitment is in a block and commitments have ended, the answer is revealed."""
        height = under.head.height
        claim = _claim_of(row, bounty)
        if commit.state is SignedState.DISPLACED:
            if height >= bounty.commits_until:
                return ended(BountyState.EXPIRED, "committed_too_late", "another transaction took its nonce")
            return {"commit_number": self._sign_commitment(under, bounty, claim)}
        if commit.seq is None:
            return {}
        if self._index.transaction(commit.seq).height > bounty.commits_until:
            detail = f"commitments ended with block {bounty.commits_until}; the bond came back as general money"
            return ended(BountyState.EXPIRED, "committed_too_late", detail)
        if height < bounty.commits_until:
            return {}
        if height >= bounty.reveals_until:
            return _revealed_too_late(bounty)
        return {"state": BountyState.REVEALED, "reveal_number": self._sign_revelation(under, bounty, claim)}

    def _sign_revelation(self, under: Under, bounty: Bounty, claim: Claim) -> int:
        build = partial(reveal_transaction, contract=bounty.contract, claimant=under.address, claim=claim)
        return self._signed(under, bounty, Purpose.REVEAL, Amount(0), build)

    def _end(self, under: Under, row: BountyRow, bounty: Bounty, reveal: Step) -> dict[str, object]:
        """Revealed: once the bounty has ended, it is asked what the claim is due."""
        height = under.head.height
        if reveal.state is SignedState.DISPLACED:
            if height >= bounty.reveals_until:
                return _revealed_too_late(bounty)
            return {"reveal_number": self._sign_revelation(under, bounty, _claim_of(row, bounty))}
        if reveal.seq is None or height < bounty.reveals_until:
            return {}
        if self._index.transaction(reveal.seq).height > bounty.reveals_until:
            return _revealed_too_late(bounty)
        return {"state": BountyState.COLLECTING, "due_job": self._ask_due(under, bounty.contract)}

    def _ask_due(self, under: Under, contract: ContractId) -> str:
        position = Position(under.head.hash, 0)
        return self._ask(under, ViewQuestion(contract, DUE_TO, (under.address,), DUE_GAS, position))

    def _due(self, under: Under, row: BountyRow) -> dict[str, object]:
        """Collecting: what others' revelations were worth is known to whoever executes them, so a job finds out."""
        assert row.due_job is not None
        job = self._finished(under, row.due_job)
        if job is None:
            return {}
        if job.id != row.due_job:
            return {"due_job": job.id}
        found = decode_certificate(job.certificate) if job.certificate is not None else None
        answer = decode_answer(found.answer) if found is not None and found.answer is not None else None
        if not isinstance(answer, ViewAnswer) or not isinstance(answer.value, int):
            return {"due_job": self._ask_due(under, row.contract)}
        if answer.value == 0:
            return ended(BountyState.LOST, "found_wrong", "the chain has another answer, and the bond is lost")
        return {"due": answer.value}

    def _collect(self, under: Under, row: BountyRow, bounty: Bounty, collect: Step | None) -> dict[str, object]:
        """Collecting: what is due is taken; that succeeds, since the view that told it did."""
        due = row.due
        assert due is not None
        if collect is None or collect.state is SignedState.DISPLACED:
            build = partial(collect_transaction, contract=bounty.contract, claimant=under.address, units=due)
            return {"collect_number": self._signed(under, bounty, Purpose.COLLECT, Amount(0), build)}
        if collect.seq is None:
            return {}
        if due > bounty.terms.bond:
            return ended(BountyState.WON, None, None)
        return ended(BountyState.LOST, "earlier_claim", "an earlier claim was right; the bond came back")

    def _ask(self, under: Under, question: Question) -> str:
        """A job of the first API key; its id. Raises `Postponed`, `InvalidQuestion`."""
        key = Keys(under.connection).first()
        if key is None:
            raise Postponed("no_api_key", "there is no API key whose job it could be")
        return ask(under.connection, self._index, key.prefix, question, False, self._jobs).id

    def _finished(self, under: Under, job_id: str) -> JobRow | None:
        """The job if it has ended, or the one that asks again what was withdrawn; None while it is under way."""
        job = Jobs(under.connection).get(job_id)
        assert job is not None
        if job.withdrawn_at is not None and job.repeated_by is not None:
            return Jobs(under.connection).get(job.repeated_by)
        return job if job.state.ended else None

    def _signed(
        self,
        under: Under,
        bounty: Bounty,
        purpose: Purpose,
        bond: Amount,
        build: Callable[[Stamp], Transaction],
        later: int = 0,
    ) -> int:
        """The key's next transaction, signed and stored; its number. `later`: fees that must be left for what follows.

        Raises `Postponed`, `SignerDown`, `NotSigned`.
        """
        genesis = self._index.genesis
        nonce = under.oaths.next_nonce(under.address, under.account.pending_nonce)
        unsigned = build(Stamp(genesis.chain_id, nonce, genesis.fees.gas_price_least))
        cost = zero_cost_of(unsigned, genesis.fees)
        left = under.oaths.left(under.address, under.account.zero_balance)
        if cost + later > left:
            detail = f"{max(left, 0)} zero-cost units are left, to {purpose} and what follows take {cost + later}"
            raise Postponed("out_of_zero_cost_money", detail)
        raw = self._signer.sign(unsigned, 0, encode(bounty.located.transaction))
        new = NewSigned(under.address, nonce, purpose, bounty.contract, bond, cost, transaction_hash(raw), raw)
        return under.oaths.add(new)


def _claim_of(row: BountyRow, bounty: Bounty) -> Claim:
    assert row.answer is not None and row.salt is not None
    return Claim(bounty.terms.query, row.answer, row.salt)


def ended(state: BountyState, reason: str | None, detail: str | None) -> dict[str, object]:
    """A state and why."""
    return {"state": state, "reason": reason, "detail": detail}


def _expired(row: BountyRow, bounty: Bounty, reason: str) -> dict[str, object]:
    """Commitments ended without one: for the reason that was there before, if there was one."""
    if row.reason is not None:
        return ended(BountyState.EXPIRED, row.reason, row.detail)
    return ended(BountyState.EXPIRED, reason, f"commitments ended with block {bounty.commits_until}")


def _revealed_too_late(bounty: Bounty) -> dict[str, object]:
    detail = f"claims were revealed until block {bounty.reveals_until}; the bond is lost"
    return ended(BountyState.LOST, "revealed_too_late", detail)
