"""Publishing: finished answers become oaths on chain, signed by whoever holds the accountant's key, each exactly once.

A round settles what is on the chain, sees to the purses, has oaths signed, and submits. The signature and its nonce
are stored in one database transaction before any byte goes to the node, so a crash at any point is made good by
the next round: the same bytes are submitted again until a block has them.

One purse after the other is an epoch: each gets one deposit, and the next one is opened before what is left of the
deposits is used up, so that no answer waits for it.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple, Protocol

import sqlalchemy as sa
import structlog

from accountant.accounting.certificate import AnyCertificate, Verdict, decode_certificate
from accountant.chain.transaction import Transaction, transaction_hash
from accountant.index.port import ChainIndex
from accountant.oath.audit_report import Audit, decode_audit
from accountant.oath.counts import coverage, purse_flaws
from accountant.oath.gas import rules_allow
from accountant.oath.oath import SwornTerms
from accountant.oath.signing import NotSigned, Purpose
from accountant.oath.swear import Stamp, deploy_transaction, deposit_transaction, swear_transaction, zero_cost_of
from accountant.oath.sworn import answer_flaw, query_flaw
from accountant.primitives.addresses import contract_id_of, show
from accountant.primitives.errors import AccountantError, InvalidEncoding
from accountant.primitives.types import UNITS_PER_TOKEN, Address, Amount, Height
from accountant.services.batches import Batch, ToSwear, batches_of
from accountant.services.oath_traces import submitting, swearing, tell_displaced, tell_included
from accountant.services.signing import Signer, SignerDown
from accountant.services.submit import Refused
from accountant.storage.oaths import NewSigned, Oaths, PurseRow, SignedRow, UnswornJob

_log = structlog.get_logger(__name__)


class SignerAccount(NamedTuple):
    """What the node says of the accountant's account; `pending_nonce` comes after what its mempool holds."""

    nonce: int
    pending_nonce: int
    zero_balance: int


class PublisherNode(Protocol):
    """The node, as a publisher needs it. Every method may raise `NodeDown`."""

    def account(self, address: Address) -> SignerAccount:
        """Nonces and zero-cost balance of the signer."""

    def height(self) -> Height:
        """The height of the node's last block."""

    def submit(self, raw: bytes) -> None:
        """Hand in a transaction. Raises `Refused`."""


class PublisherPolicy(NamedTuple):
    """Amounts in base units."""

    penalty: Amount = Amount(UNITS_PER_TOKEN)
    """What each oath stakes."""
    deposit: Amount = Amount(1_000 * UNITS_PER_TOKEN)
    """What each purse gets, once."""
    deposited_most: Amount = Amount(100_000 * UNITS_PER_TOKEN)
    """What all purses get together: then publishing stops until somebody decides."""
    alarm: Amount = Amount(1_000 * UNITS_PER_TOKEN)
    """Zero-cost money below which the publisher says so, while it still can publish."""
    batch: int = 50
    """Answers sworn in one round at most."""

    @property
    def reserve(self) -> int:
        """What the purses must still cover together, or the next one is opened."""
        return max(self.penalty, self.deposit // 4)


def _sworn_of(certificate: bytes) -> AnyCertificate | Audit:
    """What a finished job found. Raises `Declined`."""
    with suppress(InvalidEncoding):
        return decode_audit(certificate)  # as far as its budget reached, a bound holds
    try:
        found = decode_certificate(certificate)
    except InvalidEncoding as error:
        raise Declined(f"the certificate does not decode: {error.detail}") from None
    if found.verdict is Verdict.UNDECIDED:
        raise Declined("an undecided answer is never sworn")
    return found


_PURSES_IN_USE = 4
"""The latest purses, which oaths are sworn on; earlier ones are let be."""


class OutOfFunds(AccountantError):
    """The accountant's zero-cost balance does not pay for what is to be signed next."""

    code = "out_of_zero_cost_money"


class NotCovered(AccountantError):
    """No purse's bound covers another penalty, and no more may be deposited."""

    code = "purse_exhausted"


class PurseNotReady(AccountantError):
    """No purse's deployment and deposit are in a block that this accountant has seen, and more is on its way."""

    code = "purse_not_ready"


class Declined(AccountantError):
    """An answer that is never sworn."""

    code = "not_sworn"


class Round(NamedTuple):
    """What a round did. `stopped`: the code of what keeps answers from being sworn; None if nothing does."""

    included: int
    displaced: int
    sworn: int
    declined: int
    submitted: int
    stopped: str | None
    low: bool
    """Whether the zero-cost balance is below the alarm."""
    left: int | None = None
    """Zero-cost units that nothing on its way takes; None where nobody looked."""


class Publisher:
    """Publishes for one signer. Two of them on one database are safe; one is enough."""

    def __init__(
        self, engine: sa.Engine, index: ChainIndex, node: PublisherNode, signer: Signer, policy: PublisherPolicy
    ) -> None:
        assert 0 < policy.penalty <= policy.deposit <= policy.deposited_most
        self._engine, self._index, self._node, self._signer, self._policy = engine, index, node, signer, policy
        self._stopped: str | None = None
        self._low = False
        self._units_left: int | None = None

    def round(self) -> Round:
        """One round. Raises `NodeDown`; whatever was signed until then is submitted in a later round.

        Without a signer nothing new is signed, and what was signed is still submitted.
        """
        try:
            address = self._signer.address()
        except SignerDown as error:
            self._tell(error)
            self.waits(error)
            return Round(0, 0, 0, 0, 0, error.code, self._low, self._units_left)
        included, displaced = self._settle(address)
        account = self._node.account(address)  # after settling, so its balance has paid what is settled
        sworn = declined = 0
        stopped: AccountantError | None = None
        try:
            with self._engine.begin() as connection:
                self._provide(Oaths(connection), address, account)
            sworn, declined, stopped = self._swear(address, account)
        except (OutOfFunds, PurseNotReady, SignerDown, NotSigned) as error:
            stopped = error
        self._tell(stopped)
        self._watch_balance(address, account, stopped)
        submitted = self._submit(address)
        code = stopped.code if stopped else None
        return Round(included, displaced, sworn, declined, submitted, code, self._low, self._units_left)

    def waits(self, why: AccountantError) -> None:
        """Keeps, for whoever asks the accountant, why there was no round at all."""
        with self._engine.begin() as connection:
            Oaths(connection).stopped(why.code, why.detail)

    def _settle(self, address: Address) -> tuple[int, int]:
        """Marks what is in a block, and what never will be because another transaction has its nonce."""
        nonce = self._node.account(address).nonce
        seen = self._index.head().height >= self._node.height()  # asked after the nonce: nothing up to it is missed
        included = displaced = 0
        with self._engine.begin() as connection:
            oaths = Oaths(connection)
            for row in oaths.open(address):
                seq = self._index.seq_of(row.hash)
                if seq is not None:
                    oaths.included(row.number, seq)
                    tell_included(row, seq)
                    included += 1
                elif seen and row.nonce < nonce:
                    oaths.displace(row.number)
                    tell_displaced(row)
                    displaced += 1
                    _log.warning("publisher_displaced", transaction=row.hash.hex(), nonce=row.nonce)
        return included, displaced

    def _provide(self, oaths: Oaths, address: Address, account: SignerAccount) -> None:
        """Has the first purse's deployment signed, and each purse's deposit. Raises `OutOfFunds`."""
        oaths.lock(address)
        purses = oaths.purses(address)
        if not purses:
            self._open(oaths, address, account)
        for purse in purses:
            # Not before: the deployment might be displaced, and the money would lie where no code is.
            if not purse.deposited and not purse_flaws(self._index, purse.contract, self._index.head().next_seq):
                self._deposit(oaths, address, account, purse)

    def _open(self, oaths: Oaths, address: Address, account: SignerAccount) -> None:
        """Has the next epoch's purse deployed."""
        purse = contract_id_of(address, oaths.next_nonce(address, account.pending_nonce))
        build = partial(deploy_transaction, schedule=self._index.genesis.gas)
        oaths.add(self._signed(oaths, address, account, Purpose.DEPLOY, PurseRow(purse, 0, False, False), 0, build))
        _log.info("publisher_purse", purse=show(purse))

    def _deposit(self, oaths: Oaths, address: Address, account: SignerAccount, purse: PurseRow) -> None:
        units = self._policy.deposit
        build = partial(deposit_transaction, purse=purse.contract, units=units)
        oaths.add(self._signed(oaths, address, account, Purpose.DEPOSIT, purse, units, build))
        _log.info("publisher_deposit", purse=show(purse.contract), units=units)

    def _swear(self, address: Address, account: SignerAccount) -> tuple[int, int, AccountantError | None]:
        """Has the oaths of up to a batch of finished jobs signed: (sworn, declined, why it stopped)."""
        sworn = declined = 0
        with self._engine.begin() as connection:
            oaths = Oaths(connection)
            oaths.lock(address)
            jobs = oaths.unsworn(self._policy.batch)
            if not jobs:
                return 0, 0, None
            purses = oaths.purses(address)
            free = self._free(oaths, address, purses)
            answers: list[ToSwear] = []
            traces = {job.number: job.traceparent for job in jobs}
            for job in jobs:
                try:
                    answers.append(ToSwear(job.number, self._terms(job), job.together))
                except Declined as reason:
                    oaths.decline(job.number, reason.detail)
                    declined += 1
            for batch in batches_of(answers):
                try:
                    purse = self._purse_for(free, batch.terms.penalty)
                    if purse is None:
                        self._open_next(oaths, address, account, purses)
                        break
                    asked = [traces[job] for job, _ in batch.answered]
                    self._swear_one(oaths, address, account, purse, batch, asked)
                except (OutOfFunds, NotCovered) as error:
                    return sworn, declined, error
                free[purse] -= batch.terms.penalty
                sworn += len(batch.answered)
            else:
                if sum(free.values()) < self._policy.reserve:
                    with suppress(OutOfFunds, NotCovered):  # said when an answer has to wait for it
                        self._open_next(oaths, address, account, purses)
        return sworn, declined, None

    def _free(self, oaths: Oaths, address: Address, purses: Sequence[PurseRow]) -> dict[PurseRow, int]:
        """What each purse in use surely covers besides the oaths on the way, earliest first. Raises `PurseNotReady`."""
        why_not = rules_allow(self._index.genesis)
        if why_not is not None:
            raise PurseNotReady(f"no oath would count on this chain: {why_not}")
        before = self._index.head().next_seq
        ready = [p for p in purses if p.funded and not purse_flaws(self._index, p.contract, before)][-_PURSES_IN_USE:]
        if not ready:
            raise PurseNotReady("the first purse is on its way")
        staked = {purse.contract: 0 for purse in ready}
        for row in oaths.open(address):
            if row.purpose in (Purpose.OATH, Purpose.WITHDRAW) and row.purse in staked:
                staked[row.purse] += row.units
        return {purse: coverage(self._index, purse.contract) - staked[purse.contract] for purse in ready}

    def _purse_for(self, free: dict[PurseRow, int], penalty: Amount) -> PurseRow | None:
        """The earliest purse that covers a penalty; None if none does."""
        return next((purse for purse, units in free.items() if units >= penalty), None)

    def _open_next(self, oaths: Oaths, address: Address, account: SignerAccount, purses: Sequence[PurseRow]) -> None:
        """Opens the next epoch, unless one is on its way. Raises `NotCovered`, `OutOfFunds`."""
        if not purses[-1].funded:
            return
        if (len(purses) + 1) * self._policy.deposit > self._policy.deposited_most:
            raise NotCovered(
                f"no purse surely holds a penalty of {self._policy.penalty} units that no oath stakes, and "
                f"{self._policy.deposited_most} is the most that all of them get"
            )
        self._open(oaths, address, account)

    def _swear_one(
        self,
        oaths: Oaths,
        address: Address,
        account: SignerAccount,
        purse: PurseRow,
        batch: Batch,
        asked: Sequence[str | None],
    ) -> None:
        build = partial(swear_transaction, purse=purse.contract, terms=batch.terms)
        new = self._signed(oaths, address, account, Purpose.OATH, purse, batch.terms.penalty, build, asked)
        for oath_id in oaths.swear(batch.answered, new):
            _log.info("publisher_sworn", oath=oath_id, transaction=new.hash.hex(), nonce=new.nonce)

    def _terms(self, job: UnswornJob) -> SwornTerms:
        """What to swear for an answer, in the next block or later. Raises `Declined`."""
        found = _sworn_of(job.certificate)
        if found.query is None or found.answer is None:
            raise Declined("this answer is no query's answer: there is nothing to swear")
        flaw = query_flaw(self._index, found.query, Height(self._index.head().height + 1))
        why_not = flaw.detail if flaw is not None else answer_flaw(found.query, found.answer)
        if why_not is not None:
            raise Declined(why_not)
        return SwornTerms(found.query, found.answer, self._policy.penalty, job.beneficiary)

    def _signed(
        self,
        oaths: Oaths,
        address: Address,
        account: SignerAccount,
        purpose: Purpose,
        purse: PurseRow,
        units: int,
        build: Callable[[Stamp], Transaction],
        asked: Sequence[str | None] = (),
    ) -> NewSigned:
        """The next transaction of the key, signed. Raises `OutOfFunds`, `SignerDown`, `NotSigned`.

        `asked`: the traces of the jobs that it answers.
        """
        genesis = self._index.genesis
        nonce = oaths.next_nonce(address, account.pending_nonce)
        unsigned = build(Stamp(genesis.chain_id, nonce, gas_price=genesis.fees.gas_price_least))
        cost = zero_cost_of(unsigned, genesis.fees)
        left = oaths.left(address, account.zero_balance)
        if cost > left:
            raise OutOfFunds(
                f"{show(address)} has {max(left, 0)} zero-cost units left, the next {purpose} takes {cost}"
            )
        with swearing(asked, units) as span:
            raw = self._signer.sign(unsigned, purse.nonce)
            name = transaction_hash(raw)
            span.set(transaction=name, nonce=nonce)
        return NewSigned(address, nonce, purpose, purse.contract, units, cost, name, raw, span.traceparent)

    def _submit(self, address: Address) -> int:
        """Hands in all that is signed and in no block yet, by nonce; how much the node has. Raises `NodeDown`."""
        with self._engine.begin() as connection:
            rows = Oaths(connection).open(address)
        return sum(self._submit_one(row) for row in rows)

    def _submit_one(self, row: SignedRow) -> bool:
        refusal = None
        with submitting(row) as span:
            try:
                self._node.submit(row.raw)
            except Refused as error:
                refusal = f"{error.reason}: {error.detail}"
                span.fail("refused")
        with self._engine.begin() as connection:
            Oaths(connection).submitted(row.number, refusal)
        return refusal is None

    def _tell(self, stopped: AccountantError | None) -> None:
        """Logs when publishing stops and when it goes on, once each."""
        code = stopped.code if stopped else None
        if stopped and code != self._stopped:
            _log.warning("publisher_stopped", code=code, detail=stopped.detail)
        elif not stopped and self._stopped:
            _log.info("publisher_goes_on")
        self._stopped = code

    def _watch_balance(self, address: Address, account: SignerAccount, stopped: AccountantError | None) -> None:
        """Raises the alarm before money for fees and deposits runs out, and ends it when there is enough again.

        What the round came to is kept beside it, for whoever asks the accountant.
        """
        with self._engine.begin() as connection:
            oaths, alarm = Oaths(connection), self._policy.alarm
            left = oaths.left(address, account.zero_balance)
            low = left < alarm
            code, detail = (stopped.code, stopped.detail) if stopped else (None, None)
            oaths.told(address, code, detail, low, left, alarm)
        if low and not self._low:
            _log.warning("publisher_low", left=left, alarm=self._policy.alarm)
        elif self._low and not low:
            _log.info("publisher_low_no_more", left=left)
        self._low, self._units_left = low, left
