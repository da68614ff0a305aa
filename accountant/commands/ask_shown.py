"""Answers and quotes as lines for people."""

from collections.abc import Iterator
from typing import Any

from accountant.commands.contract_shown import cost_of, line

ANSWERED, NO, UNDECIDED = 0, 1, 3
"""Exit statuses; 2 is an error, as everywhere."""


STOPPED = {
    "budget_spent": "the gas budget is spent",
    "blob_unavailable": "a published file that it rests on is served by nobody",
}
"""Why an answer is undecided."""


def status_of(result: dict[str, Any]) -> int:
    """The exit status of an answer."""
    return {"accepted": ANSWERED, "rejected": NO, "undecided": UNDECIDED}[result["verdict"]]


def shown_result(result: dict[str, Any]) -> Iterator[str]:
    """An answer, what was learnt, and what it took."""
    yield line("Answer", _answer(result["answer"], result["reason"]))
    if result["lower"] is not None:
        yield line("Known" if result["zero_balance"] is None else "General", _between(result["lower"], result["upper"]))
    if result["zero_balance"] is not None:
        yield line("Zero-cost", _number(result["zero_balance"]))
    for missing in result["missing"]:
        what = missing["transaction"] or "the view itself"
        yield line("Missing", f"{what}, at most {_number(missing['gas_most'])} gas")
    yield line("Query", result["query_hash"])
    yield line("Took", cost_of(result))


def shown_quote(quote: dict[str, Any]) -> Iterator[str]:
    """What an answer would cost."""
    yield line("Gas", f"{_between(quote['gas_least'], quote['gas_most'])}, probably {_number(quote['gas_expected'])}")
    yield line("Known", f"{quote['cached_share']:.0%} of what the answer probably rests on")
    seconds = "as measured" if quote["speed_from"] == "measured" else "by ANH_GAS_PER_SECOND: nothing was measured yet"
    yield line("Seconds", f"about {quote['expected_s']:.3g}, {seconds}")
    if quote["cut_off"]:
        yield line("Bounds", "wide, since looking further would have been too much work")
    suffices = {True: "suffices", False: "does not suffice", None: "may suffice"}[quote["budget_suffices"]]
    yield line("Budget", suffices)
    yield line("Query", quote["query_hash"])


def status_of_proposal(found: dict[str, Any]) -> int:
    """The exit status of a proposed Θ."""
    return {"covered": ANSWERED, "chosen": ANSWERED, "impossible": NO, "open": UNDECIDED}[found["status"]]


def shown_proposal(found: dict[str, Any]) -> Iterator[str]:
    """Θ, and what finding out costs."""
    says = {
        "covered": "none needed: it is covered for certain",
        "chosen": f"{len(found['theta'])} of {found['candidates']} incomes",
        "impossible": "none: the account cannot own so much",
        "open": "none found: an earlier or an own transaction decides",
    }
    yield line("Theta", says[found["status"]])
    for member in found["theta"]:
        yield line("", f"{member['transaction']}, {_between(member['low'], member['high'])}")
    yield line("General", _between(found["lower"], found["upper"]))
    if found["status"] == "chosen":
        proof = "and no other costs less" if not found["gap"] else f"others at least {_number(found['lower_bound'])}"
        yield line("Gas", f"about {_number(found['cost'])}, {proof}; {_number(found['saved'])} saved by sharing")
    yield line("Seconds", f"{found['seconds']:.3g}")


def _answer(answer: Any, reason: str | None) -> str:
    match answer:
        case None:
            return f"undecided: {STOPPED[reason or 'budget_spent']}"
        case bool():
            return "yes" if answer else "no"
        case {"failure": None, "value": value}:
            return "returned nothing" if value is None else str(value)
        case {"failure": failure}:
            return f"failed: {failure}"
    return _number(answer) if str(answer).isdecimal() else str(answer)


def _between(low: str, high: str) -> str:
    return _number(low) if low == high else f"{_number(low)} to {_number(high)}"


def _number(digits: str) -> str:
    return f"{int(digits):,}"
