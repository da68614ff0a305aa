"""Random contracts: typed sources with maps, branches, loops, helpers and payments, and worlds that fit their types."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import strategies as st

from accountant.chain.transaction import Argument
from accountant.language.compiler import Compiled, compile_source
from accountant.language.errors import ContractError
from accountant.language.slots import raw_bytes
from accountant.language.types import ARGUMENTS, Type
from accountant.primitives.cid import cid_of, show_cid
from accountant.primitives.types import Amount, Cid, ContractId, Seq
from tests.support.wat import FRIEND, MAIN, SENDER, DictWorld, contract

NAMES = "Account, Address, Cid, Contract, Event, Hash, Interface, Map, bound, bounds, caller, calls, credits, debits"
MORE_NAMES = "direct, elsewhere, export, log, nested, now, pay, payable, previous_hash, reads, self_id, sender, sha256"
LAST_NAMES = "touches, value, writes"
STORAGE = {
    "count": ((), "int"),
    "owner": ((), "Account"),
    "note": ((), "bytes"),
    "balances": (("Account",), "int"),
    "allowed": (("Account", "Account"), "bool"),
    "numbered": (("int", "bool"), "Account"),
    "named": (("str",), "Account"),
    "blobs": (("bytes", "Hash"), "Hash"),
    "homes": (("Address",), "int"),
    "peers": (("Contract", "int", "str"), "int"),
    "files": (("Cid",), "str"),
}
TYPES = ("int", "bool", "bytes", "str", "Account", "Address", "Contract", "Hash", "Cid")
STATED_UNITS = 10**15
"""The cap that functions state whose payments do not follow from the arguments."""
Files = Mapping[Cid, bytes]
NO_FILES: Files = {}
ACCOUNTS = (SENDER, FRIEND, MAIN, contract(3))
_LITERALS = {
    "int": ("0", "1", "-1", "7", "255"),
    "bool": ("value() == 0", "now() < 0", "caller() == owner"),
    "bytes": ('b""', 'b"ab"', 'b"key:"'),
    "str": ('""', '"x"', '"ü"'),
}
_RARE = ("evaluate", "clear", "assert")
_SUBTYPES = {"Account": ("Address", "Contract"), "bytes": ("Account", "Address", "Contract", "Hash", "Cid")}


@dataclass(frozen=True)
class RandomFunction:
    """A function as its source has it."""

    name: str
    parameters: tuple[str, ...]
    returns: str
    body: str
    decorators: tuple[str, ...] = ()

    def __str__(self) -> str:
        given = ", ".join(f"p{at}: {kind}" for at, kind in enumerate(self.parameters))
        lines = [*self.decorators, f"def {self.name}({given}) -> {self.returns}:", self.body]
        return "\n".join(lines)


@dataclass(frozen=True)
class RandomContract:
    """Helpers first, each calling earlier ones alone; then exported functions."""

    functions: tuple[RandomFunction, ...]

    @property
    def exported(self) -> list[RandomFunction]:
        return [function for function in self.functions if function.decorators]

    def source(self, touches: dict[str, str]) -> str:
        """With these statements above functions."""
        imported = f"from accountant.language import (\n    {NAMES},\n    {MORE_NAMES},\n    {LAST_NAMES},\n)"
        stored = "\n".join(f"{name}: {_storage_type(*kind)}" for name, kind in STORAGE.items())
        parts = [imported, stored]
        for function in self.functions:
            stated = f"@touches({touches[function.name]})\n" if function.name in touches else ""
            parts.append(stated + str(function))
        return "\n\n\n".join(parts) + "\n"

    def compiled(self) -> tuple[str, Compiled]:
        """Source and artefacts, with whatever the compiler asks for stated as it says."""
        touches: dict[str, str] = {}
        while True:
            source = self.source(touches)
            try:
                return source, compile_source(source.encode(), "random.py")
            except ContractError as error:
                asked = re.fullmatch(r"write @touches\((.*)\) above (\w+)", error.instead)
                if asked is None or asked[2] in touches:
                    raise AssertionError(f"{error.detail}\n{source}") from error
                touches[asked[2]] = (
                    asked[1].replace("most=…", "most=500").replace("debits(…)", f"debits({STATED_UNITS})")
                )


def _storage_type(keys: tuple[str, ...], value: str) -> str:
    for key in reversed(keys):
        value = f"Map[{key}, {value}]"
    return value


class _Writer:
    """Writes the body of one function."""

    def __init__(
        self, draw: st.DrawFn, parameters: tuple[str, ...], returns: str, helpers: list[RandomFunction]
    ) -> None:
        self.draw = draw
        self.returns = returns
        self.helpers = helpers
        self.locals: dict[str, str] = {f"p{at}": kind for at, kind in enumerate(parameters)}
        self.loops = 0
        self.calls = 0

    def one(self, *choices: str) -> str:
        return self.draw(st.sampled_from(choices))

    def chance(self, percent: int) -> bool:
        return self.draw(st.integers(0, 99)) < percent

    def expression(self, kind: str, depth: int) -> str:
        named = [name for name, of in self.locals.items() if of == kind or of in _SUBTYPES.get(kind, ())]
        if named and (depth <= 0 or self.chance(45)):
            return self.one(*named)
        if depth > 0 and self.chance(12):
            then, otherwise = self.expression(kind, depth - 1), self.expression(kind, depth - 1)
            return f"({then} if {self.expression('bool', depth - 1)} else {otherwise})"
        helpers = [helper for helper in self.helpers if helper.returns == kind]
        if helpers and depth > 0 and self.calls < 4 and self.chance(35):
            return self.call(helpers[self.draw(st.integers(0, len(helpers) - 1))], depth)
        loads = [name for name, (_, of) in STORAGE.items() if of == kind]
        if loads and depth > 0 and self.chance(35):
            return self.slot(self.one(*loads), depth)
        return self.basic(kind, depth)

    def basic(self, kind: str, depth: int) -> str:
        below = depth - 1
        if depth > 0 and kind in ("Account", "Address", "Contract", "Hash") and self.chance(15):
            # bytes that may be of a wrong length: where that is evaluated, the run fails
            given = [name for name, of in self.locals.items() if of in ("bytes", "Account", "Hash")]
            return f"{kind}({self.one('note', 'previous_hash()', *given)})"
        if depth > 0:
            match kind:
                case "int":
                    left, right = self.expression("int", below), self.expression("int", below)
                    operator = self.one(*"+-*")
                    return self.one(
                        f"({left} {operator} {right})", f"min({left}, {right})", "value()", "now()", "value() // 3",
                        f"len({self.expression('bytes', below)})", f"int({self.expression('bool', below)})",
                        *([] if self.loops else [f"bound({self.expression('Account', below)}, b'')"]),
                    )  # fmt: skip
                case "bool":
                    left, right = self.expression("bool", below), self.expression("bool", below)
                    text = self.expression("str", below)
                    return self.one(
                        f"({left} and {right})", f"({left} or {right})", f"(not {left})",
                        f"({self.expression('int', below)} < {self.expression('int', below)})",
                        f"({self.expression('Account', below)} == owner)",
                        f"({text} != note.hex())", f"({text} in named)",
                    )  # fmt: skip
                case "bytes":
                    left, right = self.expression("bytes", below), self.expression("bytes", below)
                    return self.one(
                        f"({left} + {right})", f"{left}[1:]", f"{self.expression('str', below)}.encode()",
                        f'({self.expression("int", below)}).to_bytes(8, "big", signed=True)',
                    )  # fmt: skip
                case "str":
                    left, right = self.expression("str", below), self.expression("str", below)
                    return self.one(f"({left} + {right})", f"str({self.expression('int', below)})")
                case "Hash":
                    return f"sha256({self.expression('bytes', below)})"
        match kind:
            case "Account":
                return self.one("caller()", "sender()", "self_id()")
            case "Address":
                return self.one("sender()", f'Address("0x{FRIEND.hex()}")')
            case "Contract":
                return self.one("self_id()", f'Contract("0x{contract(3).hex()}")')
            case "Hash":
                return self.one("previous_hash()", 'sha256(b"seed")')
            case "Cid":
                return f'Cid("{show_cid(cid_of(b"file"))}")'
        return self.one(*_LITERALS[kind])

    def call(self, helper: RandomFunction, depth: int) -> str:
        self.calls += 1
        constants = {**_LITERALS, "bool": ("True", "False")}
        given = ", ".join(
            self.one(*constants[kind])
            if kind in constants and self.chance(25)
            else self.expression(kind, min(depth - 1, 1))
            for kind in helper.parameters
        )
        return f"{helper.name}({given})"

    def slot(self, name: str, depth: int) -> str:
        keys, _ = STORAGE[name]
        return name + "".join(f"[{self.expression(key, min(depth - 1, 2))}]" for key in keys)

    def block(self, depth: int, indent: str, at_least: int = 1) -> list[str]:
        lines: list[str] = []
        for _ in range(self.draw(st.integers(at_least, 3))):
            lines += self.statement(depth, indent)
        return lines

    def statement(self, depth: int, indent: str) -> list[str]:
        kinds = [*("assign", "assign", "read", "read", "store", "store", "augment", "pay", "pay"), *_RARE]
        if depth > 0:
            kinds += ["if", "if", "while", "for"]
        kind = self.one(*kinds)
        if kind == "store":
            stored = self.one(*STORAGE)
            return [f"{indent}{self.slot(stored, 2)} = {self.expression(STORAGE[stored][1], 2)}"]
        if kind == "read":
            return [f"{indent}l0 = {self.slot(self.one('balances', 'homes', 'peers'), 1)}"]
        if kind == "augment":
            number = self.one("count", "balances", "homes", "peers")
            return [f"{indent}{self.slot(number, 2)} += {self.expression('int', 1)}"]
        if kind == "clear":
            name = self.one(*(name for name, (keys, _) in STORAGE.items() if keys))
            return [f"{indent}del {self.slot(name, 2)}"]
        if kind == "assign":
            return self.assignment(indent)
        if kind == "pay":
            numbers = [name for name, of in self.locals.items() if of == "int"]
            units = self.one(self.expression("int", 1), "value()", "1", "3", *numbers)
            return [f"{indent}pay({self.expression('Account', 1)}, {units})"]
        if kind == "assert":
            return [f'{indent}assert {self.expression("bool", 2)}, "no"']
        if kind == "if":
            return self.branch(depth, indent)
        if kind in ("while", "for"):
            return self.loop(kind, depth, indent)
        helpers = [helper for helper in self.helpers if helper.returns == "None"]
        if helpers:
            return [indent + self.call(helpers[self.draw(st.integers(0, len(helpers) - 1))], 2)]
        return [f"{indent}l0 = {self.expression('int', 2)}"]

    def assignment(self, indent: str) -> list[str]:
        """Of something else, so that what was known of the local changes."""
        name = self.one(*(name for name in self.locals if not name.startswith("i")))
        kind = self.locals.pop(name)
        value = self.expression(kind, 1)
        self.locals[name] = kind
        return [f"{indent}{name} = {value}"]

    def branch(self, depth: int, indent: str) -> list[str]:
        lines = [f"{indent}if {self.expression('bool', 2)}:", *self.block(depth - 1, indent + "    ")]
        if self.chance(25):
            lines.append(f"{indent}    {self.ending()}")
        if self.chance(50):
            lines += [f"{indent}else:", *self.block(depth - 1, indent + "    ")]
        return lines

    def carried(self, inside: str) -> list[str]:
        """A key that changes from turn to turn."""
        names = [name for name, of in self.locals.items() if of == "Account"]
        if not names or self.chance(50):
            return []
        name = self.one(*names)
        return [f"{inside}l0 = balances[{name}]", f"{inside}{name} = {self.basic('Account', 0)}"]

    def guarded(self, indent: str) -> list[str]:
        """A conversion that only some calls make."""
        names = [name for name, of in self.locals.items() if of == "bytes"]
        if not names or self.chance(80):
            return []
        name = self.one(*names)
        return [f"{indent}if len({name}) == 20:", f"{indent}    pay(Account({name}), 1)"]

    def ending(self) -> str:
        if self.loops and self.chance(60):
            return self.one("break", "continue")
        return "return" if self.returns == "None" else f"return {self.expression(self.returns, 1)}"

    def loop(self, kind: str, depth: int, indent: str) -> list[str]:
        self.loops += 1
        index = f"i{self.loops}{depth}"
        inside = indent + "    "
        if kind == "for":
            lines = [f"{indent}for {index} in range({self.expression('int', 1)} % 4):"]
            known = index in self.locals
            self.locals[index] = "int"
            lines += self.block(depth - 1, inside) + self.carried(inside)
            if not known:
                del self.locals[index]
        else:
            lines = [f"{indent}turns = 0", f"{indent}while turns < 3 and {self.expression('bool', 1)}:"]
            lines += [f"{inside}turns += 1", *self.block(0, inside), *self.carried(inside)]
        self.loops -= 1
        return lines

    def body(self) -> str:
        """A few locals, then statements."""
        lines = []
        for at, kind in enumerate(self.draw(st.permutations(TYPES))[:4]):
            value = self.expression(kind, 1)
            self.locals[f"l{at + 1}"] = kind
            lines.append(f"    l{at + 1}: {kind} = {value}")
        self.locals["l0"] = "int"
        lines.insert(0, "    l0 = 0")
        lines += self.guarded("    ") + self.block(2, "    ", at_least=2)
        if self.returns != "None":
            lines.append(f"    return {self.expression(self.returns, 2)}")
        scalars = [name for name, (keys, _) in STORAGE.items() if not keys]
        changed = [
            name for name in scalars if any(line.lstrip().startswith((f"{name} =", f"{name} +=")) for line in lines)
        ]
        if changed:
            lines.insert(0, f"    global {', '.join(changed)}")
        return "\n".join(lines)


@st.composite
def contracts(draw: st.DrawFn, nested: bool = False) -> RandomContract:
    """`nested`: other contracts may call the exported functions."""
    functions: list[RandomFunction] = []
    for number in range(draw(st.integers(0, 2))):
        functions.append(_function(draw, f"helper{number}", functions, ()))
    decorators = ("@export", "@payable", f"@nested(2, debits={10**12})" if nested else "@direct")
    helpers = list(functions)
    for number in range(draw(st.integers(1, 2))):
        functions.append(_function(draw, f"exported{number}", helpers, decorators))
    return RandomContract(tuple(functions))


def _function(draw: st.DrawFn, name: str, helpers: list[RandomFunction], decorators: tuple[str, ...]) -> RandomFunction:
    parameters = tuple(draw(st.lists(st.sampled_from(TYPES), max_size=4)))
    returns = "int" if decorators else draw(st.sampled_from(("None", *TYPES)))
    writer = _Writer(draw, parameters, returns, helpers)
    return RandomFunction(name, parameters, returns, writer.body(), decorators)


def arguments_of(kinds: tuple[Type, ...], seed: int, files: Files = NO_FILES) -> tuple[Argument, ...]:
    """Arguments of these types; often equal to each other, to accounts that the world knows, or of odd lengths."""
    return tuple(_value(kind, random.Random(f"{seed}/{at}"), files) for at, kind in enumerate(kinds))


class RandomWorld(DictWorld):
    """Slots hold something of their variable's type, or nothing; money may be there or not.

    `files` are published; what a slot names, its contract saved.
    """

    def __init__(self, seed: int, storage: dict[str, Type], rich: bool = True, files: Files = NO_FILES) -> None:
        super().__init__()
        self._seed, self._storage, self._rich, self._files = seed, storage, rich, files

    def slot(self, contract: ContractId, slot: bytes) -> bytes:
        known = super().slot(contract, slot)
        name = slot.partition(b":")[0].decode()
        chance = random.Random(f"{self._seed}/{contract.hex()}/{slot.hex()}")
        if known or name not in self._storage or chance.random() < 0.3:
            return known
        return raw_bytes(_value(self._storage[name], chance, self._files))

    def source(self, contract: ContractId, slot: bytes) -> Seq | None:
        return Seq(1) if self._files else super().source(contract, slot)

    def published(self, cid: Cid) -> bool:
        return super().published(cid) or cid in self._files

    def blob(self, cid: Cid, source: Seq | None) -> bytes:
        """Of what is no file here, bytes that are none of tensors."""
        return self._files.get(cid, b"no file")

    def covers(self, contract: ContractId, amount: Amount) -> bool:
        return self._rich

    def lower_bound(self, account: object, theta: object) -> Amount:
        return Amount(random.Random(f"{self._seed}/{account!r}").choice((0, 1, 50)))


def _value(kind: Type, chance: random.Random, files: Files = NO_FILES) -> Argument:
    match kind:
        case Type.INT:
            return chance.choice((0, 1, 2, 3, 5, -1, 1_000, 2**40, -(2**63), 2**63 - 1))
        case Type.BOOL:
            return chance.choice((0, 1))
        case Type.ADDRESS:
            return chance.choice((SENDER, FRIEND))
        case Type.CONTRACT:
            return chance.choice((MAIN, contract(3)))
        case Type.ACCOUNT:
            return chance.choice(ACCOUNTS)
        case Type.HASH:
            return chance.choice((bytes(32), MAIN, b"\x07" * 32))
        case Type.CID:
            return bytes(chance.choice([*files, *files, cid_of(b"one"), cid_of(b"two")]))
        case Type.STR:
            return chance.choice(("", "x", "ü", "a longer name", "key:")).encode()
    return chance.choice((b"", b"ab", SENDER, MAIN, cid_of(b"one"), b"key:" * 9))


assert set(TYPES) == {kind.value for kind in ARGUMENTS}, "every type of arguments is drawn"
