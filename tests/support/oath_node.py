"""A chain that a publisher talks to: the real validator and proposer behind the publisher's port, blocks on demand."""

from collections.abc import Callable

from accountant.chain.errors import InvalidTransaction
from accountant.chain.genesis import Genesis, GenesisAccount, GenesisContract
from accountant.chain.inclusion import Inclusion
from accountant.chain.proposer import propose
from accountant.chain.state import ChainState
from accountant.chain.transaction import decode_transaction
from accountant.chain.validator import import_block
from accountant.contracts.engine import ENGINE
from accountant.contracts.module import check_module
from accountant.index.memory import MemoryIndex
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import UNITS_PER_TOKEN, Address, Hash, Height, Seq
from accountant.services.publish import SignerAccount
from accountant.services.submit import NodeDown, Refused

PROPOSER = PrivateKey.from_seed(b"oath/proposer")
ACCOUNTANT = PrivateKey.from_seed(b"oath/accountant")
CUSTOMER = PrivateKey.from_seed(b"oath/customer")


def oath_genesis(units: int = 1_000_000 * UNITS_PER_TOKEN, *contracts: GenesisContract) -> Genesis:
    """A genesis that pays accountant and customer."""
    return Genesis(
        chain_id=7,
        time=1_700_000_000,
        engine=ENGINE,
        proposers=(PROPOSER.address,),
        accounts=tuple(
            sorted(
                (
                    GenesisAccount(ACCOUNTANT.address, units),
                    GenesisAccount(CUSTOMER.address, 1_000 * UNITS_PER_TOKEN),
                ),
                key=lambda a: a.address,
            )
        ),
        contracts=contracts,
    )


class ChainNode:
    """A `PublisherNode`: what is submitted waits until `make_block`; the index follows unless told to lag."""

    def __init__(self, genesis: Genesis) -> None:
        self.state = ChainState.at_genesis(genesis)
        self.index = MemoryIndex(genesis)
        self.waiting: dict[Hash, bytes] = {}
        self.submissions: list[bytes] = []
        self.before_submit: Callable[[bytes], None] = lambda raw: None
        self.down = False

    def account(self, address: Address) -> SignerAccount:
        """From the validator's state."""
        self._reachable()
        account = self.state.account(address)
        pending = account.nonce
        nonces = {decode_transaction(raw).nonce for raw in self.waiting.values()}
        while pending in nonces:
            pending += 1
        return SignerAccount(account.nonce, pending, account.zero)

    def height(self) -> Height:
        """The validator's head."""
        self._reachable()
        return self.state.head.height

    def submit(self, raw: bytes) -> None:
        """Keeps what a block could take after what waits already; refuses everything else with its reason."""
        self._reachable()
        self.before_submit(raw)
        self.submissions.append(raw)
        inclusion = Inclusion(self.state, check_module)
        try:
            for waiting in self.waiting.values():
                inclusion.include(waiting)
            if raw not in self.waiting.values():
                included = inclusion.include(raw)
                self.waiting[included.hash] = raw
        except InvalidTransaction as error:
            raise Refused(error.kind, 422, error.detail) from None

    def make_block(self, *raws: bytes, index_follows: bool = True) -> None:
        """The next block: `raws` first, then what waits; what is invalid by then is dropped, as a mempool does."""
        proposal = propose(
            [*raws, *self.waiting.values()], self.state, PROPOSER, self.state.head.time + 1, check_module
        )
        block = import_block(proposal.block.raw, self.state, check_module)
        self.waiting.clear()
        self._unseen = [*getattr(self, "_unseen", []), block]
        if index_follows:
            self.catch_up()

    def catch_up(self) -> None:
        """The index learns of every block."""
        for block in self._unseen:
            self.index.append(block)
        self._unseen = []

    def forget(self) -> None:
        """The mempool is lost."""
        self.waiting.clear()

    def seqs(self) -> list[Seq]:
        """All transactions of the index."""
        return [Seq(seq) for seq in range(self.index.head().next_seq)]

    def _reachable(self) -> None:
        if self.down:
            raise NodeDown("the node does not answer")
