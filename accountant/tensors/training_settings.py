"""How to train, as text: `epochs 3; batch 64; optimiser adam rate 0.001; loss cross_entropy; seed 7`."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from accountant.tensors.errors import InvalidSettings
from accountant.tensors.layer_text import Wrong, integer_of, real_of, refused, statements_of
from accountant.tensors.optimisers import Adam, Momentum
from accountant.tensors.rounding import Precision

COUNT_MOST: Final = 1 << 31
"""Of epochs, of samples in a batch, of steps between checkpoints."""


class Loss(StrEnum):
    """What is made small."""

    CROSS_ENTROPY = "cross_entropy"
    """Of the last dimension's scores with labels, one for each row."""
    MEAN_SQUARED_ERROR = "mean_squared_error"
    """Of the result with targets of its shape."""
    NEXT_TOKEN = "next_token"
    """Data are whole numbers; after each prefix of a sample, its next number is the label."""


class Settings(NamedTuple):
    """All that decides a training besides model, weights and data; but `every` decides nothing of it."""

    epochs: int
    batch: int
    optimiser: Momentum | Adam
    loss: Loss
    seed: int
    precision: Precision = Precision.EXACT20
    clip: float | None = None
    """The largest norm of all gradients together."""
    every: int = 100
    """Steps between checkpoints."""

    def described(self) -> str:
        """All that decides the result, as text: equal for settings that say the same in other words."""
        optimiser = " ".join(f"{name} {value.hex()}" for name, value in self.optimiser._asdict().items())
        clip = "none" if self.clip is None else self.clip.hex()
        return (
            f"epochs {self.epochs};batch {self.batch};{type(self.optimiser).__name__} {optimiser};loss {self.loss};"
            f"seed {self.seed};precision {int(self.precision)};clip {clip}"
        )


_PRECISIONS: Mapping[str, Precision] = {"exact20": Precision.EXACT20, "exact8": Precision.EXACT8}
_OPTIMISERS: Mapping[str, type[Momentum] | type[Adam]] = {"sgd": Momentum, "adam": Adam}
_BELOW_ONE = {"first", "second"}
_NEEDED = ("epochs", "batch", "optimiser", "loss", "seed")


def parse_settings(text: str | bytes) -> Settings:
    """Settings from text. `InvalidSettings` with the line where something is wrong, or with what is missing."""
    found: dict[str, object] = {}
    for statement in statements_of(text, InvalidSettings):
        try:
            if statement.body is not None or not statement.words:
                raise Wrong("settings have no blocks")
            name, *words = statement.words
            if name not in _SETTINGS:
                raise Wrong(f"no setting is called {name[:30]}; there are {', '.join(_SETTINGS)}")
            if name in found:
                raise Wrong(f"{name} twice")
            found[name] = _SETTINGS[name](words)
        except Wrong as wrong:
            raise refused(InvalidSettings, statement.line, str(wrong)) from wrong
    missing = [name for name in _NEEDED if name not in found]
    if missing:
        raise InvalidSettings(f"without {', '.join(missing)}")
    return Settings(**found)  # type: ignore[arg-type]


def _one(words: list[str]) -> str:
    if len(words) != 1:
        raise Wrong("one word belongs after each setting but the optimiser")
    return words[0]


def _choice(words: list[str], choices: Mapping[str, object]) -> object:
    word = _one(words)
    if word not in choices:
        raise Wrong(f"{word[:30]} where one of {', '.join(choices)} belongs")
    return choices[word]


def _count(words: list[str]) -> int:
    return integer_of(_one(words), 1, COUNT_MOST)


def _optimiser(words: list[str]) -> Momentum | Adam:
    """`sgd` or `adam`, then pairs of a name and a number; the rate must be there."""
    if not words or words[0] not in _OPTIMISERS or len(words) % 2 == 0:
        raise Wrong(f"optimiser is followed by {' or '.join(_OPTIMISERS)} and pairs such as rate 0.001")
    kind = _OPTIMISERS[words[0]]
    numbers: dict[str, float] = {}
    for name, number in zip(words[1::2], words[2::2], strict=True):
        if name not in kind._fields or name in numbers:
            raise Wrong(f"{name[:30]} twice or not one of {', '.join(kind._fields)}")
        numbers[name] = real_of(number)
        if name in _BELOW_ONE and numbers[name] >= 1.0:
            raise Wrong(f"{name} must be below 1")
    if "rate" not in numbers:
        raise Wrong("an optimiser without a rate")
    return kind(**numbers)


_SETTINGS: Mapping[str, Callable[[list[str]], object]] = {
    "epochs": _count,
    "batch": _count,
    "optimiser": _optimiser,
    "loss": lambda words: _choice(words, {loss.value: loss for loss in Loss}),
    "seed": lambda words: integer_of(_one(words), 0, 2**64 - 1),
    "precision": lambda words: _choice(words, _PRECISIONS),
    "clip": lambda words: real_of(_one(words)),
    "every": _count,
}
