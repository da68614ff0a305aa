"""Routes of the watch list: contracts that are audited again and again."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, StrictBool, StrictInt
from starlette.responses import Response

from accountant.api.documented import problems
from accountant.api.fields import AccountOut, GasIn, GasOut, account_of, parse_hash
from accountant.api.posting import json_only
from accountant.api.problems import InvalidParameter
from accountant.api.resources import Key, Res
from accountant.api.schemas import RequestIn
from accountant.primitives.types import ContractId
from accountant.services.watch import (
    INTERVAL_LEAST_S,
    INTERVAL_MOST_S,
    unwatch,
    watch,
    watched,
)
from accountant.storage.watch_list import Watch, WatchList, WatchRow

router = APIRouter(tags=["audits"])

_INVALID = {422: ("invalid_request", "path/contract: a hash is 0x and 64 hex digits")}
_NOT_WATCHED = {404: ("not_watched", "this contract is not on your watch list")}


class WatchIn(RequestIn):
    """How often a contract is audited, and with how much gas."""

    interval_s: Annotated[StrictInt, Field(ge=INTERVAL_LEAST_S, le=INTERVAL_MOST_S, examples=[3600])]
    gas_budget: Annotated[GasIn, Field(description="Of each audit; 0, the default: nothing is executed.")] = 0
    swear: Annotated[StrictBool, Field(description="Publish each audit's answer as an oath.")] = False


class WatchView(BaseModel):
    """A contract on the watch list."""

    contract: AccountOut
    interval_s: int
    gas_budget: GasOut
    swear: bool
    due_at: Annotated[datetime, Field(description="When the next audit is asked for, once the last one has ended.")]
    last_job: Annotated[str | None, Field(description="The latest audit's job.")]

    @classmethod
    def of(cls, row: WatchRow) -> "WatchView":
        """The view of a row."""
        return cls(
            contract=account_of(row.contract),
            interval_s=row.interval_s,
            gas_budget=str(row.gas_budget),
            swear=row.swear,
            due_at=row.due_at,
            last_job=row.last_job,
        )


class WatchListView(BaseModel):
    """All contracts on the watch list, at most 1,000."""

    items: list[WatchView]


@router.get("/watch-list", operation_id="listWatched", summary="Read the watch list", responses=problems({}))
def list_watched(resources: Res, key: Key) -> WatchListView:
    """The contracts that are audited for this key again and again."""
    with resources.engine.connect() as connection:
        return WatchListView(items=[WatchView.of(row) for row in WatchList(connection).all(key.prefix)])


@router.get(
    "/watch-list/{contract}",
    operation_id="getWatched",
    summary="Read how a contract is watched",
    responses=problems({**_INVALID, **_NOT_WATCHED}),
)
def get_watched(resources: Res, key: Key, contract: str) -> WatchView:
    """With its latest audit, and when the next one is due."""
    with resources.engine.connect() as connection:
        return WatchView.of(watched(connection, key.prefix, _contract(contract)))


@router.put(
    "/watch-list/{contract}",
    operation_id="watchContract",
    summary="Have a contract audited again and again",
    dependencies=[Depends(json_only)],
    responses=problems(
        {
            **_INVALID,
            400: ("malformed_json", "the body is not JSON"),
            409: ("watch_list_full", "1000 contracts are watched: take one off first"),
            413: ("request_entity_too_large", "a body has at most 1114112 bytes"),
            415: ("unsupported_media_type", "send the body as application/json"),
        }
    ),
)
def put_watched(resources: Res, key: Key, contract: str, body: WatchIn) -> WatchView:
    """Puts it on the list, or changes how it is watched. The first audit is asked for at once; each is a job of this
    key, and none is asked for while the one before has not ended.
    """
    wanted = Watch(_contract(contract), body.interval_s, body.gas_budget, body.swear)
    with resources.engine.begin() as connection:
        return WatchView.of(watch(connection, key.prefix, wanted))


@router.delete(
    "/watch-list/{contract}",
    operation_id="unwatchContract",
    summary="Take a contract off the watch list",
    status_code=204,
    response_class=Response,
    responses=problems({**_INVALID, **_NOT_WATCHED}),
)
def delete_watched(resources: Res, key: Key, contract: str) -> None:
    """Audits that were asked for go on."""
    with resources.engine.begin() as connection:
        unwatch(connection, key.prefix, _contract(contract))


def _contract(text: str) -> ContractId:
    try:
        return ContractId(parse_hash(text))
    except ValueError as error:
        raise InvalidParameter("path/contract", str(error)) from None
