"""A look at the characters of a source before Python's parser sees it.

It refuses what would read differently to a person than to the parser (look-alike letters, text that changes
direction, escapes that depend on Python's version), and nesting that could exhaust the parser's stack. One pass.
"""

import re
from typing import NamedTuple

from accountant.language.errors import ContractError, Place

BRACKETS_MOST = 16
INDENTS_MOST = 16
STATEMENT_TOKENS_MOST = 2000
LINE_CHARACTERS_MOST = 2000
NUMBER_CHARACTERS_MOST = 70
"""Enough for 64 bits in base 2 with underscores."""

_UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")
"""Control characters but the line's end, and characters that nobody sees or that turn the text's direction."""
_TOKEN = re.compile(
    r"""(?P<space>[ ]+|\\\n)
    |(?P<comment>\#[^\n]*)
    |(?P<newline>\n)
    |(?P<number>0[xX][0-9A-Za-z_.]*|\.?[0-9](?:[eE][+-](?=[0-9])|[0-9A-Za-z_.])*)
    |(?P<prefix>[A-Za-z]{0,2})(?P<quote>\"\"\"|'''|"|')
    |(?P<word>[A-Za-z_][A-Za-z_0-9]*)
    |(?P<mark>.)""",
    re.VERBOSE,
)
_REST = {
    quote: re.compile(rf"(?:[^\\{quote[0]}{'' if len(quote) == 3 else chr(92) + 'n'}]|\\.|{inside})*{quote}", re.DOTALL)
    for quote, inside in (("'", "(?!)"), ('"', "(?!)"), ("'''", "'(?!'')"), ('"""', '"(?!"")'))
}
"""From behind the opening quote to behind the closing one."""
_ESCAPE = re.compile(
    r"\\(?:(?P<both>[\n\\'\"abfnrtv]|x[0-9A-Fa-f]{2}|[0-3][0-7]{2}|[0-7]{1,2}(?![0-7]))"
    r"|(?P<text>u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})|(?P<bad>.))",
    re.DOTALL,
)
_INTEGER = re.compile(r"0[xX](?:_?[0-9A-Fa-f])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|[1-9](?:_?[0-9])*|0(?:_?0)*")
_DIGITS = r"[0-9](?:_?[0-9])*"
_FLOAT = re.compile(rf"{_DIGITS}(?:\.{_DIGITS})?(?:[eE][+-]?{_DIGITS})?")
_OTHER = re.compile(r"[0-9_]*\.?[0-9_]*(?:[eE][+-]?[0-9_]*)?[jJ]?")
"""Numbers that Python has and contracts have not."""
_PREFIXES = ("", "b", "r", "u", "br", "rb")


class _Refused(NamedTuple):
    """Where (an offset), what and what instead."""

    at: int
    what: str
    instead: str


class Unreadable(Exception):
    """What `scan` raises inside; it leaves as a `ContractError`."""

    def __init__(self, at: int, what: str, instead: str) -> None:
        super().__init__(what)
        self.refused = _Refused(at, what, instead)


def scan(text: str, file: str) -> None:
    """Raises `ContractError` at the first thing that the parser should not see."""
    try:
        _characters(text)
        _Scan(text).run()
    except Unreadable as error:
        at, what, instead = error.refused
        raise ContractError(file, place_of(text, at), what, instead) from None


def place_of(text: str, at: int) -> Place:
    """The line and column of an offset."""
    return Place(text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


def _characters(text: str) -> None:
    unseen = _UNSEEN.search(text)
    if unseen is not None:
        character = unseen.group()
        if character == "\t":
            raise Unreadable(unseen.start(), "a tab is not allowed", 'indent with spaces; in a string write "\\t"')
        if character == "\ufeff":
            raise Unreadable(unseen.start(), "a byte order mark is not allowed", "save the file as UTF-8 without one")
        if character == "\r":
            raise Unreadable(
                unseen.start(), "a carriage return without a line feed is not allowed", "end lines with a line feed"
            )
        escape = f"\\x{ord(character):02x}" if ord(character) < 256 else f"\\u{ord(character):04x}"
        raise Unreadable(
            unseen.start(),
            f"the invisible character U+{ord(character):04X} is not allowed",
            f'remove it; in a string write "{escape}"',
        )
    start = 0
    for line in text.split("\n"):
        if len(line) > LINE_CHARACTERS_MOST:
            raise Unreadable(
                start + LINE_CHARACTERS_MOST,
                f"a line of {len(line)} characters, at most {LINE_CHARACTERS_MOST} are allowed",
                "break the line; strings side by side inside brackets are joined",
            )
        start += len(line) + 1


class _Scan:
    """One pass over the tokens."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._brackets = 0
        self._tokens = 0
        self._indents = [0]

    def run(self) -> None:
        """The whole text."""
        at = self._line_start(0)
        while at < len(self._text):
            token = _TOKEN.match(self._text, at)
            assert token is not None, "every character is some token"
            at = token.end()
            match token.lastgroup:
                case "space" | "comment":
                    continue
                case "newline":
                    if self._brackets == 0:
                        self._tokens = 0
                        at = self._line_start(at)
                    continue
                case "number":
                    _number(token)
                case "quote":
                    at = self._string(token)
                case "mark":
                    self._mark(token)
            self._tokens += 1
            if self._tokens > STATEMENT_TOKENS_MOST:
                raise Unreadable(
                    token.start(),
                    f"a statement of more than {STATEMENT_TOKENS_MOST} words and signs",
                    "make several statements of it",
                )

    def _line_start(self, at: int) -> int:
        """Behind the indentation of a line that begins a statement; blank lines and comments begin none."""
        while True:
            end = at
            while self._text.startswith(" ", end):
                end += 1
            if self._text.startswith("#", end):
                newline = self._text.find("\n", end)
                end = len(self._text) if newline < 0 else newline
            if not self._text.startswith("\n", end):
                break
            at = end + 1
        if end < len(self._text):
            width = end - at
            while self._indents[-1] > width:
                self._indents.pop()
            if width > self._indents[-1]:
                self._indents.append(width)
            if len(self._indents) > INDENTS_MOST:
                raise Unreadable(
                    end, f"more than {INDENTS_MOST} blocks inside each other", "move the inner ones into a function"
                )
        return end

    def _mark(self, token: re.Match[str]) -> None:
        character = token.group()
        if character in "([{":
            self._brackets += 1
            if self._brackets > BRACKETS_MOST:
                raise Unreadable(
                    token.start(),
                    f"more than {BRACKETS_MOST} brackets inside each other",
                    "keep inner parts in local variables",
                )
        elif character in ")]}":
            self._brackets = max(0, self._brackets - 1)
        elif not character.isascii():
            raise Unreadable(
                token.start(),
                f"the character {character!r} (U+{ord(character):04X}) outside of strings and comments is not allowed",
                "names have the letters a to z, A to Z, digits and _",
            )

    def _string(self, token: re.Match[str]) -> int:
        """Behind a string's end."""
        prefix, quote = token["prefix"].lower(), token["quote"]
        if prefix not in _PREFIXES:
            if set(prefix) & set("ft"):
                raise Unreadable(
                    token.start(), "an f-string is not allowed", 'put it together with +: "to " + str(number)'
                )
            raise Unreadable(token.start(), f"the string prefix {token['prefix']} is not allowed", 'write "…" or b"…"')
        rest = _REST[quote].match(self._text, token.end())
        if rest is None:
            raise Unreadable(token.start(), "the string does not end", f"close it with {quote}")
        if "r" not in prefix:
            _escapes(rest, is_bytes="b" in prefix)
        return rest.end()


def _escapes(content: re.Match[str], is_bytes: bool) -> None:
    for escape in _ESCAPE.finditer(content.group()):
        if escape["both"] is None and (is_bytes or escape["text"] is None):
            shown = escape.group()[:2]
            advice = (
                r"write the character itself, or \u and its number" if shown == r"\N" else r"write \\ for a backslash"
            )
            raise Unreadable(content.start() + escape.start(), f"the escape {shown} is not allowed", advice)


def _number(token: re.Match[str]) -> None:
    text = token.group()
    if _INTEGER.fullmatch(text):
        if len(text) > NUMBER_CHARACTERS_MOST:
            raise Unreadable(token.start(), "an integer over 64 bits", "integers go from -2**63 to 2**63 - 1")
        return
    if re.fullmatch(r"0[0-9_]+", text):
        raise Unreadable(
            token.start(), "an integer that begins with 0 is not allowed", "write it without leading zeros"
        )
    if _FLOAT.fullmatch(text):
        if len(text) > NUMBER_CHARACTERS_MOST:
            raise Unreadable(token.start(), "a float of too many digits", "17 digits tell all floats apart")
        return
    if _OTHER.fullmatch(text) and re.search(r"[.eEjJ]", text):
        raise Unreadable(
            token.start(),
            f"the number {text[:20]} is not allowed",
            "write digits on both sides of the point: 0.5, 1.0, 2.5e-3",
        )
    raise Unreadable(token.start(), f"{text[:20]} is no number", "put a space behind the number")
