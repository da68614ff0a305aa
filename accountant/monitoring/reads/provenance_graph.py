"""The provenance of one transaction as a graph: columns of steps back, opened where somebody asked for it."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from accountant.execution.port import OutcomeStore
from accountant.index.port import ChainIndex
from accountant.monitoring.reads.provenance import Provenance, Source, provenance
from accountant.primitives.types import Hash, Seq

OPENED_MOST = 24
"""Transactions that are opened at once."""
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)

COLUMN, ROW, WIDTH, HEIGHT = 300, 46, 260, 38
"""Of the picture, in its own units."""


@dataclass
class Node:
    """A transaction, or another source, in its place; `step`: what is known of an opened one."""

    key: str
    source: Source | None
    depth: int
    row: float = 0.0
    step: Provenance | None = None
    children: list["Node"] = field(default_factory=list)
    again: bool = False
    """Whether the same transaction is opened elsewhere in the graph."""
    toggled: str = ""
    """The opened transactions after a click on this one."""

    @property
    def x(self) -> int:
        """The left side."""
        return self.depth * COLUMN

    @property
    def y(self) -> int:
        """The upper side."""
        return round(self.row * ROW)


class Edge(NamedTuple):
    """A line from what rests on something to that."""

    x1: int
    y1: int
    x2: int
    y2: int


class Graph(NamedTuple):
    """The picture, and the same as a tree for lists."""

    root: Node
    nodes: list[Node]
    edges: list[Edge]
    width: int
    height: int
    everything_opened: bool
    """Whether no more can be opened at once."""


def opened_hashes(text: str) -> list[str]:
    """The transactions to open, by their hashes in hex, each once; what is no hash is ignored."""
    parts = text[: OPENED_MOST * 68].lower().replace("0x", "").split(",")
    return list(dict.fromkeys(part for part in parts if _HASH.fullmatch(part)))[:OPENED_MOST]


def graph_of(index: ChainIndex, outcomes: OutcomeStore, seq: Seq, opened: list[str]) -> Graph:
    """The graph behind a transaction, which must exist: its own sources, and those of the opened ones reached."""
    root = Node(index.transaction(seq).hash.hex(), None, 0)
    nodes: list[Node] = []
    wanted = {root.key, *opened}
    done: set[str] = set()
    rows = 0.0
    stack: list[tuple[Node, bool]] = [(root, False)]
    while stack:  # its own stack: how deep somebody opens is theirs to say
        node, left = stack.pop()
        if left:
            node.row = (node.children[0].row + node.children[-1].row) / 2
            continue
        nodes.append(node)
        node.toggled = _toggled(opened, node.key)
        if node.key in wanted and node.key not in done:
            done.add(node.key)
            number = index.seq_of(Hash(bytes.fromhex(node.key)))
            assert number is not None or node is not root
            if number is not None:
                node.step = provenance(index, outcomes, number)
                node.children = [
                    Node("" if one.hash is None else one.hash.hex(), one, node.depth + 1) for one in node.step.sources
                ]
        else:
            node.again = node.key in done
        if node.children:
            stack.append((node, True))
            stack.extend((child, False) for child in reversed(node.children))
        else:
            node.row = rows
            rows += 1
    edges = [
        Edge(node.x + WIDTH, node.y + HEIGHT // 2, child.x, child.y + HEIGHT // 2)
        for node in nodes
        for child in node.children
    ]
    width = max(node.x for node in nodes) + WIDTH
    return Graph(root, nodes, edges, width, max(node.y for node in nodes) + HEIGHT, len(opened) >= OPENED_MOST)


def _toggled(opened: list[str], key: str) -> str:
    rest = [one for one in opened if one != key] if key in opened else [*opened, key]
    return ",".join(rest)
