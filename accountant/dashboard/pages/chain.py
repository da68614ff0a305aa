"""The chain: its head, its blocks, its transactions with what they did, and one box to find any of them."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from accountant.chain.transaction import Transaction
from accountant.dashboard.looking import Look, Looking
from accountant.dashboard.pages.times_picture import times_picture
from accountant.index.port import BlockInfo, ChainIndex
from accountant.monitoring.reads import chain as reads
from accountant.monitoring.reads.block_times import COUNTED_MOST, block_times, fees_of
from accountant.monitoring.reads.node import beside_index
from accountant.monitoring.reads.provenance import provenance
from accountant.monitoring.reads.provenance_graph import graph_of, opened_hashes
from accountant.monitoring.reads.search import Found, FoundKind, NotFound, find
from accountant.monitoring.reads.transaction import LINES_SHOWN, shown_bytes, transaction_page
from accountant.oath.oath import NotAnOath, terms_of
from accountant.primitives.cid import parse_cid
from accountant.primitives.errors import InvalidCid
from accountant.primitives.types import Hash, Height, Seq

BLOCKS = 20
TRANSACTIONS = 50
REFUSED = 10
NAMING = 50

_HASH = re.compile(r"(?:0x)?([0-9a-fA-F]{64})", re.ASCII)
_HEIGHT = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
Before = Annotated[int | None, Query(ge=0, lt=2**63)]


def chain_routes(look: Look) -> APIRouter:
    """The pages of the chain, for whoever `look` lets in."""
    router = APIRouter()
    Who = Annotated[Looking, Depends(look)]

    @router.get("/chain")
    def chain(request: Request, who: Who, before: Before = None) -> Response:
        return _chain(request, who, before, "", "")

    @router.get("/chain/search")
    def search(request: Request, who: Who, q: str = "") -> Response:
        try:
            return RedirectResponse(who.base + address_of(find(who.index, q)), 303)
        except NotFound as error:
            return _chain(request, who, None, q[:200], error.detail, 404)

    @router.get("/chain/blocks/{name}")
    def block(request: Request, who: Who, name: str, first: Annotated[int, Query(ge=0, lt=2**31)] = 0) -> Response:
        info = _block(who.index, name)
        seqs = [Seq(info.first_seq + at) for at in range(first, min(info.count, first + TRANSACTIONS))]
        with who.engine.connect() as connection:
            sums = reads.block_sums(connection, info.first_seq, info.count)
            observed = reads.observed_among(connection, [int(seq) for seq in seqs])
        return who.page(
            request,
            "pages/block.html",
            block=info,
            head=who.index.head().height,
            sums=sums,
            transactions=who.index.transactions(seqs),
            observed=observed,
            first=first,
            more=first + TRANSACTIONS < info.count,
            step=TRANSACTIONS,
        )

    @router.get("/chain/transactions/{name}")
    def transaction(request: Request, who: Who, name: str) -> Response:
        seq = seq_named(who.index, name)
        found = transaction_page(who.index, who.outcomes, seq)
        with who.engine.connect() as connection:
            observation = reads.observation(connection, seq)
        return who.page(
            request,
            "pages/transaction.html",
            page=found,
            observation=observation,
            sources=provenance(who.index, who.outcomes, seq),
            swears=_swears(found.located.transaction),
            lines=LINES_SHOWN,
            shown=shown_bytes,
        )

    @router.get("/chain/transactions/{name}/provenance")
    def provenance_of(request: Request, who: Who, name: str, open: str = "") -> Response:
        seq = seq_named(who.index, name)
        graph = graph_of(who.index, who.outcomes, seq, opened_hashes(open))
        return who.page(request, "pages/provenance.html", located=who.index.transaction(seq), graph=graph)

    @router.get("/chain/blobs/{cid}")
    def blob(request: Request, who: Who, cid: str) -> Response:
        try:
            raw = parse_cid(cid)
        except InvalidCid as error:
            raise NotFound(f"That names no blob: {error.detail}.") from None
        with who.engine.connect() as connection:
            seqs = reads.naming(connection, raw, NAMING)
        named = who.index.transactions([Seq(seq) for seq in seqs])
        return who.page(request, "pages/blob.html", cid=cid, named=named, most=NAMING)

    return router


def _chain(request: Request, who: Looking, before: int | None, query: str, error: str, status: int = 200) -> Response:
    node = None if who.node is None else who.node()  # first: a connection is not held while others are asked
    with who.engine.connect() as connection:
        lines = reads.latest_blocks(connection, before, BLOCKS + 1)
        values: dict[str, Any] = {
            "pace": reads.pace(connection),
            "proposers": reads.proposers(connection),
            "fees": reads.fees_lately(connection),
            "refused": reads.refused(connection, REFUSED),
            "agreement": reads.agreement(connection),
            "withdrawn": reads.withdrawn(connection, REFUSED),
            "times": block_times(connection),
            "paid": fees_of(connection, lines[:BLOCKS]),
            "beside": None if node is None else beside_index(connection, node.status),
        }
    head = who.index.head()
    latest = who.index.block(head.height)
    assert latest is not None
    return who.page(
        request,
        "pages/chain.html",
        status,
        head=head,
        age_s=max(0, int(datetime.now(UTC).timestamp()) - latest.time),
        genesis=who.index.genesis,
        blocks=lines[:BLOCKS],
        more=len(lines) > BLOCKS,
        before=before,
        query=query,
        error=error,
        pace_blocks=reads.PACE_BLOCKS,
        counted=COUNTED_MOST,
        picture=times_picture(values["times"].bars),
        asked=who.node is not None,
        node=node,
        proposed=sum(count for _, count in values["proposers"]),
        silent=[one for one in who.index.genesis.proposers if one not in dict(values["proposers"])],
        **values,
    )


def address_of(found: Found) -> str:
    """The path of the page of what was found."""
    match found.kind:
        case FoundKind.BLOCK:
            return f"/chain/blocks/{found.name}"
        case FoundKind.TRANSACTION:
            return f"/chain/transactions/{found.name}"
        case FoundKind.ACCOUNT:
            return f"/accounts/{found.name}"
        case FoundKind.BLOB:
            return f"/chain/blobs/{found.name}"


def seq_named(index: ChainIndex, name: str) -> Seq:
    """The number of the transaction with this hash. Raises `NotFound`."""
    form = _HASH.fullmatch(name)
    if form is None:
        raise NotFound("A transaction is named by its hash: 0x and 64 hex digits.")
    seq = index.seq_of(Hash(bytes.fromhex(form[1])))
    if seq is None:
        raise NotFound("No transaction of the chain has this hash; one that waits for a block is not on it yet.")
    return seq


def _block(index: ChainIndex, name: str) -> BlockInfo:
    form = _HASH.fullmatch(name)
    found: BlockInfo | None = None
    if _HEIGHT.fullmatch(name):
        found = index.block(Height(int(name)))
    elif form is not None:
        found = index.block_by_hash(Hash(bytes.fromhex(form[1])))
    if found is None:
        said = "A block is named by its height or by its hash: 0x and 64 hex digits."
        raise NotFound(f"{said} The chain ends at height {index.head().height}, and has none of this name.")
    return found


def _swears(transaction: Transaction) -> bool:
    try:
        terms_of(transaction)
    except NotAnOath:
        return False
    return True
