"""What attacks make a victim's answers cost, and what they cost the attacker: `python -m benchmarks.attack [NAME…]`.

For each attack (`benchmarks.attack_kinds`) the victim's questions are asked from a cold store each, on a chain with
the attack and on the same chain without it. A question that takes longer than SECONDS_MOST is given up, and its row
says so. Every transaction passed a validator's admission; what was refused is counted apart. The whole chain is
executed eagerly besides: for the right answers, and for the fees that the attacker does not get back as unused gas.

SCALE=0.01 makes all attacks smaller. Names of attacks choose some of them.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from accountant.accounting.bound import lower_bound
from accountant.accounting.certificate import Certificate, Verdict, ViewCertificate
from accountant.accounting.pay import verify_payment
from accountant.accounting.questions import LowerBoundQuestion, PaymentQuestion, ViewQuestion
from accountant.accounting.view import view
from accountant.execution.eager import execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.port import Heartbeat
from accountant.index.position import position_of, resolve
from accountant.primitives.types import AMOUNT_MAX, Gas
from benchmarks.attack_kinds import Attack, Sizes, attacks
from benchmarks.attack_street import OWNED, POOL, TOKEN, VAULT, VICTIM, Street, street

SECONDS_MOST = 120.0
VIEW_GAS = 100_000


class Cost(NamedTuple):
    """What one answer took, from a cold store."""

    gas: int
    seconds: float
    answer: str
    """The verdict, or `given up`."""


class _GivenUp(Exception):
    """The answer takes too long."""


Answer = Certificate | ViewCertificate
Ask = Callable[[Street, Heartbeat], Answer]


def _balance(street: Street, target: int | None, budget: int | None, heartbeat: Heartbeat) -> Certificate:
    position = position_of(street.index, street.payment)
    place = resolve(street.index, position)
    assert place is not None
    zero = street.index.zero_balance(VICTIM, place.moment)
    question = LowerBoundQuestion(VICTIM, position, None if target is None else zero + target, gas_budget=budget)
    return lower_bound(street.index, MemoryOutcomes(), question, heartbeat)


def owned(street: Street, heartbeat: Heartbeat) -> Answer:
    """Does the victim own what it earned?"""
    return _balance(street, OWNED, None, heartbeat)


@lru_cache(maxsize=1)
def _upper(street: Street) -> int:
    """What it owns at most, for all that anybody knows who executes nothing."""
    return _balance(street, None, None, lambda _gas: None).upper


def above(street: Street, heartbeat: Heartbeat) -> Answer:
    """Does it own one unit more than it can?"""
    return _balance(street, _upper(street) + 1, None, heartbeat)


def exact(street: Street, heartbeat: Heartbeat) -> Answer:
    """All that it owns, to the unit: nobody has to ask for it."""
    return _balance(street, None, AMOUNT_MAX, heartbeat)


def payment(street: Street, heartbeat: Heartbeat) -> Answer:
    """Did its payment settle?"""
    question = PaymentQuestion(street.index.transaction(street.payment).hash)
    return verify_payment(street.index, MemoryOutcomes(), question, heartbeat)


def _view(contract: bytes, function: str, *arguments: bytes) -> Ask:
    def ask(street: Street, heartbeat: Heartbeat) -> Answer:
        position = position_of(street.index, street.payment)
        question = ViewQuestion(contract, function, arguments, VIEW_GAS, position)
        return view(street.index, MemoryOutcomes(), question, heartbeat)

    return ask


QUESTIONS: dict[str, Ask] = {
    "owned": owned,
    "above": above,
    "payment": payment,
    "view_token": _view(TOKEN, "balance_of", VICTIM),
    "view_vault": _view(VAULT, "saved_by", VICTIM),
    "view_pool": _view(POOL, "available"),
    "exact": exact,
}
WANTED = {name: Verdict.REJECTED if name == "above" else Verdict.ACCEPTED for name in QUESTIONS}
"""The right answers."""


def cost(ask: Ask, street: Street, seconds_most: float) -> Cost:
    """Ask one question; it is given up at the first progress after so many seconds."""
    begin, gas = time.perf_counter(), 0

    def heartbeat(executed: Gas) -> None:
        nonlocal gas
        gas = executed
        if time.perf_counter() - begin > seconds_most:
            raise _GivenUp

    try:
        certificate = ask(street, heartbeat)
    except _GivenUp:
        return Cost(gas, time.perf_counter() - begin, "given up")
    return Cost(certificate.gas_executed, time.perf_counter() - begin, certificate.verdict)


def costs(street: Street, seconds_most: float) -> dict[str, Cost]:
    """All questions of a chain. Which amount is out of reach is no part of the question, and looked up before."""
    _upper(street)
    return {name: cost(ask, street, seconds_most) for name, ask in QUESTIONS.items()}


class Price(NamedTuple):
    """What an attack cost its signers, in base units, and how long executing everything took."""

    fees: int
    """At inclusion."""
    returned: int
    """Unused gas, which is general money again once somebody looks."""
    eager_s: float


def price(street: Street) -> Price:
    """Execute everything; check the victim's answers against it."""
    begin = time.perf_counter()
    state = execute_everything(street.index)
    seconds = time.perf_counter() - begin
    assert state.general_before(VICTIM, street.payment) >= OWNED and state.outcomes[street.payment].succeeded
    returned = 0
    for seq, made in street.hostile:
        unused = made.transaction.gas_limit - state.outcomes[seq].gas_used
        returned += unused * made.transaction.gas_price
    return Price(sum(made.fee for _, made in street.hostile), returned, seconds)


def figures(attacked: Street, under: dict[str, Cost], calm: dict[str, Cost], paid: Price) -> dict[str, object]:
    """What an attack did, question by question, and its price."""
    lost = paid.fees - paid.returned
    needed = max(under[name].gas - calm[name].gas for name in QUESTIONS if name != "exact")
    everything = under["exact"].gas - calm["exact"].gas
    return {
        "transactions": len(attacked.hostile),
        "refused": {kind.value: count for kind, count in sorted(attacked.refused.items())},
        "fees": paid.fees,
        "fees_lost": lost,
        "gas_more": needed,
        "gas_more_per_unit_lost": round(needed / lost, 4) if lost else 0.0,
        "eager_s": round(paid.eager_s, 3),
        "gas_more_exact": everything,
        "gas": {name: [calm[name].gas, under[name].gas] for name in QUESTIONS},
        "ms": {name: [round(of[name].seconds * 1e3, 2) for of in (calm, under)] for name in QUESTIONS},
        "given_up": [name for name in QUESTIONS if under[name].answer == "given up"],
    }


def _print(attack: Attack, row: dict[str, object], under: dict[str, Cost], calm: dict[str, Cost]) -> None:
    print(f"\n{attack.name}: {attack.aim}")
    print(
        f"  {row['transactions']} transactions, {row['fees']} units in fees ({row['fees_lost']} lost),"
        f" {row['gas_more_per_unit_lost']} gas more for each unit lost, refused: {row['refused'] or 'none'}"
    )
    for name in QUESTIONS:
        without, attacked = calm[name], under[name]
        print(
            f"  {name:<11} {without.gas:>12} → {attacked.gas:>13} gas {without.seconds * 1e3:>9.2f} →"
            f" {attacked.seconds * 1e3:>10.2f} ms  {attacked.answer}",
            flush=True,
        )


def main() -> None:
    """Measures, prints a table and, as the last line, JSON."""
    scale = float(os.environ.get("SCALE", "1"))
    seconds_most = float(os.environ.get("SECONDS_MOST", str(SECONDS_MOST)))
    full = Sizes()
    sizes = full._replace(
        transactions=max(40, int(full.transactions * scale)),
        dust=max(100, int(full.dust * scale)),
        depth=max(40, int(full.depth * scale)),
        training_rounds=max(1_000, int(full.training_rounds * scale)),
    )
    rows: dict[str, dict[str, object]] = {}
    calm = costs(street(None, sizes.attackers), seconds_most)
    for attack in attacks(sizes):
        if sys.argv[1:] and attack.name not in sys.argv[1:]:
            continue
        attacked = street(attack.half, sizes.attackers)
        under = costs(attacked, seconds_most)
        wrong = [name for name, one in under.items() if one.answer not in (WANTED[name], "given up")]
        assert not wrong, (attack.name, wrong)
        rows[attack.name] = figures(attacked, under, calm, price(attacked))
        _print(attack, rows[attack.name], under, calm)
    print(json.dumps({"benchmark": "attack", "sizes": sizes._asdict(), "attacks": rows}))


if __name__ == "__main__":
    main()
