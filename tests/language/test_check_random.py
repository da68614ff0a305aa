import re
import warnings

import hypothesis.strategies as st
from hypothesis import example, given, settings

from accountant.language.checking.checker import check
from accountant.language.errors import ContractError
from accountant.language.tree import Constant, Contract, Return
from accountant.language.types import INT_LEAST, INT_MOST
from tests.support.accepted import FUNCTIONS

WORDS = [
    "def",
    "class",
    "if",
    "elif",
    "else",
    "while",
    "for",
    "in",
    "range",
    "return",
    "assert",
    "break",
    "continue",
    "pass",
    "del",
    "global",
    "not",
    "and",
    "or",
    "is",
    "None",
    "True",
    "False",
    "lambda",
    "try",
    "except",
    "finally",
    "raise",
    "with",
    "as",
    "import",
    "from",
    "async",
    "await",
    "yield",
    "nonlocal",
    "match",
    "case",
    "int",
    "bool",
    "str",
    "bytes",
    "Map",
    "Event",
    "Interface",
    "Account",
    "caller",
    "log",
    "pay",
    "export",
    "view",
    "only",
    "touches",
    "reads",
    "self",
    "f",
    "x",
    "y",
    "Final",
    ":",
    "::",
    "=",
    "==",
    "!=",
    "<=",
    ">=",
    "<",
    ">",
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "**",
    "<<",
    ">>",
    "&",
    "|",
    "^",
    "~",
    "@",
    "->",
    ",",
    ".",
    "...",
    ";",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ":=",
    "+=",
    '"a"',
    'b"a"',
    "'b'",
    'f"{x}"',
    "'''a'''",
    "1",
    "0",
    "-1",
    "2**63",
    "0x1f",
    "1.5",
    "2e-3",
    ".5",
    "nn",
    "nn.relu",
    "Tensor",
    "None",
    "1_0",
    "007",
    "1if",
    "é",
    "\\",
]
SEPARATORS = (" ", " ", " ", "", "\n", "\n    ", "\n        ", "\t", "\r\n", " # é\n", "\\\n")
PIECES = re.findall(r"\w+|\s+|[^\w\s]", FUNCTIONS)
FAILURES = ("integer overflow", "negative exponent", "negative shift count", "division by zero")
SMALL = st.integers(-9, 9).map(lambda number: f"({number})")
WIDE = st.integers(INT_LEAST, INT_MOST).map(lambda number: f"({number})")


def outcome(source: bytes) -> Contract | ContractError:
    """Either of the two that `check` may give. What it accepts, Python's compiler accepts."""
    found = checked(source)
    if isinstance(found, ContractError):
        assert min(found.place) >= 1
        assert found.instead
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, "contract.py", "exec", dont_inherit=True)
    return found


def checked(source: bytes) -> Contract | ContractError:
    try:
        return check(source, "contract.py")
    except ContractError as error:
        return error


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
@example(b"\xff")
@example(b"")
def test_bytes_never_crash_the_checker(source: bytes) -> None:
    """Any bytes are a contract or a `ContractError`."""
    outcome(source)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=100))
def test_text_never_crashes_the_checker(source: str) -> None:
    """Any text that has bytes is a contract or a `ContractError`."""
    outcome(source.encode(errors="surrogatepass"))


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(SEPARATORS)), max_size=40))
def test_words_of_python_never_crash_the_checker(words: list[tuple[str, str]]) -> None:
    """Any row of Python's words and signs is a contract or a `ContractError`."""
    source = "".join(word + separator for word, separator in words)
    outcome(source.encode())
    outcome(f"def f(x: int, y: str) -> int:\n    {source}".encode())


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("remove", "repeat", "replace", "swap")),
            st.integers(0, len(PIECES) - 1),
            st.integers(0, len(PIECES) - 1),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_contracts_with_mistakes_never_crash_the_checker(changes: list[tuple[str, int, int]]) -> None:
    """A valid contract with pieces removed, repeated, replaced or swapped is a contract or a `ContractError`."""
    pieces = list(PIECES)
    for change, at, other in changes:
        match change:
            case "remove":
                pieces[at] = ""
            case "repeat":
                pieces[at] += PIECES[at]
            case "replace":
                pieces[at] = PIECES[other]
            case "swap":
                pieces[at], pieces[other] = pieces[other], pieces[at]
    outcome("".join(pieces).encode())


def binary(operand: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(("+", "-", "*", "//", "%", "&", "|", "^"))
    return st.builds("({} {} {})".format, operand, operators, operand)


EXPRESSIONS = st.recursive(
    SMALL | WIDE,
    lambda inner: (
        binary(inner)
        | st.builds("({} {} {})".format, inner, st.sampled_from(("**", "<<", ">>")), SMALL)
        | st.builds("({}({}))".format, st.sampled_from(("-", "+", "~", "abs", "int")), inner)
        | st.builds("{}({}, {})".format, st.sampled_from(("min", "max")), inner, inner)
        | st.builds("({} if {} < {} else {})".format, inner, inner, inner, inner)
        | st.builds("len(str({}))".format, inner)
        | st.builds("int.from_bytes(({} & 255).to_bytes(1, 'big') + b'a', 'big')".format, inner)
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS)
@example("2 ** 63 - 1")
@example("(-1) ** 9")
@example("0 ** 0")
def test_constants_are_what_cpython_computes(expression: str) -> None:
    """A constant expression has CPython's value, or is refused; it is refused for nothing but its size or failure."""
    source = f"X = {expression}\n\n\ndef f() -> int:\n    return X\n"
    found = outcome(source.encode())
    try:
        wanted = eval(expression)
    except (ZeroDivisionError, ValueError, TypeError):  # TypeError: a negative exponent made a float
        assert isinstance(found, ContractError)
        return
    if isinstance(found, ContractError):
        # a part that is not chosen is refused too
        assert isinstance(wanted, float) or found.what in FAILURES
        return
    (returned,) = found.functions[0].body
    assert isinstance(returned, Return)
    assert isinstance(returned.value, Constant)
    assert returned.value.value == wanted
