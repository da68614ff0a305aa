import subprocess
import sys
from pathlib import Path

import pytest

from accountant import library
from accountant.language.checking.checker import check
from accountant.language.errors import Place
from accountant.language.tree import (
    Assert,
    Assign,
    Bind,
    Both,
    CallerRule,
    Compare,
    Comparison,
    Compute,
    Constant,
    Contract,
    Evaluate,
    Export,
    Field,
    For,
    Function,
    If,
    Load,
    Local,
    Log,
    Operate,
    Operation,
    Return,
    Statement,
    Store,
    Touch,
    TouchKind,
    While,
)
from accountant.language.types import StorageType, Type
from accountant.primitives.hashes import keccak256, sha256
from tests.support.accepted import FUNCTIONS

ACCEPTED = check(FUNCTIONS.encode(), "accepted.py")
CONSTANTS = """
from accountant.language import Address, Hash, keccak256, sha256
YEAR = 365 * 24 * 60 * 60
MOST = 2**63 - 1
LEAST = -(2**63)
MIXED = 1 << 5 | 6 & 3 ^ ~0 >> 1
DIVIDED = -7 // 2 * 10 + -7 % 3
TEXT = str(-YEAR) + b"ab".hex() + "é"[0:1] + "abc"[-1]
BYTES = (300).to_bytes(2, "big") + b"abc"[1:] + sha256(b"")[:2]
BACK = int.from_bytes(b"\\xff\\xfe", "big", signed=True) + int("-0012") + len("éé") + b"a"[0]
FLAG = not (1 < 2 <= 3) or "a" < "b" and b"a" != b"b"
CHOICE = "yes" if FLAG else "no"
KECCAK = keccak256(b"x")
OWNER = Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
"""


def body(source: str) -> tuple[Statement, ...]:
    """The statements of a function `f` of this module."""
    return check(source.encode(), "contract.py").function("f").body


def function(name: str) -> Function:
    return ACCEPTED.function(name)


def exported(name: str) -> Export:
    export = function(name).export
    assert export is not None
    return export


@pytest.mark.parametrize("path", sorted(Path(next(iter(library.__path__))).glob("*.py")), ids=lambda path: path.stem)
def test_the_library_is_contract_python(path: Path) -> None:
    """Every contract that is shipped with the chain passes the checker."""
    checked = check(path.read_bytes(), path.name)
    assert checked.source == path.read_bytes()
    assert checked.documentation


def test_what_is_accepted_passes_mypy(tmp_path: Path) -> None:
    """A contract with every construct is typed for mypy's strictest mode too."""
    (tmp_path / "contract.py").write_text(FUNCTIONS)
    arguments = ["--strict", "--cache-dir", str(tmp_path / "cache"), str(tmp_path / "contract.py")]
    ran = subprocess.run([sys.executable, "-m", "mypy", *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


def test_a_contract_is_the_same_with_the_line_ends_of_other_systems() -> None:
    """CRLF changes the recorded source and nothing else."""
    other = check(FUNCTIONS.replace("\n", "\r\n").encode(), "accepted.py")
    assert other == Contract(**{**ACCEPTED.__dict__, "source": other.source})


def test_declarations_keep_their_order_and_types() -> None:
    """Variables, events and interfaces come out as they are declared."""
    variables = {variable.name: variable.type for variable in ACCEPTED.variables}
    assert variables["balances"] == StorageType((Type.ACCOUNT,), Type.INT)
    assert variables["named"] == StorageType((Type.STR, Type.BYTES, Type.INT, Type.BOOL), Type.HASH)
    assert variables["networks"] == StorageType((Type.INT,), Type.CID)
    assert variables["supply"] == StorageType((), Type.INT)
    assert [event.name for event in ACCEPTED.events] == ["Empty", "Kinds"]
    assert ACCEPTED.events[1].fields[2:4] == (Field("c", Type.BYTES), Field("d", Type.STR))
    (other,) = ACCEPTED.interfaces
    assert [(method.name, method.parameters, method.returns) for method in other.methods] == [
        ("nothing", (), Type.NONE),
        ("add", (Field("one", Type.INT), Field("two", Type.BYTES)), Type.INT),
    ]


def test_decorators_say_what_they_say() -> None:
    """Each decorator ends up in `Export`; undecorated functions have none."""
    assert exported("init").payable
    assert (exported("init").gas_least, exported("init").gas_most) == (1, 10**9)
    stated = exported("stated")
    assert (stated.nested_times, stated.nested_debits) == (3, 100)
    assert [(touch.kind, touch.most) for touch in stated.touches] == [
        (TouchKind.READS, 2),
        (TouchKind.WRITES, 2),
        (TouchKind.DEBITS, "units"),
        (TouchKind.CREDITS, 1),
        (TouchKind.CALLS, 1),
        (TouchKind.BOUNDS, 1),
        (TouchKind.QUERIES, 1),
    ]
    assert isinstance(stated.touches[0], Touch)
    assert stated.touches[0].variable == ACCEPTED.variables[10]
    limited = exported("limited")
    assert limited.callers is CallerRule.DEPLOYER
    assert (limited.zero_cost, limited.payable, limited.direct, limited.nested_times) == (True, True, True, 0)
    assert exported("listed").callers is CallerRule.LISTED
    assert [len(caller) for caller in exported("listed").listed] == [20, 32]
    assert exported("known").view
    assert function("two").export is None


def test_constants_are_computed_as_python_does() -> None:
    """Constant expressions have the values that CPython gives them; only their result must fit 64 bits."""
    names = [line.split(" = ")[0] for line in CONSTANTS.splitlines() if " = " in line]
    wanted: dict[str, object] = {}
    exec(CONSTANTS, wanted)
    for name in names:
        kind = {int: "int", bool: "bool", str: "str"}.get(type(wanted[name]), "bytes")
        (returned,) = body(f"{CONSTANTS}\ndef f() -> {kind}:\n    return {name}\n")
        assert isinstance(returned, Return)
        assert isinstance(returned.value, Constant)
        assert returned.value.value == wanted[name]
    assert (wanted["KECCAK"], sha256(b"")) == (keccak256(b"x"), sha256(b""))


def test_statements_in_the_tree() -> None:
    """Augmented assignments, loops and conditions are written out in simple terms."""
    statements = body("def f(n: int) -> int:\n    x = 1\n    x += n\n    while n > x:\n        x = n\n    return x\n")
    assert [type(statement) for statement in statements] == [Assign, Assign, While, Return]
    added = statements[1]
    assert isinstance(added, Assign)
    assert isinstance(added.value, Operate)
    assert added.value.operation is Operation.ADD
    assert added.value.operands == (Local(Place(3, 5), Type.INT, 1), Local(Place(3, 10), Type.INT, 0))


def test_elif_is_an_if_inside_else() -> None:
    """Every branch keeps its place."""
    (statement,) = body("def f(n: int) -> None:\n    if n == 1:\n        pass\n    elif n == 2:\n        return\n")
    assert isinstance(statement, If)
    (inner,) = statement.otherwise
    assert isinstance(inner, If)
    assert (inner.at, inner.otherwise) == (Place(4, 5), ())


def test_ranges_are_complete() -> None:
    """A missing start is 0 and a missing step 1."""
    (loop,) = body("def f(n: int) -> None:\n    for i in range(n):\n        pass\n")
    assert isinstance(loop, For)
    assert [bound.value if isinstance(bound, Constant) else None for bound in (loop.start, loop.stop, loop.step)] == [
        0,
        None,
        1,
    ]


def test_a_computed_operand_in_the_middle_of_a_chain_is_evaluated_once() -> None:
    """The chain is taken apart, and a local of the compiler's own keeps the value."""
    source = "def f(n: int) -> bool:\n    return 0 < g(n) < 9\ndef g(n: int) -> int:\n    return n\n"
    (returned,) = body(source)
    assert isinstance(returned, Return)
    both = returned.value
    assert isinstance(both, Both)
    assert isinstance(both.left, Compare)
    assert isinstance(both.right, Compare)
    assert isinstance(both.left.right, Bind)
    assert both.right.left == Local(Place(2, 16), Type.INT, both.left.right.index)
    assert both.right.comparison is Comparison.LESS


def test_computed_keys_of_augmented_assignments_are_evaluated_once() -> None:
    """Simple keys are used twice, computed ones are kept."""
    head = "from accountant.language import Account, Map, caller\nm: Map[Account, Map[int, int]]\n"
    (stored,) = body(f"{head}def f(n: int) -> None:\n    m[caller()][n + 1] += 2\n")
    assert isinstance(stored, Store)
    assert isinstance(stored.keys[0], Compute)
    assert isinstance(stored.keys[1], Bind)
    assert isinstance(stored.value, Operate)
    loaded = stored.value.operands[0]
    assert isinstance(loaded, Load)
    assert loaded.keys == (stored.keys[0], Local(Place(4, 17), Type.INT, stored.keys[1].index))


def test_a_computed_value_is_evaluated_before_computed_keys() -> None:
    """As in Python: first what is stored, then where."""
    head = "from accountant.language import Map\nm: Map[int, int]\ndef g(n: int) -> int:\n    return n\n"
    kept, stored = body(f"{head}def f(n: int) -> None:\n    m[g(n)] = g(n + 1)\n")
    assert isinstance(kept, Assign)
    assert isinstance(stored, Store)
    assert stored.value == Local(kept.value.at, Type.INT, kept.index)
    assert len(body(f"{head}def f(n: int) -> None:\n    m[n] = g(n + 1)\n")) == 1


def test_an_assertion_without_a_reason_gives_its_condition() -> None:
    """At most 100 characters of it, on one line."""
    statements = body(
        'def f(n: int) -> None:\n    assert n > 1\n    assert n > (\n        2 + 3\n    )\n    assert n > 4, "x"\n'
    )
    reasons = [one.reason.value for one in statements if isinstance(one, Assert) and isinstance(one.reason, Constant)]
    assert reasons == ["n > 1", "n > ( 2 + 3 )", "x"]
    (long,) = body(f"def f(n: int) -> None:\n    assert n > {' + '.join(['n'] * 60)}\n")
    assert isinstance(long, Assert)
    assert isinstance(long.reason, Constant)
    assert len(str(long.reason.value)) == 100


def test_named_arguments_come_in_the_order_of_the_parameters() -> None:
    """Where that makes no difference, they may be written in another one."""
    logged = [one for one in function("calls_of_all_kinds").body if isinstance(one, Log)]
    assert [len(one.fields) for one in logged] == [0, 10, 10]
    first, *_, last = logged[2].fields
    assert isinstance(first, Local)
    assert isinstance(last, Constant)


def test_documentation_is_kept() -> None:
    """Docstrings of the contract and of functions reach the tree on one line."""
    source = '"""A contract,\n   in words."""\ndef f() -> None:\n    """What f does."""\n    g()\n'
    source += "def g() -> None:\n    pass\n"
    checked = check(source.encode(), "contract.py")
    assert checked.documentation == "A contract, in words."
    assert checked.function("f").documentation == "What f does."
    assert [type(statement) for statement in checked.function("f").body] == [Evaluate]
