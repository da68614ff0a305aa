"""Places of the chain on the command line: the head, a height, or right before a transaction of a block."""

import re
from typing import Annotated, Any

import typer

from accountant.client.client import AccountantClient, ApiProblem
from accountant.primitives.errors import AccountantError

HEAD = "head"

At = Annotated[
    str, typer.Option(help="head, a height (the state after that block), or HASH:INDEX (before a transaction).")
]

_HEIGHT = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_POSITION = re.compile(r"(0x[0-9a-fA-F]{64}):(0|[1-9][0-9]{0,7})", re.ASCII)


class InvalidPlace(AccountantError):
    """A place of the chain that is written as none is, or is not there."""

    code = "invalid_place"


def position_of(client: AccountantClient, at: str) -> dict[str, Any] | str:
    """The position as the API takes it. Raises `InvalidPlace`."""
    if at == HEAD:
        return at
    given = _POSITION.fullmatch(at)
    if given is not None:
        return {"previous_hash": given[1], "index": int(given[2])}
    if not _HEIGHT.fullmatch(at):
        raise InvalidPlace(f"{at!r} is no place of the chain: write head, a height, or HASH:INDEX")
    try:
        return {"previous_hash": client.block(int(at))["hash"], "index": 0}
    except ApiProblem as problem:
        if problem.problem.get("code") == "unknown_block":
            raise InvalidPlace(f"there is no block of height {at} yet") from None
        raise
