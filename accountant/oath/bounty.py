"""What a bounty is: a deployment of the audited contract, read from its bytes alone, and the calls that answer it.

The client's twin of the oath (end of Section II-C). Gas is published, like an oath's: more than the longest query and
answer take, so none of these transactions fails for want of it.
"""

from typing import NamedTuple

from accountant.chain.genesis import GasSchedule
from accountant.chain.query import gas_beside
from accountant.chain.transaction import Transaction, TransactionKind, decode_deployment
from accountant.index.port import ChainIndex, Located
from accountant.oath.bounty_code import BOUNTY_CODE_HASH
from accountant.primitives.errors import AccountantError, InvalidEncoding
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Address, Amount, ContractId, Gas, Hash, Height, Seq

_PRICES = GasSchedule()

COMMIT, REVEAL, COLLECT, RECLAIM = "commit", "reveal", "collect", "reclaim"
DUE_TO, FREE_OF = "due_to", "free_of"

OPEN_GAS = Gas(70_000)
"""Enough for the constructor, besides what deploying so many bytes takes."""
COMMIT_GAS = Gas(60_000)
"""Enough for `commit`."""
REVEAL_GAS = Gas(220_000)
"""Enough for `reveal` with the longest query and answer, right or wrong, a view's own gas apart."""
COLLECT_GAS = Gas(50_000)
"""Enough for `collect`."""
DUE_GAS = Gas(50_000)
"""Enough for the view `due_to`."""

COMMITTED_SLOT = b"committed:"
"""What every commitment writes: who looks for claims looks here."""


class NotABounty(AccountantError):
    """A contract that is no audited bounty, or whose deployment says nothing that the constructor takes."""

    code = "not_a_bounty"


class BountyTerms(NamedTuple):
    """The four arguments of the constructor."""

    query: bytes
    """Canonical encoding of an accounting query (not checked here)."""
    bond: Amount
    """Base units that each claim puts up."""
    commit_blocks: int
    """Blocks after the deployment's in which commitments are taken."""
    reveal_blocks: int
    """Blocks after those in which claims may be revealed."""


class Bounty(NamedTuple):
    """A bounty in its place on the chain. Whether its reward can be won is for `oath.bounty_flaws` to say."""

    located: Located
    contract: ContractId
    terms: BountyTerms

    @property
    def seq(self) -> Seq:
        """The number of the transaction that deploys it."""
        return self.located.seq

    @property
    def client(self) -> Address:
        """Who pays."""
        return self.located.sender

    @property
    def reward(self) -> Amount:
        """Base units that came with the deployment: until the end the contract pays them to nobody."""
        return Amount(self.located.transaction.value)

    @property
    def commits_until(self) -> Height:
        """The last height at which a commitment is taken."""
        return Height(self.located.height + self.terms.commit_blocks)

    @property
    def reveals_until(self) -> Height:
        """The last height at which a claim may be revealed."""
        return Height(self.commits_until + self.terms.reveal_blocks)


class Claim(NamedTuple):
    """What a claimant says, and what hides it until commitments have ended."""

    query: bytes
    answer: bytes
    salt: Hash


def terms_of_deployment(transaction: Transaction) -> BountyTerms:
    """What a deployment promises. Raises `NotABounty`. Its envelope is not looked at."""
    if transaction.kind is not TransactionKind.DEPLOY:
        raise NotABounty("a bounty is a contract of its own, this transaction deploys nothing")
    try:
        payload = decode_deployment(transaction.payload)
    except InvalidEncoding as error:
        raise NotABounty(f"the deployment does not decode: {error.detail}") from None
    if sha256(payload.code) != BOUNTY_CODE_HASH:
        raise NotABounty("the contract's code is not the audited bounty's")
    match payload.arguments:
        case (bytes(query), int(bond), int(commit_blocks), int(reveal_blocks)):
            return BountyTerms(query, Amount(bond), commit_blocks, reveal_blocks)
    raise NotABounty("a bounty is deployed with (query bytes, bond integer, two numbers of blocks)")


def bounty_of(index: ChainIndex, contract: ContractId) -> Bounty:
    """The bounty that a contract is. Raises `NotABounty`."""
    seq = index.deployment(contract)
    if seq is None:
        raise NotABounty("no transaction deploys the contract")
    located = index.transaction(seq)
    return Bounty(located, contract, terms_of_deployment(located.transaction))


def commitment_of(contract: ContractId, claimant: Address, claim: Claim) -> Hash:
    """What a claimant commits to: nobody can reveal it for another account or another bounty."""
    return sha256(b"anh/bounty" + contract + sha256(claimant) + sha256(claim.answer) + claim.salt)


def reveal_gas(query: bytes) -> Gas:
    """Gas with which `reveal` surely decides a query: a view is paid for with its whole limit, and so is each part."""
    return Gas(REVEAL_GAS + gas_beside(query, _PRICES.query))
