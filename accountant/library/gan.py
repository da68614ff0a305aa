"""An artist that is a network: trained against a critic within transactions, its images are tokens.

Generator and critic learn from published images (Goodfellow et al., Generative Adversarial Networks). A token is a
number, and the seed of its image, which follows from it and from the generator as it was when somebody minted it.
"""

from accountant.language import (
    Account,
    Cid,
    Event,
    Map,
    Tensor,
    Tensors,
    caller,
    deployer,
    direct,
    export,
    log,
    memory,
    nn,
    only,
    view,
)

PIXELS = 64
KINDS = 10
"""What an image can show: the labels of the training images."""
NOISE = 8
HIDDEN = 128
BATCH = 64
RATE = 0.003
MOMENTUM = 0.5
"""Of Adam's means; 0.9 would have generator and critic run around each other."""
GENERATOR = 4
"""So many of the weights are the generator's."""

weights: Cid
"""Generator and critic."""
steps: int
"""That both were trained for; 0: there is no generator yet."""
owners: Map[int, Account]
images: Map[int, Cid]


class Trained(Event):
    """Both networks learnt; losses of the last step, in millionths."""

    steps: int
    weights: Cid
    generator: int
    critic: int


class Transfer(Event):
    """A token has a new owner; at first, with the image."""

    token: int
    to: Account
    image: Cid


def layer(seed: int, stream: int, inputs: int, outputs: int) -> Tensor:
    """Weights [inputs, outputs] to begin with."""
    return nn.transpose(nn.init(seed, stream, (outputs, inputs)), (1, 0))


def first(seed: int) -> Tensors:
    """Weights of generator and critic before any training."""
    ours: Tensors = [layer(seed, 0, NOISE + KINDS, HIDDEN), nn.full(HIDDEN, 0.0)]
    ours = nn.append(nn.append(ours, layer(seed, 1, HIDDEN, PIXELS)), nn.full(PIXELS, 0.0))
    ours = nn.append(nn.append(ours, layer(seed, 2, PIXELS + KINDS, HIDDEN)), nn.full(HIDDEN, 0.0))
    return nn.append(nn.append(ours, layer(seed, 3, HIDDEN, 2)), nn.full(2, 0.0))


def drawn(w: Tensors, noise: Tensor, kinds: Tensor) -> Tensor:
    """Images [N, PIXELS] from 0 to 1."""
    hidden = nn.relu(nn.join([noise, kinds], 1) @ w[0] + w[1])
    return nn.sigmoid(hidden @ w[2] + w[3])


def judged(w: Tensors, pixels: Tensor, kinds: Tensor) -> Tensor:
    """What the critic says: logits of "drawn" and "real", [N, 2]."""
    hidden = nn.join([pixels, kinds], 1) @ w[GENERATOR] + w[GENERATOR + 1]
    return nn.relu(hidden) @ w[GENERATOR + 2] + w[GENERATOR + 3]


@export
@direct
@only(deployer)
@memory(2**26)
def train(pixels: Cid, labels: Cid, epochs: int, seed: int) -> int:
    """Goes through images [N, PIXELS] from 0 to 1 so many times more. The critic's last loss × 1,000,000.

    Both networks learn in each step, from the same drawn images. Adam begins anew with each call.
    """
    global weights, steps
    real = nn.load(pixels)
    shown = nn.one_hot(nn.indices(nn.load(labels)), KINDS)
    assert epochs > 0 and real.shape[0] >= BATCH, "nothing to learn from"
    yes = nn.indices(nn.full(BATCH, 1.0))
    no = nn.indices(nn.full(BATCH, 0.0))
    step = steps
    ours = 0
    theirs = 0
    state = nn.adam_start(first(seed) if steps == 0 else nn.load_all(weights))
    start = nn.mark()
    for _epoch in range(epochs):
        order = nn.permutation(seed, 8 + 2 * step, real.shape[0])
        mixed = nn.take(real, 0, order)
        kinds = nn.take(shown, 0, order)
        mark = nn.mark()
        for batch in range(real.shape[0] // BATCH):
            seen = nn.slice(mixed, 0, batch * BATCH, batch * BATCH + BATCH)
            kind = nn.slice(kinds, 0, batch * BATCH, batch * BATCH + BATCH)
            w = nn.variables(nn.weights(state))
            fake = drawn(w, nn.normal(seed, 9 + 2 * step, (BATCH, NOISE)), kind)
            fooled = nn.cross_entropy(judged(w, fake, kind), yes)
            told = nn.cross_entropy(judged(w, seen, kind), yes)
            told = told + nn.cross_entropy(judged(w, nn.plain(fake), kind), no)
            ours = nn.item(fooled, scale=1e6)
            theirs = nn.item(told, scale=1e6)
            state = nn.release(mark, nn.adam(state, gradients(fooled, told, w), RATE, MOMENTUM))
            step += 1
        state = nn.release(start, state)
    weights = nn.save_all(nn.weights(state))
    steps = step
    log(Trained(steps, weights, ours, theirs))
    return theirs


def gradients(fooled: Tensor, told: Tensor, w: Tensors) -> Tensors:
    """The generator's of its own loss, the critic's of its."""
    found = nn.grad(fooled, w)
    critic = nn.grad(told, w)
    joined: Tensors = []
    for i in range(len(w)):
        joined = nn.append(joined, found[i] if i < GENERATOR else critic[i])
    return joined


@export
@direct
def mint(token: int) -> Cid:
    """Draws the image of a number for the caller, who owns it from then on. The last digit says what it shows."""
    assert token >= 0 and token not in owners, "somebody owns it"
    assert steps > 0, "there is no generator yet"
    kind = nn.one_hot(nn.indices(nn.full(1, nn.real(token % KINDS))), KINDS)
    image = nn.save(drawn(nn.load_all(weights), nn.normal(token, 0, (1, NOISE)), kind))
    owners[token] = caller()
    images[token] = image
    log(Transfer(token, caller(), image))
    return image


@export
@direct
def transfer(token: int, to: Account) -> None:
    """Gives a token away."""
    assert token in owners and owners[token] == caller(), "not yours"
    owners[token] = to
    log(Transfer(token, to, images[token]))


@view
def owner_of(token: int) -> Account:
    """Whose it is; zeros where there is no such token."""
    return owners[token]


@view
def image_of(token: int) -> Cid:
    """The file with its image [1, PIXELS]."""
    return images[token]


@view
def trained() -> int:
    """Steps that the networks were trained for."""
    return steps
