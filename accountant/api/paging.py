"""What lists in pages share: their parameters, and numbers in parameters."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from accountant.api.documented import Responses
from accountant.primitives.types import AMOUNT_MAX


def digits(value: object) -> object:
    """Pydantic alone would take `1.0`, `+1` and `1_0` for numbers too."""
    if not (isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 19):
        raise ValueError("a number is written in decimal digits alone")
    return value


NumberIn = Annotated[int, BeforeValidator(digits), Field(ge=0, le=AMOUNT_MAX)]
"""A number in a parameter."""


class PageIn(BaseModel):
    """The parameters of every list."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, BeforeValidator(digits)] = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=64, description="`next_cursor` of the page before.")


PAGE_RESPONSES: Responses = {
    200: {"headers": {"Link": {"description": 'rel="next", where there is more', "schema": {"type": "string"}}}}
}
