"""Contracts with every construct that the language has, each of which mypy accepts too."""

IMPORTS = """from typing import Final

from accountant.language import (
    Account, Address, Cid, Contract, Event, Hash, Indices, Interface, Map, Tensor, Tensors, blobs, bound, bounds,
    caller, calls, credits, debits, deployer, direct, elsewhere, export, gas, height, index, keccak256, log, memory,
    nested, nn, now, only, pay, payable, previous_hash, queries, query, reads, self_id, sender, sha256, touches, value,
    view, writes, zero_cost,
)
"""

DECLARATIONS = (
    IMPORTS
    + '''
YEAR = 365 * 24 * 60 * 60
"""Seconds."""
MOST = 2**63 - 1
LEAST = -(2**63)
NAME: str = "a" "b" + "c"
DATA: Final = b"\\x00\\xff" + NAME.encode()
FLAG: Final[bool] = not (1 < 2 <= 3) or YEAR > 0
OWNER = Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
ANYONE: Account = OWNER
ROLE = sha256(b"role")
KECCAK = keccak256(b"role")
SHORT = DATA[1:3] + DATA[-1:]
FIRST = DATA[0] + len(NAME) + min(1, 2, 3) + max(4, 5) + abs(-6) + int("-7") + int(FLAG)
TEXT = str(-YEAR) + b"ab".hex() + b"ab".decode() + NAME[1] + NAME[:2] + r"\\d" + "\\u00e9é"
NUMBER = int.from_bytes((300).to_bytes(2, "big"), byteorder="big", signed=False)
CHOSEN = 1 if FLAG else 2
BITS = 1 << 5 | 6 & 3 ^ ~0 >> 1
EMPTY = ""
RATE = 0.5
LITTLE: Final[float] = -1.5e-3
WHOLE: float = 2

supply: int
open_now: bool
"""A storage variable with a note."""
raw: bytes
label: str
user: Address
peer: Contract
who: Account
digest: Hash
blob: Cid
weights: Cid
balances: Map[Account, int]
named: Map[str, Map[bytes, Map[int, Map[bool, Hash]]]]
networks: Map[int, Cid]


class Empty(Event):
    pass


class Kinds(Event):
    """One field of each type."""

    a: int
    b: bool
    c: bytes
    """A note."""
    d: str
    e: Address
    f: Contract
    g: Account
    h: Hash
    i: Cid
    value: int


class Other(Interface):
    """Somebody else's."""

    def nothing(self) -> None:
        """A docstring and elsewhere."""
        elsewhere()

    def add(self, one: int, two: bytes) -> int:
        elsewhere()
'''
)

FUNCTIONS = (
    DECLARATIONS
    + '''

@payable
@gas(least=1, most=10**9)
@touches(reads(supply))
def init(units: int, to: Account) -> None:
    """The constructor."""
    global supply, who
    supply = units
    who = to
    balances[to] += units


@export
@nested(3, debits=100)
@touches(
    reads(balances, 2), writes(balances, most=2), debits("units"), credits(1), calls(1), bounds(1), queries(1)
)
def stated(to: Account, units: int) -> bool:
    pay(to, amount=units)
    return True


@export
@zero_cost
@direct
@only(deployer)
def limited() -> None:
    return


@export
@only("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", ROLE_HOLDER)
def listed() -> None:
    return None


@view
@direct
def known() -> bytes:
    parts = previous_hash() + sender() + self_id() + caller()
    total = value() + height() + index() + now()
    return parts + total.to_bytes(8, "big", signed=True) + query(b"q") + sha256(parts) + keccak256(parts)


def locals_and_flow(n: int, flag: bool) -> int:
    x = 0
    y: int = 1
    z: int
    account: Account = OWNER
    account = who
    data: bytes = account
    data = sha256(data)
    if flag and n > 0 or not flag:
        z = 1
    elif n == 3:
        z = 2
    else:
        z = 3
    while x < n:
        x += 1
        if x == 5:
            continue
        if x == 7:
            break
    for i in range(n):
        x -= i
    for i in range(1, n):
        x *= i
    for _ in range(n, 0, -2):
        pass
    while True:
        last = x
        if flag:
            break
        x //= 2; y %= 3
    x **= 2
    x <<= 1
    x >>= 1
    x &= 7
    x |= 8
    x ^= 9
    flag ^= True
    flag &= n > 1
    assert x >= 0
    assert flag, "reason " + str(x)
    return x + y + z + last if data == raw else -x


def endless(n: int) -> int:
    while True:
        if n > 10:
            return n
        n += 1


def always_fails() -> int:
    assert False, "never"


def operators(a: int, b: int, s: str, t: str, p: bytes, q: bytes, f: bool, g: bool) -> bool:
    x = a + b - a * b // a % b + (a << b) + (a >> b) + (a & b) + (a | b) + (a ^ b) + ~a + -a + +a
    inside = 0 <= x < 100 != a > b >= 3
    texts = s < t and s <= t and s == t and s != t and s > t and s >= t
    raws = p < q <= p == q
    logic = (f & g) | (f ^ g) if f == g else f != g
    c = s + t
    c += "x"
    r = p + q
    r += b"x"
    return inside and texts or raws or logic or len(c) > len(r)


def sequences(p: bytes, s: str, i: int, h: Hash) -> str:
    b = p[i] + p[-1] + h[0]
    part = p[1:] + p[:i] + p[i:-1] + p[:] + h[:4]
    text = s[i] + s[1:] + s[:-1]
    again = part.decode() + part.hex() + h.hex() + str(b)
    back = int.from_bytes(part, "big") + int.from_bytes(bytes=part, byteorder="big", signed=True) + int(text)
    return again + str(min(back, b, 3)) + str(max(back, b)) + str(abs(back)) + str(int(bool(b)))


def conversions(data: bytes, account: Account) -> Account:
    address = Address(data)
    contract = Contract(data)
    either = address if len(data) == 20 else contract
    hashed = Hash(contract)
    content = Cid(data)
    assert either == account and hashed != data and content == data
    return Account(data) if address == account else either


def storage(flag: bool, account: Account, content: Cid) -> Hash:
    global supply, open_now, raw, label, weights, blob, digest
    supply = 1
    supply += balances[account]
    open_now = flag
    raw = account
    raw += b"x"
    label = "a"
    label += "b"
    weights = content
    blob = weights
    networks[1] = networks[2]
    balances[caller()] -= 1
    balances[Address(raw)] *= two(supply)
    named["a"][b"b"][3][True] = sha256(raw)
    digest = named[label][raw][supply][open_now]
    if account in balances and account not in balances and True in named["a"][b"b"][two(1)]:
        del balances[account]
        del named["a"][b"b"][3][True], balances[caller()]
    return digest


def two(n: int) -> int:
    return n * 2


def calls_of_all_kinds(other: Contract, n: int) -> int:
    limited_part(n)
    limited_part(n=n)
    two(n)
    sha256(b"")
    Other(other).nothing()
    Other(contract=other, value=5).nothing()
    log(Empty())
    log(Kinds(n, True, b"", "", user, peer, g=who, h=digest, i=blob, value=5))
    log(Kinds(value=1, a=n, b=True, c=b"", d="", e=OWNER, f=other, g=other, h=ROLE, i=Cid(CONTENT)))
    pay(account=other, amount=n)
    return Other(other, n).add(1, two=b"x") + Other(peer).add(two=b"", one=2) + bound(account=other, theta=b"")


def limited_part(n: int) -> None:
    """Does nothing."""


def halved(x: Tensor, rate: float, several: Tensors, places: Indices) -> Tensors:
    return [x * rate, nn.take(several[0], axis=0, indices=places)]


@export
@memory(most=2**20)
@touches(blobs(1))
def network(content: Cid, flag: bool, n: int) -> Cid:
    global blob
    x = nn.load(content)
    y: Tensor = nn.load_all(blob)[-1] if flag else -x
    rate: float = 1
    rate = nn.real(n, 3) if flag else RATE
    x += y - 0.5
    x = 2.0 - x * y / y @ nn.transpose(y, (1, 0)) + 1
    none: Tensors = []
    several = nn.append(none, nn.conv2d(x, y, None, stride=(1, n), padding=1))
    for i in range(len(several)):
        mark = nn.mark()
        several = nn.release(mark, halved(several[i], rate, [x, y], nn.argmax(x, -1)))
    nn.save(nn.max_pool(x, (n, two(n))))
    shape = x.shape[0] + x.shape[-1] + x.dims + nn.index(nn.indices(x), 0) + nn.item(nn.sum(x, axes=(0, 1)), scale=1e3)
    blob = nn.save_all(nn.sgd(nn.sgd_start(several), nn.grad(x, several), -0.5, decay=LITTLE))
    return nn.save(nn.reshape(x, (shape, 1)))


def shadowing(two: int) -> int:
    known = two
    return known
'''
).replace(
    'EMPTY = ""\n',
    'EMPTY = ""\nROLE_HOLDER = Contract("0x' + "ab" * 32 + '")\n'
    'CONTENT = Cid("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku")\n',
)
