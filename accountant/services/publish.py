"""Publishing: finished answers become oaths on chain, signed by the accountant's key, each exactly once.

A round settles what is on the chain, sees to the purse, signs, and submits. The signature and its nonce
are stored in one database transaction before any byte leaves, so a crash at any point is made good by
the next round: the same bytes are submitted again until a block has them.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Protocol

import sqlalchemy as sa
import structlog

from accountant.accounting.certificate import Verdict, decode_certificate
from accountant.chain.transaction import Transaction, sign_transaction, transaction_hash
from accountant.index.port import ChainIndex
from accountant.oath.counts import coverage, purse_flaws
from accountant.oath.gas import rules_allow
from accountant.oath.oath import SwornTerms
from accountant.oath.swear import Stamp, deploy_transaction, deposit_transaction, swear_transaction, zero_cost_of
from accountant.oath.sworn import answer_flaw, query_flaw
from accountant.primitives.addresses import contract_id_of, show
from accountant.primitives.errors import AccountantError, InvalidEncoding
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import BLACKHOLE, UNITS_PER_TOKEN, Address, Amount, ContractId, Height
from accountant.services.submit import Refused
from accountant.storage.oaths import NewSigned, Oaths, Purpose, SignedRow

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
    """What a purse gets at first, and again when what is left cannot cover another penalty."""
    deposited_most: Amount = Amount(100_000 * UNITS_PER_TOKEN)
    """What one purse gets in all: then publishing stops until somebody decides."""
    batch: int = 50
    """Answers sworn in one round at most."""


class OutOfFunds(AccountantError):
    """The accountant's zero-cost balance does not pay for what is to be signed next."""

    code = "out_of_zero_cost_money"


class NotCovered(AccountantError):
    """The deposit's bound does not cover another penalty, and no more may be deposited."""

    code = "purse_exhausted"


class PurseNotReady(AccountantError):
    """The purse's deployment or deposit is not in a block that this accountant has seen."""

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


class Publisher:
    """The only holder of the accountant's key. Two of them on one database are safe; one is enough."""

    def __init__(
        self, engine: sa.Engine, index: ChainIndex, node: PublisherNode, key: PrivateKey, policy: PublisherPolicy
    ) -> None:
        assert 0 < policy.penalty <= policy.deposit <= policy.deposited_most
        self._engine, self._index, self._node, self._key, self._policy = engine, index, node, key, policy
        self._stopped: str | None = None

    def round(self) -> Round:
        """One round. Raises `NodeDown`; whatever was signed until then is submitted in a later round."""
        included, displaced = self._settle()
        account = self._node.account(self._key.address)  # after settling, so its balance has paid what is settled
        sworn = declined = 0
        stopped: AccountantError | None = None
        try:
            with self._engine.begin() as connection:
                self._provide(Oaths(connection), account)
            sworn, declined, stopped = self._swear(account)
        except (OutOfFunds, PurseNotReady) as error:
            stopped = error
        self._tell(stopped)
        submitted = self._submit()
        return Round(included, displaced, sworn, declined, submitted, stopped.code if stopped else None)

    def _settle(self) -> tuple[int, int]:
        """Marks what is in a block, and what never will be because another transaction has its nonce."""
        nonce = self._node.account(self._key.address).nonce
        seen = self._index.head().height >= self._node.height()  # asked after the nonce: nothing up to it is missed
        included = displaced = 0
        with self._engine.begin() as connection:
            oaths = Oaths(connection)
            for row in oaths.open(self._key.address):
                seq = self._index.seq_of(row.hash)
                if seq is not None:
                    oaths.included(row.number, seq)
                    included += 1
                elif seen and row.nonce < nonce:
                    oaths.displace(row.number)
                    displaced += 1
                    _log.warning("publisher_displaced", transaction=row.hash.hex(), nonce=row.nonce)
        return included, displaced

    def _provide(self, oaths: Oaths, account: SignerAccount) -> None:
        """Signs the purse's deployment and, once that is in a block, the first deposit. Raises `OutOfFunds`."""
        address, index = self._key.address, self._index
        oaths.lock(address)
        purse = oaths.purse(address)
        if purse is None:
            purse = contract_id_of(address, self._nonce(oaths, account))
            build = partial(deploy_transaction, schedule=index.genesis.gas)
            oaths.add(self._signed(oaths, account, Purpose.DEPLOY, purse, 0, build))
            _log.info("publisher_purse", purse=show(purse))
        elif not oaths.deposited(address, purse) and not purse_flaws(index, purse, index.head().next_seq):
            # Not before: the deployment might be displaced, and the money would lie where no code is.
            self._deposit(oaths, account, purse)

    def _deposit(self, oaths: Oaths, account: SignerAccount, purse: ContractId) -> None:
        units = self._policy.deposit
        build = partial(deposit_transaction, purse=purse, units=units)
        oaths.add(self._signed(oaths, account, Purpose.DEPOSIT, purse, units, build))
        _log.info("publisher_deposit", purse=show(purse), units=units)

    def _swear(self, account: SignerAccount) -> tuple[int, int, AccountantError | None]:
        """Signs the oaths of up to a batch of finished jobs: (sworn, declined, why it stopped)."""
        sworn = declined = 0
        with self._engine.begin() as connection:
            oaths = Oaths(connection)
            oaths.lock(self._key.address)
            jobs = oaths.unsworn(self._policy.batch)
            if not jobs:
                return 0, 0, None
            purse = self._ready_purse(oaths)
            free = coverage(self._index, purse) - sum(
                row.units for row in oaths.open(self._key.address) if row.purpose is Purpose.OATH
            )
            for job in jobs:
                try:
                    terms = self._terms(job.certificate)
                except Declined as reason:
                    oaths.decline(job.number, reason.detail)
                    declined += 1
                    continue
                try:
                    if free < terms.penalty:
                        self._top_up(oaths, account, purse, free)
                        break
                    self._swear_one(oaths, account, purse, job.number, terms)
                except (OutOfFunds, NotCovered) as error:
                    return sworn, declined, error
                free -= terms.penalty
                sworn += 1
        return sworn, declined, None

    def _ready_purse(self, oaths: Oaths) -> ContractId:
        """The purse, once a reader of the chain would accept it. Raises `PurseNotReady`."""
        purse = oaths.purse(self._key.address)
        assert purse is not None
        why_not = rules_allow(self._index.genesis)
        if why_not is not None:
            raise PurseNotReady(f"no oath would count on this chain: {why_not}")
        flaws = purse_flaws(self._index, purse, self._index.head().next_seq)
        if flaws:
            raise PurseNotReady(f"{show(purse)}: {flaws[0].detail}")
        return purse

    def _top_up(self, oaths: Oaths, account: SignerAccount, purse: ContractId, free: int) -> None:
        """Deposits once more, unless a deposit is on its way. Raises `NotCovered`, `OutOfFunds`."""
        if any(row.purpose is Purpose.DEPOSIT for row in oaths.open(self._key.address)):
            return
        if oaths.deposited(self._key.address, purse) + self._policy.deposit > self._policy.deposited_most:
            raise NotCovered(
                f"the purse {show(purse)} surely holds {max(free, 0)} units that no oath stakes, a penalty is "
                f"{self._policy.penalty}, and {self._policy.deposited_most} is the most that it gets"
            )
        self._deposit(oaths, account, purse)

    def _swear_one(
        self, oaths: Oaths, account: SignerAccount, purse: ContractId, job_number: int, terms: SwornTerms
    ) -> None:
        build = partial(swear_transaction, purse=purse, terms=terms)
        new = self._signed(oaths, account, Purpose.OATH, purse, terms.penalty, build)
        oath_id = oaths.swear(job_number, new)
        _log.info("publisher_sworn", oath=oath_id, transaction=new.hash.hex(), nonce=new.nonce)

    def _terms(self, certificate: bytes) -> SwornTerms:
        """What to swear for an answer, in the next block or later. Raises `Declined`."""
        try:
            found = decode_certificate(certificate)
        except InvalidEncoding as error:
            raise Declined(f"the certificate does not decode: {error.detail}") from None
        if found.verdict is Verdict.UNDECIDED:
            raise Declined("an undecided answer is never sworn")
        if found.query is None or found.answer is None:
            raise Declined("this answer is no query's answer: there is nothing to swear")
        flaw = query_flaw(self._index, found.query, Height(self._index.head().height + 1))
        why_not = flaw.detail if flaw is not None else answer_flaw(found.query, found.answer)
        if why_not is not None:
            raise Declined(why_not)
        return SwornTerms(found.query, found.answer, self._policy.penalty, BLACKHOLE)

    def _nonce(self, oaths: Oaths, account: SignerAccount) -> int:
        return max(account.pending_nonce, oaths.nonce_after(self._key.address))

    def _signed(
        self,
        oaths: Oaths,
        account: SignerAccount,
        purpose: Purpose,
        purse: ContractId,
        units: int,
        build: Callable[[Stamp], Transaction],
    ) -> NewSigned:
        """The next transaction of the key, signed. Raises `OutOfFunds`."""
        genesis = self._index.genesis
        nonce = self._nonce(oaths, account)
        unsigned = build(Stamp(genesis.chain_id, nonce, gas_price=genesis.fees.gas_price_least))
        cost = zero_cost_of(unsigned, genesis.fees)
        left = account.zero_balance - sum(row.cost for row in oaths.open(self._key.address))
        if cost > left:
            raise OutOfFunds(
                f"{show(self._key.address)} has {max(left, 0)} zero-cost units left, the next {purpose} takes {cost}"
            )
        raw = sign_transaction(unsigned, self._key)
        return NewSigned(self._key.address, nonce, purpose, purse, units, cost, transaction_hash(raw), raw)

    def _submit(self) -> int:
        """Hands in all that is signed and in no block yet, by nonce; how much the node has. Raises `NodeDown`."""
        with self._engine.begin() as connection:
            rows = Oaths(connection).open(self._key.address)
        return sum(self._submit_one(row) for row in rows)

    def _submit_one(self, row: SignedRow) -> bool:
        refusal = None
        try:
            self._node.submit(row.raw)
        except Refused as error:
            refusal = f"{error.reason}: {error.detail}"
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
