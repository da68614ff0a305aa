import re
from pathlib import Path
from typing import NamedTuple

import pytest

from accountant.language.checking.checker import check
from accountant.language.errors import ContractError, Place

FOLDER = Path(__file__).parent / "refused"
BEFORE = (FOLDER / "before.txt").read_text()
"""What stands before the statements of a body."""
BODIES = dict.fromkeys(("values", "conditions", "calls", "statements"), BEFORE)
BODIES["networks"] = (FOLDER / "networks_before.txt").read_text()
WHOLE = ("lexical", "module_level", "functions", "decorators", "views", "classes")
IMPORT = """from accountant.language import Account, Contract, Event, Interface, Map, Tensor, calls, debits, deployer, \
direct, elsewhere, export, gas, log, nested, only, pay, payable, reads, touches, view, zero_cost"""


class Refused(NamedTuple):
    source: str
    message: str
    first: int
    """The line that the message counts as 1."""


def refused(name: str) -> list[Refused]:
    cases = []
    for block in re.findall(r"(.*?)\n>>> ([^\n]*)\n", (FOLDER / f"{name}.txt").read_text(), re.DOTALL):
        source, message = block
        source = source.removeprefix("\n").replace("from accountant.language import ...", IMPORT)
        if name in BODIES:
            before = BODIES[name]
            cases.append(Refused(f"{before}{source}\n", message, before.count("\n")))
        else:
            cases.append(Refused(f"{source}\n", message, 0))
    return cases


CASES = {f"{name} {at}": case for name in (*BODIES, *WHOLE) for at, case in enumerate(refused(name), 1)}


@pytest.mark.parametrize("name", CASES)
def test_what_the_language_does_not_have_is_refused_where_it_stands_with_what_to_write(name: str) -> None:
    """Every source of the tables gives exactly the error that stands under it."""
    case = CASES[name]
    with pytest.raises(ContractError) as caught:
        check(case.source.encode(), "contract.py")
    error = caught.value
    place = f"{error.place.line - case.first}:{error.place.column}"
    assert error.instead
    assert f"{place}: {error.what}. {error.instead[:1].upper()}{error.instead[1:]}" == case.message
    assert error.detail.startswith(f"contract.py:{error.place.line}:{error.place.column}: ")


def test_the_tables_are_long() -> None:
    """No table is lost on the way from its file."""
    assert len(CASES) > 500


@pytest.mark.parametrize(
    ("source", "place", "what"),
    [
        (b"\xef\xbb\xbfx: int\n", (1, 1), "a byte order mark"),
        (b"x: int\n\ty: int\n", (2, 1), "a tab"),
        (b"x\x00: int\n", (1, 2), "U+0000"),
        (b"x: int\ry: int\n", (1, 7), "a carriage return"),
        (b"x: int\n\x0c\n", (2, 1), "U+000C"),
        ("x = 'é\u202e'\n".encode(), (1, 7), "U+202E"),
        ("# é \u200b\n".encode(), (1, 5), "U+200B"),
        ("'é'\nx: int\n# ".encode() + b"\xff\n", (3, 3), "not UTF-8"),
        ("x = 'é'; y = [1]\n".encode(), (1, 14), "a list"),
        (b"# " + b"a" * 2000, (1, 2001), "a line of 2002 characters"),
        (b"x: int\n" * 40_000, (1, 1), "a source of 280000 bytes"),
        (b"x = (\n" + b"not\n" * 3000 + b"True)\n", (1999, 1), "a statement of more than 2000"),
        (b"x = (\n" + b"not\n" * 1000 + b"True)\n", (81, 1), "more than 80 parts"),
        (b"x = " + b"9" * 100, (1, 5), "an integer over 64 bits"),
    ],
)
def test_bytes_that_could_mislead_a_reader_or_hurt_the_parser_are_refused(
    source: bytes, place: tuple[int, int], what: str
) -> None:
    """Invisible characters, other encodings, and sizes beyond the limits, each at its place."""
    with pytest.raises(ContractError) as caught:
        check(source, "contract.py")
    assert caught.value.place == Place(*place)
    assert what in caught.value.what
    assert caught.value.instead


def test_blocks_nest_sixteen_deep_at_most() -> None:
    """Indentation is bounded before Python's parser sees it."""
    lines = ["def f(a: bool) -> None:", *(f"{'    ' * depth}if a:" for depth in range(1, 20)), " " * 80 + "pass"]
    with pytest.raises(ContractError) as caught:
        check("\n".join(lines).encode(), "contract.py")
    assert caught.value.place == Place(17, 65)


def test_no_warning_is_shown(recwarn: pytest.WarningsRecorder) -> None:
    """What Python would warn about is refused or fine, never printed."""
    for source in ("x = 1 if True else 2", "x = 1if True else 2", "x = '\\d'", "x = 1 is 1", "assert (1, 2)"):
        try:
            check(source.encode(), "contract.py")
        except ContractError:
            continue
    assert not recwarn.list
