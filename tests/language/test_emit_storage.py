"""Storage: what compiled contracts read and write is what CPython's dictionaries hold, whatever the types."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.language.names import Account, Address, Cid, Contract, Hash
from tests.support.differential import Both

VALUES: dict[str, st.SearchStrategy[object]] = {
    "int": st.one_of(st.integers(-2, 2), st.sampled_from([-(2**63), 2**63 - 1])),
    "bool": st.booleans(),
    "bytes": st.sampled_from([b"", b"a", b"\x00" * 20, b"long" * 50]),
    "str": st.sampled_from(["", "a", "é€", "long" * 50]),
    "Address": st.sampled_from([Address(bytes(20)), Address(b"\x51" * 20)]),
    "Contract": st.sampled_from([Contract(bytes(32)), Contract(b"\xc0" * 32)]),
    "Account": st.sampled_from([Account(b"\x51" * 20), Account(b"\xc0" * 32), Account(bytes(20))]),
    "Hash": st.sampled_from([Hash(bytes(32)), Hash(b"\x9e" * 32)]),
    "Cid": st.sampled_from([Cid(b"\x01\x55\x12\x20" + bytes(32)), Cid(b"\x01\x55\x12\x20" + b"\x07" * 32)]),
}

ONE_KEY = """
m: Map[{key}, {value}]

@export
def read(key: {key}) -> {value}:
    return m[key]

@export
def write(key: {key}, item: {value}) -> {value}:
    before = m[key]
    m[key] = item
    return before

@export
def clear(key: {key}) -> bool:
    had = key in m
    del m[key]
    return had

@export
def has(key: {key}) -> bool:
    return key not in m
"""


@pytest.mark.parametrize("key", VALUES)
def test_maps_of_every_key(key: str) -> None:
    """Reading, writing, deleting and asking for items under keys of each type."""
    both = Both(ONE_KEY.format(key=key, value="int"))
    _use(both, VALUES[key], VALUES["int"])


@pytest.mark.parametrize("value", VALUES)
def test_maps_of_every_value(value: str) -> None:
    """The same with values of each type: what was never written reads as Python's empty value of the type."""
    both = Both(ONE_KEY.format(key="int", value=value))
    _use(both, VALUES["int"], VALUES[value])


def _use(both: Both, keys: st.SearchStrategy[object], values: st.SearchStrategy[object]) -> None:
    @settings(max_examples=40)
    @given(st.lists(st.tuples(st.sampled_from(["read", "write", "clear", "has"]), keys, values), max_size=6))
    def check(calls: list[tuple[str, object, object]]) -> None:
        for function, key, value in calls:
            both.call(function, key, *([value] if function == "write" else []))

    check()


NESTED = """
m: Map[{0}, Map[{1}, int]]
n: Map[{1}, Map[{0}, Map[int, str]]]

@export
def add(a: {0}, b: {1}, amount: int) -> int:
    m[a][b] += amount
    n[b][a][amount] = str(m[a][b])
    return m[a][b]

@export
def read(a: {0}, b: {1}, amount: int) -> str:
    assert b in m[a], "never added"
    return n[b][a][amount]

@export
def clear(a: {0}, b: {1}, amount: int) -> None:
    del m[a][b]
    del n[b][a][amount]
"""


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("int", "int"),
        ("Account", "Account"),
        ("Address", "int"),
        ("str", "bytes"),
        ("Account", "str"),
        ("Hash", "Address"),
        ("bool", "Contract"),
        ("Cid", "bool"),
    ],
)
def test_nested_maps(first: str, second: str) -> None:
    """Maps in maps: no two keys share a slot, whatever their types and sizes."""
    both = Both(NESTED.format(first, second))
    call = st.tuples(st.sampled_from(["add", "read", "clear"]), VALUES[first], VALUES[second], st.integers(-1, 1))

    @settings(max_examples=40)
    @given(st.lists(call, max_size=8))
    def check(calls: list[tuple[str, object, object, int]]) -> None:
        for function, a, b, amount in calls:
            both.call(function, a, b, amount)

    check()


SCALARS = """
count: int
flag: bool
data: bytes
text: str
owner: Account
user: Address
other: Contract
hash: Hash
cid: Cid

@export
def write(a: int, b: bool, c: bytes, d: str, e: Address, f: Contract, g: Account, h: Hash, i: Cid) -> None:
    global count, flag, data, text, owner, user, other, hash, cid
    count += a
    flag = b or not flag
    data += c
    text = d + text
    owner = g
    user = e
    other = f
    hash = h
    cid = i

@export
def read() -> bytes:
    flags = b"yes" if flag else b"no"
    return count.to_bytes(8, "big", signed=True) + flags + data + text.encode() + owner + user + other + hash + cid
"""


def test_scalars() -> None:
    """Variables of every type, unset, written and written again."""
    both = Both(SCALARS)
    both.call("read")

    @settings(max_examples=30)
    @given(st.tuples(*VALUES.values()))
    def check(values: tuple[object, ...]) -> None:
        both.call("write", *values)
        both.call("read")

    check()


KEPT = """
m: Map[int, int]
n: Map[Account, Map[int, int]]

@export
def loop(first: int, turns: int, step: int) -> int:
    key = first
    m[key] += 1
    for i in range(turns):
        m[key] += i
        if i % 3 == 1:
            key += step
            m[key] += 10
        elif i % 3 == 2:
            n[caller()][key] += m[key]
            continue
        m[key] += 100
    while m[key] > 50:
        m[key] -= 40
        key = key - step
        if m[key] == 0:
            break
    return m[key] + n[caller()][key]

@export
def branches(a: int, b: int) -> bool:
    m[a] = b
    both = m[a] > 0 and m[b] > 0
    either = m[a] > 0 or m[b] < 0
    chosen = m[a] if both else m[b]
    if either:
        a = b
        m[a] += 1
    m[a] += 1
    m[b] += chosen
    return both == either
"""


def test_slots_are_put_together_once_where_that_is_right() -> None:
    """Keys that change in loops and branches reach the slots that they are then, never those that they were."""
    both = Both(KEPT)

    @settings(max_examples=60)
    @given(st.integers(-1, 2), st.integers(-1, 9), st.integers(-1, 1), st.integers(-2, 2))
    def check(first: int, turns: int, step: int, other: int) -> None:
        both.call("loop", first, turns, step)
        both.call("branches", first, other)

    check()


MET = """
m: Map[int, int]

@export
def moved(a: int, b: int, flag: bool) -> int:
    m[a] += 1
    if flag:
        a = b
    m[a] += 10
    return m[a]

@export
def turned(a: int) -> int:
    m[a] += 1
    while m[a] < 3 and a < 13:
        m[a] += 2
        a += 1
    return a

@export
def once(a: int, flag: bool) -> int:
    if flag:
        pass
    else:
        m[a] = 5
    m[a] += 1
    return m[a]
"""


@pytest.mark.parametrize("flag", [False, True])
def test_a_slot_is_known_behind_a_branch_only_if_both_paths_know_it(flag: bool) -> None:
    """Neither one whose key a branch or a loop's last turn assigned, nor one that only a branch put together."""
    both = Both(MET)
    both.call("moved", 1, 2, flag)
    both.call("once", 3, flag)
    both.call("turned", 10)
