"""Random straight-line networks in contract Python: shapes fit, every operator comes, the result is a CID of all."""

import math
import random
from collections.abc import Callable, Sequence

Shape = tuple[int, ...]
Made = tuple[str, Shape]


class Network:
    """One random function `main(seed: int) -> Cid`. `used`: the operators in it, by their names behind `nn.`."""

    def __init__(self, seed: int, statements: int = 12) -> None:
        self.random = random.Random(seed)
        self.tensors: dict[str, Shape] = {}
        self.stream = 0
        self.lines: list[str] = []
        makers = self._makers()
        for _ in range(statements):
            self._keep(*self.random.choice(makers)())
        self._train()
        self._fit()
        self._free()
        kept = self.random.sample(sorted(self.tensors), min(8, len(self.tensors)))
        body = "\n".join(f"    {line}" for line in self.lines)
        self.source = (
            "def squares(tensors: Tensors, rate: float) -> Tensor:\n"
            "    total = nn.full((), 0.0)\n"
            "    for i in range(len(tensors)):\n"
            "        total += nn.sum(tensors[i] * tensors[i]) * rate\n"
            "    return total\n\n"
            f"@export\ndef main(seed: int) -> Cid:\n    n = 0\n{body}\n"
            f"    return nn.save_all([{', '.join(kept)}, nn.full(1, nn.real(n))])\n"
        )

    def _keep(self, text: str, shape: Shape) -> str:
        name = f"t{len(self.tensors)}"
        self.lines.append(f"{name} = {text}")
        self.tensors[name] = shape
        return name

    def _train(self) -> None:
        """Gradients and a few steps of an optimiser."""
        left, right = self._new((3, 4)), self._new((4, 2))
        adam = self.random.random() < 0.5
        name = "adam" if adam else "sgd"
        rate = self.random.choice(["rate=0.01", "0.1", "nn.real(1, 30)"])
        self.lines += [
            f"state = nn.{name}_start([{left}, {right}])",
            "for i in range(3):",
            "    m = nn.mark()",
            "    w = nn.variables(nn.weights(state))",
            f"    h = {self._unary('w[0] @ w[1]')}",
            f"    loss = {self.random.choice(['nn.mean(h)', 'squares([h], 0.25)', 'squares(w, 0.5) + nn.mean(h)'])}",
            "    g = nn.clip(nn.grad(loss, w), 0.75)",
            "    n += nn.index(nn.argmax(nn.join([nn.reshape(loss, 1), nn.full(1, 0.5)])), 0) + len(state)",
            f"    state = nn.release(m, nn.{name}(state, g, {rate}))",
            "n += nn.item(nn.full((2, 1), 0.7), 1, 1e6) + nn.item(nn.softmax(nn.full(3, 1.0)), scale=1e9)",
        ]
        self._keep("state[0]", (3, 4))
        self._keep("state[-1]", (4, 2))
        self._keep("nn.grad(nn.sum(nn.tanh(state[1])), [nn.plain(state[1])])[0]", (4, 2))
        variable = self._keep("nn.variable(state[0])", (3, 4))
        self._keep(f"nn.grad(nn.sum(nn.exp({variable})), nn.append([], {variable}))[0]", (3, 4))

    def _fit(self) -> None:
        """A whole training as one operator."""
        model = self.random.choice(["linear 3 2", "linear 3 4; tanh; dropout 0.25; linear 4 2"])
        x, labels, targets = self._new((6, 3)), self._indices((6,), 2), self._new((6, 2))
        loss, answers = self.random.choice(
            [("cross_entropy", f"labels={labels}"), ("mean_squared_error", f"None, {targets}")]
        )
        optimiser = self.random.choice(["sgd rate 0.1 momentum 0.5", "adam rate 0.01"])
        settings = f"epochs 2; batch 4; optimiser {optimiser}; loss {loss}; seed 7"
        self.lines += [
            f"first = nn.init_model({model!r}, {self._draw()[:4]})",
            f"trained = nn.fit({model!r}, first, {x}, {answers}, settings={settings!r})",
            "for i in range(len(first)):",
            "    first = nn.append(first, trained[i])",
        ]
        self._keep("trained[-1]", (4,))
        self._keep("first[-1]", (2,))
        weights = "[trained[0], trained[1]]" if ";" not in model else "[trained[0], trained[1], trained[2], trained[3]]"
        self._keep(f"nn.predict({model!r}, {weights}, {self._new((5, 3))})", (5, 2))

    def _free(self) -> None:
        """Blobs, and ints of tensors."""
        name, shape = self._any()
        self.lines.append(f"n += {name}.dims + nn.dims({name}) + nn.count({name}) % 1000")
        if shape:
            self.lines.append(f"n += {name}.shape[-1] + nn.size({name}, 0)")
            self.lines.append(f"n += nn.index(nn.argmax(nn.reshape({name}, {math.prod(shape)})), 0)")
        self._keep(f"nn.load(nn.save({name}))", shape)
        self._keep(f"nn.load_all(nn.save_all([{name}, {self._any()[0]}]))[-2]", shape)

    # Operands

    def _number(self) -> str:
        pick = ["0.5", "-1.25", "2", "1e-3", "0.1", "-0.0", "nn.real(1, 3)", "nn.real(seed)", "3.4e38", "1e-40"]
        return self.random.choice(pick)

    def _literal(self) -> str:
        return self.random.choice(["0.5", "1.25", "2", "1e-3", "0.1"])

    def _draw(self) -> str:
        self.stream += 1
        return f"seed, {self.stream}"

    def _new(self, shape: Shape) -> str:
        """A tensor of this shape: one that is there, or a new one."""
        known = [name for name, of in self.tensors.items() if of == shape]
        if known and self.random.random() < 0.5:
            return self.random.choice(known)
        makers = [
            f"nn.uniform({self._draw()}, {shape}, -1.0, 1.0)",
            f"nn.normal({self._draw()}, {shape}, deviation=0.5)",
            f"nn.init({self._draw()}, {shape})",
            f"nn.full({shape}, {self._literal()})",
        ]
        if shape and math.prod(shape) < 200:
            data = bytes(self.random.randrange(256) for _ in range(2 * math.prod(shape)))
            makers.append(f"nn.of_ints({shape}, {data!r}, width=2)")
        return self._keep(self.random.choice(makers), shape)

    def _shape(self, dims: int | None = None) -> Shape:
        dims = self.random.randrange(1, 4) if dims is None else dims
        return tuple(self.random.randrange(1, 6) for _ in range(dims))

    def _any(self, least: int = 0) -> Made:
        """A tensor with at least so many dimensions."""
        known = [name for name, shape in self.tensors.items() if len(shape) >= least and math.prod(shape) < 2000]
        if known and self.random.random() < 0.7:
            name = self.random.choice(known)
            return name, self.tensors[name]
        shape = self._shape(max(least, 1) + self.random.randrange(2))
        return self._new(shape), shape

    def _axis(self, shape: Shape) -> int:
        return self.random.randrange(-len(shape), len(shape))

    def _indices(self, shape: Shape, below: int) -> str:
        data = bytes(self.random.randrange(min(below, 128)) for _ in range(math.prod(shape)))
        made = f"nn.indices_of_ints({shape}, {data!r})"
        if self.random.random() < 0.3:
            return f"nn.indices(nn.of_ints({shape}, {data!r}, 1))"
        return made

    def _unary(self, text: str) -> str:
        names = ["sqrt", "exp", "log", "sigmoid", "tanh", "relu", "gelu", "negative", "softmax", "log_softmax"]
        return f"nn.{self.random.choice(names)}({text})"

    # Operators: each gives a text and the shape of what it makes

    def _makers(self) -> Sequence[Callable[[], Made]]:
        return [
            *(self._elementwise, self._elementwise, self._with_number, self._one, self._one, self._one),
            *(self._reduced, self._largest, self._product, self._convolved, self._convolved1, self._attended),
            *(self._pooled, self._resized, self._normalised, self._batch, self._lost, self._ctc),
            *(self._picked, self._gathered, self._hot, self._reshaped, self._moved, self._joined, self._dropped),
        ]

    def _elementwise(self) -> Made:
        left, shape = self._any(1)
        right = self._new(self.random.choice([shape, shape[-1:], (*shape[:-1], 1)]))
        name, sign = self.random.choice([("add", "+"), ("subtract", "-"), ("multiply", "*"), ("divide", "/")])
        text = f"{left} {sign} {right}" if self.random.random() < 0.6 else f"nn.{name}({left}, {right})"
        return text, shape

    def _with_number(self) -> Made:
        name, shape = self._any()
        number, literal = self._number(), self._literal()
        texts = [
            *(f"{name} * {number}", f"{name} + {number}", f"{number} * {name}", f"{number} + {name}"),
            *(f"{number} - {name}", f"{name} - {literal}", f"nn.scale({name}, {number})"),
            *(f"nn.shift({name}, number={number})", f"-{name}"),
        ]
        return self.random.choice(texts), shape

    def _one(self) -> Made:
        name, shape = self._any(1)
        return self._unary(name), shape

    def _reduced(self) -> Made:
        name, shape = self._any(1)
        axis, keep = self.random.randrange(len(shape)), self.random.random() < 0.5
        every = self.random.random() < 0.3
        of = f"nn.{self.random.choice(['sum', 'mean'])}({name}"
        axes = set(range(len(shape))) if every else {axis}
        after = tuple(1 if at in axes else size for at, size in enumerate(shape) if keep or at not in axes)
        chosen = "" if every else f", {self.random.choice([str(axis), f'({axis},)', f'axes={axis - len(shape)}'])}"
        return f"{of}{chosen}{', keep=True' if keep else ''})", after

    def _largest(self) -> Made:
        name, shape = self._any(1)
        axis = self._axis(shape)
        at = axis % len(shape)
        return f"nn.max({name}, {axis})", shape[:at] + shape[at + 1 :]

    def _product(self) -> Made:
        left, shape = self._any(2)
        columns = self.random.randrange(1, 5)
        right = self._new((shape[-1], columns))
        texts = [f"{left} @ {right}", f"nn.matmul({left}, {right})", f"nn.matmul({left}, {right}, precision=8)"]
        return self.random.choice(texts), (*shape[:-1], columns)

    def _convolved(self) -> Made:
        groups = self.random.choice([1, 1, 2])
        shape, outputs, kernel = (2, 2 * groups, 6, 5), 2 * groups, self.random.choice([1, 2, 3])
        x, weight = self._new(shape), self._new((outputs, 2, kernel, kernel))
        bias = self.random.choice(["", "", f", {self._new((outputs,))}", ", None", f", bias={self._new((outputs,))}"])
        stride, padding = self.random.choice([1, 2]), self.random.choice([0, 1]) if kernel > 1 else 0
        pair = self.random.choice([str(padding), f"({padding}, {padding})"])
        out = tuple((size + 2 * padding - kernel) // stride + 1 for size in shape[2:])
        more = f"{bias}, stride={stride}, padding={pair}, groups={groups}, precision={self.random.choice([20, 8])}"
        return f"nn.conv2d({x}, {weight}{more})", (2, outputs, *out)

    def _convolved1(self) -> Made:
        x, weight = self._new((2, 3, 7)), self._new((4, 3, 2))
        return f"nn.conv1d({x}, {weight}, None, 2, 1)", (2, 4, 4)

    def _attended(self) -> Made:
        query, key, value = self._new((2, 4, 3)), self._new((2, 5, 3)), self._new((2, 5, 2))
        causal = self.random.choice(["", ", True", ", causal=seed > 3, precision=8"])
        return f"nn.attention({query}, {key}, {value}{causal})", (2, 4, 2)

    def _pooled(self) -> Made:
        x, name = self._new((1, 2, 6, 6)), self.random.choice(["max_pool", "mean_pool"])
        texts = [
            (f"nn.{name}({x}, 2)", 3),
            (f"nn.{name}({x}, (2, {x}.shape[1]))", 3),
            (f"nn.{name}({x}, 3, stride=1, padding=1)", 6),
            (f"nn.{name}({x}, {x}.shape[1], None)", 3),
        ]
        text, size = self.random.choice(texts)
        return text, (1, 2, size, size)

    def _resized(self) -> Made:
        x, name = self._new((1, 2, 4, 5)), self.random.choice(["nearest", "bilinear"])
        return f"nn.{name}({x}, (3, 7))", (1, 2, 3, 7)

    def _normalised(self) -> Made:
        name, shape = self._any(1)
        weight, bias = self._new(shape[-1:]), self._new(shape[-1:])
        more = self.random.choice(["", f", {weight}", f", None, {bias}", f", {weight}, {bias}, epsilon=0.1"])
        axis = self._axis(shape)
        texts = [f"nn.layer_norm({name}{more})", f"nn.softmax({name}, {axis})", f"nn.log_softmax({name}, axis={axis})"]
        return self.random.choice(texts), shape

    def _batch(self) -> Made:
        x, parameters = self._new((3, 2, 4)), ", ".join(self._new((2,)) for _ in range(4))
        if self.random.random() < 0.4:
            return f"nn.batch_norm_fixed({x}, {parameters})", (3, 2, 4)
        at = self.random.randrange(3)
        return f"nn.batch_norm({x}, {parameters}, momentum=0.2)[{at}]", (3, 2, 4) if at == 0 else (2,)

    def _lost(self) -> Made:
        x, other = self._new((4, 3)), self._new((4, 3))
        labels = self._indices((4,), 3)
        texts = [f"nn.cross_entropy({x}, {labels})", f"nn.mean_squared_error({x}, {other})"]
        return self.random.choice(texts), ()

    def _ctc(self) -> Made:
        x = self._keep(f"nn.log_softmax({self._new((5, 2, 4))})", (5, 2, 4))
        targets = self._indices((2, 2), 3)
        return f"nn.ctc_loss({x}, {targets}, {_bytes(5, 4)}, {_bytes(2, 1)}, blank=3)", (2,)

    def _picked(self) -> Made:
        name, shape = self._any(1)
        axis = self._axis(shape)
        at = axis % len(shape)
        if self.random.random() < 0.3:
            return f"nn.embedding({self._new((5, 3))}, {self._indices((2, 2), 5)})", (2, 2, 3)
        if self.random.random() < 0.4:
            return f"nn.take({name}, {axis}, nn.permutation({self._draw()}, {shape[at]}))", shape
        return f"nn.take({name}, {axis}, {self._indices((3,), shape[at])})", (*shape[:at], 3, *shape[at + 1 :])

    def _gathered(self) -> Made:
        name, shape = self._any(1)
        at = self.random.randrange(len(shape))
        picked = (*shape[:at], 2, *shape[at + 1 :])
        indices = self._indices(picked, shape[at])
        if self.random.random() < 0.5:
            return f"nn.gather({name}, {at}, {indices})", picked
        return f"nn.scatter_add({name}, {at}, {indices}, {self._new(picked)})", shape

    def _hot(self) -> Made:
        name, shape = self._any(1)
        axis = self._axis(shape)
        at = axis % len(shape)
        size = shape[at] + 1
        return f"nn.one_hot(nn.argmax({name}, {axis}), {size})", (*shape[:at], *shape[at + 1 :], size)

    def _reshaped(self) -> Made:
        name, shape = self._any(1)
        count = math.prod(shape)
        texts: list[Made] = [
            (f"nn.reshape({name}, {count})", (count,)),
            (f"nn.reshape({name}, (1, {count}))", (1, count)),
            (f"nn.reshape({name}, (nn.count({name}), 1))", (count, 1)),
            (f"nn.expand({name}, (2, *SIZES))".replace("*SIZES", ", ".join(map(str, shape))), (2, *shape)),
        ]
        return self.random.choice(texts)

    def _moved(self) -> Made:
        name, shape = self._any(2)
        order = list(range(len(shape)))
        self.random.shuffle(order)
        at = self.random.randrange(len(shape))
        begin = self.random.randrange(shape[at])
        sliced = (*shape[:at], shape[at] - begin, *shape[at + 1 :])
        padded = (*shape[:at], shape[at] + 3, *shape[at + 1 :])
        texts: list[Made] = [
            (f"nn.transpose({name}, {tuple(order)})", tuple(shape[axis] for axis in order)),
            (f"nn.slice({name}, {at}, {begin}, {name}.shape[{at}])", sliced),
            (f"nn.pad({name}, {at}, before=1, after=2)", padded),
        ]
        return self.random.choice(texts)

    def _joined(self) -> Made:
        name, shape = self._any(1)
        return f"nn.join([{name}, {self._new(shape)}, {name}], -1)", (*shape[:-1], 3 * shape[-1])

    def _dropped(self) -> Made:
        name, shape = self._any()
        return f"nn.dropout({name}, 0.25, {self._draw()})", shape


def _bytes(*numbers: int) -> str:
    return f"nn.indices_of_ints({len(numbers)}, {bytes(numbers)!r})"
