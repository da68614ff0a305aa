"""Which locals a loop may assign."""

from accountant.language.tree import (
    Apply,
    Assert,
    Assign,
    Bind,
    Both,
    CallContract,
    Choose,
    Clear,
    Compare,
    Compute,
    Either,
    Evaluate,
    Exists,
    Expression,
    For,
    If,
    Invoke,
    ListTensors,
    Load,
    Log,
    Operate,
    Pay,
    Return,
    Statement,
    Store,
    While,
)

_Node = Statement | Expression


def assigned_in(loop: While | For) -> frozenset[int]:
    """The numbers of the locals that the loop's condition, header or body assigns."""
    found: set[int] = set()
    waiting: list[_Node] = [loop]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Assign | Bind | For):
            found.add(node.index)
        waiting.extend(_below(node))
    return frozenset(found)


def _below(node: _Node) -> tuple[_Node, ...]:
    """The statements and expressions right inside one."""
    match node:
        case Assign() | Bind() | Evaluate():
            return (node.value,)
        case Load() | Exists() | Clear():
            return node.keys
        case Store():
            return *node.keys, node.value
        case Operate():
            return node.operands
        case Compare() | Both() | Either():
            return node.left, node.right
        case Choose():
            return node.condition, node.then, node.otherwise
        case Apply():
            return node.arguments
        case Compute():
            return tuple(one for one in node.arguments if one is not None)
        case CallContract():
            value = () if node.value is None else (node.value,)
            return node.contract, *value, *node.arguments
        case Invoke():
            return _expressions(node)
        case ListTensors():
            return node.elements
        case If():
            return node.condition, *node.then, *node.otherwise
        case While():
            return node.condition, *node.body
        case For():
            return node.start, node.stop, node.step, *node.body
        case Return():
            return () if node.value is None else (node.value,)
        case Assert():
            return node.condition, node.reason
        case Log():
            return node.fields
        case Pay():
            return node.account, node.amount
    return ()


def _expressions(node: Invoke) -> tuple[Expression, ...]:
    found: list[Expression] = []
    for argument in node.arguments:
        found += argument if isinstance(argument, tuple) else () if argument is None else (argument,)
    return tuple(found)
