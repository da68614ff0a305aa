"""The images that `library/gan.py` mints: `python -m benchmarks.figures.gan` writes `docs/figures/gan.png`.

CALLS transactions of EPOCHS epochs each train over the digits (4 and 10: two minutes on a core). Each row shows one
digit: on the left two images that were learnt from, then ten that were minted, in the order of their numbers, none
left out.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

import accountant.library
from accountant.sandbox import Chain
from accountant.tensors import Tensor
from accountant.tensors.files import read_tensors, write_file
from benchmarks.figures.drawing import FOLDER, grey_png
from tests.support.real_data import digits

SIDE, KINDS, EACH = 8, 10, 10
LIGHT = 90
"""Grey of the frames."""


def framed(pixels: Sequence[float]) -> np.ndarray:
    """An image within a frame; pixels from 0 to 1."""
    grey = np.rint(np.clip(np.array(pixels).reshape(SIDE, SIDE), 0, 1) * 255)
    return np.pad(grey.astype(int), 1, constant_values=LIGHT)


def main() -> None:
    """Trains, mints, draws."""
    calls, epochs = (int(os.environ.get(name, known)) for name, known in (("CALLS", 4), ("EPOCHS", 10)))
    learnt = digits().learnt
    pixels = [pixel / 16 for image in learnt.features for pixel in image]
    chain = Chain()
    alice = chain.account("alice")
    images = chain.publish(write_file([Tensor.of(pixels, (len(learnt.labels), SIDE * SIDE))]), sender=alice)
    labels = chain.publish(learnt.labels_file(), sender=alice)
    gan = chain.deploy(Path(accountant.library.__path__[0]) / "gan.py", sender=alice)
    for call in range(calls):
        trained = gan.train(images, labels, epochs, 7 + call, sender=alice, gas=10**14)
        print(f"{gan.trained()} steps, {trained.gas_used:,} gas, {trained.events[0]}", flush=True)
    judge = KNeighborsClassifier(5).fit(np.array(learnt.features) / 16, learnt.labels)
    recognised = [0] * KINDS
    rows = []
    for kind in range(KINDS):
        real = [image for image, label in zip(learnt.features, learnt.labels, strict=True) if label == kind][:2]
        parts = [framed([pixel / 16 for pixel in image]) for image in real]
        parts.append(np.full((SIDE + 2, SIDE // 2), LIGHT))
        for token in range(kind, KINDS * EACH, KINDS):
            minted = gan.mint(token, sender=alice)
            (image,) = read_tensors(chain.blob(minted.returned))
            drawn = np.frombuffer(image.to_bytes(), "<f4")
            recognised[kind] += int(judge.predict(drawn.reshape(1, -1))[0] == kind)
            parts.append(framed(drawn.tolist()))
        rows.append(np.hstack(parts))
    print(
        f"mint: {minted.gas_used:,} gas; of {EACH} images of each digit, five nearest neighbours recognise {recognised}"
    )
    (FOLDER / "gan.png").write_bytes(grey_png(np.vstack(rows).tolist(), 5))


if __name__ == "__main__":
    main()
