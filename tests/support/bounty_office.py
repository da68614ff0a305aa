"""An accountant's office that answers bounties: a real database, a chain on demand, a worker, and clients who pay."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from accountant.accounting.outstanding import ObservedGas
from accountant.chain.genesis import Genesis
from accountant.chain.query import AccountingQuery, TransactionSucceeded
from accountant.chain.transaction import CallPayload, Transaction, sign_transaction
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.outcome import Outcome
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.oath.bounty import RECLAIM, BountyTerms, Claim, bounty_of, commitment_of
from accountant.oath.bounty_calls import collect_transaction, commit_transaction, footprint_of, open_transaction
from accountant.oath.signing import Purpose, SigningLimits
from accountant.oath.swear import Stamp, deposit_transaction
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.encoding import encode
from accountant.primitives.hashes import sha256
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import UNITS_PER_TOKEN, Address, Amount, ContractId, Gas, Seq
from accountant.services.attempt import Attempt
from accountant.services.bounty_policy import BountyPolicy
from accountant.services.claims import Claims
from accountant.services.policy import JobPolicy
from accountant.services.publish import Publisher
from accountant.services.questions import answering
from accountant.services.signing import KeySigner
from accountant.services.work import work
from accountant.storage.bounties import Bounties, BountyRow
from accountant.storage.jobs import Jobs, JobState, NewJob
from tests.support.oath_node import ACCOUNTANT, CUSTOMER, oath_genesis
from tests.support.oath_office import POLICY, Office, opened_office

TOKEN = UNITS_PER_TOKEN
REWARD, BOND = 2 * TOKEN, 3 * TOKEN
COMMIT_BLOCKS, REVEAL_BLOCKS = 6, 6
BOUNTIES = BountyPolicy(bond=Amount(10 * TOKEN), bonded_most=Amount(30 * TOKEN))
CLAIM = (Purpose.COMMIT, Purpose.REVEAL, Purpose.COLLECT)
RIVAL = PrivateKey.from_seed(b"bounty/rival")


def bounty_genesis(units: int = 1_000_000 * TOKEN) -> Genesis:
    """Accountant, customer, and somebody who claims bounties too."""
    base = oath_genesis(units)
    rich = msgspec.structs.replace(base.accounts[0], address=RIVAL.address, zero_balance=1_000 * TOKEN)
    return msgspec.structs.replace(base, accounts=tuple(sorted((*base.accounts, rich), key=lambda a: a.address)))


def _observed(_seq: Seq) -> ObservedGas:
    return ObservedGas(0, Gas(0), Gas(0))


Hook = Callable[[int], None]
"""Told how many signatures for claims there were; it may raise."""


class _HookedSigner:
    """The key's signer, with something that happens right before or after each signature for a claim."""

    def __init__(self, signer: KeySigner, office: "BountyOffice") -> None:
        self._signer, self._office = signer, office

    def address(self) -> Address:
        return self._signer.address()

    def sign(self, unsigned: Transaction, purse_nonce: int, bounty: bytes = b"") -> bytes:
        hook, after = self._office.hook
        count = len([each for each in self._office.office.signatures if each.purpose in CLAIM])
        if hook is not None and not after:
            hook(count)
        raw = self._signer.sign(unsigned, purse_nonce, bounty)
        if hook is not None and after:
            hook(count)
        return raw


@dataclass
class BountyOffice:
    """An office, and what those do who ask and claim on its chain."""

    office: Office
    outcomes: MemoryOutcomes
    listed: set[ContractId]
    hook: tuple[Hook | None, bool] = (None, False)

    def signing(self, hook: Hook | None, after: bool = False) -> None:
        """From now on this happens before, or after, each signature for a claim."""
        self.hook = (hook, after)

    def claims(self, policy: BountyPolicy = BOUNTIES, limits: SigningLimits | None = None) -> Claims:
        """A new process of whoever claims; it knows of the bounties that were opened here."""
        office = self.office
        signer = KeySigner(
            ACCOUNTANT, office.node.index.genesis, limits or self.limits(policy), office.signatures.append
        )
        return Claims(
            office.engine,
            office.node.index,
            lambda: self.outcomes,
            _observed,
            office.node,
            _HookedSigner(signer, self),
            policy._replace(contracts=frozenset(self.listed)),
            JobPolicy(),
        )

    def limits(self, policy: BountyPolicy = BOUNTIES) -> SigningLimits:
        """What the key signs for bounties under a policy, and for oaths."""
        return SigningLimits(POLICY.penalty, POLICY.deposit, policy.bond, policy.fee, policy.bonded_most)

    def publisher(self) -> Publisher:
        """A new process of the publisher."""
        return self.office.publisher()

    def publisher_settled(self) -> None:
        """The purse is deployed and filled, so that no other signature comes between those for claims."""
        publisher = self.publisher()
        for _ in range(3):
            publisher.round()
            self.office.node.make_block()

    def stamp(self, key: PrivateKey) -> Stamp:
        """Nonce and prices of somebody's next transaction."""
        genesis = self.office.node.index.genesis
        nonce = self.office.node.state.account(key.address).nonce
        return Stamp(genesis.chain_id, nonce, genesis.fees.gas_price_least)

    def include(self, key: PrivateKey, *unsigned: Transaction) -> list[Seq]:
        """A block with somebody's transactions; their numbers."""
        raws = [sign_transaction(each, key) for each in unsigned]
        self.office.node.make_block(*raws)
        last = self.office.node.index.block(self.office.node.index.head().height)
        assert last is not None
        return [Seq(last.first_seq + i) for i in range(len(raws))]

    def open(
        self,
        query: AccountingQuery | bytes,
        reward: int = REWARD,
        bond: int = BOND,
        commit_blocks: int = COMMIT_BLOCKS,
        reveal_blocks: int = REVEAL_BLOCKS,
        **changes: Any,
    ) -> ContractId:
        """A bounty of the customer's in a block; `changes` to the transaction that opens it."""
        stamp = self.stamp(CUSTOMER)
        raw = query if isinstance(query, bytes) else encode(query)
        terms = BountyTerms(raw, Amount(bond), commit_blocks, reveal_blocks)
        opening = open_transaction(stamp, CUSTOMER.address, terms, Amount(reward), self.office.node.index.genesis.gas)
        self.include(CUSTOMER, msgspec.structs.replace(opening, **changes))
        contract = contract_id_of(CUSTOMER.address, stamp.nonce)
        self.listed.add(contract)
        return contract

    def rival(self, contract: ContractId, answer: object) -> tuple[Claim, Transaction]:
        """A rival's claim, and the commitment to it, which is in no block yet."""
        terms = bounty_of(self.office.node.index, contract).terms
        claim = Claim(terms.query, encode(answer), sha256(b"rival's salt"))
        commitment = commitment_of(contract, RIVAL.address, claim)
        return claim, commit_transaction(self.stamp(RIVAL), contract, RIVAL.address, terms.bond, commitment)

    def reclaim(self, contract: ContractId, units: int) -> Outcome:
        """The client takes money back; what came of it."""
        entries = footprint_of(RECLAIM, (units,), CUSTOMER.address, contract, 0)
        payload = encode(CallPayload(RECLAIM, (units,)))
        call = collect_transaction(self.stamp(CUSTOMER), contract, CUSTOMER.address, Amount(units))
        (seq,) = self.include(CUSTOMER, msgspec.structs.replace(call, payload=payload, footprint=entries))
        return self.outcome(seq)

    def waits(self) -> bool:
        """Whether something that was submitted is in no block yet."""
        return bool(self.office.node.waiting)

    def withdraw(self, job_id: str) -> None:
        """A job's answer rests on what was wrong: it is asked again."""
        with self.office.engine.begin() as connection:
            jobs = Jobs(connection)
            row = jobs.get(job_id)
            assert row is not None
            again = NewJob(job_id + "_again", self.office.key_prefix, row.kind, row.request, False, 3, repeats=row.id)
            jobs.withdraw(row.number, jobs.add(again).id)

    def settled_payment(self) -> AccountingQuery:
        """Did a transfer settle that did? It is in a block."""
        paying = deposit_transaction(self.stamp(CUSTOMER), ContractId(bytes(32)), Amount(1))
        (seq,) = self.include(CUSTOMER, paying)
        return TransactionSucceeded(self.office.node.index.transaction(seq).hash)

    def until(self, height: int) -> None:
        """Blocks pass, with a transfer of the customer's each, so that the next one is above a height."""
        while self.office.node.index.head().height < height:
            self.settled_payment()

    def work(self) -> int:
        """A worker answers what waits; how many jobs."""
        query = "select id from accountant.jobs where state = 'queued'"
        with self.office.engine.connect() as connection:
            waiting = list(connection.execute(sa.text(query)).scalars())
        answer = answering(self.office.node.index, self.outcomes)
        for job in waiting:
            assert work(self.office.engine, answer, job, "worker", JobPolicy()) is Attempt.DONE
        return len(waiting)

    def go_on(self, claims: Claims, publisher: Publisher, rounds: int = 1) -> None:
        """Rounds of both, a worker, and a block each."""
        for _ in range(rounds):
            claims.round()
            publisher.round()
            self.work()
            self.settled_payment()
            publisher.round()

    def row(self, contract: ContractId) -> BountyRow:
        """How far the claim came."""
        with self.office.engine.connect() as connection:
            row = Bounties(connection).get(contract)
        assert row is not None
        return row

    def outcome(self, seq: Seq) -> Outcome:
        """What a transaction did."""
        return Selective(Session(self.office.node.index, MemoryOutcomes())).outcome(seq)

    def signed(self, purposes: Sequence[str]) -> list[tuple[int, str]]:
        """Nonces and purposes of what was signed and not displaced, by nonce."""
        query = sa.text(
            "select nonce, purpose from accountant.signed_transactions "
            "where state <> 'displaced' and purpose = any(:purposes) order by nonce"
        )
        with self.office.engine.connect() as connection:
            return [(r.nonce, r.purpose) for r in connection.execute(query, {"purposes": list(purposes)})]

    def jobs(self) -> list[JobState]:
        """The states of all jobs, oldest first."""
        with self.office.engine.connect() as connection:
            return [
                JobState(state)
                for state in connection.execute(sa.text("select state from accountant.jobs order by number")).scalars()
            ]


@contextmanager
def opened_bounty_office(url: str, genesis: Genesis | None = None) -> Iterator[BountyOffice]:
    """An office with an empty database and a chain that only has its genesis."""
    with opened_office(url, genesis or bounty_genesis()) as office:
        yield BountyOffice(office, MemoryOutcomes(), set())
