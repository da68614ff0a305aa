"""Calls per second through the whole executor, for a token transfer: `python -m benchmarks.contracts`.

The library's token in contract Python, compiled in this run. Each way of executing it goes in turns with a fixed
floor: a hand-written module that does the same arithmetic on four slots of its linear memory, without host calls, in a
fresh store and instance each, through wasmtime's ordinary Python API. Where py-evm is installed (the extra `evm`), it
executes the transfers of an ERC-20 in the same rounds. There are many short rounds, and the least time of each counts:
what others do on the machine only adds to it. A ratio above 1 means that we are the faster.
PROFILE=1 prints where the time of a transfer goes instead.
"""

import cProfile
import importlib.util
import json
import os
import pstats
import sys
import time
from collections import Counter
from collections.abc import Callable
from types import FrameType

from wasmtime import Engine

from accountant.contracts.arguments import admitted
from accountant.contracts.engine import engine, modules, new_store
from accountant.contracts.entry import entry_point
from accountant.contracts.frame import Execution, Frame
from accountant.contracts.native import Cell
from accountant.contracts.table import HOST_TABLE
from accountant.execution.eager import EagerState, EagerWorld, execute_everything
from accountant.execution.transition import run_of
from accountant.index.position import place_of
from accountant.primitives.types import Seq
from benchmarks.contracts_chain import (
    GAS_LIMIT,
    Shape,
    ask_cold,
    bare_runs,
    eager_steps,
    pairs_of_strangers,
    shapes,
    token,
)
from benchmarks.contracts_floor import bound_host_calls, floor, ordinary_host_calls

TRANSFERS = 100
"""In a round. More of them only meet more of what others do."""
EVM_TRANSFERS = 20
ROUNDS = 60

Work = Callable[[], int]
"""Does something some times, and says how often."""


def _seconds_each(work: Work) -> float:
    begin = time.perf_counter()
    count = work()
    return (time.perf_counter() - begin) / count


def _evm() -> dict[str, Callable[[], Work]]:
    """What py-evm does, from a new state in each round; nothing if it is not installed."""
    if importlib.util.find_spec("eth") is None:
        print("py-evm is not installed: pip install -e '.[evm]' compares with it\n")
        return {}
    from benchmarks.contracts_evm import ERC20

    erc20 = ERC20(pairs_of_strangers(EVM_TRANSFERS))
    return {"py-evm, code alone": erc20.computations, "py-evm, transactions": erc20.transactions}


def _parts(shape: Shape) -> dict[str, Work]:
    """Parts of one call that can be done by themselves."""
    index = shape.chain
    located = index.transaction(Seq(0))
    block = index.block(located.height)
    assert block is not None
    world = EagerWorld(EagerState(index), place_of(located))
    run = run_of(located, block, index.genesis)
    code = world.code(run.contract)
    assert code is not None
    module = modules().get(code.code)

    def decode() -> int:
        for _ in range(TRANSFERS):
            run_of(located, block, index.genesis)
        return TRANSFERS

    def prepare() -> int:
        for _ in range(TRANSFERS):
            execution = Execution(run, world, _never)
            entry = entry_point(run.contract, code, run.function.encode(), run.sender, run.value, nested=False)
            admitted(entry.function, run.arguments)
            Frame(execution, run.contract, run.sender, run.value, run.arguments)
        return TRANSFERS

    def instances() -> int:
        for _ in range(TRANSFERS):
            store = new_store(module.pages)
            cell = Cell(store)
            cell.set_fuel(GAS_LIMIT)
            cell.instantiate(module.linked)
            store.close()
        return TRANSFERS

    return {"decode": decode, "prepare": prepare, "instance": instances}


def _never(_frame: Frame, _entry: object, _gas: int) -> int:
    raise AssertionError("only preparing is measured")


def _host_calls(shape: Shape) -> Counter[str]:
    """The host functions that the first transfer calls, and how often."""
    rows = {row.implementation.__code__: row.name for row in HOST_TABLE}
    called: Counter[str] = Counter()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code in rows:
            called[rows[frame.f_code]] += 1

    sys.setprofile(note)
    execute_everything(shape.chain, Seq(1))
    sys.setprofile(None)
    return called


def _least_us(works: dict[str, Work], fresh: dict[str, Callable[[], Work]]) -> dict[str, float]:
    """The least microseconds for one, over the rounds."""
    measured: dict[str, list[float]] = {name: [] for name in (*works, *fresh)}
    for work in works.values():
        work()
    for _ in range(ROUNDS):
        for name, work in works.items():
            measured[name].append(_seconds_each(work))
        for name, make in fresh.items():
            measured[name].append(_seconds_each(make()))
    return {name: min(seconds) * 1e6 for name, seconds in measured.items()}


def _profile(works: dict[str, Work]) -> None:
    for name in ("eager, strangers", "selective, strangers", "selective, crowd"):
        works[name]()
        profile = cProfile.Profile()
        profile.runcall(works[name])
        print(name)
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)


def main() -> int:
    """Print a table, and the figures as one line of JSON."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    chains = shapes(token(), TRANSFERS)
    first = chains[0]
    executor: dict[str, Work] = {"bare run": bare_runs(first)}
    executor |= {f"eager, {shape.name}": eager_steps(shape) for shape in chains}
    executor |= {f"selective, {shape.name}": lambda shape=shape: ask_cold(shape) for shape in chains}  # type: ignore[misc]
    if os.environ.get("PROFILE"):
        _profile(executor)
        return 0
    floors: dict[str, Work] = {"floor": floor(engine(), TRANSFERS), "floor, default engine": floor(Engine(), TRANSFERS)}
    host: dict[str, Work] = {"host call, ordinary": ordinary_host_calls(), "host call, ours": bound_host_calls()}
    parts, evm = _parts(first), _evm()
    us = _least_us(floors | executor | host | parts, evm)
    strictest = min(floors, key=lambda name: us[name])
    to_floor = {name: round(us[strictest] / us[name], 3) for name in (*floors, *executor, *evm)}
    print(f"{'':<24} {'µs':>9} {'per s':>9} {'to floor':>9}")
    for name in (*floors, *executor, *evm):
        print(f"{name:<24} {us[name]:>9.1f} {1e6 / us[name]:>9.0f} {to_floor[name]:>9.3f}")
    print(f"\n{'host call':<24} {'µs':>9}")
    for name in host:
        print(f"{name:<24} {us[name]:>9.2f}")
    gas = execute_everything(first.chain, Seq(1)).outcomes[0].gas_used
    called = _host_calls(first)
    code = us["bare run"] - us["prepare"] - us["instance"]
    shares = {
        "outcome, index, history": us["eager, strangers"] - us["bare run"] - us["decode"],
        "decode": us["decode"],
        "prepare": us["prepare"],
        "instance": us["instance"],
        "code and host calls": code,
    }
    print(f"\n{'parts of eager, strangers':<24} {'µs':>8}   (gas {gas}, {called.total()} host calls)")
    for name, share in shares.items():
        print(f"{name:<24} {share:>9.1f}")
    print("host calls: " + ", ".join(f"{name} {count}" for name, count in sorted(called.items())))
    figures: dict[str, object] = {
        "benchmark": "contracts",
        "transfers": TRANSFERS,
        "gas": gas,
        "host_calls": called.total(),
        "us": {name: round(one, 2) for name, one in us.items()},
        "parts_us": {name: round(share, 1) for name, share in shares.items()},
        "floor": strictest,
        "ratios_to_floor": to_floor,
        "ratio_to_floor": min(to_floor[name] for name in executor),
        "host_call_gain": round(us["host call, ordinary"] / us["host call, ours"], 1),
    }
    if evm:
        to_evm: dict[str, float] = {}
        for name in executor:
            other = "py-evm, code alone" if name == "bare run" else "py-evm, transactions"
            to_evm[name] = round(us[other] / us[name], 2)
        figures["ratios_to_py_evm"] = to_evm
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
