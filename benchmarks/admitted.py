"""Chains for benchmarks: every transaction passes a validator's checks, its signature alone is left out.

Form, fee, nonce, zero-cost money and admission are `chain.inclusion`'s own; only the sender is given, not recovered,
so that a million transactions can be made. No footprint root is computed either.
"""

import hashlib
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import accountant.library
from accountant.chain.block import Header
from accountant.chain.footprint import Entry, canonical_footprint
from accountant.chain.genesis import Genesis, GenesisAccount, GenesisContract
from accountant.chain.inclusion import Inclusion, ValidatedTransaction, check_bytes
from accountant.chain.state import ChainState
from accountant.chain.template import instantiate
from accountant.chain.transaction import VERSION, Argument, CallPayload, Transaction, TransactionKind
from accountant.chain.validator import ValidatedBlock, apply_block
from accountant.contracts.engine import ENGINE
from accountant.contracts.module import check_module
from accountant.language.compiler import Compiled, compile_file
from accountant.primitives import merkle
from accountant.primitives.encoding import encode
from accountant.primitives.keys import SIGNATURE_BYTES, PrivateKey
from accountant.primitives.types import AccountId, Address, ContractId, Seq

LIBRARY = Path(accountant.library.__path__[0])
BLOCK_MOST = 1_000
"""Transactions after which a block ends."""
BEGAN = 1_700_000_000
"""Unix seconds of genesis."""
SECONDS_PER_BLOCK = 12
CALL_GAS = 90_000
"""A gas limit that is enough for one call of a library contract without loops."""


KEYS: dict[Address, PrivateKey] = {}
"""Of all users that were named so far: whoever wants signatures has them."""


@cache
def user(name: str) -> Address:
    """The user of this name."""
    key = PrivateKey.from_seed(b"benchmark/user/" + name.encode())
    KEYS[key.address] = key
    return key.address


PROPOSER = user("proposer")


def contract(name: str) -> ContractId:
    """The contract of this name."""
    return ContractId(hashlib.sha256(b"benchmark/contract/" + name.encode()).digest())


@cache
def library(kind: str) -> Compiled:
    """A contract of the library."""
    return compile_file(LIBRARY / f"{kind}.py")


def at_genesis(
    name: str, kind: str, deployer: Address, slots: Iterable[tuple[bytes, bytes]] = (), general: int = 0
) -> GenesisContract:
    """A library contract that is there from the beginning; `slots` stand for what its constructor would have set."""
    compiled = library(kind)
    return GenesisContract(contract(name), deployer, compiled.code, compiled.envelope, general, tuple(slots))


def genesis_of(accounts: Iterable[tuple[Address, int]], contracts: Iterable[GenesisContract]) -> Genesis:
    """A genesis with this money (account, Z) and these contracts."""
    return Genesis(
        chain_id=1,
        time=BEGAN,
        engine=ENGINE,
        proposers=(PROPOSER,),
        accounts=tuple(GenesisAccount(account, units) for account, units in sorted(accounts)),
        contracts=tuple(sorted(contracts, key=lambda one: one.contract)),
    )


class Included(NamedTuple):
    """A transaction on the chain."""

    seq: Seq
    made: ValidatedTransaction


class AdmittedChain:
    """Grows a chain block by block; each block goes to `seal` when it ends."""

    def __init__(self, genesis: Genesis, seal: Callable[[ValidatedBlock], object]) -> None:
        self.genesis = genesis
        self.state = ChainState.at_genesis(genesis)
        self._seal = seal
        self._functions = {
            (listed.contract, function.name): function
            for listed in genesis.contracts
            for function in listed.envelope.functions
        }
        self._inclusion = Inclusion(self.state, check_module)

    @property
    def next_seq(self) -> Seq:
        """The number that the next transaction gets."""
        return Seq(self.state.head.next_seq + len(self._inclusion.transactions))

    @property
    def now(self) -> int:
        """Unix seconds of the running block."""
        return BEGAN + SECONDS_PER_BLOCK * (self.state.head.height + 1)

    def zero(self, account: Address) -> int:
        """Z of a user now, in base units."""
        return self._inclusion.account(account).zero

    def transfer(
        self, sender: Address, to: AccountId, zero: int = 0, general: int = 0, gas_limit: int | None = None
    ) -> Included:
        """A transfer. Raises `InvalidTransaction`, as any of these, and then nothing has changed."""
        if gas_limit is None:
            gas_limit = self.genesis.gas.general_check if general else 0
        return self._include(sender, TransactionKind.TRANSFER, to, b"", (), zero, general, gas_limit)

    def call(
        self,
        sender: Address,
        to: ContractId,
        function: str,
        *arguments: Argument,
        zero: int = 0,
        general: int = 0,
        gas_limit: int = CALL_GAS,
        more: tuple[Entry, ...] = (),
    ) -> Included:
        """A call of a genesis contract that declares what the function's template gives, and `more`."""
        envelope = self._functions[to, function]
        footprint = instantiate(envelope, arguments, sender, to, zero + general)
        if more:
            footprint = canonical_footprint((*footprint, *more))
        payload = encode(CallPayload(function, arguments))
        return self._include(sender, TransactionKind.CALL, to, payload, footprint, zero, general, gas_limit)

    def _include(
        self,
        sender: Address,
        kind: TransactionKind,
        to: bytes,
        payload: bytes,
        footprint: tuple[Entry, ...],
        zero: int,
        general: int,
        gas_limit: int,
    ) -> Included:
        nonce = self._inclusion.account(sender).nonce
        # The sender stands in the signature's place: equal transactions of two senders differ in hash.
        raw = encode(
            Transaction(
                VERSION, 1, nonce, kind, to, zero, general, gas_limit, 1, 0, payload, footprint,
                sender.ljust(SIGNATURE_BYTES, b"\0"),
            )
        )  # fmt: skip
        seq = self.next_seq
        made = self._inclusion.settle(check_bytes(raw, self.genesis), sender)
        if len(self._inclusion.transactions) == BLOCK_MOST:
            self.end_block()
        return Included(seq, made)

    def end_block(self) -> None:
        """End the running block, unless it is empty."""
        inclusion = self._inclusion
        if not inclusion.transactions:
            return
        head = self.state.head
        header = Header(
            version=1,
            chain_id=1,
            height=head.height + 1,
            previous_hash=head.hash,
            time=self.now,
            proposer=PROPOSER,
            transaction_count=len(inclusion.transactions),
            transaction_root=merkle.root([made.hash for made in inclusion.transactions]),
            footprint_root=bytes(32),
        )
        reward = inclusion.finish()
        block = ValidatedBlock(
            raw=b"",
            header=header,
            hash=header.hash,
            signature=bytes(SIGNATURE_BYTES),
            first_seq=head.next_seq,
            transactions=tuple(inclusion.transactions),
            zero_changes=inclusion.zero_changes,
            expense_totals=inclusion.expense_totals,
            accounts=inclusion.accounts,
            contracts=inclusion.contracts,
            blobs=inclusion.blobs,
            burnt=inclusion.burnt,
            reward=reward,
        )
        self._seal(block)
        apply_block(block, self.state)
        self._inclusion = Inclusion(self.state, check_module)
