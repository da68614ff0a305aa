"""The text of models and settings: statements of words, one a line or between semicolons, with blocks in braces."""

import math
import re
from typing import Final, NamedTuple

from accountant.primitives.errors import AccountantError

TEXT_BYTES_MOST: Final = 1 << 14
STATEMENTS_MOST: Final = 256
DEPTH_MOST: Final = 8

_INTEGER = re.compile(r"0|[1-9][0-9]{0,19}")
_REAL = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?(e[+-]?[0-9]{1,3})?")
_TOKEN = re.compile(r"[{};\n]|[^{};\s]+")


class Statement(NamedTuple):
    """Words that stand together, the line of the text on which they begin, and the block after them."""

    line: int
    words: tuple[str, ...]
    body: "tuple[Statement, ...] | None" = None


class Wrong(Exception):
    """What is wrong with a text, and where; whoever reads it says what kind of text it is."""


def refused(error: type[AccountantError], line: int, why: str) -> AccountantError:
    """An error about a line."""
    return error(f"line {line}: {why}")


def statements_of(text: str | bytes, error: type[AccountantError]) -> tuple[Statement, ...]:
    """The statements of a text. `error` where it is too long, not ASCII, or its braces do not match."""
    if len(text) > TEXT_BYTES_MOST:
        raise error(f"{len(text)} characters; at most {TEXT_BYTES_MOST} are possible")
    try:
        plain = text.decode("ascii") if isinstance(text, bytes) else text.encode("ascii").decode("ascii")
    except UnicodeError as wrong:
        raise error("a character outside ASCII") from wrong
    return _Reader(plain, error).all()


class _Reader:
    def __init__(self, text: str, error: type[AccountantError]) -> None:
        self.tokens = _TOKEN.findall(text)
        self.error = error
        self.line = 1
        self.count = 0

    def all(self) -> tuple[Statement, ...]:
        self.tokens.reverse()
        found = self._block(0)
        if not found:
            raise self.error("nothing is said")
        return found

    def _block(self, depth: int) -> tuple[Statement, ...]:
        """Up to the end of the text, or to the brace that ends the block."""
        if depth > DEPTH_MOST:
            raise refused(self.error, self.line, f"blocks in blocks; {DEPTH_MOST} deep is possible")
        found: list[Statement] = []
        words: list[str] = []
        begin = self.line

        def ended(body: tuple[Statement, ...] | None = None) -> None:
            if words or body is not None:
                self.count += 1
                if self.count > STATEMENTS_MOST:
                    raise refused(self.error, begin, f"more than {STATEMENTS_MOST} statements")
                found.append(Statement(begin, tuple(words), body))
                words.clear()

        while self.tokens:
            token = self.tokens.pop()
            if token == "{":
                begin = begin if words else self.line
                ended(self._block(depth + 1))
            elif token == "}":
                ended()
                if depth == 0:
                    raise refused(self.error, self.line, "a brace that ends nothing")
                return tuple(found)
            elif token in ";\n":
                ended()
                self.line += token == "\n"
            else:
                if not words:
                    begin = self.line
                words.append(token)
        if depth:
            raise refused(self.error, self.line, "a block without end")
        ended()
        return tuple(found)


def integer_of(word: str, least: int, most: int) -> int:
    """A decimal integer. `Wrong` where it is none or outside."""
    if _INTEGER.fullmatch(word) is None or not least <= int(word) <= most:
        raise Wrong(f"{word[:30]} where an integer from {least} to {most} belongs")
    return int(word)


def real_of(word: str) -> float:
    """A decimal number, correctly rounded to binary64. `Wrong` where it is none, or infinite."""
    if _REAL.fullmatch(word) is None or not math.isfinite(float(word)):
        raise Wrong(f"{word[:30]} where a number such as 0.001 or 1e-3 belongs")
    return float(word)
