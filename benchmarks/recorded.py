"""What an answer about a recorded contract call costs: `python -m benchmarks.recorded [FILE]`.

For every contract call of FILE (default: the packaged sample) its outcome is found from a cold cache and
compared with the eager reference. Gas is the recorded Ethereum gas of the other transactions that were
executed for it. Time is that of the cold selective answer, against executing the call's block eagerly up
to and including the call; both are taken in turns, block by block, in this process.

Then Pay (Algorithm 4) is asked from a cold cache for every value transfer of FILE, plain or with a call: did it settle?
`benchmarks.recorded_pay` has that part.

OVERDECLARE=N and OVERDECLARE_WRITES=N let every call declare N more of its block's 20 hottest slots for
reading or writing, and touch none of them. PROFILE=1 prints where the selective time goes.
"""

import cProfile
import json
import os
import pstats
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from accountant.execution.eager import EagerState
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.outcome import Outcome
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.index.memory import MemoryIndex
from accountant.primitives.types import Seq
from accountant.replay.least import gas_of, preceding_gas, slices_of
from accountant.replay.record import RecordedChain, record_chain
from accountant.replay.recording import RecordedBlock, parse_blocks
from accountant.replay.sample import sample_recording
from accountant.replay.translate import RecordOptions
from benchmarks import recorded_pay


class Measured(NamedTuple):
    """One contract call."""

    block: int
    matches: bool
    executed: int
    """Other transactions whose code was run to its end."""
    transfers: int
    """Other transactions whose outcome was needed and runs no code."""
    executed_gas: int
    least_gas: int
    preceding_gas: int
    selective_s: float
    eager_s: float
    """The block up to and including the call."""


class _Round(NamedTuple):
    """One pass over a block, eager and then selective."""

    eager_s: list[float]
    """By place: seconds until the transaction there was executed."""
    selective_s: dict[int, float]
    """By place of each contract call."""
    sessions: dict[int, Session]
    matches: dict[int, bool]


def _round(
    recorded: RecordedBlock, first_seq: int, index: MemoryIndex, eager: EagerState, profile: cProfile.Profile | None
) -> _Round:
    """`eager` stands right before the block and is brought to its end."""
    this = _Round([], {}, {}, {})
    started = time.perf_counter()
    for _ in recorded.transactions:
        eager.step()
        this.eager_s.append(time.perf_counter() - started)
    for place, transaction in enumerate(recorded.transactions):
        if transaction.contract_call:
            seq = Seq(first_seq + place)
            session = this.sessions[place] = Session(index, MemoryOutcomes())
            outcome, this.selective_s[place] = _cold(session, seq, profile)
            this.matches[place] = outcome == eager.outcomes[seq]
    return this


def _cold(session: Session, seq: Seq, profile: cProfile.Profile | None) -> tuple[Outcome, float]:
    if profile:
        profile.enable()
    started = time.perf_counter()
    outcome = Selective(session).outcome(seq)
    seconds = time.perf_counter() - started
    if profile:
        profile.disable()
    return outcome, seconds


def _of_block(recorded: RecordedBlock, first_seq: int, rounds: list[_Round]) -> Iterator[Measured]:
    slices, preceding = slices_of(recorded), preceding_gas(recorded)
    for place, session in rounds[0].sessions.items():
        others = frozenset(other - first_seq for other in session.resolved) - {place}
        ran = frozenset(other - first_seq for other in session.executed) - {place}
        assert all(0 <= other < place for other in others), "recorded blocks stand alone"
        assert all(r.sessions[place].resolved == session.resolved for r in rounds), "executing is deterministic"
        yield Measured(
            block=recorded.block,
            matches=all(r.matches[place] for r in rounds),
            executed=len(ran),
            transfers=len(others - ran),
            executed_gas=gas_of(recorded, others),
            least_gas=gas_of(recorded, slices[place]),
            preceding_gas=preceding[place],
            selective_s=median(r.selective_s[place] for r in rounds),
            eager_s=median(r.eager_s[place] for r in rounds),
        )


def measure(
    recorded: list[RecordedBlock], chain: RecordedChain, rounds: int = 1, profile: cProfile.Profile | None = None
) -> list[Measured]:
    """Every contract call of a recording; seconds are medians over the rounds."""
    index = MemoryIndex(chain.genesis)
    for sealed in chain.blocks:
        index.append(sealed)
    eagers = [EagerState(index) for _ in range(rounds)]
    measured: list[Measured] = []
    first_seq = 0
    for block in recorded:
        of_block = list(_of_block(block, first_seq, [_round(block, first_seq, index, e, profile) for e in eagers]))
        first_seq += len(block.transactions)
        measured += of_block
        if of_block:
            print(_row(str(block.block), of_block), flush=True)
    return measured


_HEADINGS = ("block", "calls", "executed", "gas/least", "gas/before", "cold ms", "eager ms", "speedup", "slower")
_WIDTHS = (10, 6, 9, 10, 11, 9, 9, 8, 7)


def _row(name: str, calls: list[Measured]) -> str:
    gas, least, before = (sum(getattr(c, f) for c in calls) for f in ("executed_gas", "least_gas", "preceding_gas"))
    selective, eager = sum(c.selective_s for c in calls), sum(c.eager_s for c in calls)
    cells = (
        name,
        str(len(calls)),
        str(sum(c.executed for c in calls)),
        f"{gas / least:.4f}" if least else ("1.0000" if not gas else "inf"),
        f"{gas / before:.5f}" if before else "-",
        f"{selective / len(calls) * 1e3:.2f}",
        f"{eager / len(calls) * 1e3:.2f}",
        f"{eager / selective:.1f}x",
        str(sum(c.selective_s > c.eager_s for c in calls)),
    )
    return "".join(cell.rjust(width) for cell, width in zip(cells, _WIDTHS, strict=True))


def summary(measured: list[Measured], overdeclare: int, overdeclare_writes: int) -> dict[str, object]:
    """The figures of a run."""
    gas, least = sum(c.executed_gas for c in measured), sum(c.least_gas for c in measured)
    selective, eager = sum(c.selective_s for c in measured), sum(c.eager_s for c in measured)
    blocks = sorted({c.block for c in measured})
    lost = [b for b in blocks if sum(c.selective_s - c.eager_s for c in measured if c.block == b) > 0]
    return {
        "calls": len(measured),
        "mismatches": sum(not c.matches for c in measured),
        "executed": sum(c.executed for c in measured),
        "transfers_resolved": sum(c.transfers for c in measured),
        "executed_gas": gas,
        "least_gas": least,
        "excess_gas": round(gas / least, 6) if least else None,
        "preceding_gas": sum(c.preceding_gas for c in measured),
        "calls_above_least": sum(c.executed_gas > c.least_gas for c in measured),
        "calls_below_least": sum(c.executed_gas < c.least_gas for c in measured),
        "selective_seconds": round(selective, 3),
        "eager_seconds": round(eager, 3),
        "speedup_total": round(eager / selective, 2),
        "speedup_median": round(median(c.eager_s / c.selective_s for c in measured), 2),
        "calls_slower": sum(c.selective_s > c.eager_s for c in measured),
        "blocks": len(blocks),
        "blocks_slower": lost,
        "overdeclare": overdeclare,
        "overdeclare_writes": overdeclare_writes,
    }


def main() -> None:
    """Measures, prints a table and, as the last line, JSON."""
    raw = Path(sys.argv[1]).read_bytes() if len(sys.argv) > 1 else sample_recording()
    overdeclare = int(os.environ.get("OVERDECLARE", "0"))
    overdeclare_writes = int(os.environ.get("OVERDECLARE_WRITES", "0"))
    recorded = parse_blocks(raw)
    chain = record_chain(recorded, RecordOptions(overdeclare=overdeclare, overdeclare_writes=overdeclare_writes))
    profile = cProfile.Profile() if os.environ.get("PROFILE") else None
    print("".join(heading.rjust(width) for heading, width in zip(_HEADINGS, _WIDTHS, strict=True)))
    rounds = int(os.environ.get("ROUNDS", "3"))
    measured = measure(recorded, chain, rounds, profile)
    print(_row("all", measured))
    payments = recorded_pay.measure(recorded, chain, rounds)
    recorded_pay.show(payments)
    if profile:
        pstats.Stats(profile, stream=sys.stdout).sort_stats("tottime").print_stats(25)
    print(json.dumps({**summary(measured, overdeclare, overdeclare_writes), "pay": recorded_pay.summary(payments)}))


if __name__ == "__main__":
    main()
