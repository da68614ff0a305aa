"""From the bytes of a source to the checked tree, or to the first error in it."""

from accountant.language.checking.declarations import read_declarations
from accountant.language.checking.effects import check_calls, check_views
from accountant.language.checking.scope import Frame, Signature
from accountant.language.checking.source import Source
from accountant.language.checking.statement_checker import StatementChecker
from accountant.language.tree import Contract, EventType, Function, Interface, Variable


def check(source: bytes, file: str) -> Contract:
    """The checked contract. `file` is only for messages. Raises `ContractError`, and nothing else."""
    read = Source(source, file)
    module, documentation = read_declarations(read)
    symbols = module.symbols.values()
    functions: list[Function] = []
    frames: dict[str, Frame] = {}
    for signature in symbols:
        if isinstance(signature, Signature):
            function, frames[signature.name] = StatementChecker(module, signature).function()
            functions.append(function)
    check_calls(read, frames)
    check_views(read, frames)
    return Contract(
        file=file,
        source=source,
        variables=tuple(symbol for symbol in symbols if isinstance(symbol, Variable)),
        events=tuple(symbol for symbol in symbols if isinstance(symbol, EventType)),
        interfaces=tuple(symbol for symbol in symbols if isinstance(symbol, Interface)),
        functions=tuple(functions),
        documentation=documentation,
    )
