"""Free ports on loopback."""

import errno
import random
import socket

from accountant.primitives.errors import AccountantError

LOOPBACK = "127.0.0.1"

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
    raise NoFreePort(f"none of {_ATTEMPTS} ports between {_FIRST} and {_LAST} can be bound on {LOOPBACK}")


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether `port` can be listened on. True where `host` is no address of ours: who listens there says more."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno not in (errno.EADDRINUSE, errno.EACCES)
        return True
