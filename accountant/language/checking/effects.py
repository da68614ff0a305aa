"""Who calls whom: no function reaches itself, and nothing that a view reaches changes anything."""

from accountant.language.checking.scope import Frame
from accountant.language.checking.source import Source

CALLS_MOST = 32
"""How deep calls among a contract's own functions may nest."""


def check_calls(source: Source, frames: dict[str, Frame]) -> None:
    """Raises `ContractError` at a call that closes a cycle or nests too deep."""
    depths: dict[str, int] = {}
    for name in frames:
        _visit(source, frames, name, depths)


def check_views(source: Source, frames: dict[str, Frame]) -> None:
    """Raises `ContractError` where a view changes something. There are no cycles of calls."""
    changing = _changing(frames)
    for frame in frames.values():
        signature = frame.signature
        if signature.export is None or not signature.export.view:
            continue
        instead = "write @export instead of @view"
        for effect in frame.effects[:1]:
            raise source.error(effect.at, f"{signature.name} is a view and {effect.what}", instead)
        for callee, at in frame.calls.items():
            if callee in changing:
                what = f"{signature.name} is a view and calls {callee}, which {changing[callee]}"
                raise source.error(at, what, instead)


def _visit(source: Source, frames: dict[str, Frame], start: str, depths: dict[str, int]) -> None:
    """Depth first from one function, without recursion: chains may be as long as the source."""
    path: list[str] = []
    on_path: set[str] = set()
    waiting: list[tuple[str, bool]] = [(start, False)]
    while waiting:
        name, is_done = waiting.pop()
        if is_done:
            path.pop()
            on_path.remove(name)
            depths[name] = 1 + max((depths[callee] for callee in frames[name].calls), default=0)
            if depths[name] > CALLS_MOST:
                at = next(at for callee, at in frames[name].calls.items() if depths[callee] == depths[name] - 1)
                raise source.error(at, f"calls more than {CALLS_MOST} deep", "let each function do more itself")
            continue
        if name in depths:
            continue
        path.append(name)
        on_path.add(name)
        waiting.append((name, True))
        for callee, at in reversed(frames[name].calls.items()):
            if callee in on_path:
                shown = " calls ".join([*path[path.index(callee) :][:8], callee])
                raise source.error(at, f"recursion: {shown}", "write a loop")
            if callee not in depths:
                waiting.append((callee, False))


def _changing(frames: dict[str, Frame]) -> dict[str, str]:
    """Functions that change something, and what (their own first effect, or that of a function they reach)."""
    callers: dict[str, list[str]] = {}
    for name, frame in frames.items():
        for callee in frame.calls:
            callers.setdefault(callee, []).append(name)
    changing = {name: frame.effects[0].what for name, frame in frames.items() if frame.effects}
    waiting = list(changing)
    while waiting:
        name = waiting.pop()
        for caller in callers.get(name, []):
            if caller not in changing:
                changing[caller] = changing[name]
                waiting.append(caller)
    return changing
