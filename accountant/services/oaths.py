"""Reading an oath: what is sworn, by whom, at which price, and whether it counts. Nothing is executed."""

import re
from typing import NamedTuple

import sqlalchemy as sa

from accountant.accounting.proof.inclusion import Inclusion, inclusions_of
from accountant.chain.block import Position
from accountant.chain.headers import SignedHeader
from accountant.chain.query import AccountingQuery, Answer, Every, decode_answer, decode_query
from accountant.chain.transaction import decode_transaction, sender_of
from accountant.execution.port import OutcomeStore
from accountant.index.port import ChainIndex, Located
from accountant.index.position import position_of
from accountant.oath.counts import OathStanding, counts
from accountant.oath.oath import NotAnOath, Oath, SwornTerms, terms_of
from accountant.primitives.encoding import encode
from accountant.primitives.errors import AccountantError, InvalidEncoding
from accountant.primitives.types import Address, ContractId, Hash, Seq
from accountant.storage.headers import signed_header
from accountant.storage.oaths import OATH_ID_PREFIX, OathRow, Oaths, SignedState

_OATH_ID = re.compile(OATH_ID_PREFIX + r"[0-9a-f]{32}", re.ASCII)
_HASH = re.compile(r"(?:0x)?([0-9a-fA-F]{64})", re.ASCII)


class UnknownOath(AccountantError):
    """No oath has this id, and no oath on the chain this transaction hash."""

    code = "unknown_oath"


class SwornView(NamedTuple):
    """What an oath's transaction says."""

    transaction: Hash
    raw: bytes
    swearer: Address
    purse: ContractId
    terms: SwornTerms
    query: AccountingQuery | None
    """Decoded; None where the bytes are no canonical query."""
    answer: Answer | None
    """Decoded; None where the bytes are no canonical answer."""


class PartView(NamedTuple):
    """A job's own answer, where an oath answers several."""

    number: int
    query: AccountingQuery
    answer: Answer


class Included(NamedTuple):
    """Where an oath stands, so that whoever trusts the block's header reads it from its own bytes alone."""

    header: SignedHeader
    proof: Inclusion


class OathView(NamedTuple):
    """An oath as it stands.

    `id` and `job_id`: set for this accountant's own. `state`: how far its transaction came, None where
    the answer is not sworn (`declined` says why). `standing` and `included`: set once it is in a block.
    `part`: set where the oath has several answers.
    """

    id: str | None
    job_id: str | None
    state: SignedState | None
    declined: str | None
    sworn: SwornView | None
    seq: Seq | None
    position: Position | None
    standing: OathStanding | None
    included: Included | None
    part: PartView | None


def read_oath(
    connection: sa.Connection,
    index: ChainIndex,
    name: str,
    key_prefix: str | None = None,
    outcomes: OutcomeStore | None = None,
) -> OathView:
    """The oath with this id (`oath_…`) or transaction hash (64 hex digits, with or without 0x).

    Anybody's oath can be read by its hash once it is on the chain; what is not on the chain, and which job
    it answers, only with the job's own key (`key_prefix`; None: with all). `outcomes` may raise the
    deposit's bound by what was executed before. Raises `UnknownOath` or `NotAnOath`.
    """
    oaths = Oaths(connection)
    by_id = _OATH_ID.fullmatch(name) is not None
    row = oaths.find(name) if by_id else oaths.of_transaction(_hash_of(name), key_prefix)
    if row is not None and key_prefix not in (None, row.key_prefix):
        row = None
    if row is not None:
        return _view(connection, index, row, row.signed.hash if row.signed else None, outcomes)
    if by_id or index.seq_of(_hash_of(name)) is None:
        raise UnknownOath(f"there is no oath {name[:72]}")
    return _view(connection, index, None, _hash_of(name), outcomes)


def _hash_of(name: str) -> Hash:
    found = _HASH.fullmatch(name)
    if found is None:
        raise UnknownOath(f"an oath is named by {OATH_ID_PREFIX}… or by its transaction's hash, 64 hex digits")
    return Hash(bytes.fromhex(found[1]))


def _view(
    connection: sa.Connection,
    index: ChainIndex,
    row: OathRow | None,
    transaction: Hash | None,
    outcomes: OutcomeStore | None,
) -> OathView:
    seq = index.seq_of(transaction) if transaction else None
    oath_id, job_id = (row.id, row.job_id) if row else (None, None)
    declined = row.declined if row else None
    if seq is not None:
        located = index.transaction(seq)
        oath = Oath(located, terms_of(located.transaction))
        included, sworn = _included(connection, index, located), sworn_on_chain(oath)
        return OathView(
            oath_id,
            job_id,
            SignedState.INCLUDED,
            None,
            sworn,
            seq,
            position_of(index, seq),
            counts(index, oath, outcomes),
            included,
            _part(row, sworn),
        )
    if row is None or row.signed is None:
        return OathView(oath_id, job_id, None, declined, None, None, None, None, None, None)
    state = SignedState.SUBMITTED if row.signed.state is SignedState.INCLUDED else row.signed.state
    sworn = _sworn_by_us(row.signed.hash, row.signed.raw)
    return OathView(oath_id, job_id, state, None, sworn, None, None, None, None, _part(row, sworn))


def _part(row: OathRow | None, sworn: SwornView) -> PartView | None:
    if row is None or row.part is None:
        return None
    assert isinstance(sworn.query, Every) and isinstance(sworn.answer, tuple)
    return PartView(row.part, sworn.query.queries[row.part], sworn.answer[row.part])


def _included(connection: sa.Connection, index: ChainIndex, located: Located) -> Included | None:
    header = signed_header(connection, located.height)
    if header is None:
        return None  # a block that the index has seen and the database not yet
    (proof,) = inclusions_of(index, [located.hash])
    return Included(header, proof)


def sworn_on_chain(oath: Oath) -> SwornView:
    """What an oath says, read from its transaction."""
    located = oath.located
    return _sworn(located.hash, encode(located.transaction), located.sender, oath.contract, oath.terms)


def _sworn_by_us(transaction_hash: Hash, raw: bytes) -> SwornView:
    transaction = decode_transaction(raw)
    sender = sender_of(raw, transaction)
    return _sworn(transaction_hash, raw, sender, ContractId(transaction.to), terms_of(transaction))


def _sworn(transaction: Hash, raw: bytes, swearer: Address, purse: ContractId, terms: SwornTerms) -> SwornView:
    query: AccountingQuery | None = None
    answer: Answer | None = None
    try:
        query = decode_query(terms.query)
        answer = decode_answer(terms.answer)
    except InvalidEncoding:
        pass  # the standing says which of the two is malformed
    return SwornView(transaction, raw, swearer, purse, terms, query, answer)


__all__ = ["NotAnOath", "OathView", "SwornView", "UnknownOath", "read_oath"]
