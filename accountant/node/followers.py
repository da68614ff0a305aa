"""Who follows this node: whoever asked for blocks, by address and by what it calls itself.

Strangers decide what is put down here, so it is bounded in every direction: so many followers, so many names of one
address, so many characters of a name. Who has not asked for longest makes place. Nothing but display goes by it.
"""

from collections import OrderedDict

from accountant.node.wire import FollowerView

FOLLOWERS_MOST = 256
AGENTS_MOST = 8
"""Names of one address: behind one there may be several nodes, or somebody who makes names up."""
TEXT_MOST = 64
"""Characters of a name or an address."""
LATELY_S = 60
"""Who follows asks again before: a request waits for 30 seconds at most."""


class Followers:
    """Those who asked last. For one thread."""

    def __init__(self, most: int = FOLLOWERS_MOST, agents_most: int = AGENTS_MOST) -> None:
        self._most = most
        self._agents_most = agents_most
        self._seen: OrderedDict[tuple[str, str], FollowerView] = OrderedDict()

    def asked(self, address: str, agent: str, height: int, now: int) -> None:
        """Somebody asked for the blocks from a height on. `now`: Unix seconds."""
        key = (_plain(address), _plain(agent))
        known = self._seen.pop(key, None)
        if known is None:
            self._make_place(key[0])
        self._seen[key] = FollowerView(*key, height, now, 1 if known is None else known.requests + 1)

    def latest(self) -> tuple[FollowerView, ...]:
        """All that are remembered, who asked last first."""
        return tuple(reversed(self._seen.values()))

    def lately(self, now: int) -> int:
        """How many asked within the last `LATELY_S` seconds."""
        return sum(one.at >= now - LATELY_S for one in self._seen.values())

    def _make_place(self, address: str) -> None:
        same = [key for key in self._seen if key[0] == address]
        if len(same) >= self._agents_most:
            del self._seen[same[0]]
        elif len(self._seen) >= self._most:
            self._seen.popitem(last=False)


def _plain(text: str) -> str:
    return "".join(one if " " <= one <= "~" else "?" for one in text[:TEXT_MOST])
