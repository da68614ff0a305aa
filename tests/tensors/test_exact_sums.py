"""Matrix products, convolutions and plain sums against Python's fractions, bit for bit."""

import itertools
import random
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.tensors import (
    Indices,
    InexactMachine,
    Precision,
    Tensor,
    conv1d,
    conv2d,
    convolution_bytes,
    convolution_sums,
    gradients,
    machine,
    matmul,
    multiply,
    products,
    scatter_add,
    sum_over,
    variable,
)
from accountant.tensors.sums import to_odd_wide
from tests.support.exact_numbers import Group, bits, exact_products, exact_sum, narrow, single, table

PRECISIONS = list(Precision)
WAYS = ["whole", "shifted", "pieces"]


def wild(random_: random.Random, count: int) -> list[float]:
    """Canonical values over the whole range, with ties, zeros, and now and then an infinity or NaN."""
    spread = random_.choice([0, 3, 30, 120])
    special = random_.random() < 0.15
    values = []
    for _ in range(count):
        kind = random_.random()
        if kind < 0.15:
            values.append(0.0)
        elif special and kind < 0.2:
            values.append(random_.choice([float("inf"), float("-inf"), float("nan")]))
        else:
            mantissa = random_.choice([random_.uniform(1, 2), 1.0, 1.5, 1 + 2.0**-20, 2 - 2.0**-23])
            values.append(single(random_.choice([1, -1]) * mantissa * 2.0 ** random_.randint(-spread, spread)))
    return values


def same(tensor: Tensor, expected: list[float]) -> bool:
    return [bits(value) for value in tensor.numbers()] == [bits(value) for value in expected]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), precision=st.sampled_from(PRECISIONS))
def test_matrix_products_and_their_gradients(seed: int, precision: Precision) -> None:
    """All three products are the exact sums that the page names, with its groups."""
    r = random.Random(seed)
    m, k, n = r.randint(1, 4), r.randint(1, 5), r.randint(1, 4)
    a, b, g = wild(r, m * k), wild(r, k * n), wild(r, m * n)
    left, right = variable(Tensor.of(a, [m, k])), variable(Tensor.of(b, [k, n]))
    y = matmul(left, right, precision)
    rows = [Group(a[i * k : (i + 1) * k], precision) for i in range(m)]
    whole = Group(b, precision)
    assert same(
        y, table(lambda i, j: exact_products([(a[i * k + t], rows[i], b[t * n + j], whole) for t in range(k)]), m, n)
    )
    assert y.node is not None
    of_left, of_right = (Tensor(values) for values in y.node.backward(Tensor.of(g, [m, n]).values))  # type: ignore[attr-defined]
    slopes = [Group(g[i * n : (i + 1) * n], precision) for i in range(m)]
    all_a, all_g = Group(a, precision), Group(g, precision)
    assert same(
        of_left,
        table(lambda i, t: exact_products([(g[i * n + j], slopes[i], b[t * n + j], whole) for j in range(n)]), m, k),
    )
    assert same(
        of_right,
        table(lambda t, j: exact_products([(a[i * k + t], all_a, g[i * n + j], all_g) for i in range(m)]), k, n),
    )


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    precision=st.sampled_from(PRECISIONS),
    way=st.sampled_from(WAYS),
)
def test_convolutions_and_their_gradients(seed: int, precision: Precision, way: str) -> None:
    """Strides, padding and groups, by all ways of summing: the exact sums that the page names."""
    r = random.Random(seed)
    groups = r.randint(1, 2)
    n, c, o = r.randint(1, 2), groups * r.randint(1, 2), groups * r.randint(1, 2)
    kernel = r.randint(1, 3), r.randint(1, 3)
    padding = r.randint(0, kernel[0] - 1), r.randint(0, kernel[1] - 1)
    size = (
        r.randint(max(1, kernel[0] - 2 * padding[0]), 5),
        r.randint(max(1, kernel[1] - 2 * padding[1]), 5),
    )
    stride = r.randint(1, 4), r.randint(1, 3)
    per = c // groups
    x, w = wild(r, n * c * size[0] * size[1]), wild(r, o * per * kernel[0] * kernel[1])
    vx = variable(Tensor.of(x, [n, c, *size]))
    vw = variable(Tensor.of(w, [o, per, *kernel]))
    with pytest.MonkeyPatch.context() as patch:
        if way == "shifted":
            patch.setattr(convolution_sums, "SHIFT_CHANNELS", 0)
            patch.setattr(convolution_sums, "SHIFT_WINDOWS", 0)
        if way == "pieces":
            patch.setattr(convolution_sums, "MOST_GATHERED", 20)
            patch.setattr(convolution_bytes, "_BLOCK_BYTES", 20)
        y = conv2d(vx, vw, stride=stride, padding=padding, groups=groups, precision=precision)
        g = wild(r, y.count)
        assert y.node is not None
        of_x, of_w = (Tensor(values) for values in y.node.backward(Tensor.of(g, y.shape).values))  # type: ignore[attr-defined]
    oh, ow = y.shape[2:]
    image, out = c * size[0] * size[1], o * oh * ow
    gx = [Group(x[i * image : (i + 1) * image], precision) for i in range(n)]
    gg = [Group(g[i * out : (i + 1) * out], precision) for i in range(n)]
    gw, all_x, all_g = Group(w, precision), Group(x, precision), Group(g, precision)
    terms = []  # indices of x, w and y of every product
    for i, q, u, v in itertools.product(range(n), range(o), range(oh), range(ow)):
        for d, dy, dx in itertools.product(range(per), range(kernel[0]), range(kernel[1])):
            row, column = u * stride[0] + dy - padding[0], v * stride[1] + dx - padding[1]
            if 0 <= row < size[0] and 0 <= column < size[1]:
                channel = q // (o // groups) * per + d
                terms.append(
                    (
                        ((i * c + channel) * size[0] + row) * size[1] + column,
                        ((q * per + d) * kernel[0] + dy) * kernel[1] + dx,
                        ((i * o + q) * oh + u) * ow + v,
                    )
                )
    sums_y: list[list[tuple[float, Group, float, Group]]] = [[] for _ in g]
    sums_x: list[list[tuple[float, Group, float, Group]]] = [[] for _ in x]
    sums_w: list[list[tuple[float, Group, float, Group]]] = [[] for _ in w]
    for at_x, at_w, at_y in terms:
        sums_y[at_y].append((x[at_x], gx[at_x // image], w[at_w], gw))
        sums_x[at_x].append((g[at_y], gg[at_y // out], w[at_w], gw))
        sums_w[at_w].append((x[at_x], all_x, g[at_y], all_g))
    assert same(y, [exact_products(each) for each in sums_y])
    assert same(of_x, [exact_products(each) for each in sums_x])
    assert same(of_w, [exact_products(each) for each in sums_w])


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_plain_sums(seed: int) -> None:
    """Sums over one axis, over another, and over all."""
    r = random.Random(seed)
    m, n = r.randint(1, 5), r.randint(1, 5)
    x = wild(r, m * n)
    tensor = Tensor.of(x, [m, n])
    assert same(sum_over(tensor, 0), [exact_sum([x[i * n + j] for i in range(m)]) for j in range(n)])
    assert same(sum_over(tensor, 1), [exact_sum(x[i * n : (i + 1) * n]) for i in range(m)])
    assert same(sum_over(tensor), [exact_sum(x)])


def test_one_dimensional_convolutions_are_images_of_height_one() -> None:
    """`conv1d` equals `conv2d` with a height of 1."""
    x, w = Tensor.of([1, -2, 3, 4, 5, -6], [1, 2, 3]), Tensor.of([1, 2, 3, 4], [1, 2, 2])
    long = conv1d(x, w, Tensor.of([0.5], [1]), stride=2, padding=1)
    flat = conv2d(Tensor(x.values.unsqueeze(2)), Tensor(w.values.unsqueeze(2)), stride=(1, 2), padding=(0, 1))
    assert long.numbers() == [value + 0.5 for value in flat.numbers()]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_sums_longer_than_one_accumulator(precision: Precision, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of 9,000 products crosses every accumulator's limit and is still one exact integer."""
    r = random.Random(5)
    k = 9_000
    a = [single(r.uniform(0.5, 1)) for _ in range(k)]
    b = [single(r.uniform(0.5, 1)) for _ in range(k)]
    ga, gb = Group(a, precision), Group(b, precision)
    expected = [exact_products([(x, ga, y, gb) for x, y in zip(a, b, strict=True)])]
    assert same(matmul(Tensor.of(a, [1, k]), Tensor.of(b, [k, 1]), precision), expected)
    monkeypatch.setattr(products, "byte_products", lambda _: False)
    assert same(matmul(Tensor.of(a, [1, k]), Tensor.of(b, [k, 1]), precision), expected)


def _integers(values: torch.Tensor, precision: Precision) -> tuple[torch.Tensor, torch.Tensor]:
    """What positive values are rounded to, each image for itself; and the units."""
    exponents = torch.frexp(values.amax(dim=(1, 2, 3), keepdim=True)).exponent
    unit = torch.pow(2.0, (exponents - precision).double())
    q = torch.round(values.double() / unit)
    return (q.clamp(max=127) if precision == Precision.EXACT8 else q).long(), unit


LONG = {
    "many channels in": ((1, 930, 3, 3), (3, 930, 3, 3), (1, 1), (1, 1)),
    "many channels in, with a stride": ((1, 930, 3, 3), (3, 930, 3, 3), (2, 2), (1, 1)),
    "many channels out": ((1, 3, 3, 3), (930, 3, 3, 3), (1, 1), (1, 1)),
    "many channels out, with a stride": ((1, 3, 3, 3), (930, 3, 3, 3), (2, 2), (1, 1)),
    "many images": ((11, 2, 30, 30), (3, 2, 3, 3), (1, 1), (1, 1)),
    "many images, shifted": ((11, 16, 30, 30), (3, 16, 3, 3), (1, 1), (1, 1)),
    "large images": ((2, 2, 140, 140), (3, 2, 3, 3), (2, 2), (1, 1)),
    "a long row": ((1, 2, 1, 9000), (3, 2, 1, 3), (1, 1), (0, 1)),
    "a long row, shifted": ((1, 16, 1, 9000), (3, 16, 1, 3), (1, 1), (0, 1)),
    "a large kernel": ((1, 1, 96, 96), (2, 1, 91, 92), (1, 1), (3, 2)),
    "a large kernel, with a stride": ((1, 1, 96, 96), (2, 1, 91, 92), (2, 1), (3, 2)),
}


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", LONG)
def test_convolutions_longer_than_one_accumulator(name: str, precision: Precision) -> None:
    """More than 2^13 products in an output, in the gradient of the input, or of the weight, are the same sums."""
    shape, kernel_shape, stride, padding = LONG[name]
    torch.manual_seed(3)
    x, w = torch.rand(shape) + 0.5, torch.rand(kernel_shape) + 0.5
    vx, vw = variable(Tensor(x)), variable(Tensor(w))
    y = conv2d(vx, vw, stride=stride, padding=padding, precision=precision)
    g = torch.rand(y.shape) + 0.5
    of_x, of_w = gradients(sum_over(multiply(y, Tensor(g))), [vx, vw])

    def narrowed(total: torch.Tensor, unit: torch.Tensor) -> torch.Tensor:
        return (to_odd_wide(total) * unit).float()

    def columns(integers: torch.Tensor) -> torch.Tensor:
        wide = torch.nn.functional.unfold(integers.double(), kernel_shape[2:], padding=padding, stride=stride)
        return wide.long()

    (qx, ux), (qg, ug) = _integers(x, precision), _integers(g, precision)
    qw, uw = (each[0] for each in _integers(w.reshape(1, *w.shape[:2], -1), precision))
    kernel = qw.reshape(w.shape[0], -1)
    assert torch.equal(y.values, narrowed((kernel @ columns(qx)).view(y.shape), ux * uw))
    spread = (kernel.T @ qg.flatten(2)).double()
    back = torch.nn.functional.fold(spread, shape[2:], kernel_shape[2:], padding=padding, stride=stride)
    assert float(back.max()) < 2**53
    assert torch.equal(of_x.values, narrowed(back.long(), ug * uw))
    (qx, ux), (qg, ug) = (_integers(each.reshape(1, 1, 1, -1), precision) for each in (x, g))
    slopes = qg.view(g.shape).flatten(2)
    total = (slopes @ columns(qx.view(x.shape)).mT).sum(0).view(w.shape)
    assert torch.equal(of_w.values, narrowed(total, ux * ug))


def test_integers_beyond_53_bits_are_rounded_once() -> None:
    """What would round differently through binary64 does not."""
    r = random.Random(1)
    integers = [r.getrandbits(62) * r.choice([1, -1]) for _ in range(300)]
    # 24 bits, then a half, then a single bit far below: binary64 would drop it and see a tie
    integers += [sign * ((1 << 61) + (odd << 38) + (1 << 37) + 1) for sign in (1, -1) for odd in (0, 1)]
    integers += [2**53 - 1, 2**53, 2**53 + 1, 2**62, -(2**62), 0]
    narrowed = to_odd_wide(torch.tensor(integers)).to(torch.float32).tolist()
    assert narrowed == [narrow(Fraction(integer)) for integer in integers]


def test_a_sum_of_more_terms_than_binary64_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long plain sums go through int64 and give the same."""
    values = Tensor(torch.randn(1000))
    before = sum_over(values).to_bytes()
    monkeypatch.setattr("accountant.tensors.sums.MAX_TERMS", 10)
    assert sum_over(values).to_bytes() == before


def test_this_machine_is_proved_on_worst_cases() -> None:
    """A product that is not exact stops everything."""
    machine.require_exact(torch.device("cpu"))


@pytest.mark.parametrize(("terms", "most", "shorter"), [(2**13, 2**20, torch.float32), (2**10, 127, torch.bfloat16)])
def test_shorter_products_would_be_seen(terms: int, most: int, shorter: torch.dtype) -> None:
    """Mixed integers show a product whose sums are kept in fewer bits."""
    operands = machine._mixed(17, terms, most), machine._mixed(terms, 9, most)
    assert machine._multiplies(*operands, torch.float64, torch.device("cpu"))
    assert not machine._multiplies(*operands, shorter, torch.device("cpu"))
    assert int(operands[0].abs().max()) > 0.99 * most


def test_an_inexact_machine_computes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the worst cases fail, products are refused."""
    monkeypatch.setattr(machine, "_wide_is_exact", lambda _: False)
    machine._checked.cache_clear()
    try:
        with pytest.raises(InexactMachine):
            matmul(Tensor.full([1, 1], 1.0), Tensor.full([1, 1], 1.0))
    finally:
        machine._checked.cache_clear()


def test_scattering_more_than_binary64_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is added up by index goes through int64 where many may meet, and gives the same; nothing stays nothing."""
    places = Indices.of([2, 0, 2, 2, 4, 0], [6])
    for special in (1.5, float("inf")):
        source = Tensor.of([special, 2.0**-20, 1.0, -3.25, 7.0, 1e-7], [6])
        before = scatter_add(Tensor.full([5], 0.0), 0, places, source).to_bytes()
        with monkeypatch.context() as patch:
            patch.setattr("accountant.tensors.gathering.MAX_TERMS", 1)
            assert scatter_add(Tensor.full([5], 0.0), 0, places, source).to_bytes() == before
