"""Models from text. What is wrong is told with its line; nothing is computed."""

from typing import NamedTuple

from accountant.tensors.errors import InvalidModel
from accountant.tensors.layer_kinds import KINDS, SIZE_MOST, Layer, Parameter, flattened, parameters_of
from accountant.tensors.layer_text import Statement, Wrong, integer_of, real_of, refused, statements_of
from accountant.tensors.shapes import MAX_RANK

_MAY_BE_ZERO = {"padding"}


class Model(NamedTuple):
    """Layers, one after the other, and the weights of all of them in order."""

    layers: tuple[Layer, ...]
    parameters: tuple[Parameter, ...]


def parse_model(text: str | bytes) -> Model:
    """The model that a text lists. `InvalidModel` with the line where something is wrong."""
    layers = _layers(statements_of(text, InvalidModel))
    _check_embeddings(layers)
    return Model(layers, tuple(parameter for layer in flattened(layers) for parameter in parameters_of(layer)))


def _layers(statements: tuple[Statement, ...]) -> tuple[Layer, ...]:
    found = []
    for statement in statements:
        try:
            found.append(_layer(statement))
        except Wrong as wrong:
            raise refused(InvalidModel, statement.line, str(wrong)) from wrong
    return tuple(found)


def _layer(statement: Statement) -> Layer:
    if not statement.words:
        raise Wrong("a block without a name; residual { … } is possible")
    kind, *words = statement.words
    if (statement.body is not None) != (kind == "residual"):
        raise Wrong("residual { … } has a block, and nothing else has")
    if kind == "residual":
        if words or not statement.body:
            raise Wrong("residual is followed by a block with layers")
        return Layer(kind, statement.line, body=_layers(statement.body))
    if kind == "reshape":
        if not 1 <= len(words) < MAX_RANK:
            raise Wrong(f"reshape is followed by 1 to {MAX_RANK - 1} sizes")
        return Layer(kind, statement.line, shape=tuple(integer_of(word, 1, SIZE_MOST) for word in words))
    if kind == "dropout":
        if len(words) != 1 or not real_of(words[0]) < 1.0:
            raise Wrong("dropout is followed by a rate below 1")
        return Layer(kind, statement.line, rate=real_of(words[0]))
    if kind not in KINDS:
        raise Wrong(
            f"no layer is called {kind[:30]}; there are {', '.join([*KINDS, 'reshape', 'dropout', 'residual'])}"
        )
    layer = Layer(kind, statement.line, _sizes(kind, words))
    _check(layer)
    return layer


def _sizes(kind: str, words: list[str]) -> dict[str, int]:
    form = KINDS[kind]
    if len(words) < len(form.sizes):
        raise Wrong(f"{kind} is followed by {' '.join(form.sizes).upper()}")
    sizes = {name: integer_of(word, 1, SIZE_MOST) for name, word in zip(form.sizes, words, strict=False)}
    rest = words[len(form.sizes) :][::-1]
    while rest:
        word = rest.pop()
        if word in sizes:
            raise Wrong(f"{word} twice")
        if word in form.flags:
            sizes[word] = 1
        elif word in form.options and rest:
            sizes[word] = integer_of(rest.pop(), 0 if word in _MAY_BE_ZERO else 1, SIZE_MOST)
        else:
            raise Wrong(f"{word[:30]} where {kind} ends or is followed by {' '.join([*form.options, *form.flags])}")
    return {**form.options, **dict.fromkeys(form.flags, 0), **sizes}


def _check(layer: Layer) -> None:
    """What sizes must fulfil among themselves."""
    size = layer.sizes
    if layer.kind in ("conv1d", "conv2d") and (size["in"] % size["groups"] or size["out"] % size["groups"]):
        raise Wrong(f"{size['groups']} groups do not divide {size['in']} and {size['out']} channels")
    if "padding" in size and size["padding"] >= size["kernel"]:
        raise Wrong(f"padding {size['padding']}; it must be smaller than the window of {size['kernel']}")
    if layer.kind == "attention" and size["width"] % size["heads"]:
        raise Wrong(f"{size['heads']} heads do not divide a width of {size['width']}")


def _check_embeddings(layers: tuple[Layer, ...]) -> None:
    """Only data are whole numbers, so an embedding is the first layer or none."""
    for layer in flattened(layers):
        if layer.kind == "embedding" and layer is not layers[0]:
            raise refused(InvalidModel, layer.line, "an embedding comes first: it takes whole numbers")
