"""A signed chain on which a network is trained on published digits, kept, and used."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec
from sklearn.datasets import load_digits

from accountant.chain.footprint import Blob, Entry, Memory, Read, Write
from accountant.chain.genesis import Genesis
from accountant.chain.state import ChainState
from accountant.chain.validator import ValidatedBlock
from accountant.contracts.engine import ENGINE
from accountant.execution.eager import EagerState, execute_everything
from accountant.execution.memory import MemoryBlobs
from accountant.index.memory import MemoryIndex
from accountant.language.compiler import compile_source
from accountant.primitives.cid import cid_of
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import Cid, Hash, Seq
from accountant.tensors import Tensor
from accountant.tensors.files import write_file
from tests.support.chains import ALICE, BOB, call, contract_id, extend, genesis, genesis_contract, publish

SOURCE = Path(__file__).with_name("trainer.py")
TRAINER = contract_id("trainer")
SLOT = b"weights:"
ROOM = 2**27
"""What `train_roomy` may hold."""
TRAINED, LONG_STEPS, STEPS = 200, 1_200, 32
GAS = 5 * 10**9
"""Of each call: an execution of its own, for any worker of the queue `cpu`."""
TRAIN, PREDICT, TRAIN_ROOMY, TRAIN_LONG = map(Seq, range(2, 6))
"""After two publications."""


class TrainingChain(NamedTuple):
    """The chain, the files that it publishes, and the transactions' hashes in order."""

    genesis: Genesis
    blocks: list[ValidatedBlock]
    files: dict[Cid, bytes]
    hashes: list[Hash]


def _file(values: list[float], shape: tuple[int, ...]) -> bytes:
    return write_file([Tensor.of(values, shape)])


def _calls(images: bytes, labels: bytes) -> list[bytes]:
    known: list[Entry] = [Blob(cid_of(images), len(images)), Blob(cid_of(labels), len(labels))]
    trains: list[Entry] = [*known, Read(TRAINER, SLOT), Write(TRAINER, SLOT)]
    asks: list[Entry] = [known[0], Read(TRAINER, SLOT)]
    files = (cid_of(images), cid_of(labels))

    def made(who: PrivateKey, nonce: int, function: str, entries: list[Entry]) -> bytes:
        arguments = files if function.startswith("train") else files[:1]
        return call(who, nonce, TRAINER, function, arguments, entries, gas_limit=GAS)

    return [
        made(ALICE, 2, "train", trains),
        made(BOB, 0, "predict", asks),
        made(ALICE, 3, "train_roomy", [*trains, Memory(ROOM)]),
        made(ALICE, 4, "train_long", trains),
        made(BOB, 1, "predict", asks),
    ]


@cache
def training_chain() -> TrainingChain:
    """Two publications in one block, three trainings and two uses in the next."""
    compiled = compile_source(SOURCE.read_bytes(), SOURCE.name)
    begin = genesis(contracts=(genesis_contract("trainer", compiled.envelope, code=compiled.code),))
    begin = msgspec.structs.replace(begin, engine=ENGINE)
    digits = load_digits()
    images = _file(digits.data[:TRAINED].reshape(-1).tolist(), (TRAINED, 64))
    labels = _file(digits.target[:TRAINED].tolist(), (TRAINED,))
    state = ChainState.at_genesis(begin)
    publications = [publish(ALICE, nonce, cid_of(data), len(data)) for nonce, data in enumerate((images, labels))]
    blocks = [extend(state, publications), extend(state, _calls(images, labels))]
    hashes = [one.hash for block in blocks for one in block.transactions]
    return TrainingChain(begin, blocks, {cid_of(data): data for data in (images, labels)}, hashes)


@cache
def everything(whole: bool = False) -> EagerState:
    """What comes before the long training, or all of it, executed in order."""
    chain = training_chain()
    index, blobs = MemoryIndex(chain.genesis), MemoryBlobs()
    for block in chain.blocks:
        index.append(block)
    for data in chain.files.values():
        blobs.put(data)
    return execute_everything(index, None if whole else TRAIN_LONG, blobs=blobs)
