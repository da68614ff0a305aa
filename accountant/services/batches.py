"""Batches: answers whose clients agreed become one oath on all of them, under one penalty.

Pure: which answers go together follows from their order and their bytes alone. A batch has at most what one query
holds, and no view; an answer that fits none is sworn alone, and so is one whose query has another answer in the batch,
since one of the two is wrong.
"""

from collections.abc import Sequence
from typing import NamedTuple

from accountant.chain.footprint import QUERY_BYTES_MAX
from accountant.chain.query import PARTS_MOST, Every, PartQuery, decode_answer, decode_query
from accountant.oath.oath import SwornTerms
from accountant.oath.sworn import SWORN_ANSWER_BYTES_MAX
from accountant.primitives.encoding import encode
from accountant.primitives.types import Address
from accountant.storage.oaths import Answered


class ToSwear(NamedTuple):
    """A job's answer. `together`: whether its client agreed that one penalty stands behind several answers."""

    job_number: int
    terms: SwornTerms
    together: bool


class Batch(NamedTuple):
    """One oath, and the jobs that it answers."""

    terms: SwornTerms
    answered: tuple[Answered, ...]


def batches_of(answers: Sequence[ToSwear]) -> list[Batch]:
    """The oaths to swear, in the order of each one's first answer."""
    done: list[_Growing] = []
    growing: dict[Address, _Growing] = {}
    for answer in answers:
        beneficiary = answer.terms.beneficiary
        there = growing.get(beneficiary)
        if not _may_join(answer):
            done.append(_Growing(answer))
        elif there is None or not there.take(answer):
            done.append(_Growing(answer))
            if there is None or not there.contradicts(answer):
                growing[beneficiary] = done[-1]
    return [one.batch() for one in done]


class _Growing:
    """A batch that others may join."""

    def __init__(self, first: ToSwear) -> None:
        self._terms = first.terms
        self._answers = {first.terms.query: first.terms.answer}
        self._jobs = [(first.job_number, first.terms.query)]

    def contradicts(self, answer: ToSwear) -> bool:
        """Whether the same query has another answer here."""
        return self._answers.get(answer.terms.query, answer.terms.answer) != answer.terms.answer

    def take(self, answer: ToSwear) -> bool:
        """Whether the answer joined."""
        query, said = answer.terms.query, answer.terms.answer
        if self.contradicts(answer):
            return False
        if query not in self._answers and not _fits({**self._answers, query: said}):
            return False
        self._answers[query] = said
        self._jobs.append((answer.job_number, query))
        return True

    def batch(self) -> Batch:
        """What to swear. One query alone is sworn as it is, however many jobs asked it."""
        if len(self._answers) == 1:
            return Batch(self._terms, tuple(Answered(number) for number, _ in self._jobs))
        query, answer = _together(self._answers)
        places = {part: place for place, part in enumerate(self._answers)}
        answered = tuple(Answered(number, places[part]) for number, part in self._jobs)
        return Batch(self._terms._replace(query=query, answer=answer), answered)


def _may_join(answer: ToSwear) -> bool:
    return answer.together and isinstance(decode_query(answer.terms.query), PartQuery)


def _fits(answers: dict[bytes, bytes]) -> bool:
    if len(answers) > PARTS_MOST:
        return False
    query, answer = _together(answers)
    return len(query) <= QUERY_BYTES_MAX and len(answer) <= SWORN_ANSWER_BYTES_MAX


def _together(answers: dict[bytes, bytes]) -> tuple[bytes, bytes]:
    """Queries and answers, each as one."""
    queries = tuple(decode_query(query) for query in answers)
    return encode(Every(queries)), encode(tuple(decode_answer(said) for said in answers.values()))  # type: ignore[arg-type]
