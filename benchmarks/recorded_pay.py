"""Pay (Algorithm 4) over every value transfer of a recording, for `benchmarks.recorded`.

A value transfer is a recorded transaction that carries value, plain or with a contract call. Each is asked for from a
cold store: did it settle? The verdict is compared with the eager reference, the time with executing its block eagerly
up to and including it. Gas is the recorded Ethereum gas of the other transactions that were executed for it.
"""

import time
from statistics import median
from typing import NamedTuple

from accountant.accounting.certificate import Verdict
from accountant.accounting.pay import verify_payment
from accountant.accounting.questions import PaymentQuestion
from accountant.execution.eager import EagerState
from accountant.execution.memory import MemoryOutcomes
from accountant.index.memory import MemoryIndex
from accountant.primitives.types import Hash, Seq
from accountant.replay.least import gas_of, preceding_gas
from accountant.replay.record import RecordedChain
from accountant.replay.recording import RecordedBlock, RecordedTransaction, wei


class Payment(NamedTuple):
    """One value transfer."""

    call: bool
    """Whether it runs a contract."""
    general: bool
    """Whether general money pays for it."""
    accepted: bool
    matches: bool
    """Whether Pay says what the eager reference does."""
    executed_gas: int
    """Recorded gas of the other transactions whose outcomes were found for it."""
    preceding_gas: int
    """Recorded gas of all that precedes it in its block."""
    pay_s: float
    eager_s: float


def measure(recorded: list[RecordedBlock], chain: RecordedChain, rounds: int) -> list[Payment]:
    """Every value transfer of a recording; seconds are medians over the rounds."""
    index = MemoryIndex(chain.genesis)
    for sealed in chain.blocks:
        index.append(sealed)
    eagers = [EagerState(index) for _ in range(rounds)]
    payments: list[Payment] = []
    first = 0
    for block in recorded:
        payments += _of_block(block, first, index, eagers)
        first += len(block.transactions)
    return payments


def _of_block(block: RecordedBlock, first: int, index: MemoryIndex, eagers: list[EagerState]) -> list[Payment]:
    eager_s = [_eager_s(eager, len(block.transactions)) for eager in eagers]
    preceding = preceding_gas(block)
    payments = []
    for place, transaction in enumerate(block.transactions):
        if not wei(transaction.value):
            continue
        seq = Seq(first + place)
        asked = [_ask(index, seq) for _ in eagers]
        accepted, others, _ = asked[0]
        assert all(one[:2] == asked[0][:2] for one in asked), "executing is deterministic"
        payments.append(
            Payment(
                call=transaction.contract_call,
                general=index.transaction(seq).transaction.general_value > 0,
                accepted=accepted,
                matches=accepted == eagers[0].outcomes[seq].succeeded == _settled(transaction),
                executed_gas=gas_of(block, frozenset(other - first for other in others)),
                preceding_gas=preceding[place],
                pay_s=median(seconds for _, _, seconds in asked),
                eager_s=median(of_round[place] for of_round in eager_s),
            )
        )
    return payments


def _eager_s(eager: EagerState, count: int) -> list[float]:
    """By place: seconds until the transaction there was executed."""
    began, seconds = time.perf_counter(), []
    for _ in range(count):
        eager.step()
        seconds.append(time.perf_counter() - began)
    return seconds


def _ask(index: MemoryIndex, seq: Seq) -> tuple[bool, frozenset[Seq], float]:
    """Whether it settled, the other transactions that were consulted for that, and the seconds it took."""
    question = PaymentQuestion(index.transaction(seq).hash)
    began = time.perf_counter()
    certificate = verify_payment(index, MemoryOutcomes(), question)
    seconds = time.perf_counter() - began
    assert certificate.verdict is not Verdict.UNDECIDED
    consulted = (index.seq_of(Hash(one)) for one in certificate.slice)
    others = frozenset(other for other in consulted if other is not None and other != seq)
    return certificate.verdict is Verdict.ACCEPTED, others, seconds


def _settled(transaction: RecordedTransaction) -> bool:
    """What happened on Ethereum: a plain transfer of the recording always settled."""
    return transaction.succeeded or not transaction.contract_call


def summary(payments: list[Payment]) -> dict[str, object]:
    """The figures."""
    gas, preceding = sum(p.executed_gas for p in payments), sum(p.preceding_gas for p in payments)
    pay, eager = sum(p.pay_s for p in payments), sum(p.eager_s for p in payments)
    return {
        "value_transfers": len(payments),
        "with_calls": sum(p.call for p in payments),
        "from_general_money": sum(p.general for p in payments),
        "rejected": sum(not p.accepted for p in payments),
        "mismatches": sum(not p.matches for p in payments),
        "without_execution": sum(not (p.executed_gas or p.call) for p in payments),
        "executed_gas": gas,
        "preceding_gas": preceding,
        "gas_share": round(gas / preceding, 6) if preceding else None,
        "pay_seconds": round(pay, 4),
        "eager_seconds": round(eager, 4),
        "speedup_total": round(eager / pay, 2),
        "speedup_median": round(median(p.eager_s / p.pay_s for p in payments), 2),
        "slower": sum(p.pay_s > p.eager_s for p in payments),
    }


def show(payments: list[Payment]) -> None:
    """A few lines for people."""
    for name, some in (
        ("plain", [p for p in payments if not p.call]),
        ("with a call", [p for p in payments if p.call]),
        ("all", payments),
    ):
        if some:
            row = summary(some)
            print(
                f"Pay, {name:<11} {row['value_transfers']:>6} transfers {row['mismatches']:>3} mismatches"
                f" {row['executed_gas']:>13} gas {row['gas_share']:>9} of what precedes"
                f" {row['speedup_total']:>8}x {row['slower']:>5} slower"
            )
