"""How fast a validator is: `python -m benchmarks.validate [FILE]`.

Blocks of 1,000 transfers (two in three zero-cost), from bytes to validated, on one pinned core, against a bare
loop of coincurve's public-key recovery over the same signatures and digests, interleaved in the same run. Then
blocks of calls with five entries each, and of calls that would train networks for hours, by signature and byte.
FILE (recorded transactions) is not read: validation never depends on what transactions would do.
"""

import hashlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import coincurve
import ecdsa
from ecdsa.util import sigdecode_string

from accountant.chain.block import decode_block
from accountant.chain.envelope import (
    Arg,
    ArgumentKind,
    Envelope,
    FunctionEnvelope,
    Literal,
    OpenAccess,
    Self,
    Sender,
    TemplateEntry,
    TemplateKind,
)
from accountant.chain.genesis import Genesis, GenesisAccount, GenesisContract, Limits
from accountant.chain.proposer import propose
from accountant.chain.state import ChainState
from accountant.chain.template import instantiate
from accountant.chain.transaction import (
    VERSION,
    CallPayload,
    Transaction,
    TransactionKind,
    decode_transaction,
    sign_transaction,
    signing_hash,
)
from accountant.chain.validator import validate_block
from accountant.primitives.encoding import encode
from accountant.primitives.keys import PrivateKey, signing_digest
from accountant.primitives.types import Address, ContractId

TRANSACTIONS = 1_000
SENDERS = 200
ROUNDS = 25
SECOND_OPINIONS = 10
WEIGHTS_BYTES = 4_096
TRAINING_GAS = 2**50
MODEL = ContractId(hashlib.sha256(b"model").digest())

_SELF, _FIRST = (Self(),), (Arg(0),)
STEP = FunctionEnvelope(
    name="step",
    arguments=(ArgumentKind.BYTES, ArgumentKind.ADDRESS),
    template=(
        TemplateEntry(TemplateKind.READ, _SELF, _FIRST),
        TemplateEntry(TemplateKind.READ, _SELF, (Literal(b"owner/"), Sender())),
        TemplateEntry(TemplateKind.WRITE, _SELF, _FIRST),
        TemplateEntry(TemplateKind.WRITE, _SELF, (Literal(b"owner/"), Sender())),
        TemplateEntry(TemplateKind.CREDIT, (Arg(1),)),
    ),
    complete=True,
)
TRAIN = FunctionEnvelope(
    name="train",
    arguments=(ArgumentKind.BYTES,),
    template=(TemplateEntry(TemplateKind.WRITE, _SELF, (Literal(b"weights"),)),),
    complete=True,
)


class Case(NamedTuple):
    """A block, and the recoverable signatures and digests that validating it has to check."""

    raw: bytes
    signatures: list[tuple[bytes, bytes]]


class Timing(NamedTuple):
    """Medians over the rounds: seconds for one block, and recovery over validation round by round."""

    validate: float
    recover: float
    ratio: float


def _keys() -> list[PrivateKey]:
    return [PrivateKey.from_seed(f"benchmark/{index}".encode()) for index in range(SENDERS)]


def _genesis(keys: list[PrivateKey]) -> Genesis:
    return Genesis(
        chain_id=1,
        time=0,
        engine="none",
        proposers=(keys[0].address,),
        accounts=tuple(GenesisAccount(key.address, 2**54) for key in keys),
        contracts=(
            GenesisContract(MODEL, keys[0].address, b"", Envelope((STEP, TRAIN), OpenAccess()), general_balance=0),
        ),
        limits=Limits(),
    )


def _signed(key: PrivateKey, nonce: int, kind: TransactionKind, to: bytes, **fields: object) -> bytes:
    plain: dict[str, object] = {"zero_value": 0, "general_value": 0, "gas_limit": 0, "payload": b"", "footprint": ()}
    transaction = Transaction(
        version=VERSION,
        chain_id=1,
        nonce=nonce,
        kind=kind,
        to=to,
        gas_price=1,
        tip=7,
        signature=b"",
        **{**plain, **fields},  # type: ignore[arg-type]
    )
    return sign_transaction(transaction, key)


def _recipient(index: int) -> Address:
    return Address(hashlib.sha256(index.to_bytes(8, "big")).digest()[:20])


def _transfer(key: PrivateKey, nonce: int, index: int) -> bytes:
    """Every third one carries general_value, and so gas: the index has one row more of it."""
    fields = {"general_value": 10**9, "gas_limit": 2_000} if index % 3 == 0 else {"zero_value": 10**9}
    return _signed(key, nonce, TransactionKind.TRANSFER, _recipient(index), **fields)


def _step(key: PrivateKey, nonce: int, index: int) -> bytes:
    arguments = (b"slot/" + index.to_bytes(8, "big"), _recipient(index))
    footprint = instantiate(STEP, arguments, key.address, MODEL, 0)
    payload = encode(CallPayload("step", arguments))
    return _signed(key, nonce, TransactionKind.CALL, MODEL, gas_limit=10**6, payload=payload, footprint=footprint)


def _train(key: PrivateKey, nonce: int, index: int) -> bytes:
    arguments = (hashlib.shake_256(index.to_bytes(8, "big")).digest(WEIGHTS_BYTES),)
    footprint = instantiate(TRAIN, arguments, key.address, MODEL, 0)
    payload = encode(CallPayload("train", arguments))
    return _signed(
        key, nonce, TransactionKind.CALL, MODEL, gas_limit=TRAINING_GAS, payload=payload, footprint=footprint
    )


def _no_module(code: bytes, envelope: Envelope, limits: Limits) -> None:
    raise AssertionError("these blocks deploy nothing")


def _case(make: Callable[[PrivateKey, int, int], bytes], keys: list[PrivateKey], state: ChainState) -> Case:
    transactions = [make(keys[i % SENDERS], i // SENDERS, i) for i in range(TRANSACTIONS)]
    block = propose(transactions, state, keys[0], 1, _no_module).block
    assert len(block.transactions) == TRANSACTIONS
    signatures = []
    for raw in decode_block(block.raw).transactions:
        signature = decode_transaction(raw).signature
        signatures.append((signature[:64] + bytes([signature[64] - 27]), signing_digest(signing_hash(raw))))
    return Case(block.raw, signatures)


def _recover_all(signatures: list[tuple[bytes, bytes]]) -> None:
    recover = coincurve.PublicKey.from_signature_and_message
    for signature, digest in signatures:
        recover(signature, digest, hasher=None)


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _interleaved(case: Case, state: ChainState) -> Timing:
    validate, recover = [], []
    for _ in range(ROUNDS):
        validate.append(_seconds(lambda: validate_block(case.raw, state, _no_module)))
        recover.append(_seconds(lambda: _recover_all(case.signatures)))
    ratios = (r / v for r, v in zip(recover, validate, strict=True))
    return Timing(statistics.median(validate), statistics.median(recover), statistics.median(ratios))


def _second_opinion_seconds(case: Case) -> float:
    """Seconds that `ecdsa` takes for one recovery."""

    def recover(signature: bytes, digest: bytes) -> None:
        ecdsa.VerifyingKey.from_public_key_recovery_with_digest(
            signature[:64], digest, curve=ecdsa.SECP256k1, hashfunc=hashlib.sha256, sigdecode=sigdecode_string
        )

    return statistics.median(_seconds(lambda pair=pair: recover(*pair)) for pair in case.signatures[:SECOND_OPINIONS])  # type: ignore[misc]


def main() -> int:
    """Print a table, and the figures as one line of JSON."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    keys = _keys()
    state = ChainState.at_genesis(_genesis(keys))
    cases = {
        "transfers": _case(_transfer, keys, state),
        "calls": _case(_step, keys, state),
        "training": _case(_train, keys, state),
    }
    timings = {name: _interleaved(case, state) for name, case in cases.items()}
    figures: dict[str, object] = {"benchmark": "validate", "transactions": TRANSACTIONS}
    print(f"{'block':<10} {'bytes':>9} {'validate':>11} {'recover':>11} {'ratio':>6} {'tx/s':>8} {'MB/s':>7}")
    for name, timing in timings.items():
        size = len(cases[name].raw)
        print(
            f"{name:<10} {size:>9} {timing.validate * 1e3:>8.2f} ms {timing.recover * 1e3:>8.2f} ms"
            f" {timing.ratio:>6.3f} {TRANSACTIONS / timing.validate:>8.0f} {size / timing.validate / 1e6:>7.2f}"
        )
        figures[name] = {
            "bytes": size,
            "ms": round(timing.validate * 1e3, 3),
            "signatures_ms": round(timing.recover * 1e3, 3),
            "ratio_to_signatures": round(timing.ratio, 4),
            "transactions_per_s": round(TRANSACTIONS / timing.validate),
            "bytes_per_s": round(size / timing.validate),
        }
    transfers = timings["transfers"]
    rate = len(cases["transfers"].raw) / transfers.validate
    figures["ratio_to_signatures"] = round(transfers.ratio, 4)
    figures["ratio_to_ecdsa"] = round(
        _second_opinion_seconds(cases["transfers"]) * TRANSACTIONS / transfers.validate, 1
    )
    for name in ("calls", "training"):
        figures[f"{name}_bytes_rate_to_transfers"] = round(len(cases[name].raw) / timings[name].validate / rate, 3)
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
