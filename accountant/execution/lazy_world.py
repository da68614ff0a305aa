"""The state at a place of the chain, known only as far as someone looked."""

from collections.abc import Callable, Sequence
from typing import cast

from accountant.chain.query import Answer, decode_query
from accountant.contracts.errors import ContractFailure, FailureKind
from accountant.contracts.world import ContractCode
from accountant.execution.lookups import members_of, zero_balance
from accountant.execution.needs import (
    NO_SOURCE,
    AnswerOf,
    BlobOf,
    BoundUnder,
    CodeOf,
    CoversBefore,
    MembersOf,
    Need,
    OutcomeOf,
    PublicationOf,
    SlotBefore,
    SourceOf,
    TargetOf,
    Unresolved,
)
from accountant.execution.outcome import Outcome, SlotWrite
from accountant.execution.queries import target_of
from accountant.execution.session import Inputs, Session
from accountant.execution.transition import code_deployed_by
from accountant.index.position import Place
from accountant.primitives.encoding import encode
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.types import AMOUNT_MAX, AccountId, Amount, Cid, ContractId, Hash, Seq

_UNKNOWN = SlotWrite(b"", b"", b"")
"""Stands for a write that only more executions tell."""

Resolve = Callable[[Need], Outcome | Answer]


class LazyWorld:
    """Implements `contracts.world.World`: answers what is known, raises `Unresolved` for the rest.

    `answers` holds what was resolved since the first run here; `inputs` collects what the run consults.
    With `resolve` nothing is raised: what is not known is found while the contract waits on the native stack.
    `reads`: the slots that it will probably ask for, which are looked up together once it asks for one.
    """

    def __init__(
        self,
        session: Session,
        place: Place,
        answers: dict[Need, Outcome | Answer],
        inputs: Inputs,
        resolve: Resolve | None = None,
        reads: Sequence[tuple[ContractId, bytes, Seq]] = (),
    ) -> None:
        self._resolve = resolve
        self._reads = reads
        self._session = session
        self._place = place
        self._answers = answers
        self._inputs = inputs

    def _missing(self, need: Need) -> Outcome | Answer:
        if self._resolve is None:
            raise Unresolved(need)
        value = self._answers[need] = self._resolve(need)
        return value

    def slot(self, contract: ContractId, slot: bytes) -> bytes:
        """The slot's value, if the outcomes of its latest declared writers are known."""
        need = SlotBefore(contract, slot, self._place.seq)
        value = self._answers.get(need)
        if value is None:
            value = self._answers[need] = self._peek_slot(need)
        assert isinstance(value, bytes)
        return value

    def _peek_slot(self, need: SlotBefore) -> bytes:
        self._session.beat()  # a run may look up slots for a minute: whoever gave it up need not wait for its end
        if self._reads:
            self._session.ahead(self._reads)
            self._reads = ()
        found = self._written(need)
        if found is _UNKNOWN:
            return cast(bytes, self._missing(need))
        self._inputs.asked(need)
        return self._session.genesis.slot(need.contract, need.slot) if found is None else found.value

    def _written(self, need: SlotBefore | SourceOf) -> SlotWrite | None:
        """What was last written to the slot, None if nothing was, `_UNKNOWN` where what is known does not say it."""
        page = self._session.writers_page
        writers = self._session.index.writers(need.contract, need.slot, need.before, page)
        for writer in writers:
            outcome = self._session.known(writer)
            if outcome is None:
                return _UNKNOWN
            self._inputs.seqs.add(writer)
            write = outcome.write_of(need.contract, need.slot)
            if write is not None:
                return write
        return _UNKNOWN if len(writers) == page else None

    def source(self, contract: ContractId, slot: bytes) -> Seq | None:
        """Who saved the file whose CID the slot holds. Whoever asks has read the slot before."""
        need = SourceOf(contract, slot, self._place.seq)
        value = self._answers.get(need)
        if value is None:
            write = self._written(need)
            if write is _UNKNOWN:
                value = self._missing(need)
            else:
                self._inputs.asked(need)
                value = NO_SOURCE if write is None or write.source is None else write.source
            self._answers[need] = value
        assert isinstance(value, int)
        return None if value == NO_SOURCE else Seq(value)

    def published(self, cid: Cid) -> bool:
        """Whether the blob was published before."""
        self._inputs.asked(PublicationOf(cid))
        publication = self._session.index.publication(cid)
        return publication is not None and publication.seq < self._place.seq

    def blob(self, cid: Cid, source: Seq | None) -> bytes:
        """The file, if somebody here holds it."""
        need = BlobOf(cid, source)
        value = self._answers.get(need)
        if value is None:
            value = self._session.store.blobs.get(cid)
            if value is None:
                value = self._missing(need)
            else:
                self._inputs.asked(need)
            self._answers[need] = value
        assert isinstance(value, bytes)
        return value

    def code(self, contract: ContractId) -> ContractCode | None:
        """The contract's code, if its deployment's outcome is known."""
        there = self._session.genesis.code(contract)
        if there is not None:
            return there
        self._inputs.asked(CodeOf(contract))
        seq = self._session.index.deployment(contract)
        if seq is None or seq >= self._place.seq:
            return None
        outcome = self._session.known(seq)
        if outcome is None:
            outcome = cast(Outcome, self._missing(OutcomeOf(seq)))
        self._inputs.asked(OutcomeOf(seq))
        self._inputs.seqs.add(seq)
        return code_deployed_by(self._session.index.transaction(seq)) if outcome.succeeded else None

    def covers(self, contract: ContractId, amount: Amount) -> bool:
        """Whether the contract owns `amount`, if the interval from what is known says so."""
        if amount <= 0:
            return True
        need = CoversBefore(contract, amount, self._place.seq)
        value = self._answers.get(need)
        if value is None:
            value = self._session.covers(contract, amount, need.before)
            if value is None:
                return bool(self._missing(need))
            self._inputs.asked(need)
            self._inputs.add_balance(contract, need.before)
            self._answers[need] = value
        return bool(value)

    def lower_bound(self, account: AccountId, theta: tuple[Hash, ...]) -> Amount:
        """Lemma 1 under Θ plus the zero-cost balance: what the account owns at least."""
        if len(set(theta)) != len(theta):
            raise ContractFailure(FailureKind.INVALID_THETA, "repeated")
        self._inputs.asked(MembersOf(account, theta, self._place.seq, self._place.moment))
        members = members_of(self._session.index, account, theta, self._place.seq)
        if members is None:
            raise ContractFailure(FailureKind.INVALID_THETA, "not an earlier transaction of the account")
        need = BoundUnder(account, members, self._place.seq)
        value = self._answers.get(need)
        if value is None:
            value = self._missing(need)
        assert isinstance(value, int)
        value += zero_balance(self._session.index, account, self._place.moment)
        return Amount(min(value, AMOUNT_MAX))

    def answer(self, query: bytes) -> bytes:
        """The canonical answer of a query about strictly earlier blocks (DESIGN section 5)."""
        try:
            decoded = decode_query(query)
        except InvalidEncoding:
            raise ContractFailure(FailureKind.INVALID_VALUE, "query") from None
        self._inputs.asked(TargetOf(decoded))
        target = target_of(self._session.index, decoded)
        if target is None or target.height >= self._place.height:
            raise ContractFailure(FailureKind.QUERY_VOID)
        need = AnswerOf(decoded)
        value = self._answers.get(need)
        if value is None:
            value = self._missing(need)
        return encode(value)
