"""The demo's chain: the packaged recording, and a few people who go on with it."""

from pathlib import Path
from typing import NamedTuple

from accountant.chain.footprint import Credit, Debit, Read, canonical_footprint
from accountant.chain.genesis import Genesis, GenesisAccount
from accountant.chain.transaction import VERSION, Transaction, TransactionKind, sign_transaction
from accountant.contracts.module import check_module
from accountant.node.devnet import devnet_in
from accountant.node.keeper import Keeper
from accountant.node.keystore import ensure_password, write_key, write_private
from accountant.node.store import STORE_FOLDER, BlockStore
from accountant.primitives.encoding import encode
from accountant.primitives.keys import SIGNATURE_BYTES, PrivateKey
from accountant.primitives.types import UNITS_PER_TOKEN, Address
from accountant.replay.contract import Replay, gas_limit_of, payload_of
from accountant.replay.least import slices_of
from accountant.replay.names import contract_of, recorded_id, slot_of
from accountant.replay.record import RecordedChain, record_chain
from accountant.replay.recording import RecordedBlock
from accountant.replay.sample import sample_blocks

SCRYPT_WORK = 2**12
"""The demo's keys protect nothing, so opening them need not be slow."""


class Person(NamedTuple):
    """Somebody with a key."""

    name: str
    key: PrivateKey

    @property
    def address(self) -> Address:
        """The person's account."""
        return self.key.address


def person(name: str) -> Person:
    """A person of the demo; the key is derived from the name."""
    return Person(name, PrivateKey.from_seed(b"anh/demo/" + name.encode()))


CAROL, ALICE, BOB, DAVE, LIAR, TRAINER = (
    person(name) for name in ("Carol", "Alice", "Bob", "Dave", "Mallory", "Trent")
)
_TOKENS = {CAROL: 1_000, ALICE: 10, LIAR: 100_000, TRAINER: 1_000}
_ACCOUNTANT_TOKENS = 1_000_000


class Scene(NamedTuple):
    """The recording, its chain, and the recorded call that rests on most others."""

    recorded: list[RecordedBlock]
    chain: RecordedChain
    deepest: tuple[int, int]
    """Index of the block in the recording, and of the call in the block."""


def prepare(folder: Path) -> Scene:
    """Writes keys, genesis and the recorded blocks into `folder`: where a node then goes on."""
    places = devnet_in(folder)
    password = ensure_password(places.password)
    proposer, accountant, faucet = PrivateKey.generate(), PrivateKey.generate(), PrivateKey.generate()
    for path, key in (
        (places.proposer_key, proposer),
        (places.accountant_key, accountant),
        (places.faucet_key, faucet),
    ):
        write_key(path, key, password, SCRYPT_WORK)
    accounts = [GenesisAccount(somebody.address, tokens * UNITS_PER_TOKEN) for somebody, tokens in _TOKENS.items()]
    accounts.append(GenesisAccount(accountant.address, _ACCOUNTANT_TOKENS * UNITS_PER_TOKEN))
    recorded = sample_blocks()
    chain = record_chain(recorded, proposer=proposer, accounts=accounts)
    write_private(places.genesis, encode(chain.genesis))
    with BlockStore(folder / STORE_FOLDER) as store:
        node = Keeper(store, chain.genesis, check_module, key=None)
        for sealed in chain.blocks:
            node.take(sealed.raw)
    sizes = [
        (len(needed), block, index)
        for block, part in enumerate(recorded)
        for index, needed in enumerate(slices_of(part))
        if part.transactions[index].reads
    ]
    _, block, index = max(sizes)
    return Scene(recorded, chain, (block, index))


def transfer(genesis: Genesis, sender: Person, nonce: int, to: bytes, *, zero: int = 0, general: int = 0) -> bytes:
    """A signed transfer."""
    gas = genesis.gas.general_check if general else 0
    return sign_transaction(
        Transaction(
            VERSION, genesis.chain_id, nonce, TransactionKind.TRANSFER, to, zero, general, gas,
            genesis.fees.gas_price_least, 0, b"", (), bytes(SIGNATURE_BYTES),
        ),
        sender.key,
    )  # fmt: skip


def payout(scene: Scene, sender: Person, nonce: int, to: Person, units: int) -> bytes:
    """A signed call of a recorded block's contract that reads what the deepest call read, then pays `to`.

    The units come with the call as zero-cost money, and go out only if the call succeeds.
    """
    genesis = scene.chain.genesis
    at, index = scene.deepest
    block = scene.recorded[at]
    reads = tuple(slot_of(block.block, slot) for slot in block.transactions[index].reads)
    replay = Replay(
        recorded_id(block.block, len(block.transactions)), 21_000, reads, (), (), ((to.address, units),), fails=False
    )
    contract = contract_of(block.block)
    footprint = canonical_footprint(
        [*(Read(contract, slot) for slot in reads), Credit(to.address), Debit(contract, units)]
    )
    return sign_transaction(
        Transaction(
            VERSION, genesis.chain_id, nonce, TransactionKind.CALL, contract, units, 0,
            gas_limit_of(replay, genesis.gas), genesis.fees.gas_price_least, 0, payload_of(replay), footprint,
            bytes(SIGNATURE_BYTES),
        ),
        sender.key,
    )  # fmt: skip
