"""Routes of oaths: reading one says whether it counts. Nothing is executed."""

from fastapi import APIRouter

from accountant.api.documented import problems
from accountant.api.oath_views import OathResourceView
from accountant.api.problems import NotFound
from accountant.api.resources import Key, Res
from accountant.oath.oath import NotAnOath
from accountant.services.oaths import UnknownOath, read_oath

router = APIRouter(tags=["oaths"])


@router.get(
    "/oaths/{id}",
    operation_id="getOath",
    summary="Read an oath, and whether it counts",
    responses=problems(
        {
            404: ("unknown_oath", "there is no oath oath_7f0d3c3f0f6c4b0d9a4f1b6f0c9f8e21"),
            503: ("storage_unavailable", "the database cannot be reached now"),
        }
    ),
)
def get_oath(resources: Res, key: Key, id: str) -> OathResourceView:
    """The oath with this id, or anybody's oath on the chain by its transaction's hash."""
    index = resources.index()
    with resources.engine.connect() as connection:
        try:
            return OathResourceView.of(read_oath(connection, index, id, key.prefix))
        except (UnknownOath, NotAnOath) as error:
            raise NotFound(error.code, error.detail) from None
