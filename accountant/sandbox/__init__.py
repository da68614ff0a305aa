"""A chain in memory for contract tests: `from accountant.sandbox import Chain`. See docs/contracts.md."""

from accountant.sandbox.chain import Chain
from accountant.sandbox.contract import Contract
from accountant.sandbox.errors import BlockOpen, DeploymentFailed, Refused, SandboxError, ViewFailed, WrongArgument
from accountant.sandbox.result import Result
from accountant.sandbox.values import User

__all__ = [
    "Chain",
    "Contract",
    "Result",
    "User",
    "SandboxError",
    "BlockOpen",
    "DeploymentFailed",
    "Refused",
    "ViewFailed",
    "WrongArgument",
]
