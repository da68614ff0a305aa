"""Random contracts in contract Python: well typed, ending soon, using most of the language."""

import random
from collections.abc import Callable

HEAD = """
class Note(Event):
    \"\"\"Something happened.\"\"\"
    where: int
    text: str
    data: bytes
    flag: bool

LIMIT = 1000
NAME = "näme"

total: int
counts: Map[int, int]
names: Map[str, Map[bytes, str]]
flags: Map[bool, bool]
blobs: Map[Account, bytes]
"""

_Maker = Callable[[int], str]


class Program:
    """One random program: functions f0, f1, …, each calling earlier ones; all but some of them exported."""

    def __init__(self, seed: int, functions: int = 3) -> None:
        self.random = random.Random(seed)
        self.functions: list[tuple[str, list[str], str]] = []
        self.scope: dict[str, str] = {}
        self.calls_left = 0
        self.loops = 0
        self.names = 0
        parts = [HEAD]
        for index in range(functions):
            parts.append(self._function(index, last=index == functions - 1))
        self.source = "\n".join(parts)

    def arguments(self) -> list[object]:
        """Arguments for the last function."""
        return [self._value(kind) for kind in self.functions[-1][1]]

    def _value(self, kind: str) -> object:
        pick = self.random.choice
        return {
            "int": pick([0, 1, -1, 2, 5, 63, 64, 2**62, 2**63 - 1, -(2**63), self.random.randrange(-(2**63), 2**63)]),
            "bool": pick([True, False]),
            "bytes": pick([b"", b"\x00", b"abc", bytes(range(20)), b"\xff" * 9]),
            "str": pick(["", "a", "é€😀", "12", "-7", "text"]),
        }[kind]

    def _function(self, index: int, last: bool) -> str:
        kinds = ["int", "bool", "bytes", "str"]
        parameters = [self.random.choice(kinds) for _ in range(self.random.randrange(1, 4))]
        returns = self.random.choice(kinds)
        self.scope = {f"p{at}": kind for at, kind in enumerate(parameters)}
        self.calls_left, self.names = 2, 0
        hints = ", ".join(f"p{at}: {kind}" for at, kind in enumerate(parameters))
        lines = [] if not last and self.random.random() < 0.5 else ["@export"]
        lines += [f"def f{index}({hints}) -> {returns}:", "    global total"]
        for kind in kinds:
            lines.append(f"    v_{kind}: {kind} = {self._of(kind, 1)}")
        self.scope |= {f"v_{kind}": kind for kind in kinds}
        lines += self._block(1, 2, self.random.randrange(2, 7))
        lines.append(f"    return {self._of(returns, 2)}")
        self.functions.append((f"f{index}", parameters, returns))
        return "\n".join(lines) + "\n"

    def _block(self, indent: int, depth: int, count: int) -> list[str]:
        lines = [line for _ in range(count) for line in self._statement(indent, depth)]
        return lines or ["    " * indent + "pass"]

    def _statement(self, indent: int, depth: int) -> list[str]:
        pad = "    " * indent
        simple: list[Callable[[], str]] = [
            lambda: self._assignment(),
            lambda: self._assignment(),
            lambda: (
                f"v_int {self.random.choice(['+=', '-=', '*=', '//=', '%=', '&=', '|=', '^=', '>>='])} {self._int(1)}"
            ),
            lambda: f"counts[{self._small()}] {self.random.choice(['=', '+=', '-='])} {self._int(2)}",
            lambda: f"names[{self._str(1)}][{self._bytes(1)}] = {self._str(1)}",
            lambda: f"flags[{self._bool(1)}] = {self._bool(1)}",
            lambda: f"blobs[caller()] = {self._bytes(1)}",
            lambda: f"total {self.random.choice(['=', '+=', '^='])} {self._int(1)}",
            lambda: f"del counts[{self._small()}]",
            lambda: f"log(Note({self._int(1)}, {self._str(1)}, {self._bytes(1)}, {self._bool(1)}))",
            lambda: f"assert {self._bool(2)} or v_int < LIMIT, {self._str(1)}",
        ]
        if self.loops:
            simple += [lambda: f"if {self._bool(1)}:\n{pad}    {self.random.choice(['break', 'continue'])}"]
        if depth and self.random.random() < 0.4:
            return self._compound(indent, depth)
        return [pad + self.random.choice(simple)()]

    def _compound(self, indent: int, depth: int) -> list[str]:
        pad = "    " * indent
        kind = self.random.choice(["if", "for", "while"])
        if kind == "if":
            lines = [f"{pad}if {self._bool(2)}:", *self._block(indent + 1, depth - 1, 2)]
            if self.random.random() < 0.4:
                lines += [f"{pad}elif {self._bool(2)}:", *self._block(indent + 1, depth - 1, 1)]
            if self.random.random() < 0.6:
                lines += [f"{pad}else:", *self._block(indent + 1, depth - 1, 2)]
            return lines
        name = f"i{self.names}"
        self.names += 1
        self.loops += 1
        before = dict(self.scope)
        if kind == "for":
            step = self.random.choice(["", "", ", 2", ", -1", f", {self._leaf('int')} % 4"])
            start = self._small()
            head = [f"{pad}for {name} in range({start}, {start} + {self._small()}{step}):"]
            self.scope[name] = "int"
            body = self._block(indent + 1, depth - 1, 2)
        else:
            head = [f"{pad}{name} = {self.random.randrange(4)}", f"{pad}while {name} > 0 and {self._bool(1)}:"]
            self.scope[name] = "int"
            body = [f"{pad}    {name} -= 1", *self._block(indent + 1, depth - 1, 2)]
        self.scope = before
        self.loops -= 1
        return head + body

    def _assignment(self) -> str:
        kind = self.random.choice(["int", "int", "bool", "bytes", "str"])
        return f"v_{kind} = {self._of(kind, 3)}"

    def _of(self, kind: str, depth: int) -> str:
        return {"int": self._int, "bool": self._bool, "bytes": self._bytes, "str": self._str}[kind](depth)

    def _leaf(self, kind: str) -> str:
        known = [name for name, of in self.scope.items() if of == kind]
        if known and self.random.random() < 0.7:
            return self.random.choice(known)
        value = self._value(kind)
        return f"({value})" if isinstance(value, int) and not isinstance(value, bool) and value < 0 else repr(value)

    def _small(self) -> str:
        return self.random.choice(["0", "1", "2", "3", f"{self._int(1)} % 4"])

    def _int(self, depth: int) -> str:
        if depth <= 0:
            return self._leaf("int")
        a: _Maker = lambda less: self._int(depth - less)  # noqa: E731
        operator = self.random.choice(["+", "-", "*", "//", "%", "&", "|", "^"])
        makers: list[Callable[[], str]] = [
            lambda: self._leaf("int"),
            lambda: f"({a(1)} {operator} {a(1)})",
            lambda: f"({a(1)} {operator} {a(1)})",
            lambda: f"({a(1)} % 100 {operator} {a(1)} % 9)",
            lambda: f"(-{a(1)})",
            lambda: f"(~{a(1)})",
            lambda: f"(({a(1)} % 5) ** ({a(1)} % 4))",
            lambda: f"({a(1)} >> ({a(1)} % 70))",
            lambda: f"(({a(1)} % 9) << ({a(1)} % 8))",
            lambda: f"abs({a(1)})",
            lambda: f"{self.random.choice(['min', 'max'])}({a(1)}, {a(1)}, {self._small()})",
            lambda: f"len({self._bytes(depth - 1)})",
            lambda: f"len({self._str(depth - 1)})",
            lambda: f"int({self._bool(depth - 1)})",
            lambda: f"int(str({a(1)}))",
            lambda: f"({a(1)} if {self._bool(depth - 1)} else {a(1)})",
            lambda: f"counts[{self._small()}]",
            lambda: f"({self._bytes(depth - 1)} + b'xyz')[{self._small()}]",
            lambda: f"int.from_bytes({self._bytes(depth - 1)}[:8], 'big', signed=True)",
            lambda: "total",
            lambda: self._call("int"),
        ]
        return self.random.choice(makers)()

    def _bool(self, depth: int) -> str:
        if depth <= 0:
            return self._leaf("bool")
        kind = self.random.choice(["int", "int", "bytes", "str"])
        compare = self.random.choice(["==", "!=", "<", "<=", ">", ">="])
        makers: list[Callable[[], str]] = [
            lambda: self._leaf("bool"),
            lambda: f"({self._of(kind, depth - 1)} {compare} {self._of(kind, depth - 1)})",
            lambda: f"({self._of(kind, depth - 1)} {compare} {self._of(kind, depth - 1)})",
            lambda: f"({self._int(depth - 1)} {compare} {self._int(depth - 1)} <= {self._int(depth - 1)})",
            lambda: f"({self._bool(depth - 1)} and {self._bool(depth - 1)})",
            lambda: f"({self._bool(depth - 1)} or {self._bool(depth - 1)})",
            lambda: f"(not {self._bool(depth - 1)})",
            lambda: f"({self._bool(depth - 1)} {self.random.choice(['==', '!=', '&', '|'])} {self._bool(depth - 1)})",
            lambda: f"bool({self._int(depth - 1)})",
            lambda: f"({self._small()} in counts)",
            lambda: f"({self._leaf('bytes')} not in names[{self._str(depth - 1)}])",
            lambda: f"flags[{self._bool(depth - 1)}]",
            lambda: self._call("bool"),
        ]
        return self.random.choice(makers)()

    def _bytes(self, depth: int) -> str:
        if depth <= 0:
            return self._leaf("bytes")
        makers: list[Callable[[], str]] = [
            lambda: self._leaf("bytes"),
            lambda: f"({self._bytes(depth - 1)} + {self._bytes(depth - 1)})[:64]",
            lambda: f"{self._bytes(depth - 1)}[{self._int(depth - 1)}:{self._int(depth - 1)}]",
            lambda: f"{self._str(depth - 1)}.encode()",
            lambda: f"({self._int(depth - 1)} % 250).to_bytes({self.random.randrange(2, 9)}, 'big')",
            lambda: f"({self._int(depth - 1)}).to_bytes(8, 'big', signed=True)",
            lambda: f"sha256({self._bytes(depth - 1)})",
            lambda: f"({self._bytes(depth - 1)} if {self._bool(depth - 1)} else {self._bytes(depth - 1)})",
            lambda: "blobs[caller()]",
            lambda: "caller()",
            lambda: self._call("bytes"),
        ]
        return self.random.choice(makers)()

    def _str(self, depth: int) -> str:
        if depth <= 0:
            return self._leaf("str")
        makers: list[Callable[[], str]] = [
            lambda: self._leaf("str"),
            lambda: f"({self._str(depth - 1)} + {self._str(depth - 1)})[:40]",
            lambda: f"{self._str(depth - 1)}[:{self._int(depth - 1)}]",
            lambda: f"({self._str(depth - 1)} + NAME)[{self._small()}]",
            lambda: f"str({self._int(depth - 1)})",
            lambda: f"{self._bytes(depth - 1)}.hex()",
            lambda: f"names[{self._str(depth - 1)}][{self._bytes(depth - 1)}]",
            lambda: f"({self._str(depth - 1)} if {self._bool(depth - 1)} else {self._str(depth - 1)})",
            lambda: self._call("str"),
        ]
        return self.random.choice(makers)()

    def _call(self, kind: str) -> str:
        known = [one for one in self.functions if one[2] == kind]
        if not known or not self.calls_left or self.loops > 1:
            return self._leaf(kind)
        self.calls_left -= 1
        name, parameters, _ = self.random.choice(known)
        return f"{name}({', '.join(self._of(parameter, 1) for parameter in parameters)})"
