"""The world state at a height: what is missing is executed, in chain order, and the whole is folded into its root.

Work is cut into pieces of a few hundred transactions, so that memory holds the state and one piece, never the chain.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from accountant.accounting.certificate import MissingExecution, UndecidedReason, Verdict, missing_of, reason_of
from accountant.accounting.questions import InvalidQuestion, check_budget
from accountant.execution.needs import Undecidable
from accountant.execution.port import Heartbeat, OutcomeStore
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.execution.world_fold import WorldFold
from accountant.execution.world_state import ContractLeaf, Leaf, SlotLeaf, UserLeaf, root_of
from accountant.index.port import BlockInfo, ChainIndex
from accountant.primitives.encoding import Decoder, Record, encode
from accountant.primitives.types import AMOUNT_MAX, Gas, Hash, Height, Seq

PIECE = 256
"""Transactions observed by one session."""
STATE_BYTES_MAX = 512 * 1024 * 1024
"""The most memory that a state may take; a larger one is not observed."""
PAGE_BYTES = 256 * 1024
"""A page of leaves is cut after so many bytes; one leaf is never cut."""


class ObservationQuestion(Record, frozen=True):
    """What is the world state at the end of the block at this height?"""

    height: int
    gas_budget: int | None = None


class ObservationCertificate(Record, frozen=True):
    """The root of the world state, and what finding it took. It rests on every outcome up to the height."""

    verdict: Verdict
    """ACCEPTED, or UNDECIDED where the budget was spent or a file is missing; what was executed stays known."""
    reason: UndecidedReason | None
    height: int
    block_hash: bytes
    root: bytes | None
    users: int
    contracts: int
    slots: int
    transactions: int
    """Up to the height."""
    executed: int
    """Contract runs that nobody had observed before."""
    gas_executed: int
    gas_everything: int
    """Gas limits of all transactions up to the height. 2^63 − 1 if it is more."""
    missing: tuple[MissingExecution, ...] = ()


_certificates = Decoder(ObservationCertificate, 64 * 1024)


def decode_observation(raw: bytes) -> ObservationCertificate:
    """The certificate that `raw` encodes. Raises `InvalidEncoding`."""
    return _certificates.decode(raw)


class StateStore(Protocol):
    """Where observed states are kept for whoever wants to read them."""

    def keep(self, block: BlockInfo, root: Hash, leaves: int, pages: Iterable[bytes]) -> None:
        """The state at the end of a block. Raises `OutcomesWithdrawn` where what it rests on may be wrong."""


class _Counts(NamedTuple):
    users: int = 0
    contracts: int = 0
    slots: int = 0


def check_observation(index: ChainIndex, question: ObservationQuestion) -> None:
    """Refuse what the chain's bytes alone show to be wrong. Raises `InvalidQuestion`; executes nothing."""
    _checked(index, question)


def observe(
    index: ChainIndex,
    outcomes: OutcomeStore,
    states: StateStore | None,
    question: ObservationQuestion,
    heartbeat: Heartbeat | None = None,
) -> ObservationCertificate:
    """The world state, kept in `states` for reading; without one its root is all that stays.

    Raises `InvalidQuestion` (`state_too_large`), and whatever the heartbeat raises.
    """
    block = _checked(index, question)
    observation = _Observation(index, outcomes, heartbeat, question.gas_budget)
    end = Seq(block.first_seq + block.count)
    try:
        observation.run(end)
    except Undecidable as stopped:
        return observation.certificate(block, None, _Counts(), (missing_of(stopped),))
    fold = observation.fold
    counts = _counted(fold.leaves(block.height))
    root = root_of(fold.leaves(block.height))
    if states is not None:
        states.keep(block, root, sum(counts), pages_of(fold.leaves(block.height)))
    return observation.certificate(block, root, counts, ())


class _Observation:
    """One pass over the chain."""

    def __init__(
        self, index: ChainIndex, outcomes: OutcomeStore, heartbeat: Heartbeat | None, gas_budget: int | None
    ) -> None:
        self.fold = WorldFold(index)
        self._index, self._outcomes, self._budget = index, outcomes, gas_budget
        self._heartbeat = heartbeat or (lambda _gas: None)
        self._gas = 0
        self._executed = 0

    def run(self, end: Seq) -> None:
        """Observes and folds all transactions below a number. Raises `Undecidable`."""
        for first in range(0, end, PIECE):
            self._piece([Seq(seq) for seq in range(first, min(first + PIECE, end))])
            if self.fold.bytes_held > STATE_BYTES_MAX:
                raise InvalidQuestion(
                    "state_too_large", f"the world state takes more than {STATE_BYTES_MAX >> 20} MiB before its end"
                )

    def _piece(self, seqs: list[Seq]) -> None:
        before = self._gas
        left = None if self._budget is None else Gas(self._budget - before)
        session = Session(self._index, self._outcomes, lambda gas: self._heartbeat(Gas(before + gas)), left)
        session.fetch(seqs)
        session.beat()
        selective = Selective(session)
        try:
            for located in self._index.transactions(seqs):
                self.fold.apply(located, selective.outcome(located.seq))
        finally:
            self._gas = before + session.gas_executed
            self._executed += len(session.executed)

    def certificate(
        self, block: BlockInfo, root: Hash | None, counts: _Counts, missing: tuple[MissingExecution, ...]
    ) -> ObservationCertificate:
        """What came of it."""
        end = Seq(block.first_seq + block.count)
        return ObservationCertificate(
            verdict=Verdict.UNDECIDED if root is None else Verdict.ACCEPTED,
            reason=reason_of(missing[0]) if missing else None,
            height=block.height,
            block_hash=block.hash,
            root=root,
            **counts._asdict(),
            transactions=end,
            executed=self._executed,
            gas_executed=self._gas,
            gas_everything=min(self._index.gas_limits(end), AMOUNT_MAX),
            missing=missing,
        )


def pages_of(leaves: Iterable[Leaf]) -> Iterator[bytes]:
    """Leaves in pages: each the canonical encoding of a list of leaves' encodings."""
    page: list[bytes] = []
    size = 0
    for leaf in leaves:
        raw = encode(leaf)
        page.append(raw)
        size += len(raw)
        if size >= PAGE_BYTES:
            yield encode(page)
            page, size = [], 0
    if page:
        yield encode(page)


def _counted(leaves: Iterable[Leaf]) -> _Counts:
    users = contracts = slots = 0
    for leaf in leaves:
        match leaf:
            case UserLeaf():
                users += 1
            case ContractLeaf():
                contracts += 1
            case SlotLeaf():
                slots += 1
    return _Counts(users, contracts, slots)


def _checked(index: ChainIndex, question: ObservationQuestion) -> BlockInfo:
    check_budget(question.gas_budget)
    block = index.block(Height(question.height)) if 0 <= question.height <= AMOUNT_MAX else None
    if block is None:
        raise InvalidQuestion("unknown_block", f"there is no block of height {question.height} yet")
    return block
