"""Free ports on loopback."""

import random
import socket

from accountant.primitives.errors import AccountantError

# Below the range from which Linux and others take ports for outgoing connections: a port chosen here is not taken
# by a connection that somebody opens before the server binds it.
_FIRST, _LAST = 20_000, 32_000
_ATTEMPTS = 200
_random = random.SystemRandom()


class NoFreePort(AccountantError):
    """No port on loopback could be bound."""

    code = "no_free_port"


def free_port() -> int:
    """A loopback port that nobody listens on right now."""
    for _ in range(_ATTEMPTS):
        port = _random.randint(_FIRST, _LAST)
        if is_free(port):
            return port
    raise NoFreePort(f"none of {_ATTEMPTS} ports between {_FIRST} and {_LAST} can be bound on 127.0.0.1")


def is_free(port: int) -> bool:
    """Whether `port` can be listened on, on loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
