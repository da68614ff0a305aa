"""What a contract's author did that the language does not allow: where, what, and what to write instead."""

from typing import NamedTuple

from accountant.primitives.errors import AccountantError


class Place(NamedTuple):
    """Where something stands in a source file; both count from 1."""

    line: int
    column: int


class ContractError(AccountantError):
    """A source that does not compile, at its first error. `detail` is one line: `file:line:column: what. Instead`."""

    code = "contract_error"

    def __init__(self, file: str, place: Place, what: str, instead: str = "") -> None:
        shown = f"{what}. {instead[:1].upper()}{instead[1:]}" if instead else what
        super().__init__(f"{file}:{place.line}:{place.column}: {shown}")
        self.file = file
        self.place = place
        self.what = what
        self.instead = instead
