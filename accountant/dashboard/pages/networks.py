"""Networks: trainings as they stand, blobs with weights and data, and the prices of operations on tensors."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from accountant.dashboard.looking import Looking, of_the_dashboard
from accountant.monitoring.reads import networks as reads
from accountant.primitives.cid import show_cid
from accountant.primitives.types import Cid
from accountant.storage.trainings import TrainingRows

PAGE = 50
_BELOW = re.compile(r"([0-9]{1,18})-([0-9]{1,18})", re.ASCII)

router = APIRouter()
Who = Annotated[Looking, Depends(of_the_dashboard)]


@router.get("/networks")
def networks(request: Request, who: Who, below: str = "") -> Response:
    """Trainings, blobs, the largest first, and prices. `below`: the size and number of the last blob shown."""
    form = _BELOW.fullmatch(below)
    if below and form is None:
        raise HTTPException(404)
    start = None if form is None else (int(form[1]), int(form[2]))
    with who.engine.connect() as connection:
        found = reads.blob_lines(connection, start, PAGE + 1)
        trained = TrainingRows(connection).latest()
    schedule = who.index.genesis.gas.tensors
    return who.page(
        request,
        "pages/networks.html",
        trainings=trained,
        blobs=[(show_cid(Cid(one.cid)), one) for one in found[:PAGE]],
        more=len(found) > PAGE,
        below=below,
        most=reads.NAMES_MOST,
        version=schedule.version,
        prices=reads.price_lines(schedule),
    )
