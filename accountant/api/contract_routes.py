"""The route of contracts: what is deployed at an id, and what it admits."""

from fastapi import APIRouter

from accountant.api.contract_views import ContractView
from accountant.api.documented import problems
from accountant.api.fields import parse_hash
from accountant.api.problems import InvalidParameter, NotFound
from accountant.api.resources import Res
from accountant.index.directory import deployment_of
from accountant.primitives.types import ContractId

router = APIRouter(tags=["contracts"])


@router.get(
    "/contracts/{id}",
    operation_id="getContract",
    summary="Read what a contract admits",
    responses=problems(
        {
            404: ("unknown_contract", "nothing is deployed there"),
            422: ("invalid_request", "a contract's id is 0x and 64 hex digits"),
        }
    ),
)
def get_contract(resources: Res, id: str) -> ContractView:
    """Deployer, module and envelope, from the bytes of the chain alone. Whether the deployment succeeded is its
    outcome, and known to whoever executes it.
    """
    try:
        contract = ContractId(parse_hash(id))
    except ValueError:
        raise InvalidParameter("path/id", "a contract's id is 0x and 64 hex digits") from None
    deployment = deployment_of(resources.index(), contract)
    if deployment is None:
        raise NotFound("unknown_contract", "nothing is deployed there")
    return ContractView.of(contract, deployment)
