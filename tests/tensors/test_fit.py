"""Whole trainings: what each step does, and that nothing shows where one was stopped and taken up again."""

import contextlib
from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import accountant.tensors as nn
from accountant.tensors import (
    Adam,
    Indices,
    InvalidIndex,
    InvalidShape,
    Momentum,
    Precision,
    Stream,
    Tensor,
    running,
    training_plan,
)
from accountant.tensors.errors import InvalidModel, InvalidSettings
from accountant.tensors.fit import Fitted, fit, predict
from accountant.tensors.layers import TracedRow, forward, init, parse_model
from accountant.tensors.lowering import Row
from accountant.tensors.training_plan import plan_prediction, plan_training
from accountant.tensors.training_settings import Loss, Settings, parse_settings
from accountant.tensors.training_state import key_of
from tests.support.small_networks import blobs

IMAGES, LABELS = blobs(11, (1, 4, 4))
WORDS = Tensor.of([float((3 * row + place * place) % 5) for row in range(7) for place in range(6)], [7, 6])
ROWS = nn.normal(Stream(8, 1), (10, 3))
TARGETS = nn.normal(Stream(8, 2), (10, 2))
NOTHING = Tensor.full([0, 3], 0.0)

RUNS: dict[str, tuple[str, Tensor, Tensor | Indices | None, str]] = {
    "images": (
        "conv2d 1 3 3 padding 1; batch_norm 3; relu; max_pool 2; flatten; dropout 0.25; linear 12 4",
        IMAGES,
        LABELS,
        "epochs 2; batch 4; optimiser adam rate 0.01 decay 0.001; loss cross_entropy; seed 3; clip 0.5",
    ),
    "words": (
        "embedding 5 4; position 5 4; residual { layer_norm 4; attention 4 2 causal; dropout 0.5 }; linear 4 5",
        WORDS,
        None,
        "epochs 2; batch 3; optimiser sgd rate 0.1 momentum 0.9; loss next_token; seed 4; precision exact8",
    ),
    "rows": (
        "linear 3 4; tanh; linear 4 2",
        ROWS,
        TARGETS,
        "epochs 3; batch 5; optimiser sgd rate 0.1 decay 0.01; loss mean_squared_error; seed 5",
    ),
}


class Kept:
    """Checkpoints in a dictionary, which may refuse to take any more."""

    def __init__(self) -> None:
        self.states: dict[bytes, bytes] = {}
        self.saves = 0
        self.loads = 0

    def load(self, key: bytes) -> bytes | None:
        self.loads += key in self.states
        return self.states.get(key)

    def save(self, key: bytes, state: bytes) -> None:
        self.saves += 1
        self.states[key] = state


class Killed(Exception):
    """What stops a training from outside."""


def shown(fitted: Fitted) -> list[bytes]:
    return [tensor.to_bytes() for tensor in (*fitted.weights, fitted.history)]


def trained(name: str, kept: Kept | None = None, *, every: int = 1, stop: int = 0) -> Fitted:
    """A run; with `stop` it is killed after that step."""
    text, data, answers, how = RUNS[name]
    model = parse_model(text)

    def progress(step: int, steps: int, loss: float) -> None:
        assert 0 < step <= steps
        if step == stop:
            raise Killed

    return fit(model, init(model, 1), data, answers, parse_settings(how)._replace(every=every), kept, progress)


@cache
def undisturbed(name: str) -> list[bytes]:
    """What a run gives from beginning to end."""
    return shown(trained(name))


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("every", [1, 2, 3])
def test_killed_after_any_step_it_ends_with_the_same_bits(name: str, every: int) -> None:
    """Weights, running statistics and losses, however few states were kept."""
    whole = undisturbed(name)
    steps = len(whole[-1]) // 4
    for stop in range(1, steps + 1):
        kept = Kept()
        with pytest.raises(Killed):
            trained(name, kept, every=every, stop=stop)
        assert shown(trained(name, kept, every=every)) == whole
        assert kept.loads == (stop >= every or stop == steps)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(1, 6), max_size=5), st.integers(1, 4), st.sampled_from(sorted(RUNS)))
def test_killed_again_and_again_it_ends_with_the_same_bits(stops: list[int], every: int, name: str) -> None:
    """Each time from where it was."""
    kept = Kept()
    for stop in stops:
        with contextlib.suppress(Killed):
            trained(name, kept, every=every, stop=stop)
    assert shown(trained(name, kept, every=every)) == undisturbed(name)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_damaged_state_costs_work_and_no_bit(data: st.DataObject) -> None:
    """Cut, lengthened or with a byte changed anywhere, it is as if there were none."""
    name = data.draw(st.sampled_from(sorted(RUNS)))
    kept = Kept()
    with pytest.raises(Killed):
        trained(name, kept, stop=2)
    ((key, state),) = kept.states.items()
    at = data.draw(st.integers(0, len(state) - 1))
    kept.states[key] = data.draw(
        st.sampled_from([state[:at], state + b"\0", state[:at] + bytes([state[at] ^ 1]) + state[at + 1 :], b""])
    )
    kept.saves = 0
    assert shown(trained(name, kept)) == undisturbed(name)
    assert kept.saves == len(undisturbed(name)[-1]) // 4


@pytest.mark.parametrize("name", RUNS)
def test_another_runs_state_is_never_taken_up(name: str) -> None:
    """Each thing that decides the result has its part in the key; how often states are kept has not."""
    text, data, answers, how = RUNS[name]
    model = parse_model(text)
    weights, said = init(model, 1), parse_settings(how)
    key = key_of(model, weights, data, answers, said)
    assert key_of(model, init(model, 1), data, answers, said._replace(every=7)) == key
    others = [
        said._replace(epochs=said.epochs + 1),
        said._replace(batch=said.batch + 1),
        said._replace(seed=said.seed + 1),
        said._replace(clip=0.25),
        said._replace(precision=Precision.EXACT8 if said.precision is Precision.EXACT20 else Precision.EXACT20),
        said._replace(loss=next(loss for loss in Loss if loss is not said.loss)),
        said._replace(optimiser=Adam(said.optimiser.rate)),
        said._replace(optimiser=Momentum(said.optimiser.rate)),
        *(said._replace(optimiser=said.optimiser._replace(**{field: 0.123})) for field in said.optimiser._fields),
    ]
    keys = [key_of(model, weights, data, answers, other) for other in others if other != said]
    first = Tensor.of([*weights[0].numbers()[:-1], 9.0], weights[0].shape)
    keys += [
        key_of(model, [first, *weights[1:]], data, answers, said),
        key_of(model, weights[:-1], data, answers, said),
        key_of(model, weights, nn.shift(data, 1.0), answers, said),
        key_of(model, weights, nn.reshape(data, (*data.shape, 1)), answers, said),
        key_of(model, weights, data, Tensor.full([3], 0.0), said),
        key_of(model, weights, data, Indices.of([1], [1]), said),
        key_of(parse_model(f"{text}; relu"), weights, data, answers, said),
    ]
    assert len({key, *keys}) == 1 + len(keys)


def test_states_of_two_runs_do_not_meet() -> None:
    """In one store, each run goes on from its own."""
    kept = Kept()
    for name in RUNS:
        with pytest.raises(Killed):
            trained(name, kept, stop=2)
    for name in RUNS:
        assert shown(trained(name, kept)) == undisturbed(name)
    state = next(iter(kept.states.values()))
    kept.states = dict.fromkeys(kept.states, state)  # each under every key
    for name in RUNS:
        assert shown(trained(name, kept)) == undisturbed(name)


def _by_hand(weights: Sequence[Tensor], images: Tensor, labels: Indices) -> tuple[list[Tensor], list[float]]:
    """Two epochs of batches of 4, 4 and 3 with momentum and clipping, written out."""
    moved, velocities, losses = [nn.variable(weight) for weight in weights], nn.zeros_like(weights), []
    for epoch in range(2):
        order = nn.permutation(Stream(9, (1 << 56) + epoch), 11)
        for place, begin in enumerate((0, 4, 8)):
            batch = Indices(order.values[begin : begin + 4])
            x = nn.relu(nn.conv2d(nn.take(images, 0, batch), moved[0], moved[1], padding=1))
            x = nn.dropout(nn.reshape(x, (x.shape[0], 48)), 0.5, Stream(9, (1 << 57) + 256 * (3 * epoch + place)))
            logits = nn.add(nn.matmul(x, moved[2]), moved[3])
            loss = nn.cross_entropy(logits, Indices(labels.values[batch.values]))
            slopes = nn.clip_gradients(nn.gradients(loss, moved), 0.75)
            moved, velocities = nn.sgd_step(moved, slopes, velocities, Momentum(0.1, 0.9, 0.01))
            losses += loss.numbers()
    return moved, losses


def test_a_training_is_what_the_page_says() -> None:
    """The same bits as the loop written out with operators."""
    model = parse_model("conv2d 1 3 3 padding 1; relu; flatten; dropout 0.5; linear 48 4")
    how = "epochs 2; batch 4; optimiser sgd rate 0.1 momentum 0.9 decay 0.01; loss cross_entropy; seed 9; clip 0.75"
    weights = init(model, 1)
    expected, losses = _by_hand(weights, IMAGES, LABELS)
    fitted = fit(model, weights, IMAGES, LABELS, parse_settings(how))
    assert [w.to_bytes() for w in fitted.weights] == [w.to_bytes() for w in expected]
    assert fitted.history.numbers() == losses


@pytest.mark.parametrize("name", RUNS)
def test_the_plan_is_what_is_done(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every operator of every step, in number and in shapes; and so for predictions."""
    done: list[TracedRow] = []
    actual = running._result

    def recorded(row: Row, operands: Sequence[Tensor | Indices], stream: Stream, moved: dict[int, Tensor]) -> object:
        done.append((row.name, tuple(operand.shape for operand in operands), row.attributes))
        return actual(row, operands, stream, moved)

    monkeypatch.setattr(running, "_result", recorded)
    text, data, answers, how = RUNS[name]
    plan = plan_training(parse_model(text), data.shape, None if answers is None else answers.shape, parse_settings(how))
    fitted = trained(name)
    assert plan.steps == len(fitted.history.numbers())
    assert sorted(done) == sorted(row for part in plan.parts for row in part.taped * part.times)
    counts = {name: sum(part.times for part in plan.parts for row in part.plain if row[0] == name) for name in
              ("permutation", "take", "clip", "sgd", "adam")}  # fmt: skip
    has_clip, has_adam = "clip" in how, "adam" in how
    assert counts == {
        "permutation": 3 if name == "rows" else 2,
        "take": plan.steps * (1 if answers is None else 2),
        "clip": plan.steps * has_clip,
        "sgd": plan.steps * (not has_adam),
        "adam": plan.steps * has_adam,
    }
    monkeypatch.setattr(training_plan, "PIECE", 4)
    done.clear()
    use = data if name != "words" else nn.slice_of(data, 1, 0, 5)
    predict(parse_model(text), fitted.weights, use)
    parts = plan_prediction(parse_model(text), use.shape).parts
    rows = [row for part in parts for row in part.plain * part.times if row[0] not in ("slice", "join")]
    assert sorted(row for row in done if row[0] != "slice") == sorted(rows)


@pytest.mark.parametrize("piece", [1, 3, 4, 7, 100])
def test_pieces_of_a_prediction_do_not_show(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many samples are worked on at once, and with none at all."""
    for name, (text, data, _, _) in RUNS.items():
        model, weights = parse_model(text), trained(name).weights
        data = data if name != "words" else nn.slice_of(data, 1, 0, 5)
        whole = forward(model, weights, data).result
        with monkeypatch.context() as patch:
            patch.setattr(training_plan, "PIECE", piece)
            assert predict(model, weights, data).to_bytes() == whole.to_bytes()
            assert predict(model, weights, nn.slice_of(data, 0, 0, 0)).shape == (0, *whole.shape[1:])


def test_what_comes_out_is_plain() -> None:
    """No gradient flows into a finished training, nor did the weights that went in change."""
    text, data, answers, how = RUNS["images"]
    model = parse_model(text)
    weights = [nn.variable(weight) for weight in init(model, 1)]
    before = [weight.to_bytes() for weight in weights]
    fitted = fit(model, weights, nn.variable(data), answers, parse_settings(how))
    assert all(tensor.node is None for tensor in (*fitted.weights, fitted.history))
    assert [weight.to_bytes() for weight in weights] == before
    assert predict(model, weights, nn.variable(data)).node is None


def test_networks_learn() -> None:
    """The next number of rows that count on, and a plane."""
    model = parse_model(
        "embedding 5 8; position 7 8; residual { layer_norm 8; attention 8 2 causal }; feed_forward 8 16; linear 8 5"
    )
    rows = Tensor.of([float((row + place) % 5) for row in range(20) for place in range(8)], [20, 8])
    how = parse_settings("epochs 12; batch 5; optimiser adam rate 0.02; loss next_token; seed 1")
    fitted = fit(model, init(model, 1), rows, None, how)
    assert fitted.history.numbers()[-1] < 0.1 < 1.0 < fitted.history.numbers()[0]
    guesses = nn.argmax(predict(model, fitted.weights, nn.slice_of(rows, 1, 0, 7)), 2)
    assert guesses.numbers() == [(row + place + 1) % 5 for row in range(20) for place in range(7)]
    model = parse_model("linear 3 2")
    plane = nn.shift(nn.matmul(ROWS, Tensor.of([1.0, -2.0, 0.5, 0.0, 3.0, 1.0], [3, 2])), 0.5)
    how = parse_settings("epochs 100; batch 4; optimiser sgd rate 0.3; loss mean_squared_error; seed 1")
    fitted = fit(model, init(model, 1), ROWS, plane, how)
    assert fitted.history.numbers()[-1] < 1e-3
    assert fitted.weights[0].numbers() == pytest.approx([1.0, -2.0, 0.5, 0.0, 3.0, 1.0], abs=0.05)


UNFIT: dict[str, tuple[type[Exception], str, Tensor, Tensor | Indices | None, str]] = {
    "no labels": (InvalidSettings, "flatten; linear 16 4", IMAGES, None, "cross_entropy"),
    "targets for labels": (InvalidSettings, "linear 3 2", ROWS, TARGETS, "cross_entropy"),
    "labels for targets": (InvalidSettings, "flatten; linear 16 4", IMAGES, LABELS, "mean_squared_error"),
    "answers for words": (InvalidSettings, "embedding 5 5", WORDS, LABELS, "next_token"),
    "too few labels": (InvalidShape, "linear 3 4", ROWS, LABELS, "cross_entropy"),
    "targets of another shape": (InvalidShape, "linear 3 3", ROWS, TARGETS, "mean_squared_error"),
    "scores of no classes": (InvalidShape, "reshape 16; mean_over 1", IMAGES, LABELS, "cross_entropy"),
    "words in rows of rows": (InvalidShape, "linear 4 4", IMAGES, None, "next_token"),
    "words of one": (InvalidShape, "embedding 5 5", nn.slice_of(WORDS, 1, 0, 1), None, "next_token"),
    "no samples": (InvalidShape, "linear 3 2", NOTHING, NOTHING, "mean_squared_error"),
    "no dimensions": (InvalidShape, "linear 3 2", Tensor.full([], 1.0), Tensor.full([], 1.0), "mean_squared_error"),
    "a label outside": (InvalidIndex, "flatten; linear 16 2", IMAGES, LABELS, "cross_entropy"),
    "a word outside": (InvalidIndex, "embedding 4 5", WORDS, None, "next_token"),
    "a layer that does not fit": (InvalidModel, "linear 4 2", ROWS, TARGETS, "mean_squared_error"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNFIT)
def test_what_does_not_fit_is_refused(name: str) -> None:
    """With a typed error."""
    error, text, data, answers, loss = UNFIT[name]
    model = parse_model(text)
    said = parse_settings(f"epochs 1; batch 4; optimiser sgd rate 0.1; loss {loss}; seed 1")
    with pytest.raises(error):
        fit(model, init(model, 1), data, answers, said)


def test_weights_of_another_model_are_refused() -> None:
    """In training and in use."""
    model, said = parse_model("linear 3 2"), parse_settings(RUNS["rows"][3])
    weights = init(parse_model("linear 2 3"), 1)
    with pytest.raises(InvalidModel):
        fit(model, weights, ROWS, TARGETS, said)
    with pytest.raises(InvalidModel):
        predict(model, weights, ROWS)


GOOD = "epochs 3; batch 64; optimiser adam rate 0.001; loss cross_entropy; seed 7"
SAID: dict[str, Settings] = {
    GOOD: Settings(3, 64, Adam(0.001), Loss.CROSS_ENTROPY, 7),
    "seed 0\nevery 5\nclip 1.5e-1\nprecision exact8;loss next_token;optimiser sgd rate 1 decay 0.5;batch 1;epochs 1": (
        Settings(1, 1, Momentum(1.0, 0.0, 0.5), Loss.NEXT_TOKEN, 0, Precision.EXACT8, 0.15, 5)
    ),
    "epochs 1; batch 1; loss mean_squared_error; seed 18446744073709551615;"
    "optimiser adam epsilon 1e-6 second 0.9 first 0 rate 0 decay 1": (
        Settings(1, 1, Adam(0.0, 0.0, 0.9, 1e-6, 1.0), Loss.MEAN_SQUARED_ERROR, 2**64 - 1)
    ),
}  # fmt: skip
WRONG = {
    "nothing": "",
    "no seed": GOOD.replace("; seed 7", ""),
    "no rate": GOOD.replace(" rate 0.001", ""),
    "a rate below zero": GOOD.replace("0.001", "-0.001"),
    "a rate of NaN": GOOD.replace("0.001", "nan"),
    "a rate past all numbers": GOOD.replace("0.001", "1e999"),
    "a rate in hexadecimal": GOOD.replace("0.001", "0x1"),
    "a rate with an underscore": GOOD.replace("0.001", "1_0"),
    "a rate of a thousand digits": GOOD.replace("0.001", "1" * 1000),
    "a rate twice": GOOD.replace("0.001", "0.001 rate 0.001"),
    "a moment of one": GOOD.replace("0.001", "0.001 first 1.0"),
    "adam with momentum": GOOD.replace("0.001", "0.001 momentum 0.9"),
    "another optimiser": GOOD.replace("adam", "rmsprop"),
    "no epochs": GOOD.replace("epochs 3", "epochs 0"),
    "epochs past the most": GOOD.replace("epochs 3", "epochs 2147483649"),
    "half a batch": GOOD.replace("64", "64.5"),
    "another loss": GOOD.replace("cross_entropy", "hinge"),
    "another precision": GOOD + "; precision float32",
    "a seed of 2^64": GOOD.replace("seed 7", "seed 18446744073709551616"),
    "a setting twice": GOOD + "; seed 7",
    "an unknown setting": GOOD + "; shuffle no",
    "a setting without a word": GOOD + "; every",
    "a block": GOOD + "; every { 5 }",
    "a bare block": GOOD + "; { every 5 }",
    "letters outside ASCII": GOOD + "; é",
}


@pytest.mark.parametrize("text", SAID)
def test_settings_are_what_the_text_says(text: str) -> None:
    """In any order, with what is left out as it usually is."""
    assert parse_settings(text) == parse_settings(text.encode()) == SAID[text]


@pytest.mark.parametrize("name", WRONG)
def test_text_that_does_not_say_how_to_train_is_refused(name: str) -> None:
    """With the typed error."""
    with pytest.raises(InvalidSettings):
        parse_settings(WRONG[name])


def test_too_many_steps_are_refused_at_once() -> None:
    """Before anything is computed or planned at length."""
    model, said = parse_model("linear 3 2"), parse_settings(RUNS["rows"][3])
    with pytest.raises(InvalidSettings, match="steps"):
        fit(model, init(model, 1), ROWS, TARGETS, said._replace(epochs=2**31))
    with pytest.raises(InvalidSettings, match="steps"):
        plan_training(model, (2**29, 3), (2**29, 2), said)
