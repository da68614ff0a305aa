"""Models from text: what is refused, what torch's own layers compute, and what is told in advance."""

import contextlib
import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import accountant.tensors as nn
from accountant.tensors import Precision, Stream, Tensor
from accountant.tensors.errors import InvalidModel, InvalidTensor, TensorTooLarge
from accountant.tensors.layer_kinds import KINDS, described
from accountant.tensors.layer_text import DEPTH_MOST, STATEMENTS_MOST
from accountant.tensors.layers import forward, init, parse_model, trace

CNN = """
    conv2d 2 6 3 stride 2 padding 1 groups 2; batch_norm 6; relu
    mean_pool 2 stride 1 padding 1
    max_pool 3
    flatten
    linear 6 5; tanh
    linear 5 4; sigmoid
"""
TRANSFORMER = """
    embedding 11 8; position 7 8
    residual { layer_norm 8; attention 8 2 causal; dropout 0.25 }
    residual { layer_norm 8; feed_forward 8 12; dropout 0.5 }
    layer_norm 8
    mean_over 1
    linear 8 3
"""
SIGNAL = "conv1d 3 4 5 stride 2 padding 2; gelu; reshape 2 8; attention 8 4; flatten; linear 16 2"

WRONG: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", "nothing"),
    "semicolons alone": (" ;\n; ", "nothing"),
    "an unknown layer": ("relu\nlinaer 3 4", "line 2"),
    "a size too few": ("linear 3", "line 1"),
    "a size too many": ("linear 3 4 5", "line 1"),
    "a size of zero": ("linear 0 4", "line 1"),
    "a size below zero": ("linear -3 4", "line 1"),
    "a size with a leading zero": ("linear 03 4", "line 1"),
    "a size that is no integer": ("linear 3.0 4", "line 1"),
    "a size past the most": (f"linear {2**20 + 1} 4", "line 1"),
    "a size of 10^4000": ("linear 1" + "0" * 4000 + " 4", "line 1"),
    "an option of another layer": ("linear 3 4 stride 2", "line 1"),
    "an option without a number": ("conv2d 1 1 3 stride", "line 1"),
    "an option twice": ("conv2d 1 1 3 stride 1 stride 1", "line 1"),
    "a flag twice": ("attention 4 2 causal causal", "line 1"),
    "a stride of zero": ("conv2d 1 1 3 stride 0", "line 1"),
    "padding as wide as the window": ("\n\nmax_pool 2 padding 2", "line 3"),
    "groups that do not divide": ("conv2d 3 4 1 groups 2", "line 1"),
    "heads that do not divide": ("attention 8 3", "line 1"),
    "a rate of one": ("dropout 1", "line 1"),
    "a rate that is no number": ("dropout nan", "line 1"),
    "no rate": ("dropout", "line 1"),
    "a reshape to nothing": ("reshape", "line 1"),
    "a reshape to nine dimensions": ("reshape 1 1 1 1 1 1 1 1", "line 1"),
    "a block of nothing": ("residual { }", "line 1"),
    "a block without a name": ("relu\n{ relu }", "line 2"),
    "a block after another layer": ("relu { relu }", "line 1"),
    "residual without a block": ("residual", "line 1"),
    "a block without end": ("residual { relu", "line 1"),
    "an end without a block": ("relu\n}", "line 2"),
    "blocks too deep": ("residual { " * (DEPTH_MOST + 1) + "relu" + "}" * (DEPTH_MOST + 1), "deep"),
    "blocks without end": ("{" * 16_000, "deep"),
    "too many layers": ("relu;" * (STATEMENTS_MOST + 1), "statements"),
    "a text too long": (" " * 20_000, "characters"),
    "letters outside ASCII": ("rélu", "ASCII"),
    "bytes outside ASCII": (b"relu\xff", "ASCII"),
    "an embedding in the middle": ("relu\nembedding 3 4", "line 2"),
    "an embedding inside": ("residual { embedding 3 4 }", "line 1"),
}

UNFIT: dict[str, tuple[str, tuple[int, ...], str]] = {
    "features": ("relu\nlinear 3 4", (2, 4), "line 2"),
    "no features": ("linear 3 4", (3,), "line 1"),
    "channels": ("conv2d 3 4 1", (1, 2, 5, 5), "line 1"),
    "images without channels": ("conv2d 3 4 1", (1, 3, 5), "line 1"),
    "a signal with rows": ("conv1d 3 4 1", (1, 3, 5, 5), "line 1"),
    "images smaller than the window": ("conv2d 3 4 3", (1, 3, 2, 2), "line 1"),
    "a window past the image": ("max_pool 6", (1, 3, 5, 5), "line 1"),
    "pooling of rows": ("mean_pool 2", (4, 4), "line 1"),
    "elements": ("reshape 2 3", (4, 5), "line 1"),
    "a width": ("layer_norm 4", (2, 3), "line 1"),
    "normalised channels": ("batch_norm 4", (2, 3), "line 1"),
    "a place past the last": ("position 3 4", (2, 4, 4), "line 1"),
    "a sequence without length": ("attention 4 2", (2, 4), "line 1"),
    "an axis": ("mean_over 2", (2, 4), "line 1"),
    "a block of another shape": ("residual { linear 4 5 }", (2, 4), "line 1"),
    "a block inside a block": ("residual {\nresidual {\nlinear 4 5 } }", (2, 4), "line 2"),
    "nine dimensions": ("embedding 2 3", (1,) * 8, "line 1"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_lists_no_layers_is_refused(name: str) -> None:
    """With the typed error, which names the line."""
    text, where = WRONG[name]
    with pytest.raises(InvalidModel, match=where):
        parse_model(text)


@pytest.mark.parametrize("name", UNFIT)
def test_what_does_not_fit_is_refused_before_it_runs(name: str) -> None:
    """With the line, in advance and in use alike."""
    text, shape, where = UNFIT[name]
    model = parse_model(text)
    with pytest.raises(InvalidModel, match=where):
        trace(model, shape[1:], shape[0])
    with pytest.raises(InvalidModel, match=where):
        forward(model, init(model, 1), Tensor.full(shape, 0.0))


def test_results_too_large_are_refused_before_they_are_made() -> None:
    """2^31 elements between two layers."""
    model = parse_model("linear 2 1048576")
    with pytest.raises(InvalidModel, match=r"line 1: .*elements"):
        trace(model, (2,), 2**11)
    with pytest.raises(TensorTooLarge):
        trace(model, (2,), 2**31)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([*CNN.split(), *TRANSFORMER.split(), "{", "}", ";", "\n", "0", "2"]), max_size=25))
def test_any_words(words: list[str]) -> None:
    """Any words are a model or `InvalidModel`, and any model takes a batch or refuses it."""
    try:
        model = parse_model(" ".join(words))
        trace(model, (2, 6, 6), 3)
    except InvalidModel:
        return
    assert forward(model, init(model, 1), nn.normal(Stream(1, 1), (3, 2, 6, 6)), training=True).result.shape[0] == 3


SIZES = st.sampled_from([1, 1, 2, 2, 3, 4])
LAYERS = st.one_of(
    st.sampled_from(["relu", "gelu", "tanh", "sigmoid", "flatten", "dropout 0.5", "dropout 0.999999999999"]),
    st.tuples(st.sampled_from(["linear", "position", "feed_forward"]), SIZES, SIZES),
    st.tuples(st.sampled_from(["layer_norm", "batch_norm", "mean_over"]), SIZES),
    st.tuples(st.sampled_from(["conv1d", "conv2d"]), SIZES, SIZES, SIZES, st.just("stride"), SIZES),
    st.tuples(st.sampled_from(["max_pool", "mean_pool"]), SIZES, st.sampled_from(["", "stride 1", "padding 1"])),
    st.tuples(st.just("attention"), st.sampled_from([2, 4]), st.sampled_from([1, 2]), st.sampled_from(["", "causal"])),
    st.tuples(st.just("reshape"), SIZES, SIZES),
).map(lambda parts: parts if isinstance(parts, str) else " ".join(map(str, parts)))
BLOCKS = st.lists(LAYERS, min_size=1, max_size=2).map(lambda layers: f"residual {{ {'; '.join(layers)} }}")


@settings(max_examples=300, deadline=None)
@given(
    st.lists(LAYERS | BLOCKS, min_size=1, max_size=4),
    st.lists(st.sampled_from([0, 1, 2, 2, 3, 4]), max_size=3),
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from([1.0, math.inf, math.nan]),
)
def test_what_fits_runs(layers: list[str], shape: list[int], samples: int, training: bool, factor: float) -> None:
    """Whatever was told in advance is done, on nothing, on infinities and on NaN too."""
    try:
        model = parse_model("; ".join(layers))
        rows = trace(model, tuple(shape), samples, training=training)
    except InvalidModel:
        return
    x = nn.scale(nn.normal(Stream(1, 1), (samples, *shape)), factor)
    result = forward(model, init(model, 1), x, training=training).result
    assert result.shape[:1] == (samples,)
    assert rows or result.shape == x.shape


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    """Never another error."""
    with contextlib.suppress(InvalidModel):
        assert parse_model(data).layers


def test_line_ends_and_semicolons_are_alike() -> None:
    """And spaces, and options in any order."""
    one = parse_model("conv2d 1 2 3 padding 1 stride 2\nrelu\n\nresidual {\n  relu\n}\n")
    other = parse_model(b"conv2d  1 2 3 stride 2 padding 1;relu; residual { relu };")
    assert described(one.layers) == described(other.layers)
    assert described(one.layers) != described(parse_model("conv2d 1 2 3 padding 1; relu; residual { relu }").layers)
    assert described(parse_model("dropout 0.1").layers) != described(parse_model("dropout 0.2").layers)


def _torch_cnn(w: list[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    x = torch.nn.functional.conv2d(x, w[0], w[1], 2, 1, groups=2)
    x = torch.nn.functional.batch_norm(x, w[4], w[5], w[2], w[3], training=True).relu()
    x = torch.nn.functional.avg_pool2d(x, 2, 1, 1)
    x = torch.nn.functional.max_pool2d(x, 3).flatten(1)
    return ((x @ w[6] + w[7]).tanh() @ w[8] + w[9]).sigmoid()


def _torch_attention(w: list[torch.Tensor], x: torch.Tensor, heads: int, causal: bool) -> torch.Tensor:
    """By torch's own layer, whose weights lie the other way round."""
    layer = torch.nn.MultiheadAttention(x.shape[2], heads, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        layer.in_proj_weight.copy_(w[0].T)
        layer.in_proj_bias.copy_(w[1])
        layer.out_proj.weight.copy_(w[2].T)
        layer.out_proj.bias.copy_(w[3])
    mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1) if causal else None
    return layer(x, x, x, attn_mask=mask, need_weights=False)[0].detach()  # type: ignore[no-any-return]


def _torch_transformer(w: list[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    def normal(x: torch.Tensor, at: int) -> torch.Tensor:
        return torch.nn.functional.layer_norm(x, (8,), w[at], w[at + 1])

    x = w[0][x.long()] + w[1][: x.shape[1]]
    x = x + _torch_attention(w[4:8], normal(x, 2), 2, True)
    x = x + torch.nn.functional.gelu(normal(x, 8) @ w[10] + w[11], approximate="tanh") @ w[12] + w[13]
    return normal(x, 14).mean(1) @ w[16] + w[17]


def _torch_signal(w: list[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    x = torch.nn.functional.gelu(torch.nn.functional.conv1d(x, w[0], w[1], 2, 2), approximate="tanh")
    return _torch_attention(w[2:6], x.reshape(len(x), 2, 8), 4, False).flatten(1) @ w[6] + w[7]


@pytest.mark.parametrize(
    ("text", "shape", "theirs", "training"),
    [
        (CNN, (5, 2, 7, 7), _torch_cnn, True),
        (TRANSFORMER, (4, 6), _torch_transformer, False),
        (SIGNAL, (3, 3, 8), _torch_signal, False),
    ],
)
def test_layers_compute_what_torchs_do(
    text: str,
    shape: tuple[int, ...],
    theirs: Callable[[list[torch.Tensor], torch.Tensor], torch.Tensor],
    training: bool,
) -> None:
    """Within rounding of torch's own layers in binary64, with every weight away from where it starts."""
    model = parse_model(text)
    weights = [nn.add(w, nn.uniform(Stream(2, at), w.shape, 0.1, 0.4)) for at, w in enumerate(init(model, 1))]
    x = nn.normal(Stream(3, 1), shape)
    if "embedding" in text:
        x = Tensor(torch.arange(math.prod(shape)).reshape(shape).remainder(11).float())
    ours = forward(model, weights, x, training=training).result
    expected = theirs([w.values.double() for w in weights], x.values.double())
    assert torch.allclose(ours.values.double(), expected, atol=2e-5)


def test_running_statistics_move_in_training_alone() -> None:
    """By a tenth of the way to the batch's; every other weight stays."""
    model = parse_model("batch_norm 2")
    weights = init(model, 1)
    x = Tensor.of([1.0, 10.0, 3.0, 30.0], [2, 2])
    assert forward(model, weights, x).weights == weights
    moved = forward(model, weights, x, training=True).weights
    assert moved[:2] == weights[:2]
    assert torch.allclose(moved[2].values, torch.tensor([0.2, 2.0]))
    assert torch.allclose(moved[3].values, torch.tensor([1.0, 10.9]))


@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize(("text", "shape"), [(CNN, (2, 7, 7)), (SIGNAL, (3, 8)), (TRANSFORMER, (6,))])
def test_no_sample_depends_on_another(text: str, shape: tuple[int, ...], precision: Precision) -> None:
    """In use, a batch in pieces gives the same bits."""
    model = parse_model(text)
    weights = init(model, 3)
    x = nn.normal(Stream(3, 1), (5, *shape))
    if "embedding" in text:
        x = Tensor(torch.arange(30).reshape(5, 6).remainder(11).float())
    whole = forward(model, weights, x, precision=precision).result.to_bytes()
    parts = [Tensor(x.values[begin:end].contiguous()) for begin, end in ((0, 1), (1, 1), (1, 4), (4, 5))]
    assert whole == b"".join(forward(model, weights, part, precision=precision).result.to_bytes() for part in parts)


def test_a_trace_says_what_is_done() -> None:
    """Every operator with its operands' shapes and its integers; precision and training show."""
    model = parse_model("embedding 9 4; dropout 0.5; residual { attention 4 2 causal }; linear 4 3")
    rows = trace(model, (5,), 7, precision=Precision.EXACT8)
    assert " ".join(name for name, _, _ in rows) == (
        "indices embedding dropout matmul add reshape transpose slice reshape slice reshape slice reshape"
        " attention transpose reshape matmul add add matmul add"
    )
    assert rows[1] == ("embedding", ((9, 4), (7, 5)), ())
    assert rows[2] == ("dropout", ((7, 5, 4),), (0, 0))
    assert rows[3] == ("matmul", ((7, 5, 4), (4, 12)), (8,))
    assert rows[13] == ("attention", ((7, 2, 5, 2),) * 3, (1, 8))
    assert rows[-1] == ("add", ((7, 5, 3), (3,)), ())
    used = trace(model, (5,), 7, training=False)
    assert [name for name, _, _ in used if name == "dropout"] == []
    convolution = trace(parse_model("conv2d 1 2 3 padding 1; max_pool 2; mean_over 3; batch_norm 2"), (1, 8, 8), 2)
    assert convolution == [
        ("conv2d", ((2, 1, 8, 8), (2, 1, 3, 3), (2,)), ((1, 1), (1, 1), 1, 20)),
        ("max_pool", ((2, 2, 8, 8),), ((2, 2), (2, 2), (0, 0))),
        ("mean", ((2, 2, 4, 4),), ((3,), 0)),
        ("batch_norm", ((2, 2, 4), (2,), (2,), (2,), (2,)), ()),
    ]


def test_every_layer_is_on_its_page() -> None:
    """With its sizes, options and flags."""
    page = (Path(__file__).parents[2] / "docs" / "layers.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    for name, kind in KINDS.items():
        (row,) = (row for row in rows if re.search(rf"`{name}[ `]", row))
        assert all(f"`{option} " in row for option in kind.options)
        assert all(f"`{flag}`" in row for flag in kind.flags)
        assert not kind.sizes or re.search(rf"`{name}( [A-Z]+){{{len(kind.sizes)}}}`", row)


def test_weights_must_be_the_models() -> None:
    """Their number and their shapes."""
    model = parse_model("linear 3 4")
    weights, x = init(model, 1), Tensor.full([1, 3], 0.0)
    for wrong in (weights[:1], weights[::-1], [*weights, weights[0]], []):
        with pytest.raises(InvalidModel, match="weight"):
            forward(model, wrong, x)


def test_embeddings_take_whole_numbers_in_range() -> None:
    """Others are refused."""
    model = parse_model("embedding 3 4")
    for number in (0.5, math.nan, math.inf, 2.0**63):
        with pytest.raises(InvalidTensor):
            forward(model, init(model, 1), Tensor.full([1, 1], number))
    with pytest.raises(nn.InvalidIndex):
        forward(model, init(model, 1), Tensor.full([1, 1], 3.0))


def test_weights_begin_where_their_seed_says() -> None:
    """The same for one seed; biases too; within ±1 ÷ √inputs."""
    model = parse_model("conv2d 4 6 3 groups 2; flatten; linear 6 5; layer_norm 5; batch_norm 5")
    one, same, other = (init(model, seed) for seed in (1, 1, 2))
    assert [w.to_bytes() for w in one] == [w.to_bytes() for w in same]
    assert all(a.to_bytes() != b.to_bytes() for a, b in zip(one[:4], other[:4], strict=True))
    assert [w.to_bytes() for w in one[4:]] == [w.to_bytes() for w in other[4:]]
    assert 0.2 < float(one[0].values.abs().max()) <= 1 / math.sqrt(18)
    assert [w.shape for w in one] == [(6, 2, 3, 3), (6,), (6, 5), (5,), (5,), (5,), (5,), (5,), (5,), (5,)]
