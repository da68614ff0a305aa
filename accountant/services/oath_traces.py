"""The publisher's spans: from an answer to its oath in a block, in the trace of whoever asked, however much later."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from accountant.primitives.types import Seq
from accountant.storage.oaths import SignedRow
from accountant.tracing.spans import Kind, Span, under


@contextmanager
def swearing(asked: Sequence[str | None], penalty: int) -> Iterator[Span]:
    """Signing an oath that answers these jobs. It belongs to the first one's trace; each other's says where it is."""
    traced = [one for one in asked if one is not None]
    first, others = (traced[0], traced[1:]) if traced else (None, [])
    with under(first, "oath.swear", links=others, answers=len(asked), penalty=penalty) as own:
        yield own
    for other in others:
        with under(other, "oath.together", links=[own.traceparent] if own.traceparent else ()):
            pass


def submitting(row: SignedRow) -> AbstractContextManager[Span]:
    """Handing a signed transaction in, for the first time: each round does it again until a block has it."""
    traceparent = row.traceparent if row.submissions == 0 else None
    return under(traceparent, "oath.submit", Kind.CLIENT, transaction=row.hash, nonce=row.nonce)


def tell_included(row: SignedRow, seq: Seq) -> None:
    """A block has it."""
    with under(row.traceparent, "oath.included", transaction=row.hash, seq=seq):
        pass


def tell_displaced(row: SignedRow) -> None:
    """Another transaction took its nonce, so it never will be in a block."""
    with under(row.traceparent, "oath.displaced", transaction=row.hash, nonce=row.nonce) as span:
        span.fail("displaced")
