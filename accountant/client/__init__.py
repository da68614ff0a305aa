"""A Python client of the REST API, and contracts as Python objects over it."""

from accountant.client.client import AccountantClient, ApiProblem
from accountant.client.contracts import ContractClient, deploy

__all__ = ["AccountantClient", "ApiProblem", "ContractClient", "deploy"]
