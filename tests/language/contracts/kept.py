"""Keeps a tensor by its identifier, published or saved."""

from accountant.language import Cid, blobs, export, nn, touches

kept: Cid


@export
def keep(cid: Cid) -> None:
    """Keeps an identifier that somebody names."""
    global kept
    kept = cid


@export
def save(number: int) -> Cid:
    """Saves a tensor of one number, and keeps its identifier."""
    global kept
    kept = nn.save(nn.full(1, nn.real(number)))
    return kept


@export
@touches(blobs(1))
def published() -> int:
    """The number of what is kept, which may be a published blob."""
    return nn.item(nn.load(kept))


@export
def saved() -> int:
    """The number of what is kept, if a contract saved it."""
    return nn.item(nn.load(kept))


@export
def announced(cid: Cid) -> int:
    """The number of what is kept, whose identifier the caller says."""
    assert cid == kept, "not what is kept"
    return nn.item(nn.load(cid))


@export
def large(side: int) -> int:
    """The first element of a large square."""
    return nn.item(nn.full((side, side), 3.0))
