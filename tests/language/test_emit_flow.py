"""Control flow, order of evaluation, own functions, events, payments and other contracts, against CPython."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.contracts.errors import FailureKind
from accountant.language.checking.checker import check
from accountant.language.names import Account, Address
from tests.support.compiled import Deployed
from tests.support.differential import Both
from tests.support.wat import FRIEND, SENDER, DictWorld, contract

FLOW = """
@export
def flow(a: int, b: int, n: int) -> int:
    total = 0
    for i in range(n):
        if i == a:
            continue
        j = 0
        while True:
            j += 1
            if j > b:
                break
            for k in range(j, -j, -2):
                if k == a:
                    break
                if k % 5 == 4:
                    if total > 1000:
                        return total
                    continue
                total += k * i
            if j == i:
                continue
            total -= 1
            assert total != 7, "seven"
        if total % 11 == 5:
            total += 1
        elif total % 11 == 6:
            total += 2
            if b == 2:
                return -total
        else:
            total += 3
        if i == 9:
            break
    return total

@export
def logic(a: bool, b: bool, c: int) -> int:
    x = 0
    if a and not b or c > 0 and (b or a):
        x += 1
    if not (a or b) or (c < 0 < c + 2 <= 5 != x):
        x += 2
    flag = a == b != (c > 1)
    y = (1 if a else 2 if b else 3) + (x if flag else -x)
    return y * 10 + int(flag) + int(bool(c)) + int(a ^ b) + int(a & b) + int(a | b)

@export
def nothing(a: int) -> None:
    if a > 0:
        return
    assert a != -1, "minus " + str(-a) + " is " + ("one" if a == -1 else "other")
    pass

@export
def numbers(a: int, b: int) -> int:
    x = a * 3 - b // 2
    x += a % 7
    x -= b
    x *= 2
    x //= 3
    x %= 1000
    x <<= 2
    x >>= 1
    x |= a & 15
    x ^= ~b & 3
    x **= 2
    return min(x, a, b) + max(a, b, 5, 7) - abs(a) + -(+b)
"""


def test_control_flow() -> None:
    """Nested loops and branches with break, continue, return and assert in all places."""
    both = Both(FLOW)
    small = st.integers(-3, 12)

    @settings(max_examples=150)
    @given(small, st.integers(-1, 6), small, st.booleans(), st.booleans(), st.integers(-(2**63), 2**63 - 1))
    def check(a: int, b: int, n: int, p: bool, q: bool, large: int) -> None:
        both.call("flow", a, b, n)
        both.call("logic", p, q, a)
        both.call("nothing", a)
        both.call("numbers", a, b)
        both.call("numbers", large, n)
        both.call("numbers", n, large)

    check()


ORDER = """
class Step(Event):
    \"\"\"A step.\"\"\"
    name: str
    number: int

m: Map[int, int]
total: int

def step(name: str, number: int) -> int:
    log(Step(name, number))
    return number

def truth(name: str, flag: bool) -> bool:
    log(Step(name=name, number=int(flag)))
    return flag

def three(a: int, b: int, c: int) -> int:
    return a * 100 + b * 10 + c

@export
def arithmetic(a: int, b: int) -> int:
    return step("a", a) + step("b", b) * step("c", 3) - (step("d", 4) if a < step("e", b) else step("f", 6))

@export
def chains(a: int, b: int, c: int) -> bool:
    return step("a", a) < step("b", b) <= step("c", c) != step("d", 1)

@export
def logic(a: bool, b: bool, c: bool) -> bool:
    return truth("a", a) and truth("b", b) or truth("c", c) and not truth("d", a)

@export
def items(a: int) -> int:
    global total
    m[step("key", a)] += step("value", 5)
    m[step("other", a + 1)] = step("first", m[step("inner", a)])
    total += step("total", m[a])
    total = total + bump(a)
    return total

def bump(a: int) -> int:
    global total
    total += 1000
    return a

@export
def calls(a: int) -> int:
    return three(step("x", a), b=step("y", 2), c=step("z", 3)) + min(step("p", a), step("q", 2), step("r", 0))

@export
def reason(a: int) -> None:
    assert truth("condition", a > 0), "failed " + str(step("reason", a))

@export
def ranges(a: int) -> int:
    out = 0
    for i in range(step("start", a), step("stop", 5), step("step", 2)):
        out += step("turn", i)
    return out

@export
def pieces(a: int) -> bytes:
    b = b"0123456789"
    ends = b[: step("end", 3)] + b[step("rest", 8) :]
    return b[step("from", a) : step("to", 7)] + str(b[step("at", a)]).encode() + ends
"""


def test_order_of_evaluation() -> None:
    """Operands, arguments, keys, values and conditions are evaluated when and where CPython evaluates them."""
    both = Both(ORDER)
    small = st.integers(-2, 9)

    @settings(max_examples=60)
    @given(small, small, small, st.booleans(), st.booleans(), st.booleans())
    def check(a: int, b: int, c: int, p: bool, q: bool, r: bool) -> None:
        both.call("arithmetic", a, b)
        both.call("chains", a, b, c)
        both.call("logic", p, q, r)
        for function in ("items", "calls", "reason", "ranges", "pieces"):
            both.call(function, a)

    check()


EVENTS = """
class Nothing(Event):
    \"\"\"No fields.\"\"\"

class Everything(Event):
    \"\"\"All types.\"\"\"
    a: int
    b: bool
    c: bytes
    d: str
    e: Account
    f: Address
    g: Contract
    h: Hash

class Short(Event):
    \"\"\"Accounts of different static types.\"\"\"
    one: Account
    two: Account
    three: int
    four: Account

@export
def all(a: int, b: bool, c: bytes, d: str, e: Account) -> None:
    log(Nothing())
    log(Everything(a, b, c, d, e, sender(), self_id(), previous_hash()))
    log(Everything(a=height(), b=True, c=b"", d="", e=caller(), f=sender(), g=self_id(), h=sha256(c)))
    log(Short(e, sender(), -1, self_id()))
    log(Short(caller(), e, now() + index(), caller()))

@export
@payable
def money(to: Account, amount: int) -> int:
    pay(to, amount)
    pay(sender(), value())
    return value()
"""


def test_events_and_payments() -> None:
    """Events carry their fields in the order of their declaration; payments go where they are sent."""
    both = Both(EVENTS)
    accounts = st.sampled_from([Account(SENDER), Account(contract(3))])

    @settings(max_examples=40)
    @given(st.integers(-(2**63), 2**63 - 1), st.booleans(), st.binary(max_size=40), st.text(max_size=9), accounts)
    def check(a: int, b: bool, c: bytes, d: str, e: Account) -> None:
        both.call("all", a, b, c, d, e)

    check()
    result = both.call("money", Address(FRIEND), 7, value=5)
    assert (result.credits, result.debits) == ({contract(0): 5, FRIEND: 7, SENDER: 5}, {contract(0): 12})
    assert both.chain.call("money", FRIEND, -1).failure is FailureKind.INVALID_VALUE


CALLEE = """
class Called(Event):
    \"\"\"By whom, with what.\"\"\"
    by: Account
    units: int
    text: str

count: int

@export
@payable
def number(a: int, flag: bool) -> int:
    global count
    count += 1
    log(Called(caller(), value(), str(a)))
    return a + 1 if flag else -a

@export
def check(a: int) -> bool:
    return a > 0

@export
def text(a: str, b: bytes) -> str:
    return a + b.hex()

@export
def echo(a: bytes) -> bytes:
    return a

@export
def who(a: Account) -> Account:
    return caller() if a == sender() else a

@export
def nothing(a: int) -> None:
    assert a != 3, "three"
"""

CALLER = """
class Other(Interface):
    def number(self, a: int, flag: bool) -> int: ...
    def check(self, a: int) -> bool: ...
    def text(self, a: str, b: bytes) -> str: ...
    def echo(self, a: bytes) -> bytes: ...
    def who(self, a: Account) -> Account: ...
    def nothing(self, a: int) -> None: ...

class Wrong(Interface):
    def number(self, a: int, flag: bool) -> bool: ...
    def check(self, a: int) -> bytes: ...
    def text(self, a: str, b: bytes) -> None: ...
    def echo(self, a: bytes) -> Hash: ...
    def nothing(self, a: int) -> int: ...

class Text(Interface):
    def echo(self, a: bytes) -> str: ...

last: int

@export
def all(other: Contract, a: int, text: str) -> str:
    global last
    proxy_number = Other(other, value=a).number(a * 2, Other(other).check(a))
    last += proxy_number
    Other(other).nothing(a)
    account = Other(other).who(caller())
    last += len(Other(other).who(a=other))
    again = Other(other, 0).text(a=text, b=Other(other).echo(text.encode()))
    return again + account.hex()

@export
def wrong(other: Contract, which: int) -> None:
    if which == 0:
        Wrong(other).number(5, True)
    elif which == 1:
        Wrong(other).check(1)
    elif which == 2:
        Wrong(other).text("", b"")
    elif which == 3:
        Wrong(other).echo(b"short")
    elif which == 4:
        Wrong(other).nothing(1)

@export
def decoded(other: Contract, data: bytes) -> str:
    return Text(other).echo(data)
"""


def test_calls_of_other_contracts() -> None:
    """Arguments, money, results and failures cross between two compiled contracts as between two CPython objects."""
    callee = Both(CALLEE, contract(1))
    both = Both(CALLER, others=(callee,))

    @settings(max_examples=40)
    @given(st.integers(-1, 5), st.text(max_size=5))
    def check(a: int, text: str) -> None:
        if a >= 0:
            both.call("all", contract(1), a, text)

    check()


@pytest.mark.parametrize(
    ("which", "reason"),
    [
        (0, "Wrong.number returned no bool"),
        (1, "Wrong.check returned no bytes"),
        (2, "Wrong.text returned a value, not None"),
        (3, "Wrong.echo returned no Hash"),
        (4, "Wrong.nothing returned no int"),
    ],
)
def test_results_of_other_types(which: int, reason: str) -> None:
    """What another contract returns must be of the type that the interface says."""
    callee = Both(CALLEE, contract(1))
    both = Both(CALLER, others=(callee,))
    result = both.chain.call("wrong", contract(1), which)
    assert (result.failure, result.detail) == (FailureKind.ASSERTION, reason)


def test_text_from_other_contracts() -> None:
    """Text must be UTF-8 wherever it comes from."""
    callee = Both(CALLEE, contract(1))
    both = Both(CALLER, others=(callee,))
    assert both.chain.call("decoded", contract(1), "é".encode()).return_value == "é".encode()
    assert both.chain.call("decoded", contract(1), b"\xff").failure is FailureKind.INVALID_VALUE


ACCOUNTING = """
model: Cid
kept: Map[Account, Cid]

@export
@touches(bounds(1), queries(1))
def ask(account: Account, theta: bytes, question: bytes) -> bytes:
    lower = bound(account, theta)
    assert lower > 10, "bound " + str(lower)
    return query(question)

@export
def keep(cid: Cid, raw: bytes) -> Cid:
    global model
    before = model
    model = cid
    kept[caller()] = Cid(raw)
    assert kept[caller()] == raw
    return before
"""
CID = b"\x01\x55\x12\x20" + b"\x07" * 32


def test_accounting_and_identifiers() -> None:
    """Bounds and answers come from the world; a CID that was never set is zeros, which are none otherwise."""
    world = DictWorld()
    world.bounds[FRIEND, ()] = 11
    world.bounds[SENDER, ()] = 10
    world.answers[b"question"] = b"answer"
    source = "from accountant.language import Account, Cid, Map, bound, bounds, caller, export, queries, query, "
    deployed = Deployed(check(f"{source}touches\n{ACCOUNTING}".encode(), "contract.py"), world=world)
    assert deployed.call("ask", FRIEND, b"", b"question").return_value == b"answer"
    assert deployed.call("ask", SENDER, b"", b"question").detail == "bound 10"
    assert deployed.call("keep", CID, CID).return_value == bytes(36)
    assert deployed.call("keep", CID, CID).return_value == CID
    assert deployed.call("keep", CID, bytes(36)).detail == "the bytes are no Cid"
