"""Networks: what is trained and inferred now, on what, blobs with weights and data, and what gas takes here."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from accountant.dashboard.looking import Looking, of_the_dashboard
from accountant.dashboard.pages.curve_picture import curve
from accountant.monitoring.reads import networks as reads
from accountant.monitoring.reads.chain import naming
from accountant.monitoring.reads.devices import device_lines
from accountant.monitoring.reads.measured_gas import UNDERPRICED, measured_kinds, rates
from accountant.monitoring.reads.trainings import curves, running_operations, training, training_lines
from accountant.primitives.cid import parse_cid, show_cid
from accountant.primitives.errors import InvalidCid
from accountant.primitives.types import Cid, Seq

PAGE = 50
NAMING = 50
"""Of a blob: transactions that name it, and others who keep it."""
_BELOW = re.compile(r"([0-9]{1,18})-([0-9]{1,18})", re.ASCII)
_HASH = re.compile(r"0x[0-9a-f]{64}", re.ASCII)

router = APIRouter()
Who = Annotated[Looking, Depends(of_the_dashboard)]


@router.get("/networks")
def networks(request: Request, who: Who, below: str = "") -> Response:
    """What runs, devices, blobs, the largest first, and prices. `below`: the size and number of the last blob shown."""
    form = _BELOW.fullmatch(below)
    if below and form is None:
        raise HTTPException(404)
    start = None if form is None else (int(form[1]), int(form[2]))
    with who.engine.connect() as connection:
        found = reads.blob_lines(connection, start, PAGE + 1)
        trained = training_lines(connection)
        lines = curves(connection, [one.seq for one in trained])
        worth = rates(connection)
        values: dict[str, Any] = {
            "operations": running_operations(connection),
            "devices": device_lines(connection),
            "rates": worth,
            "measured": measured_kinds(connection, worth),
        }
    schedule = who.index.genesis.gas.tensors
    return who.page(
        request,
        "pages/networks.html",
        trainings=[(one, curve(lines.get(one.seq, ()), one.steps)) for one in trained],
        blobs=[(show_cid(Cid(one.cid)), one) for one in found[:PAGE]],
        more=len(found) > PAGE,
        below=below,
        most=reads.NAMES_MOST,
        version=schedule.version,
        prices=reads.price_lines(schedule),
        underpriced=UNDERPRICED,
        **values,
    )


@router.get("/networks/trainings/{name}")
def one_training(request: Request, who: Who, name: str) -> Response:
    """A training: its steps, its gas, and the curve of its losses. `name`: the hash of the transaction that trains."""
    if _HASH.fullmatch(name) is None:
        raise HTTPException(404)
    with who.engine.connect() as connection:
        found = training(connection, bytes.fromhex(name[2:]))
        if found is None:
            raise HTTPException(404)
        points = curves(connection, [found.seq]).get(found.seq, [])
    return who.page(request, "pages/training.html", training=found, curve=curve(points, found.steps))


@router.get("/networks/blobs/{cid}")
def one_blob(request: Request, who: Who, cid: str) -> Response:
    """A blob that is kept here, and who names it."""
    try:
        raw = parse_cid(cid)
    except InvalidCid:
        raise HTTPException(404) from None
    with who.engine.connect() as connection:
        found = reads.blob_line(connection, raw)
        if found is None:
            raise HTTPException(404)
        kept = reads.references(connection, raw, NAMING)
        seqs = naming(connection, raw, NAMING)
    return who.page(
        request,
        "pages/kept_blob.html",
        cid=cid,
        blob=found,
        references=kept,
        named=who.index.transactions([Seq(seq) for seq in seqs]),
        most=NAMING,
        names_most=reads.NAMES_MOST,
    )
