"""The chain that whole accountants run on in tests: a development chain with people whose keys tests know."""

from pathlib import Path

import wasmtime

from accountant.chain.envelope import ArgumentKind, FunctionEnvelope
from accountant.chain.genesis import GenesisAccount
from accountant.contracts.engine import ENGINE
from accountant.node.devnet import devnet_in, init_devnet
from tests.support.chains import ALICE, BOB, CAROL, CHAIN_ID, RICH, call, genesis_contract, open_envelope
from tests.support.service import BURNER, BURNER_WAT, LOOPS_PER_SECOND

_QUICK_SCRYPT = 2**12


def begin_chain(folder: Path) -> None:
    """Makes genesis and keys where a node of this chain folder begins: three rich people, and a contract that burns."""
    envelope = open_envelope(FunctionEnvelope("burn", (ArgumentKind.INT,), (), complete=False))
    init_devnet(
        devnet_in(folder),
        ENGINE,
        CHAIN_ID,
        accounts=tuple(GenesisAccount(somebody.address, RICH) for somebody in (ALICE, BOB, CAROL)),
        contracts=(genesis_contract("burner", envelope, code=bytes(wasmtime.wat2wasm(BURNER_WAT))),),
        work=_QUICK_SCRYPT,
    )


def burn(nonce: int, seconds: float) -> bytes:
    """Carol's call that takes a worker about so long."""
    loops = int(seconds * LOOPS_PER_SECOND)
    return call(CAROL, nonce, BURNER, "burn", (loops,), gas_limit=10 * loops)
