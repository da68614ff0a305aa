"""Views: application-defined minimal accounting queries (paper, section II-B), answered selectively."""

from accountant.accounting.certificate import MissingExecution, Verdict, ViewCertificate, missing_of, reason_of
from accountant.accounting.certify import rests_on
from accountant.accounting.questions import InvalidQuestion, ViewQuestion, check_budget
from accountant.chain.block import Position
from accountant.chain.envelope import FunctionEnvelope
from accountant.chain.footprint import QUERY_BYTES_MAX
from accountant.chain.kinds import is_of_kind
from accountant.chain.query import View, ViewAnswer
from accountant.execution.needs import Undecidable
from accountant.execution.port import Heartbeat, OutcomeStore
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.index.directory import deployed_before
from accountant.index.port import ChainIndex
from accountant.index.position import Place, resolve
from accountant.primitives.addresses import show
from accountant.primitives.encoding import encode
from accountant.primitives.types import AMOUNT_MAX, ContractId, Gas

VIEW_GAS_MOST = 1_000_000_000
"""The largest gas limit that this accountant answers for: nobody pays for a view on the chain."""

_NAMES_SHOWN = 10
"""Functions of a contract that an error names."""


def check_view(index: ChainIndex, question: ViewQuestion) -> None:
    """Refuse what the chain's bytes alone show to be wrong. Raises `InvalidQuestion`; executes nothing."""
    _checked(index, question)


def viewed_function(index: ChainIndex, contract: ContractId, name: str, position: Position) -> FunctionEnvelope:
    """The function that would be run, as its contract's envelope says; its deployment may still have failed.

    Raises `InvalidQuestion` (unknown_position, unknown_contract, unknown_function).
    """
    return _function(index, contract, name, _place(index, position))


def view(
    index: ChainIndex, outcomes: OutcomeStore, question: ViewQuestion, heartbeat: Heartbeat | None = None
) -> ViewCertificate:
    """What the function returns at the position, or how it fails. Raises `InvalidQuestion`, and whatever the
    heartbeat raises.
    """
    query, place = _checked(index, question)
    budget = None if question.gas_budget is None else Gas(question.gas_budget)
    selective = Selective(Session(index, outcomes, heartbeat, budget))
    verdict, reason, sworn = Verdict.UNDECIDED, None, None
    missing: tuple[MissingExecution, ...] = ()
    try:
        answer = selective.answer(query)
    except Undecidable as stopped:
        missing = (missing_of(stopped),)
        reason = reason_of(missing[0])
    else:
        assert isinstance(answer, ViewAnswer)
        verdict, sworn = Verdict.REJECTED if answer.failure else Verdict.ACCEPTED, encode(answer)
    session, hashes = selective.session, rests_on(selective)
    return ViewCertificate(
        verdict=verdict,
        reason=reason,
        query=encode(query),
        answer=sworn,
        executed=tuple(hashes[seq] for seq in session.executed),
        gas_executed=session.gas_executed,
        gas_everything=min(index.gas_limits(place.seq) + query.gas_limit, AMOUNT_MAX),
        cache_hits=len(session.cached),
        slice=tuple(hashes.values()),
        missing=missing,
    )


def _checked(index: ChainIndex, question: ViewQuestion) -> tuple[View, Place]:
    place = _place(index, question.position)
    function = _function(index, ContractId(question.contract), question.function, place)
    if len(question.arguments) != len(function.arguments):
        raise InvalidQuestion(
            "invalid_arguments",
            f"{function.name} takes {len(function.arguments)} arguments, not {len(question.arguments)}",
        )
    for number, (kind, argument) in enumerate(zip(function.arguments, question.arguments, strict=True)):
        if not is_of_kind(kind, argument):
            raise InvalidQuestion(
                "invalid_arguments", f"argument {number} of {function.name} is no {kind.name.lower()}"
            )
    if not 0 <= question.gas_limit <= VIEW_GAS_MOST:
        raise InvalidQuestion("invalid_gas_limit", f"the gas limit of a view is 0 ≤ gas ≤ {VIEW_GAS_MOST}")
    check_budget(question.gas_budget)
    query = View(question.contract, question.function, question.arguments, question.gas_limit, question.position)
    size = len(encode(query))
    if size > QUERY_BYTES_MAX:
        raise InvalidQuestion("view_too_large", f"the view takes {size} bytes, a query has at most {QUERY_BYTES_MAX}")
    return query, place


def _place(index: ChainIndex, position: Position) -> Place:
    place = resolve(index, position)
    if place is None:
        raise InvalidQuestion("unknown_position", "its block is not on the chain, or its index is past the end")
    return place


def _function(index: ChainIndex, contract: ContractId, name: str, place: Place) -> FunctionEnvelope:
    there = deployed_before(index, contract, place.seq)
    if there is None:
        raise InvalidQuestion("unknown_contract", f"nothing before the position deploys {show(contract)}")
    function = there.functions.get(name)
    if function is None:
        known = ", ".join(list(there.functions)[:_NAMES_SHOWN])
        more = ", …" if len(there.functions) > _NAMES_SHOWN else ""
        raise InvalidQuestion(
            "unknown_function", f"{show(contract)} has no function {name!r}; it has {known or 'none'}{more}"
        )
    return function
