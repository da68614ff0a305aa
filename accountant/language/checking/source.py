"""A source file: its bytes, its text, Python's own syntax tree of it, and where in it things stand."""

import ast
import re
import warnings

from accountant.language.checking.scan import place_of, scan
from accountant.language.errors import ContractError, Place

SOURCE_BYTES_MOST = 256 * 1024
DEPTH_MOST = 80
"""How deep the tree may be: whoever walks it later does so by recursion."""

_CODING = re.compile(r"[ \f]*#.*?coding[:=][ \t]*([-\w.]+)", re.ASCII)
"""PEP 263."""


class Source:
    """A source that Python can parse. `text` has line feeds alone at the ends of lines."""

    def __init__(self, data: bytes, file: str) -> None:
        """Raises `ContractError` unless it is UTF-8, small enough, and Python of a bounded depth."""
        self.data = data
        self.file = file
        self.text = _decode(data, file).replace("\r\n", "\n")
        scan(self.text, file)
        self.lines = self.text.split("\n")
        self._check_coding()
        self.tree = self._parse()
        self._check_depth()

    def place(self, node: ast.AST) -> Place:
        """Where a node begins. Python counts bytes, we count characters."""
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        return Place(line, self._column(line, column) + 1)

    def error(self, node: ast.AST | Place, what: str, instead: str) -> ContractError:
        """The error to raise for a node."""
        place = node if isinstance(node, Place) else self.place(node)
        return ContractError(self.file, place, what, instead)

    def segment(self, node: ast.expr) -> str:
        """The text of an expression, with every run of spaces and line ends as one space."""
        assert node.end_lineno is not None and node.end_col_offset is not None, "the parser says where nodes end"
        lines = self.lines[node.lineno - 1 : node.end_lineno]
        lines[-1] = lines[-1][: self._column(node.end_lineno, node.end_col_offset)]
        lines[0] = lines[0][self._column(node.lineno, node.col_offset) :]
        return " ".join(" ".join(lines).split())

    def _column(self, line: int, offset: int) -> int:
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        return offset if text.isascii() else len(text.encode()[:offset].decode(errors="replace"))

    def _check_coding(self) -> None:
        for number, line in enumerate(self.lines[:2]):
            coding = _CODING.match(line)
            if coding is not None and coding[1].lower().replace("_", "-") not in ("utf-8", "utf8"):
                raise ContractError(
                    self.file,
                    Place(number + 1, 1),
                    f"the encoding {coding[1]} is not allowed",
                    "save the file as UTF-8",
                )

    def _parse(self) -> ast.Module:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(self.text, self.file)
        except SyntaxError as error:
            place = Place(max(1, error.lineno or 1), max(1, error.offset or 1))
            message = (error.msg or "invalid syntax").split(". ")[0]
            raise ContractError(self.file, place, f"not Python: {message}", "correct it here or right before") from None
        except (ValueError, RecursionError, MemoryError):
            raise self.error(Place(1, 1), "Python's parser gave up", "write shorter expressions") from None

    def _check_depth(self) -> None:
        waiting: list[tuple[ast.AST, int, Place]] = [(self.tree, 0, Place(1, 1))]
        while waiting:
            node, depth, place = waiting.pop()
            if isinstance(node, ast.stmt | ast.expr):
                place = Place(node.lineno, node.col_offset)
            if depth > DEPTH_MOST:
                raise self.error(
                    Place(place.line, self._column(*place) + 1),
                    f"more than {DEPTH_MOST} parts inside each other",
                    "keep parts in local variables, or move them into a function",
                )
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                self._check_text(node, node.value)
            inner = depth + _levels(node)
            waiting.extend((child, inner, place) for child in ast.iter_child_nodes(node))

    def _check_text(self, node: ast.Constant, text: str) -> None:
        try:
            text.encode()
        except UnicodeEncodeError:
            raise self.error(
                node, "half of a surrogate pair in a string is not allowed", r"write \U and 8 digits"
            ) from None


def _levels(node: ast.AST) -> int:
    """By how much what is inside this node is deeper: a chain of operands becomes as many nested nodes."""
    match node:
        case ast.BoolOp():
            return len(node.values) - 1
        case ast.Compare():
            return len(node.ops)
        case ast.Call():
            return max(1, len(node.args) - 1)
        case ast.expr_context() | ast.operator() | ast.cmpop():
            return 0
    return 1


def _decode(data: bytes, file: str) -> str:
    if len(data) > SOURCE_BYTES_MOST:
        raise ContractError(
            file,
            Place(1, 1),
            f"a source of {len(data)} bytes, at most {SOURCE_BYTES_MOST} are allowed",
            "make several contracts of it",
        )
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        raise ContractError(
            file, place_of(before, len(before)), "bytes that are not UTF-8", "save the file as UTF-8"
        ) from None
