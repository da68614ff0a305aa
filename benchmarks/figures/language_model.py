"""How `library/language_model.py` learns: `python -m benchmarks.figures.language_model` writes `language_model.svg`.

EPOCHS epochs (11) over the beginning of Alice's Adventures in Wonderland (Lewis Carroll, 1865), in one transaction;
then what three seeds make of a prompt is printed.
"""

import os
import struct
from pathlib import Path

import accountant.library
from accountant.sandbox import Chain
from accountant.tensors.files import read_tensors
from benchmarks.figures.drawing import FOLDER, Axes, Line, lines_svg

TEXT = (
    b"Alice was beginning to get very tired of sitting by her sister on the bank, and of having nothing to do: "
    b"once or twice she had peeped into the book her sister was reading, but it had no pictures or conversations "
    b"in it, 'and what is the use of a book,' thought Alice 'without pictures or conversations?' So she was "
    b"considering in her own mind (as well as she could, for the hot day made her feel very sleepy and stupid), "
    b"whether the pleasure of making a daisy-chain would be worth the trouble of getting up and picking the "
    b"daisies, when suddenly a White Rabbit with pink eyes ran close by her."
)


def main() -> None:
    """Trains, asks, draws."""
    epochs = int(os.environ.get("EPOCHS", "11"))
    chain = Chain()
    alice = chain.account("alice")
    model = chain.deploy(Path(accountant.library.__path__[0]) / "language_model.py", sender=alice)
    trained = model.train(TEXT, epochs, 7, sender=alice, gas=10**14)
    (event,) = trained.events
    assert isinstance(event.losses, bytes)
    (kept,) = read_tensors(chain.blob(event.losses))
    losses = [loss for (loss,) in struct.iter_unpack("<f", kept.to_bytes())]
    print(
        f"{len(TEXT)} symbols, {len(losses)} steps, {trained.gas_used:,} gas; {losses[0]:.3f} to {losses[-1]:.3f} nats"
    )
    for seed, warmth in ((1, 0), (1, 50), (2, 50), (3, 100)):
        print(seed, warmth, model.generate(b"Alice was ", 24, seed, warmth))
    axes = Axes("Learning a text in one transaction", "step", "loss, nats for each symbol")
    (FOLDER / "language_model.svg").write_text(lines_svg(axes, [Line("next symbol", 1, losses)]))


if __name__ == "__main__":
    main()
