"""Genesis: the one place on the chain that holds state, and every parameter of the chain's rules."""

from accountant.chain.envelope import Envelope
from accountant.chain.tensor_prices import TensorSchedule
from accountant.chain.tensor_table import TENSOR_PRICES
from accountant.primitives.encoding import Decoder, Record, encode
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Hash

GENESIS_BYTES_MAX = 64 * 1024 * 1024

MEMORY_PAGES_MOST = 256
"""Beyond what the engine reserves whole, growing a memory could fail on one machine and work on another."""


class FeeSchedule(Record, frozen=True):
    """Prices at inclusion, in base units. All of it is burnt but the tip."""

    base: int = 1_000
    per_byte: int = 1
    per_entry: int = 50
    cap_shift: int = 20
    """A debit entry costs another cap >> cap_shift: phantom caps are priced by magnitude."""
    gas_price_least: int = 1
    blob_per_byte: int = 1
    """For each byte of a published blob, which everybody who proposes must hold."""
    memory_shift: int = 10
    """A memory entry costs another bytes >> memory_shift: declaring memory keeps small machines from the work."""


class GasSchedule(Record, frozen=True):
    """Prices in gas of what is not a WASM instruction: flat part and part per byte of each host call."""

    general_check: int = 2_000
    """Every check that G covers a general_value."""
    call_base: int = 5_000
    deploy_base: int = 100_000
    deploy_per_byte: int = 500
    """One compilation: no module that is taken compiles for longer."""
    code_per_byte: int = 2
    """For every frame, by the size of its module."""
    memory_page: int = 4_000
    """For every frame, by the pages (64 KiB) of its module's memory, all of which its code may touch."""
    host_base: int = 100
    host_copy: int = 200
    """Instead of host_base where bytes are made or copied, or an item is kept."""
    host_per_byte: int = 2
    storage_read: int = 1_000
    storage_write: int = 2_000
    storage_per_byte: int = 10
    transfer: int = 2_000
    call: int = 10_000
    log: int = 500
    hash: int = 300
    hash_per_byte: int = 4
    bound: int = 10_000
    bound_per_income: int = 2_000
    query: int = 100_000
    tensors: TensorSchedule = TENSOR_PRICES
    """Of operations on tensors."""


class Limits(Record, frozen=True):
    """Sizes and counts."""

    block_bytes_most: int = 8 * 1024 * 1024
    block_transactions_most: int = 10_000
    footprint_entries_most: int = 2_048
    gas_limit_most: int = 2**53
    module_bytes_most: int = 256 * 1024
    function_bytes_most: int = 20 * 1024
    functions_most: int = 1_024
    locals_most: int = 256
    exports_most: int = 128
    memory_pages_most: int = MEMORY_PAGES_MOST
    call_depth_most: int = 8
    value_bytes_most: int = 1024 * 1024
    """One host value (bytes behind a handle)."""
    values_bytes_most: int = 16 * 1024 * 1024
    """All host values of one transaction together."""
    logs_bytes_most: int = 256 * 1024
    blob_bytes_most: int = 2**30
    """One published blob."""
    tensor_bytes_most: int = 2**36
    """The most that a memory entry may declare."""
    tensor_bytes_free: int = 64 * 1024 * 1024
    """Bytes of tensors that a transaction without a memory entry may hold at once."""


class GenesisAccount(Record, frozen=True):
    """A user's first zero-cost money."""

    address: bytes
    zero_balance: int


class GenesisContract(Record, frozen=True):
    """A contract that is there from the beginning."""

    contract: bytes
    deployer: bytes
    code: bytes
    envelope: Envelope
    general_balance: int
    slots: tuple[tuple[bytes, bytes], ...] = ()


class Genesis(Record, frozen=True):
    """Everything that the chain starts from. Its hash is the previous hash of block 1."""

    chain_id: int
    time: int
    """Unix seconds."""
    engine: str
    """The WASM engine and its exact version: fuel is part of the rules."""
    proposers: tuple[bytes, ...]
    """Addresses that may sign blocks; block h is signed by proposers[(h − 1) mod n]."""
    accounts: tuple[GenesisAccount, ...]
    contracts: tuple[GenesisContract, ...] = ()
    block_reward: int = 0
    fees: FeeSchedule = FeeSchedule()
    gas: GasSchedule = GasSchedule()
    limits: Limits = Limits()

    @property
    def hash(self) -> Hash:
        """What names the chain."""
        return sha256(b"anh/genesis\x00" + encode(self))


_genesis = Decoder(Genesis, GENESIS_BYTES_MAX)


def decode_genesis(raw: bytes) -> Genesis:
    """The genesis that `raw` encodes. Raises `InvalidEncoding`."""
    return _genesis.decode(raw)
