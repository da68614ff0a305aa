"""Symbolic values: what can be said of a value before a call runs, in terms of the call alone.

A value of a bytes-like type is known as a sequence of pieces, a number as a constant, an argument or the value that
came. Everything else, above all what was read from storage, is None: not known.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from accountant.chain.envelope import (
    AmountArg,
    AmountExpression,
    AmountLiteral,
    AmountValue,
    Arg,
    ArgumentKind,
    Hashed,
    Literal,
    Part,
    Self,
    Sender,
)
from accountant.chain.envelope_rules import HASH_DEPTH_MAX
from accountant.chain.footprint import QUERY_BYTES_MAX
from accountant.language.slots import KeyForm, raw_bytes
from accountant.language.types import ARGUMENTS, INT_BYTES, SIZES
from accountant.primitives.hashes import sha256
from accountant.primitives.types import ADDRESS_BYTES, HASH_BYTES

PIECES_MOST = 64
"""A longer sequence, or one of more constant bytes than a literal may have, is not known."""


class Origin(Enum):
    """Accounts that follow from where a function runs."""

    CALLER = "caller"
    """The signer, if a transaction calls; another contract, if that one does."""
    SENDER = "sender"
    SELF = "self"


@dataclass(frozen=True)
class Argument:
    """An argument of the exported function."""

    index: int
    kind: ArgumentKind


@dataclass(frozen=True)
class Digest:
    """SHA-256 of pieces."""

    pieces: "Bytes"


class Passed(Enum):
    """The base units that came with the call."""

    VALUE = "value"


Piece = bytes | Argument | Origin | Digest
Bytes = tuple[Piece, ...]
"""Pieces, one after the other; text is its UTF-8. Constant pieces are never empty, and no two are neighbours."""
Number = int | Argument | Passed
"""An integer or a bool."""
Symbol = Bytes | Number | None

_LENGTHS: dict[ArgumentKind, tuple[int, ...]] = {
    **{ARGUMENTS[kind]: sizes for kind, sizes in SIZES.items() if kind in ARGUMENTS},
    ArgumentKind.INT: (INT_BYTES,),
    ArgumentKind.BOOL: (INT_BYTES,),
}
_ORIGINS = {Origin.CALLER: (ADDRESS_BYTES,), Origin.SENDER: (ADDRESS_BYTES,), Origin.SELF: (HASH_BYTES,)}
_ORIGIN_PARTS: dict[Origin, Part] = {Origin.CALLER: Sender(), Origin.SENDER: Sender(), Origin.SELF: Self()}


def constant(value: int | bytes | str) -> Symbol:
    """The symbol of a constant. A bool is an int."""
    return int(value) if isinstance(value, int) else concatenated((raw_bytes(value),))


def concatenated(pieces: Iterable[Piece]) -> Bytes | None:
    """The pieces as one sequence; None if it gets too long for a template."""
    merged: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, bytes) and merged and isinstance(merged[-1], bytes):
            merged[-1] += piece
        elif piece != b"":
            merged.append(piece)
    known = sum(len(piece) for piece in merged if isinstance(piece, bytes))
    return None if known > QUERY_BYTES_MAX or count_pieces(merged) > PIECES_MOST else tuple(merged)


def digest(pieces: Bytes) -> Bytes | None:
    """SHA-256 of a sequence; None if a template may not nest hashes so deep."""
    if not pieces:
        return (sha256(b""),)
    if len(pieces) == 1 and isinstance(pieces[0], bytes):
        return (sha256(pieces[0]),)
    hashed: Bytes = (Digest(pieces),)
    return None if _depth(hashed) > HASH_DEPTH_MAX else hashed


def key_pieces(form: KeyForm, key: Symbol) -> Bytes | None:
    """A key's part of a slot; None if it is not known."""
    if isinstance(key, tuple):
        return digest(key) if form is KeyForm.HASHED else key
    return number_pieces(key)


def number_pieces(number: Symbol) -> Bytes | None:
    """A number as 8 bytes; None if it is not known, or is the value that came, which no template can name so."""
    if isinstance(number, int):
        return (raw_bytes(number),)
    return (number,) if isinstance(number, Argument) else None


def lengths(pieces: Bytes) -> frozenset[int] | None:
    """How many bytes a sequence may have when a transaction calls; None if that has no bound."""
    found = frozenset([0])
    for piece in pieces:
        if isinstance(piece, bytes):
            sizes: tuple[int, ...] = (len(piece),)
        elif isinstance(piece, Argument):
            sizes = _LENGTHS.get(piece.kind, ())
        else:
            sizes = (HASH_BYTES,) if isinstance(piece, Digest) else _ORIGINS[piece]
        if not sizes:
            return None
        found = frozenset(before + size for before in found for size in sizes)
    return found


def count_pieces(pieces: Iterable[Piece]) -> int:
    """The pieces, those inside digests included."""
    return sum(1 + (count_pieces(piece.pieces) if isinstance(piece, Digest) else 0) for piece in pieces)


def parts(pieces: Bytes) -> tuple[Part, ...]:
    """The sequence in a template, for calls by transactions."""
    return tuple(_part(piece) for piece in pieces)


def amount(number: Number) -> AmountExpression | None:
    """A number as the cap of a debit; None if it cannot be one."""
    if isinstance(number, Passed):
        return AmountValue()
    if isinstance(number, Argument):
        return AmountArg(number.index) if number.kind is ArgumentKind.INT else None
    return AmountLiteral(number)


def _part(piece: Piece) -> Part:
    if isinstance(piece, bytes):
        return Literal(piece)
    if isinstance(piece, Argument):
        return Arg(piece.index)
    return Hashed(parts(piece.pieces)) if isinstance(piece, Digest) else _ORIGIN_PARTS[piece]


def _depth(pieces: Bytes) -> int:
    return max((1 + _depth(piece.pieces) for piece in pieces if isinstance(piece, Digest)), default=0)
