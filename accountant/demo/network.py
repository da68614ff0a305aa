"""The demo's network: published digits, a contract that trains on them, and the call that does."""

from pathlib import Path
from typing import NamedTuple

import msgspec

from accountant.chain.fees import intrinsic_gas
from accountant.chain.footprint import Blob, Entry, Read, Write, canonical_footprint
from accountant.chain.genesis import Genesis
from accountant.chain.transaction import (
    VERSION,
    CallPayload,
    DeployPayload,
    PublishPayload,
    Transaction,
    TransactionKind,
    sign_transaction,
)
from accountant.demo.setting import TRAINER
from accountant.language.compiler import compile_source
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.cid import cid_of
from accountant.primitives.encoding import encode
from accountant.primitives.keys import SIGNATURE_BYTES
from accountant.primitives.types import Cid

SAMPLES = 200
_SOURCE = Path(__file__).with_name("digits.py")
_SLOT = b"weights:"
_GAS = 500_000_000
"""Below what is an execution of its own."""


class Training(NamedTuple):
    """The files to publish, by their CIDs, and the signed transactions in order: the last one trains."""

    files: dict[Cid, bytes]
    transactions: list[bytes]


def training(genesis: Genesis) -> Training:
    """Everything that the trainer hands in."""
    images, labels = _files()
    contract = contract_id_of(TRAINER.address, 0)
    named = (cid_of(images), cid_of(labels))
    compiled = compile_source(_SOURCE.read_bytes(), _SOURCE.name)
    blobs = (Blob(named[0], len(images)), Blob(named[1], len(labels)))
    footprint = canonical_footprint([*blobs, Read(contract, _SLOT), Write(contract, _SLOT)])
    deployment = encode(DeployPayload(compiled.code, compiled.envelope, ()))
    publications = [encode(PublishPayload(cid, len(data))) for cid, data in zip(named, (images, labels), strict=True)]
    made = [
        _unsigned(genesis, 0, TransactionKind.DEPLOY, b"", deployment),
        *(_unsigned(genesis, at, TransactionKind.PUBLISH, b"", raw) for at, raw in enumerate(publications, 1)),
        _unsigned(genesis, 3, TransactionKind.CALL, contract, encode(CallPayload("train", named)), footprint, _GAS),
    ]
    return Training(
        dict(zip(named, (images, labels), strict=True)), [sign_transaction(one, TRAINER.key) for one in made]
    )


def _unsigned(
    genesis: Genesis,
    nonce: int,
    kind: TransactionKind,
    to: bytes,
    payload: bytes,
    footprint: tuple[Entry, ...] = (),
    gas: int = 0,
) -> Transaction:
    made = Transaction(
        VERSION, genesis.chain_id, nonce, kind, to, 0, 0, gas, genesis.fees.gas_price_least, 0, payload,
        footprint, bytes(SIGNATURE_BYTES),
    )  # fmt: skip
    return made if gas else msgspec.structs.replace(made, gas_limit=intrinsic_gas(made, genesis.gas))


def _files() -> tuple[bytes, bytes]:
    """Images and what they show, as files of tensors."""
    from sklearn.datasets import load_digits  # torch and scikit-learn take seconds to import: not before they are used

    from accountant.tensors import Tensor
    from accountant.tensors.files import write_file

    digits = load_digits()
    images, labels = digits.data[:SAMPLES], digits.target[:SAMPLES]
    return (
        write_file([Tensor.of(images.reshape(-1).tolist(), images.shape)]),
        write_file([Tensor.of(labels.tolist(), labels.shape)]),
    )
