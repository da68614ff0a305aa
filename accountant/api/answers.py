"""Answers on the wire, and what was missing for one: the parts that certificates of all kinds share."""

from typing import Annotated

from pydantic import BaseModel, Field

from accountant.accounting.certificate import MissingExecution, ThetaChoice
from accountant.api.fields import GasOut, HashOut, hex_of
from accountant.chain.query import Answer, ViewAnswer


class MissingView(BaseModel):
    """What had to be executed next when the budget was spent, and the most it costs."""

    transaction: Annotated[HashOut | None, Field(description="Null: the view that was asked for itself.")]
    gas_most: GasOut

    @classmethod
    def of(cls, missing: MissingExecution) -> "MissingView":
        """The view of what was missing."""
        transaction = None if missing.transaction is None else hex_of(missing.transaction)
        return cls(transaction=transaction, gas_most=str(missing.gas_most))


class ViewAnswerView(BaseModel):
    """What a view returned, or how it failed."""

    failure: Annotated[str | None, Field(description="The kind of the failure.", examples=["assertion"])]
    value: Annotated[str | None, Field(description="Decimal digits or hex; null where it returned nothing.")]

    @classmethod
    def of(cls, answer: ViewAnswer) -> "ViewAnswerView":
        """The view of a view's answer."""
        value = answer.value
        return cls(failure=answer.failure, value=hex_of(value) if isinstance(value, bytes) else _digits(value))


def _digits(value: int | None) -> str | None:
    return None if value is None else str(value)


AnswerOut = bool | str | ViewAnswerView | list[bool | str]


def answer_of(answer: Answer) -> AnswerOut:
    """A query's answer: a boolean, decimal digits, hex, what came of a view, or a list where several are asked."""
    if isinstance(answer, tuple):
        return [scalar(part) for part in answer]
    return ViewAnswerView.of(answer) if isinstance(answer, ViewAnswer) else scalar(answer)


def scalar(answer: Answer) -> bool | str:
    """The answer of one query about anything but a view."""
    assert not isinstance(answer, ViewAnswer | tuple), "a certificate of balances answers no view"
    if isinstance(answer, bool):
        return answer
    return str(answer) if isinstance(answer, int) else hex_of(answer)


class ChoiceView(BaseModel):
    """How the accountant chose Θ, by its first plan. Gas is what was estimated before anything was executed."""

    candidates: Annotated[int, Field(description="Incomes that Θ was chosen from.")]
    cost: Annotated[GasOut, Field(description="Of the chosen set, each shared ancestor paid for once.")]
    lower_bound: Annotated[GasOut, Field(description="No set of the candidates costs less, under the estimates.")]
    proved: Annotated[bool, Field(description="Whether the two are equal.")]
    saved: Annotated[
        GasOut, Field(description="Against the set that looks cheapest to whoever does not see what is shared.")
    ]
    plans: Annotated[int, Field(description="1, and 1 more for each time that an income disappointed.")]

    @classmethod
    def of(cls, choice: ThetaChoice) -> "ChoiceView":
        """The view of a choice."""
        return cls(
            candidates=choice.candidates,
            cost=str(choice.cost),
            lower_bound=str(choice.lower_bound),
            proved=choice.proved,
            saved=str(choice.additive_cost - choice.cost),
            plans=choice.plans,
        )
