"""A small language model: trained on a text within one transaction, and asked to go on with a text by views.

It reads and writes bytes of ASCII. A transformer of one block; one operator trains it (`nn.fit`), so that whoever
executes the training keeps checkpoints.
"""

from accountant.language import Cid, Event, Tensors, deployer, direct, export, log, memory, nn, only, view

SYMBOLS = 128
"""ASCII."""
CONTEXT = 24
"""Symbols that the model sees before the next one."""
MODEL = (
    "embedding 128 32; position 24 32; residual { attention 32 4 causal };"
    "residual { layer_norm 32; feed_forward 32 64 }; layer_norm 32; linear 32 128"
)
SETTINGS = "; batch 16; optimiser adam rate 0.003; loss next_token; clip 1.0; every 100"
GENERATED_MOST = 512

weights: Cid


class Trained(Event):
    """The model was trained anew; the loss of the last step, in millionths of a nat."""

    weights: Cid
    losses: Cid
    loss: int


@export
@direct
@only(deployer)
@memory(2**27)
def train(text: bytes, epochs: int, seed: int) -> int:
    """Trains a new model on a text. The last step's loss × 1,000,000, per symbol.

    It sees the text in windows of one symbol more than the context, one beginning at each symbol.
    """
    global weights
    assert len(text) > CONTEXT, "the text is shorter than what the model sees"
    windows = b""
    count = 0
    for start in range(len(text) - CONTEXT):
        windows += text[start : start + CONTEXT + 1]
        count += 1
    settings = "epochs " + str(epochs) + "; seed " + str(seed) + SETTINGS
    data = nn.of_ints((count, CONTEXT + 1), windows)
    trained = nn.fit(MODEL, nn.init_model(MODEL, seed), data, settings=settings)
    found: Tensors = []
    for i in range(len(trained) - 1):
        found = nn.append(found, trained[i])
    kept = nn.save_all(found)
    weights = kept
    losses = trained[-1]
    loss = nn.item(losses, nn.count(losses) - 1, 1e6)
    log(Trained(kept, nn.save(losses), loss))
    return loss


@view
def generate(prompt: bytes, symbols: int, seed: int, warmth: int) -> bytes:
    """Goes on with a text; the same seed, the same text. `warmth`: hundredths of the temperature, 0: the likeliest.

    The symbol with the largest logit + temperature × Gumbel noise is one drawn by softmax(logits ÷ temperature).
    """
    assert len(prompt) > 0, "it goes on with something"
    assert 0 <= symbols <= GENERATED_MOST and 0 <= warmth <= 1000, "too much"
    model = nn.load_all(weights)
    uniform = nn.uniform(seed, 0, (symbols, SYMBOLS), 1e-6, 0.999999)
    noise = nn.log(nn.negative(nn.log(uniform))) * nn.real(-warmth, 100)
    text = prompt
    for place in range(symbols):
        mark = nn.mark()
        seen = text[max(0, len(text) - CONTEXT) :]
        said = nn.predict(MODEL, model, nn.of_ints((1, len(seen)), seen))
        last = nn.slice(said, 1, len(seen) - 1, len(seen)) + nn.slice(noise, 0, place, place + 1)
        text += nn.index(nn.argmax(last), 0).to_bytes(1, "big")
        nn.release(mark, [])
    return text
