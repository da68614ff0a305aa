"""A Python client of the REST API."""

from accountant.client.client import AccountantClient, ApiProblem

__all__ = ["AccountantClient", "ApiProblem"]
